# SPDX-License-Identifier: MIT
"""What a person has to know though no window is open, as a pure function of two statuses.

Nothing that is routine, nothing that the person has just asked for, and no numbers that change: what is told again and
again with the same words is shown once.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from vramswap_gui.api.status import Cause, State, Status
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.settings import Config
from vramswap_gui.tray.desktop import Urgency
from vramswap_gui.tray.i18n import tr, worded

#: Others are faster, or the person changed their mind: nothing is broken.
_ROUTINE: Final = (ErrorCode.OUT_OF_VRAM, ErrorCode.CANCELLED, ErrorCode.BUSY)
#: With these, pages that are in VRAM may be lost.
_DANGER: Final = (ErrorCode.SERVER_FAILED, ErrorCode.NO_GPU, ErrorCode.NO_DRIVER)


class Action(enum.StrEnum):
    """What the button does; ``NONE``: there is none."""

    NONE = ""
    TURN_ON = "turn-on"
    TURN_OFF = "turn-off"


@dataclass(frozen=True, slots=True)
class News:
    """A notification. One of the same ``kind`` takes its place; ``label`` is the button's."""

    kind: str
    title: str
    text: str
    urgency: Urgency = Urgency.NORMAL
    action: Action = Action.NONE
    label: str = ""


def news(before: Status | None, now: Status, config: Config, *, asked: bool = False) -> News | None:
    """What is new in ``now``. ``before`` is None when nothing was known; ``asked``: a person's request is under way."""
    if asked:
        return None
    before = before or Status()
    if now.error is not None and (before.error is None or now.error.code is not before.error.code):
        return _trouble(now, now.error)
    if now.cause is before.cause or not before.size:
        return None
    if now.cause is Cause.BATTERY:
        return _battery(now, config)
    if now.cause is Cause.GAME:
        return News("game", tr("VRAM is given back"), tr("A game is running and gets all of it."), Urgency.LOW)
    return None


def _trouble(now: Status, error: VramswapError) -> News | None:
    code = error.code
    if code in _ROUTINE:
        return None
    text = f"{worded(error)} {worded(error.advice)}".replace("`", "").strip()
    if code is ErrorCode.WONT_FIT:
        text = tr("The pages in VRAM fit neither into memory nor into other swap. Close programs, then try again.")
    if now.segments and code in _DANGER:
        title, label = tr("The swap in VRAM is in danger"), tr("Turn it off now")
        return News("danger", title, text, Urgency.CRITICAL, Action.TURN_OFF, label)
    if now.segments and now.cause is Cause.SLEEP:
        return News("stuck", tr("The computer did not go to sleep"), text, Urgency.CRITICAL)
    if now.segments:
        return News("stuck", tr("VRAM cannot be given back"), text)
    return News("failed", tr("VRAM cannot be lent"), text) if now.state is State.FAILED else None


def _battery(now: Status, config: Config) -> News:
    if config.only_on_ac:
        why = tr("The computer runs on battery.")
    else:
        why = tr("The battery is below {floor} %.").format(floor=config.battery_floor)
    if now.used:
        what = tr("What is in VRAM comes back into memory, which can take a moment.")
    else:
        what = tr("No VRAM is lent until that changes.")
    title = tr("The swap in VRAM turns off")
    return News("battery", title, f"{why} {what}", action=Action.TURN_ON, label=tr("Use it all the same"))
