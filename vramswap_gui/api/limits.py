# SPDX-License-Identifier: MIT
"""How much VRAM may be lent, and what stands in the way of more: the one owner of that rule. Everything is in bytes.

The helper publishes the result (:attr:`vramswap_gui.api.status.Status.maximum`). While it has not asked the GPU yet,
the tray's slider is made by the same rule, of what is remembered of the card.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vramswap_gui.units import MIB, MIN_SIZE, SIZE_STEP, round_down

#: Kept free besides on a card that drives a display: what opens on the screen needs VRAM at once.
DISPLAY_HEADROOM: Final = 512 * MIB


class Hold(enum.StrEnum):
    """What keeps VRAM from being lent."""

    HEADROOM = "headroom"
    DISPLAY = "display"
    #: The driver's own share, and our buffers.
    DRIVER = "driver"
    OTHERS = "others"
    #: The administrator's limit.
    MAXIMUM = "maximum"


@dataclass(frozen=True, slots=True)
class Vram:
    """The GPU's memory as the policy sees it; ``ours`` is what segments hold of it already."""

    total: int
    #: None while nobody has asked the GPU, above all while it sleeps.
    free: int | None
    ours: int
    #: Whether a display is plugged into the card.
    display: bool = False
    #: What the driver and our own buffers use, as far as that is known apart from other programs' use.
    beside: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be chosen, and what can be had of it."""

    #: The most that may be asked for: with no other program on the GPU, so much could be lent. 0: too little for any.
    largest: int
    #: The most that can be lent now; None while that is not known.
    now: int | None
    #: What is lent to nobody.
    headroom: int
    #: How much each takes away from the card's VRAM; what takes nothing is not in it.
    holds: Mapping[Hold, int] = field(default_factory=dict)


def limits(vram: Vram, headroom: int, maximum: int = 0, display_headroom: int = DISPLAY_HEADROOM) -> Limits:
    """The limits of a card with these settings; 0 as ``maximum`` is none."""
    screen = display_headroom if vram.display else 0
    kept = headroom + screen
    others = 0 if vram.free is None else max(0, vram.total - vram.free - vram.ours - vram.beside)
    ever = vram.total - vram.beside - kept
    holds = {Hold.HEADROOM: headroom, Hold.DISPLAY: screen, Hold.DRIVER: vram.beside, Hold.OTHERS: others}
    if maximum and maximum < ever:
        holds[Hold.MAXIMUM] = ever - maximum
    return Limits(
        _whole(ever, maximum),
        None if vram.free is None else _whole(vram.free + vram.ours - kept, maximum),
        kept,
        {hold: size for hold, size in holds.items() if size},
    )


def _whole(size: int, maximum: int) -> int:
    most = round_down(max(0, min(size, maximum) if maximum else size), SIZE_STEP)
    return most if most >= MIN_SIZE else 0
