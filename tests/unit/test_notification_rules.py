# SPDX-License-Identifier: MIT
"""What is told to a person, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.errors import failure
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, Segment, State, Status
from vramswap_gui.errors import ErrorCode
from vramswap_gui.settings import Config
from vramswap_gui.tray.desktop import Urgency
from vramswap_gui.tray.notification_rules import Action, News, news
from vramswap_gui.units import GIB, MIB

OFF = Status(State.OFF)
ON = Status(
    State.ON, Reason.of(ReasonCode.LENT, size=4 * GIB), segments=(Segment("/dev/nbd0", 4 * GIB, 700 * MIB, 1000),)
)
EMPTY = replace(ON, segments=(Segment("/dev/nbd0", 4 * GIB, 0, 1000),))
WAITING = replace(OFF, state=State.WAITING, cause=Cause.MEMORY)
STOPPING = replace(ON, state=State.STOPPING)


def broken(status: Status, code: ErrorCode, message: str = "It is 1.2 GiB too much.") -> Status:
    return replace(status, error=failure(code, message, "See `dmesg`."))


def told(before: Status | None, now: Status, config: Config | None = None, *, asked: bool = False) -> News | None:
    return news(before, now, config or Config(), asked=asked)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(None, OFF, id="the first look"),
        pytest.param(None, replace(ON, cause=Cause.BATTERY), id="the first look, on battery"),
        pytest.param(OFF, replace(ON, cause=Cause.NONE), id="on"),
        pytest.param(ON, replace(STOPPING, cause=Cause.HAND), id="off by hand"),
        pytest.param(ON, replace(STOPPING, cause=Cause.MEMORY), id="memory is plentiful"),
        pytest.param(ON, replace(ON, cause=Cause.VRAM), id="another program wants VRAM"),
        pytest.param(ON, replace(STOPPING, cause=Cause.SLEEP), id="the machine sleeps"),
        pytest.param(WAITING, replace(OFF, cause=Cause.BATTERY), id="on battery with nothing lent"),
        pytest.param(OFF, replace(WAITING, cause=Cause.GAME), id="a game with nothing lent"),
        pytest.param(
            replace(STOPPING, cause=Cause.BATTERY), replace(OFF, cause=Cause.BATTERY), id="the end of what was told"
        ),
        pytest.param(WAITING, broken(replace(OFF, state=State.FAILED), ErrorCode.OUT_OF_VRAM), id="others were faster"),
        pytest.param(ON, broken(ON, ErrorCode.CANCELLED), id="cancelled"),
        pytest.param(broken(ON, ErrorCode.WONT_FIT), broken(ON, ErrorCode.WONT_FIT, "Still."), id="the same trouble"),
        pytest.param(broken(ON, ErrorCode.WONT_FIT), ON, id="the trouble is over"),
    ],
)
def test_routine_is_no_news(before: Status | None, now: Status) -> None:
    assert told(before, now) is None


@pytest.mark.parametrize(
    ("before", "now", "kind", "urgency", "action"),
    [
        (ON, replace(STOPPING, cause=Cause.BATTERY), "battery", Urgency.NORMAL, Action.TURN_ON),
        (EMPTY, replace(OFF, cause=Cause.BATTERY), "battery", Urgency.NORMAL, Action.TURN_ON),
        (ON, replace(STOPPING, cause=Cause.GAME), "game", Urgency.LOW, Action.NONE),
        (ON, replace(WAITING, cause=Cause.GAME), "game", Urgency.LOW, Action.NONE),
        (ON, broken(ON, ErrorCode.WONT_FIT), "stuck", Urgency.NORMAL, Action.NONE),
        (ON, broken(ON, ErrorCode.SWAP_REFUSED), "stuck", Urgency.NORMAL, Action.NONE),
        (ON, broken(replace(ON, cause=Cause.SLEEP), ErrorCode.WONT_FIT), "stuck", Urgency.CRITICAL, Action.NONE),
        (
            ON, broken(replace(ON, state=State.FAILED), ErrorCode.SERVER_FAILED),
            "danger", Urgency.CRITICAL, Action.TURN_OFF,
        ),
        (
            None, broken(replace(ON, state=State.FAILED), ErrorCode.SERVER_FAILED),
            "danger", Urgency.CRITICAL, Action.TURN_OFF,
        ),
        (WAITING, broken(replace(OFF, state=State.FAILED), ErrorCode.NO_NBD), "failed", Urgency.NORMAL, Action.NONE),
        (
            broken(ON, ErrorCode.WONT_FIT), broken(replace(ON, state=State.FAILED), ErrorCode.SERVER_FAILED),
            "danger", Urgency.CRITICAL, Action.TURN_OFF,
        ),
    ],
)  # fmt: skip
def test_what_a_person_must_know(
    before: Status | None, now: Status, kind: str, urgency: Urgency, action: Action
) -> None:
    found = told(before, now)
    assert found is not None
    assert (found.kind, found.urgency, found.action) == (kind, urgency, action)
    assert found.title and found.text.endswith(".") and "`" not in found.text
    assert bool(found.label) is (action is not Action.NONE)
    # What the person asked for, the window answers.
    assert told(before, now, asked=True) is None


def test_numbers_that_change_do_not_make_it_news_again() -> None:
    first = told(ON, broken(ON, ErrorCode.WONT_FIT, "1.2 GiB do not fit."))
    second = told(ON, broken(ON, ErrorCode.WONT_FIT, "1.3 GiB do not fit."))
    assert first == second


def test_the_battery_s_words_are_those_of_the_settings() -> None:
    now = replace(STOPPING, cause=Cause.BATTERY)
    mains, floor = told(ON, now), told(ON, now, replace(Config(), only_on_ac=False, battery_floor=35))
    empty = told(EMPTY, replace(EMPTY, cause=Cause.BATTERY))
    assert mains and floor and empty
    assert "on battery" in mains.text
    assert "35 %" in floor.text
    assert "comes back into memory" in mains.text
    assert "comes back into memory" not in empty.text
