# SPDX-License-Identifier: MIT
"""What the helper shows on the system bus: every property, its type, and how it is written on the wire."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vramswap_gui.api.declaration import Property
from vramswap_gui.api.reasons import NO_DRIVER, Reason
from vramswap_gui.errors import NO_ERROR, VramswapError
from vramswap_gui.forms import as_dict, member, typed, word
from vramswap_gui.units import MIB

#: So many bytes of pages tell how well they pack; the first ones are the kernel's own, and nearly empty.
_TELLING: Final = MIB


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


class Mode(enum.StrEnum):
    """When VRAM is lent: only by hand, while memory is short, or whenever it can be."""

    OFF = "off"
    ON_DEMAND = "on-demand"
    ALWAYS = "always"


class Cause(enum.StrEnum):
    """What made the swap as it is, for programs; a person reads the reason."""

    NONE = ""
    HAND = "hand"
    MEMORY = "memory"
    BATTERY = "battery"
    GAME = "game"
    SLEEP = "sleep"
    PAUSE = "pause"
    PROGRAM = "program"
    PROFILE = "profile"
    VRAM = "vram"


class Landing(enum.StrEnum):
    """What is done when VRAM is to be given back and its pages fit nowhere else."""

    #: A swap file is made for them.
    READY = "ready"
    #: Nobody has said yet whether they may be written to the disk, which is not encrypted.
    ASK = "ask"
    #: Nothing: somebody wants it so, …
    OFF = "off"
    #: … or the folder that is set, or vramswap's own, can hold no swap file.
    UNFIT = "unfit"


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
    #: Why the swap is as it is.
    reason: Reason = field(default_factory=Reason)
    cause: Cause = Cause.NONE
    #: What failed; None while nothing has.
    error: VramswapError | None = None
    segments: tuple[Segment, ...] = ()
    mode: Mode = Mode.OFF
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
    #: The server's version; empty while none runs.
    server_version: str = ""
    #: By which of the kernel's drivers it makes devices, ``nbd`` or ``ublk``, and why; empty while none runs.
    transport: str = ""
    transport_reason: Reason = NO_DRIVER
    landing: Landing = Landing.OFF
    #: Bytes of the swap files that were made for pages that fit nowhere else, and how much of them is in use.
    landed: tuple[int, int] = (0, 0)
    #: By what pages are packed, ``lz4`` or ``zstd``; empty while they are not.
    compression: str = ""
    #: Where they are: bytes of VRAM that are swap, bytes of it in which pages lie, and bytes of these pages.
    packed: tuple[int, int, int] = (0, 0, 0)
    #: Pages that were not as they had been written, since the server's start: read right the second time, and lost.
    damaged: tuple[int, int] = (0, 0)
    #: Pages for which packed VRAM had no room, since the server's start: they stayed in memory.
    no_room: int = 0
    #: When a pause ends, in seconds since 1970; 0 while there is none.
    paused_until: int = 0
    #: VRAM is lent on battery too until mains power is back.
    battery_once: bool = False

    @property
    def size(self) -> int:
        """Bytes of swap that are VRAM now."""
        return sum(segment.size for segment in self.segments)

    @property
    def used(self) -> int:
        """Bytes of it that hold pages."""
        return sum(segment.used for segment in self.segments)

    @property
    def lent(self) -> int:
        """Bytes of VRAM that are swap now: as many, unless pages are packed."""
        return self.packed[0] or self.size

    @property
    def taken(self) -> int:
        """Bytes of VRAM that hold pages."""
        return self.packed[1] if self.packed[0] else self.used

    @property
    def ratio(self) -> float:
        """How many bytes of pages one of VRAM holds; 0 while none are packed, or too few to tell."""
        _, taken, pages = self.packed
        return pages / taken if taken and pages >= _TELLING else 0.0

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        # Apart from the rest, which asdict copies to the bottom: an exception is no data.
        fields = dataclasses.asdict(dataclasses.replace(self, error=None))
        return {
            **fields, "reason": {**as_dict(self.reason), "text": word(self.reason)}, "size": self.size,
            "transport_reason": {**as_dict(self.transport_reason), "text": word(self.transport_reason)},
            "used": self.used, "lent": self.lent, "ratio": round(self.ratio, 2),
            "error": None if self.error is None else self.error.as_dict(),
        }  # fmt: skip


#: By their names on the bus.
PROPERTIES: Final[Mapping[str, Property]] = {
    declared.name: declared
    for declared in (
        Property("State", "s", "state", "What the swap is doing: " + ", ".join(f"`{state}`" for state in State) + "."),
        Property(
            "Reason", "(sa{sv})", "reason", "Why the swap is as it is: a code and its arguments (see Reasons).",
        ),
        Property(
            "Cause", "s", "cause",
            "What made the swap as it is, for programs: "
            + ", ".join(f"`{cause}`" for cause in Cause if cause) + ", or empty where nothing did.",
        ),
        Property(
            "Error", "(ssa{sv})", "error",
            "What failed: the error (see Errors), and for a person the problem with its arguments (see Problems). "
            "Empty while nothing has.",
        ),
        Property(
            "Segments", "a(stti)", "segments",
            "The swap devices made of VRAM, each with its path, its size and the use of it in bytes, and its priority. "
            "How full they are changes without a signal: ask for it.",
        ),
        Property("Mode", "s", "mode", "When VRAM is lent: " + ", ".join(f"`{mode}`" for mode in Mode) + "."),
        Property("Wanted", "t", "wanted", "The size in bytes that was asked for; 0 is automatic."),
        Property(
            "Maximum", "t", "maximum",
            "The most bytes that Resize accepts at present; 0 while it is not known, because the GPU was not asked.",
        ),
        Property(
            "BytesLeft", "t", "bytes_left", "While a segment is being removed: the bytes that still have to come home.",
        ),
        Property("GpuName", "s", "gpu_name", "The GPU's name; empty while it was not asked."),
        Property("GpuPci", "s", "gpu_pci", "Its PCI address, as in `0000:01:00.0`; empty while it was not asked."),
        Property("Simulated", "as", "simulated", "Parts that are simulated: `gpu`, `kernel`; empty on a real machine."),
        Property("Version", "s", "version", "The helper's version."),
        Property("ServerVersion", "s", "server_version", "The server's version; empty while none runs."),
        Property(
            "Transport", "s", "transport",
            "By which of the kernel's drivers the server makes devices: `nbd`, `ublk`, or empty while none runs.",
        ),
        Property("TransportReason", "(sa{sv})", "transport_reason", "Why by that one: a code and its arguments."),
        Property(
            "Landing", "s", "landing",
            "What is done when VRAM is to be given back and its pages fit nowhere else: a swap file is made (`ready`); "
            "nothing, because nobody has said yet whether they may be written to a disk that is not encrypted (`ask`), "
            "because that is not wanted (`off`), or because the folder can hold no swap file (`unfit`).",
        ),
        Property(
            "Landed", "(tt)", "landed",
            "The bytes of the swap files that were made for such pages, and how many of them are in use. "
            "How full they are changes without a signal: ask for it.",
        ),
        Property(
            "Compression", "s", "compression", "By what pages are packed: `lz4`, `zstd`, or empty while they are not.",
        ),
        Property(
            "Packed", "(ttt)", "packed",
            "Where pages are packed: the bytes of VRAM that are swap, how many of them pages take, and the bytes of "
            "these pages. How full it is changes without a signal: ask for it.",
        ),
        Property(
            "Damaged", "(tt)", "damaged",
            "How many pages were not as they had been written, since the server was started: those that were right "
            "when they were read once more, and those that were lost. Whoever wanted one of these got an error.",
        ),
        Property(
            "NoRoom", "t", "no_room",
            "How often packed VRAM had no room for a page, since the server was started, because those that lay there "
            "had become less compressible than any reserve is for. None is lost: they stayed in memory.",
        ),
        Property(
            "PausedUntil", "t", "paused_until", "When a pause ends, in seconds since 1970; 0 while there is none.",
        ),
        Property(
            "BatteryOnce", "b", "battery_once", "Whether VRAM is lent on battery too until mains power is back.",
        ),
    )
}  # fmt: skip


def status_to_wire(status: Status) -> dict[str, Any]:
    """Property name → value of the property's signature."""
    wire: dict[str, Any] = {}
    for name, declared in PROPERTIES.items():
        value = getattr(status, declared.attribute)
        if isinstance(value, enum.StrEnum):
            value = value.value
        elif isinstance(value, Reason):
            value = typed(value)
        elif name == "Error":
            value = list(NO_ERROR) if status.error is None else status.error.to_wire()
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
        attribute = PROPERTIES[name].attribute
        if name == "State":
            value = State(value)
        elif name == "Mode":
            value = Mode(value)
        elif name == "Cause":
            # What a newer helper knows, and this version does not, says nothing here.
            value = member(value, Cause.NONE)
        elif name in ("Reason", "TransportReason"):
            value = Reason.from_wire(value)
        elif name == "Error":
            value = VramswapError.from_wire(value)
        elif name == "Landing":
            value = member(value, Landing.OFF)
        elif name == "Segments":
            value = tuple(Segment(str(d), int(s), int(u), int(p)) for d, s, u, p in value)
        elif isinstance(value, list):
            value = tuple(value)
        changes[attribute] = value
    return dataclasses.replace(base or Status(), **changes)
