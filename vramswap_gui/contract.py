"""What the helper promises on the system bus: names, states, errors, status and settings.

Tray, command line and helper all import this module, and it imports nothing of theirs. Every setting is declared
once, as a field of :class:`Config`; its validation, command line, D-Bus form, settings row and help come from there.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vramswap_gui.units import GIB, MIB, format_size, parse_size

BUS_NAME: Final = "org.vramswap.Helper"
OBJECT_PATH: Final = "/org/vramswap/Helper"
INTERFACE: Final = "org.vramswap.Helper1"
ERROR_PREFIX: Final = "org.vramswap.Error."

#: polkit: start, stop, and size within the configured maximum.
ACTION_CONTROL: Final = "org.vramswap.control"
#: polkit: persistent settings that concern everyone on the machine.
ACTION_CONFIGURE: Final = "org.vramswap.configure"

#: More segments than this would cost more in devices and buffers than the finer steps are worth.
MAX_SEGMENTS: Final = 16
#: VRAM comes in 2 MiB pages, so every segment is a multiple of this.
SIZE_STEP: Final = 2 * MIB
MIN_SIZE: Final = 16 * MIB


class State(enum.StrEnum):
    """What the swap is doing now."""

    OFF = "off"
    WAITING = "waiting"
    STARTING = "starting"
    ON = "on"
    RESIZING = "resizing"
    STOPPING = "stopping"
    FAILED = "failed"

    @property
    def busy(self) -> bool:
        """True while a start, resize or stop is under way."""
        return self in (State.STARTING, State.RESIZING, State.STOPPING)


class ErrorCode(enum.StrEnum):
    """The typed errors; on the bus each is ``org.vramswap.Error.<value>``."""

    NOT_AUTHORIZED = "NotAuthorized"
    AUTHORIZATION_UNAVAILABLE = "AuthorizationUnavailable"
    INVALID_ARGUMENT = "InvalidArgument"
    BUSY = "Busy"
    NO_GPU = "NoGpu"
    NO_DRIVER = "NoDriver"
    DRIVER_TOO_OLD = "DriverTooOld"
    OUT_OF_VRAM = "OutOfVram"
    NO_NBD = "NoNbd"
    SWAP_REFUSED = "SwapRefused"
    WONT_FIT = "WontFit"
    CANCELLED = "Cancelled"
    SERVER_FAILED = "ServerFailed"
    CONFIG_INVALID = "ConfigInvalid"
    HELPER_UNAVAILABLE = "HelperUnavailable"
    INTERNAL = "Internal"


class VramswapError(Exception):
    """A failure a person can act on: what failed and why (``message``), and what to do (``remedy``)."""

    def __init__(self, code: ErrorCode, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()

    def as_dict(self) -> dict[str, str]:
        """The error as the control socket and ``--json`` carry it."""
        return {"code": self.code.value, "message": self.message, "remedy": self.remedy}

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> VramswapError:
        """The reverse of :meth:`as_dict`; an unknown code becomes ``INTERNAL``."""
        try:
            code = ErrorCode(str(fields.get("code", "")))
        except ValueError:
            code = ErrorCode.INTERNAL
        return cls(code, str(fields.get("message", "unknown error")), str(fields.get("remedy", "")))


@dataclass(frozen=True, slots=True)
class Segment:
    """One swap device made of VRAM. Sizes in bytes."""

    device: str
    size: int
    used: int
    priority: int


@dataclass(frozen=True, slots=True)
class Status:
    """Everything the helper shows; each field is one D-Bus property (see :data:`PROPERTIES`). Sizes in bytes."""

    state: State = State.OFF
    #: Why the swap is as it is, as a sentence for a person.
    reason: str = ""
    #: The error that made the state ``failed``, as code, message and remedy; empty strings otherwise.
    error: tuple[str, str, str] = ("", "", "")
    segments: tuple[Segment, ...] = ()
    #: What the user asked for; 0 means automatic.
    wanted: int = 0
    #: The most that a resize accepts at present; 0 while it is not known (the GPU has not been asked).
    maximum: int = 0
    #: While a segment is being removed: bytes that still have to come home.
    bytes_left: int = 0
    gpu_name: str = ""
    #: The PCI address, as in ``0000:01:00.0``.
    gpu_pci: str = ""
    #: Parts that are simulated: ``gpu``, ``kernel``; empty on a real machine.
    simulated: tuple[str, ...] = ()
    version: str = ""

    @property
    def size(self) -> int:
        """Bytes of VRAM that are swap now."""
        return sum(segment.size for segment in self.segments)

    @property
    def used(self) -> int:
        """Bytes of it that hold pages."""
        return sum(segment.used for segment in self.segments)


#: D-Bus property name → (signature, field of Status).
PROPERTIES: Final[Mapping[str, tuple[str, str]]] = {
    "State": ("s", "state"),
    "Reason": ("s", "reason"),
    "Error": ("(sss)", "error"),
    "Segments": ("a(stti)", "segments"),
    "Wanted": ("t", "wanted"),
    "Maximum": ("t", "maximum"),
    "BytesLeft": ("t", "bytes_left"),
    "GpuName": ("s", "gpu_name"),
    "GpuPci": ("s", "gpu_pci"),
    "Simulated": ("as", "simulated"),
    "Version": ("s", "version"),
}


def status_to_wire(status: Status) -> dict[str, Any]:
    """Property name → plain value of the property's signature."""
    wire: dict[str, Any] = {}
    for name, (_, attribute) in PROPERTIES.items():
        value = getattr(status, attribute)
        if name == "State":
            value = status.state.value
        elif name == "Segments":
            value = [[s.device, s.size, s.used, s.priority] for s in status.segments]
        elif isinstance(value, tuple):
            value = list(value)
        wire[name] = value
    return wire


def status_from_wire(wire: Mapping[str, Any], base: Status | None = None) -> Status:
    """``base`` with the given properties replaced. Properties this version does not know are passed over."""
    changes: dict[str, Any] = {}
    for name, value in wire.items():
        if name not in PROPERTIES:
            continue
        attribute = PROPERTIES[name][1]
        if name == "State":
            value = State(value)
        elif name == "Segments":
            value = tuple(Segment(str(d), int(s), int(u), int(p)) for d, s, u, p in value)
        elif isinstance(value, list):
            value = tuple(value)
        changes[attribute] = value
    return dataclasses.replace(base or Status(), **changes)


class Kind(enum.StrEnum):
    """What a setting's value is; decides how it is parsed, shown and edited."""

    SIZE = "size"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Setting:
    """The declaration of one setting. ``key`` is the field's name in :class:`Config` and the key in the file."""

    key: str
    kind: Kind
    default: Any
    title: str
    help: str
    minimum: int | None = None
    maximum: int | None = None
    #: Only multiples of it are possible.
    step: int = 1
    #: A value that stands for "let the program choose", and its word on the command line.
    auto: int | None = None
    pattern: str = ""

    @property
    def signature(self) -> str:
        """The setting's D-Bus type."""
        return {Kind.SIZE: "t", Kind.NUMBER: "i", Kind.TEXT: "s"}[self.kind]

    def parse(self, text: str) -> int | str:
        """The value a person typed. Raises ``VramswapError(INVALID_ARGUMENT)``."""
        if self.kind is Kind.TEXT:
            return self.check(text)
        if self.auto is not None and text.strip().lower() == "auto":
            return self.auto
        try:
            return self.check(parse_size(text) if self.kind is Kind.SIZE else int(text, 10))
        except ValueError as error:
            reason = error if self.kind is Kind.SIZE else f"“{text[:40]}” is not a whole number"
            raise self._invalid(str(reason)) from None

    def check(self, value: object) -> int | str:
        """``value`` when it is of the right type and in range. Raises ``VramswapError(INVALID_ARGUMENT)``."""
        if self.kind is Kind.TEXT:
            if not isinstance(value, str) or len(value) > 80 or not value.isprintable():
                raise self._invalid("it must be a short printable text")
            return value
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._invalid("it must be a whole number")
        if value == self.auto:
            return value
        if (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum):
            raise self._invalid(
                f"{self.show(value)} is outside {self.show(self.minimum or 0)} to {self.show(self.maximum or 0)}"
            )
        if value % self.step:
            raise self._invalid(f"it must be a multiple of {self.show(self.step)}")
        return value

    def show(self, value: int | str) -> str:
        """The value for a person."""
        if self.auto is not None and value == self.auto:
            return "auto"
        return format_size(value) if self.kind is Kind.SIZE and isinstance(value, int) else str(value)

    def _invalid(self, why: str) -> VramswapError:
        return VramswapError(
            ErrorCode.INVALID_ARGUMENT, f"{self.key}: {why}.", f"See `vramswapctl config {self.key}` for what it takes."
        )


def _setting(kind: Kind, default: Any, title: str, help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"kind": kind, "title": title, "help": help, "limits": limits})


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of ``/etc/vramswap/config.toml``, all with defaults."""

    size: int = _setting(
        Kind.SIZE, 0, "Swap size", "How much VRAM to lend. auto: all that is free, less the headroom.",
        minimum=MIN_SIZE, maximum=1 << 44, step=SIZE_STEP, auto=0,
    )  # fmt: skip
    maximum: int = _setting(
        Kind.SIZE, 0, "Largest size", "The most a user may choose without an administrator. auto: no limit.",
        minimum=MIN_SIZE, maximum=1 << 44, step=SIZE_STEP, auto=0,
    )  # fmt: skip
    headroom: int = _setting(
        Kind.SIZE, 512 * MIB, "VRAM kept free", "VRAM that is never lent: the desktop and other programs have it.",
        minimum=0, maximum=64 * GIB,
    )  # fmt: skip
    priority: int = _setting(
        Kind.NUMBER, 1000, "Swap priority", "Higher is used first. Disk swap usually has -2, zram 100.",
        minimum=MAX_SEGMENTS, maximum=32767,
    )  # fmt: skip
    gpu: str = _setting(
        Kind.TEXT, "", "GPU", "PCI address, UUID or number of the GPU to use. Empty: the first one.",
    )  # fmt: skip


SETTINGS: Final[Mapping[str, Setting]] = {
    f.name: Setting(
        f.name, f.metadata["kind"], f.default, f.metadata["title"], f.metadata["help"], **f.metadata["limits"]
    )
    for f in dataclasses.fields(Config)
}


def setting(key: str) -> Setting:
    """The declaration of ``key``. Raises ``VramswapError(INVALID_ARGUMENT)`` that names the known keys."""
    try:
        return SETTINGS[key]
    except KeyError:
        raise VramswapError(
            ErrorCode.INVALID_ARGUMENT, f"There is no setting “{key[:40]}”.", f"Known settings: {', '.join(SETTINGS)}."
        ) from None


def config_from(values: Mapping[str, object], base: Config | None = None) -> Config:
    """``base`` (or the defaults) with ``values`` put in, each checked; unknown keys are refused by name."""
    checked: dict[str, Any] = {key: setting(key).check(value) for key, value in values.items()}
    return dataclasses.replace(base or Config(), **checked)
