# SPDX-License-Identifier: MIT
"""Why the swap is as it is: every reason that the helper gives, declared once.

On the wire a reason is its code and its arguments; whoever shows it words it (:mod:`vramswap_gui.text.language`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from vramswap_gui import forms
from vramswap_gui.forms import Argument, Kind


class ReasonCode(enum.StrEnum):
    """The code on the wire; ``form`` is the English sentence, or a part of one that goes into another's place."""

    form: str

    def __new__(cls, value: str, form: str = "") -> Self:
        """A code with its form."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.form = form
        return code

    #: What a newer helper says; the text is its code.
    UNKNOWN = "unknown", "The reason has no words in this version ({code:text})."

    # Off, or on the way
    OFF = "off", "Off."
    STARTING = "starting", "Reserving VRAM."
    STOPPING = "stopping", "Bringing pages home."
    RESIZING = "resizing", "Changing the size."
    ASLEEP = "asleep", "Off while the machine sleeps."
    PAUSED = "paused", "Paused."
    GAME = "game", "A game is running and has all of the VRAM."
    PROGRAM = "program", "All VRAM is left to {program:text} while it runs."
    POWER_SAVER = "power-saver", "Off while the power mode saves power."
    ON_BATTERY = "on-battery", "Off on battery."
    BATTERY_LOW = "battery-low", "The battery is at {level:number} %, below the floor of {floor:number} %."
    BATTERY_NEAR_FLOOR = (
        "battery-near-floor",
        "The battery is at {level:number} %, less than {band:number} % above the floor of {floor:number} %.",
    )
    MEMORY_PLENTIFUL = "memory-plentiful", "Memory is plentiful."
    MEMORY_NOT_SHORT = "memory-not-short", "Memory is not short."
    TAKEN_DOWN = "taken-down", "Somebody turned it off with swapoff."
    TAKEN_DOWN_FOR_NOW = (
        "taken-down-for-now",
        "Somebody turned it off with swapoff; it comes back when memory is short.",
    )

    # Not as it should be: the error beside it says what is wrong
    FAILED = "failed", "It failed."
    STUCK = "stuck", "VRAM cannot be given back."
    KEEPS_AWAKE = "keeps-awake", "Pages in VRAM keep the machine from going to sleep."

    # On, or wanted
    LENT = "lent", "{size:size} of VRAM are lent as swap."
    LENT_LESS = "lent-less", "{size:size} of {goal:size}: {why:said}."
    NOTHING_LENT = "nothing-lent", "Nothing can be lent: {why:said}."
    SHORT_BUT = "short-but", "Memory is short, but {why:said}."

    # Why not more: these go into the places above
    ENOUGH = "enough", "no more is needed"
    OTHER_PROGRAM_ACTIVE = "other-program-active", "another program is using the GPU"
    OTHER_PROGRAMS_ACTIVE = "other-programs-active", "other programs are using the GPU"
    REST_USED = "rest-used", "other programs use the rest of the VRAM"
    OTHER_PROGRAM_USES = "other-program-uses", "another program uses {used:size} of VRAM"
    OTHER_PROGRAMS_USE = "other-programs-use", "other programs use {used:size} of VRAM"
    UNTIL_NOW = "until-now", "until a moment ago {why:said}"
    A_MOMENT_AGO = "a-moment-ago", "{what:said} a moment ago"
    NO_VRAM_TO_SPARE = "no-vram-to-spare", "the GPU has no VRAM to spare"
    CHANGED_TOO_OFTEN = "changed-too-often", "the size changed too often in the last hour"

    # What happened a moment ago
    VRAM_TAKEN = "vram-taken", "another program took its VRAM"
    LENDING_FAILED = "lending-failed", "lending VRAM failed"
    GAME_RAN = "game-ran", "a game was running"
    PROGRAM_RAN = "program-ran", "{program:text} was running"
    WAS_SAVING_POWER = "was-saving-power", "the power mode saved power"
    WAS_ON_BATTERY = "was-on-battery", "the machine was on battery"
    BATTERY_WAS_LOW = "battery-was-low", "the battery was low"

    # Why it is this one of the kernel's drivers. The last five are those errors by which it is not ublk.
    DRIVER_NONE = "driver-none", "no server runs"
    DRIVER_SET = "driver-set", "it is set"
    DRIVER_KEPT = "driver-kept", "its devices were there already"
    DRIVER_BEST = "driver-best", "the kernel has all that ublk takes"
    UBLK_TOO_OLD = "ublk-too-old", "ublk takes Linux {oldest:text} or newer"
    UBLK_NOT_LOADED = "ublk-not-loaded", "the kernel's ublk driver is not loaded"
    UBLK_LACKS = "ublk-lacks", "the kernel's ublk driver lacks {what:text}"
    UBLK_WITHOUT_RING = "ublk-without-ring", "io_uring, which ublk needs, cannot be used: {why:text}"
    UBLK_REFUSED = "ublk-refused", "the kernel refused to {command:text} {device:text}: {why:text}"


@dataclass(frozen=True)
class Reason:
    """A code with its arguments. Raises ValueError or TypeError when they do not belong together."""

    code: ReasonCode = ReasonCode.OFF
    arguments: Mapping[str, Argument] = field(default_factory=dict)

    def __post_init__(self) -> None:
        forms.check(self.code.form, self.arguments)

    def __hash__(self) -> int:
        return hash((self.code, tuple(sorted(self.arguments.items(), key=lambda item: item[0]))))

    @classmethod
    def of(cls, code: ReasonCode, **arguments: Argument) -> Self:
        """``code`` with its arguments."""
        return cls(code, arguments)

    @property
    def key(self) -> str:
        """The code."""
        return self.code.value

    @property
    def form(self) -> str:
        """The English form."""
        return self.code.form

    @classmethod
    def from_wire(cls, wire: object) -> Self:
        """What :func:`vramswap_gui.forms.typed` or :func:`~vramswap_gui.forms.as_dict` made, whatever comes.

        What this version has no words for is ``UNKNOWN`` with its code. Arguments that it has no place for do no harm.
        """
        code, arguments = forms.coded(wire)
        try:
            known = ReasonCode(code)
            wanted = forms.places(known.form)
            return cls(known, {name: _argument(arguments[name], kind) for name, kind in wanted.items()})
        except (ValueError, TypeError, KeyError, RecursionError):
            return cls(ReasonCode.UNKNOWN, {"code": code})


#: Of a driver that nobody uses.
NO_DRIVER: Final = Reason(ReasonCode.DRIVER_NONE)


def _argument(value: Any, kind: Kind) -> Argument:
    argument: Argument = Reason.from_wire(value) if kind is Kind.SAID else value
    return argument
