# SPDX-License-Identifier: MIT
"""The control socket, on which the keeper obeys the helper: its verbs and its messages, declared once.

Lines of JSON over a Unix socket that only root can reach. A request is ``{"id": 1, "verb": "add", "size": 536870912}``;
its answer has the same id, and a ``result`` or an ``error`` (:meth:`vramswap_gui.errors.VramswapError.as_dict`).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

from vramswap_gui.api.reasons import NO_DRIVER, Reason
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.forms import as_dict, member

_T = TypeVar("_T")

#: Bytes of a request, and of an answer; whoever sends more is let go of.
MAX_REQUEST: Final = 4096
MAX_ANSWER: Final = 1 << 16


class ControlVerb(enum.StrEnum):
    """What the keeper can be asked for. ``takes``: its arguments, all of them whole numbers."""

    takes: tuple[str, ...]
    #: Seconds within which it is answered, by the keeper's own deadlines and then some.
    patience: float

    def __new__(cls, value: str, takes: tuple[str, ...] = (), patience: float = 150.0) -> Self:
        """A verb with what it takes, and how long."""
        verb = str.__new__(cls, value)
        verb._value_ = value
        verb.takes = takes
        verb.patience = patience
        return verb

    #: :class:`ServerStatus`.
    STATUS = "status", (), 4.0
    #: What the workers counted since the start.
    COUNTERS = "counters", (), 4.0
    #: Make a segment of ``size`` bytes: :class:`SegmentInfo`. Where pages are packed, out of what the pool offers.
    ADD = "add", ("size",)
    #: Take a segment back that is no swap.
    REMOVE = "remove", ("index",)
    #: Where pages are packed: have another extent of ``size`` bytes in the pool, and give the newest one back.
    EXTEND = "extend", ("size",)
    SHRINK = "shrink"
    #: Have what is free lie together, when there is time, until no more than ``size`` bytes do not: answered before.
    COMPACT = "compact", ("size",), 10.0
    #: End, which needs that there are no segments.
    QUIT = "quit", (), 10.0
    #: Become the program that is installed now. The connection's end is the answer.
    UPGRADE = "upgrade"


@dataclass(frozen=True, slots=True)
class Request:
    """One question."""

    verb: ControlVerb
    arguments: Mapping[str, int] = field(default_factory=dict)
    id: int | None = None

    def line(self) -> bytes:
        """As it is sent."""
        return json.dumps({"id": self.id, "verb": self.verb.value, **self.arguments}).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it: a ``result``, or an ``error``."""

    id: int | None
    result: Mapping[str, Any] = field(default_factory=dict)
    error: VramswapError | None = None

    def line(self) -> bytes:
        """As it is sent."""
        outcome = {"result": dict(self.result)} if self.error is None else {"error": self.error.as_dict()}
        return json.dumps({"id": self.id, **outcome}).encode() + b"\n"


class BadRequest(Exception):
    """A line that is no request: what is wrong with it, and its id as far as it has one."""

    def __init__(self, error: VramswapError, number: int | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.id = number


def request(line: bytes) -> Request:
    """What a client asks for. Raises BadRequest, whatever comes."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or type(fields.get("id")) not in (int, type(None)):
        raise BadRequest(VramswapError(Problem.REQUEST_MALFORMED))
    number = fields.pop("id", None)
    name = fields.pop("verb", "")
    if not isinstance(name, str) or name not in list(ControlVerb):
        known = ", ".join(ControlVerb)
        raise BadRequest(VramswapError(Problem.VERB_UNKNOWN, verb=str(name)[:40], known=known), number)
    verb = ControlVerb(name)
    if fields.keys() != set(verb.takes) or not all(type(value) is int for value in fields.values()):
        takes = ", ".join(f"{key} (int)" for key in verb.takes) or "–"
        raise BadRequest(VramswapError(Problem.ARGUMENTS_WRONG, verb=verb.value, takes=takes), number)
    return Request(verb, fields, number)


def answer(line: bytes) -> Answer:
    """What the keeper answered. Raises ValueError when it is no answer."""
    fields = json.loads(line)
    if not isinstance(fields, dict):
        raise ValueError("an answer is an object")
    error, result = fields.get("error"), fields.get("result")
    return Answer(
        fields.get("id"),
        result if isinstance(result, dict) else {},
        VramswapError.from_dict(error) if isinstance(error, dict) else None,
    )


def outcome(error: VramswapError | None = None) -> str:
    """How a server's start went, as the server leaves it to the helper: a line of JSON."""
    return json.dumps({"result": {}} if error is None else {"error": error.as_dict()}) + "\n"


class EngineState(enum.StrEnum):
    """How it is with the engine, by the keeper."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    #: The GPU is gone, and the pages with it.
    LOST = "lost"


class _Part:
    """Of a status, as another version may have it."""

    __slots__ = ()

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """What another version adds is passed over; what it lacks is empty."""
        return from_fields(cls, wire)

    def to_wire(self) -> dict[str, Any]:
        """As JSON has it."""
        return _fields(self)


@dataclass(frozen=True, slots=True)
class GpuInfo(_Part):
    """The GPU as the engine last saw it. Sizes in bytes."""

    name: str = ""
    uuid: str = ""
    pci: str = ""
    total: int = 0
    free: int = 0
    simulated: bool = False
    #: Whether its own kernel copies scattered pages.
    kernel: bool = False


@dataclass(frozen=True, slots=True)
class SegmentInfo(_Part):
    """A segment that can be used. ``size`` in bytes."""

    index: int = -1
    size: int = 0
    device: str = ""
    connections: int = 0


@dataclass(frozen=True, slots=True)
class PoolInfo(_Part):
    """The VRAM in which the pages of all segments lie packed, as the engine last told of it. Sizes in bytes."""

    #: How many extents of how much.
    extents: int = 0
    size: int = 0
    #: What pages take of it, and the pages that are stored: those of one word, which take nothing, and those that the
    #: kernel has forgotten without saying so among them.
    live: int = 0
    pages: int = 0
    #: What another segment may have. Below 0: so much of the reserve is promised, and a segment should go.
    offer: int = 0
    #: What is free between pages, and of use when it has been cleaned.
    holes: int = 0
    #: What is stored of each segment, by its number: ``pages`` in all.
    shares: tuple[tuple[int, int], ...] = ()

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """As those of other parts."""
        shares = tuple((int(index), int(stored)) for index, stored in wire.get("shares", ()))
        return from_fields(cls, {**wire, "shares": shares})

    @property
    def vram(self) -> int:
        """All of it."""
        return self.extents * self.size


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """Everything that the keeper tells of itself."""

    version: str = ""
    pid: int = 0
    #: 0 while none serves.
    engine_pid: int = 0
    engine: EngineState = EngineState.STARTING
    #: Why it does not run, as far as an engine said so.
    trouble: VramswapError | None = None
    #: ``kernel``, or where the sockets are that simulate it.
    attach: str = ""
    gpu: GpuInfo = field(default_factory=GpuInfo)
    segments: tuple[SegmentInfo, ...] = ()
    #: Whether it ends as soon as nothing depends on it.
    draining: bool = False
    #: Pages that came back from VRAM otherwise than they went: right the second time, and lost.
    damaged: tuple[int, int] = (0, 0)
    #: How often packed VRAM had no room for a page, which then stayed in memory.
    no_room: int = 0
    #: By which of the kernel's drivers devices are made, and why by that one.
    transport: str = ""
    transport_reason: Reason = NO_DRIVER
    #: In which format it leaves what it has to another program. The versions that did not say have 2.
    leaves: int = 2
    #: By what pages are packed; empty: each segment has VRAM of its own.
    compression: str = ""
    pool: PoolInfo = field(default_factory=PoolInfo)

    @property
    def devices(self) -> dict[int, str]:
        """Each segment's device by its number."""
        return {segment.index: segment.device for segment in self.segments}

    def to_wire(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            **_fields(self), "engine": self.engine.value,
            "trouble": None if self.trouble is None else self.trouble.as_dict(),
            "gpu": self.gpu.to_wire(), "segments": [segment.to_wire() for segment in self.segments],
            "transport_reason": as_dict(self.transport_reason), "pool": self.pool.to_wire(),
        }  # fmt: skip

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """As those of its parts. Raises ValueError, TypeError or AttributeError when it is no status."""
        trouble = wire.get("trouble")
        known = {
            # What there is not here is none that serves, nor one that is lost.
            "engine": member(wire.get("engine"), EngineState.STARTING),
            "trouble": VramswapError.from_dict(trouble) if trouble else None,
            "gpu": GpuInfo.from_wire(wire.get("gpu") or {}),
            "segments": tuple(SegmentInfo.from_wire(segment) for segment in wire.get("segments", ())),
            "damaged": tuple(wire.get("damaged", (0, 0))),
            "transport_reason": Reason.from_wire(wire["transport_reason"]) if "transport_reason" in wire else NO_DRIVER,
            "pool": PoolInfo.from_wire(wire.get("pool") or {}),
        }
        return from_fields(cls, {**wire, **known})


def _fields(instance: Any) -> dict[str, Any]:
    """As it is. What dataclasses have for it copies all that is in it, and takes longer than the rest of an answer."""
    return {name: getattr(instance, name) for name in instance.__match_args__}


def from_fields(cls: type[_T], wire: Mapping[str, Any]) -> _T:
    """What came, without what another version adds. Raises TypeError when something is missing."""
    names = cls.__match_args__  # type: ignore[attr-defined]
    return cls(**{name: value for name, value in wire.items() if name in names})
