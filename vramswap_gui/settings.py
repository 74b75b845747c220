# SPDX-License-Identifier: MIT
"""The settings of ``/etc/vramswap/config.toml``. Each is declared once, as a field of :class:`Config`.

Its validation, command line, D-Bus form, settings row and help all come from there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vramswap_gui.api.status import Mode
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.units import (
    DURATIONS,
    GIB,
    MAX_SEGMENTS,
    MIB,
    MIN_SIZE,
    SIZE_STEP,
    exact_size,
    parse_size,
    round_down,
)


class Kind(enum.StrEnum):
    """What a setting's value is; decides how it is parsed, shown and edited."""

    SIZE = "size"
    NUMBER = "number"
    TEXT = "text"
    SWITCH = "switch"
    CHOICE = "choice"


class Group(enum.StrEnum):
    """Which settings are shown together."""

    SWAP = "swap"
    POWER = "power"
    ADVANCED = "advanced"


Value = int | str | bool

#: What a text that has nothing in it is called where people type.
EMPTY: Final = "empty"
#: The words that ``landing`` takes instead of a folder.
LANDING_AUTO: Final = "auto"
LANDING_OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Setting:
    """The declaration of one setting. ``key`` is the field's name in :class:`Config` and the key in the file."""

    key: str
    kind: Kind
    default: Any
    group: Group
    title: str
    help: str
    minimum: int | None = None
    maximum: int | None = None
    #: Only multiples of it are possible.
    step: int = 1
    #: A value that stands for something that is no number, "auto" on the command line; its name, and what it means.
    auto: int | None = None
    auto_title: str = ""
    auto_help: str = ""
    #: The values of a CHOICE, each with its meaning.
    choices: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    #: The words that a TEXT takes; all else has to be the absolute path of a folder.
    words: frozenset[str] = frozenset()

    @property
    def typed_help(self) -> str:
        """The help for whoever types the value."""
        return f"{self.help} auto: {self.auto_help or self.auto_title.lower()}." if self.auto_title else self.help

    @property
    def signature(self) -> str:
        """The setting's D-Bus type."""
        return {Kind.SIZE: "t", Kind.NUMBER: "i", Kind.SWITCH: "b"}.get(self.kind, "s")

    def parse(self, text: str) -> Value:
        """The value a person typed. Raises ``VramswapError(INVALID_ARGUMENT)``."""
        if self.kind is Kind.TEXT:
            text = text.strip()
            return self.check(self.default if text.lower() in (EMPTY, _AUTO) else text)
        if self.kind is Kind.CHOICE:
            return self.check(text.strip().lower())
        if self.kind is Kind.SWITCH:
            return self.check(_SWITCH_WORDS.get(text.strip().lower(), text))
        if self.auto is not None and text.strip().lower() == _AUTO:
            return self.auto
        return self.check(self._parse_size(text) if self.kind is Kind.SIZE else self._parse_number(text))

    def _parse_size(self, text: str) -> int:
        try:
            size = parse_size(text, zero=True)
        except ValueError:
            raise self._invalid(Problem.SETTING_NO_SIZE, given=text[:40]) from None
        # Whoever writes a fraction does not count the steps.
        whole = round_down(size, self.step) if "." in text else size
        if whole == 0 == self.auto:
            # Whoever means that says so.
            raise self._outside(size)
        return whole

    def _parse_number(self, text: str) -> int:
        match = _NUMBER.fullmatch(text.strip())
        factor = 1 if match is None or not match[2] else _UNITS.get(self.unit, {}).get(match[2].lower())
        if match is None or factor is None:
            if self.unit:
                raise self._invalid(Problem.SETTING_NO_NUMBER_OF, given=text[:40], unit=self.unit)
            raise self._invalid(Problem.SETTING_NO_NUMBER)
        return int(match[1]) * factor

    def check(self, value: object) -> Value:
        """``value`` when it is of the right type and in range. Raises ``VramswapError(INVALID_ARGUMENT)``."""
        if self.kind is Kind.TEXT:
            return self._check_text(value)
        if self.kind is Kind.CHOICE:
            if not isinstance(value, str) or value not in self.choices:
                raise self._invalid(Problem.SETTING_NO_CHOICE, choices=", ".join(self.choices))
            return value
        if self.kind is Kind.SWITCH:
            if not isinstance(value, bool):
                raise self._invalid(Problem.SETTING_NO_SWITCH)
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._invalid(Problem.SETTING_NO_NUMBER)
        if value == self.auto:
            return value
        if abs(value) > _FAR:
            raise self._invalid(Problem.SETTING_TOO_LARGE)
        if (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum):
            raise self._outside(value)
        if value % self.step:
            raise self._invalid(Problem.SETTING_NO_STEP, step=self.show(self.step))
        return value

    def _check_text(self, value: object) -> str:
        if not isinstance(value, str) or len(value) > 80 or not value.isprintable():
            raise self._invalid(Problem.SETTING_NO_TEXT)
        if self.words and value not in self.words and not value.startswith("/"):
            raise self._invalid(Problem.SETTING_NO_FOLDER, words=", ".join(sorted(self.words)))
        return value

    def show(self, value: Value) -> str:
        """The value for a person, in a form that :meth:`parse` takes."""
        if isinstance(value, bool):
            return "on" if value else "off"
        if self.auto is not None and value == self.auto:
            return _AUTO
        if self.kind is Kind.SIZE and isinstance(value, int):
            return exact_size(value)
        return f"{value} {self.unit}".rstrip()

    def _outside(self, value: int) -> VramswapError:
        given = exact_size(value) if self.kind is Kind.SIZE else self.show(value)
        least, most = self.show(self.minimum or 0), self.show(self.maximum or 0)
        return self._invalid(Problem.SETTING_OUTSIDE, given=given, least=least, most=most)

    def _invalid(self, problem: Problem, **arguments: str) -> VramswapError:
        return VramswapError(problem, key=self.key, **arguments)


_AUTO: Final = "auto"
_NUMBER: Final = re.compile(r"([+-]?[0-9]{1,18})\s*([a-z%]*)", re.IGNORECASE | re.ASCII)
#: The units that a number with a unit may be typed in.
_UNITS: Final = {
    "s": DURATIONS,
    "%": {"%": 1},
}
#: No setting comes near it, and larger numbers cannot even be printed.
_FAR: Final = 1 << 62
_SWITCH_WORDS: Final = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}


def _setting(kind: Kind, default: Any, group: Group, title: str, help: str, **limits: Any) -> Any:
    return field(
        default=default, metadata={"kind": kind, "group": group, "title": title, "help": help, "limits": limits}
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of ``/etc/vramswap/config.toml``, all with defaults."""

    mode: str = _setting(
        Kind.CHOICE, Mode.ON_DEMAND.value, Group.SWAP, "Turn on by itself",
        "When VRAM becomes swap without your turning it on.",
        choices={
            Mode.OFF.value: "Never",
            Mode.ON_DEMAND.value: "When memory gets short",
            Mode.ALWAYS.value: "Always",
        },
    )  # fmt: skip
    size: int = _setting(
        Kind.SIZE, 0, Group.SWAP, "Swap size",
        "How much VRAM to lend at most.",
        minimum=MIN_SIZE, maximum=1 << 44, step=SIZE_STEP,
        auto=0, auto_title="Automatic", auto_help="all that is free, less what is kept free",
    )  # fmt: skip
    headroom: int = _setting(
        Kind.SIZE, 512 * MIB, Group.SWAP, "VRAM kept free",
        "VRAM that is never lent: the desktop and other programs have it.",
        minimum=0, maximum=64 * GIB,
    )  # fmt: skip
    at_boot: bool = _setting(
        Kind.SWITCH, False, Group.SWAP, "Start before login",
        "Be there as soon as the computer has started. Otherwise the tray icon brings it at login.",
    )  # fmt: skip
    release_after: int = _setting(
        Kind.NUMBER, 600, Group.SWAP, "Give back after",
        "How long memory has to be plentiful before VRAM that was lent on demand is given back.",
        minimum=10, maximum=86400, unit="s",
    )  # fmt: skip
    only_on_ac: bool = _setting(
        Kind.SWITCH, True, Group.POWER, "Only on mains power",
        "Bring everything home when the machine goes to battery.",
    )  # fmt: skip
    battery_floor: int = _setting(
        Kind.NUMBER, 20, Group.POWER, "Battery floor", "Off while the battery is below it. 0: no floor.",
        minimum=0, maximum=100, unit="%",
    )  # fmt: skip
    pause_for_games: bool = _setting(
        Kind.SWITCH, True, Group.POWER, "Make way for games",
        "Give all VRAM back while GameMode says that a game is running.",
    )  # fmt: skip
    make_way_for: str = _setting(
        Kind.TEXT, "", Group.POWER, "Make way for programs",
        "Programs that get all VRAM while they run, as games do: their names, with commas between.",
    )  # fmt: skip
    pause_in_power_saver: bool = _setting(
        Kind.SWITCH, True, Group.POWER, "Off in power saver",
        "Bring everything home while the desktop's power mode is the one that saves power.",
    )  # fmt: skip
    maximum: int = _setting(
        Kind.SIZE, 0, Group.ADVANCED, "Largest size",
        "The most a user may choose without an administrator.",
        minimum=MIN_SIZE, maximum=1 << 44, step=SIZE_STEP, auto=0, auto_title="No limit",
    )  # fmt: skip
    priority: int = _setting(
        Kind.NUMBER, 1000, Group.ADVANCED, "Swap priority",
        "Higher is used first. Disk swap usually has -2, zram 100.",
        minimum=MAX_SEGMENTS, maximum=32767,
    )  # fmt: skip
    landing: str = _setting(
        Kind.TEXT, LANDING_AUTO, Group.ADVANCED, "Place to land",
        "Where a swap file may be made when pages in VRAM fit nowhere else: in this folder of root's; off: nowhere;"
        " auto: in vramswap's own folder, if that is encrypted or the computer swaps to a disk already.",
        words=frozenset({LANDING_AUTO, LANDING_OFF}),
    )  # fmt: skip
    transport: str = _setting(
        Kind.CHOICE, "auto", Group.ADVANCED, "Kernel driver",
        "Which of the kernel's drivers makes VRAM a block device: ublk if the kernel's is good enough, else NBD. It"
        " counts when the swap is turned on the next time.",
        choices={
            "auto": "Automatic",
            "nbd": "NBD",
            "ublk": "ublk (Linux 7.2 or newer)",
        },
    )  # fmt: skip
    compression: str = _setting(
        Kind.CHOICE, "off", Group.ADVANCED, "Compression",
        "By what pages are packed, so that the same VRAM holds more of them; the processor works for each, and coming"
        " back they take a little longer. Automatic is lz4. It counts when the swap is turned on the next time.",
        choices={
            "auto": "Automatic",
            "off": "None",
            "lz4": "lz4, the faster one",
            "zstd": "zstd, the smaller one",
        },
    )  # fmt: skip
    gpu: str = _setting(
        Kind.TEXT, "", Group.ADVANCED, "GPU", "PCI address, UUID or number of the GPU to use. Empty: the first one.",
    )  # fmt: skip


#: The settings that whoever may turn the swap on and off may change too.
PERSONAL: Final = frozenset({"mode", "size"})

SETTINGS: Final[Mapping[str, Setting]] = {
    f.name: Setting(
        f.name,
        f.metadata["kind"],
        f.default,
        f.metadata["group"],
        f.metadata["title"],
        f.metadata["help"],
        **f.metadata["limits"],
    )
    for f in dataclasses.fields(Config)
}


def setting(key: str) -> Setting:
    """The declaration of ``key``. Raises ``VramswapError(INVALID_ARGUMENT)`` that names the known keys."""
    try:
        return SETTINGS[key]
    except KeyError:
        raise VramswapError(Problem.SETTING_UNKNOWN, key=key[:40], known=", ".join(SETTINGS)) from None


def config_of_another(values: Mapping[str, object]) -> Config:
    """The settings of another version, as far as they are settings here too, and possible."""
    known: dict[str, Any] = {}
    for key in values.keys() & SETTINGS.keys():
        with contextlib.suppress(VramswapError):
            known[key] = SETTINGS[key].check(values[key])
    return Config(**known)


def config_from(values: Mapping[str, object], base: Config | None = None) -> Config:
    """``base`` (or the defaults) with ``values`` put in, each checked; unknown keys are refused by name."""
    checked: dict[str, Any] = {key: setting(key).check(value) for key, value in values.items()}
    return dataclasses.replace(base or Config(), **checked)
