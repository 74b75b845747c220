# SPDX-License-Identifier: MIT
"""What the keeper's state machine hears and what it orders: events in, actions out, both plain data.

Descriptors and clients are numbers that only the shell (runner.py) gives a meaning to. Times are seconds of a clock
that never goes back, sizes are bytes. ``gen`` numbers the engines, ``seq`` the questions.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vramswap_gui.api.control import ControlVerb
from vramswap_gui.errors import VramswapError
from vramswap_gui.units import MAX_EXTENTS, MAX_SEGMENTS


class Kind(enum.StrEnum):
    """What a segment is made of."""

    #: VRAM that is a device.
    PLAIN = "plain"
    #: A device whose pages lie packed in the pool.
    PACKED = "packed"
    #: VRAM of the pool, and no device.
    EXTENT = "extent"


#: The pool's extents are numbered behind all that can be devices.
EXTENTS: Final = range(MAX_SEGMENTS, MAX_SEGMENTS + MAX_EXTENTS)


@dataclass(frozen=True, slots=True)
class Predecessor:
    """An engine of an earlier program: it serves until ours has everything. It can be killed and reaped, not asked."""

    pid: int
    #: Whether it has the devices' connections; one that was only about to is in the way, and of no use.
    serves: bool = True


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A segment as one program hands it to the next. ``device`` is empty while it has none.

    ``sums``: the descriptor of its pages' sums, -1 without any. Only the shell knows of it; it goes where ``fd`` goes,
    which is another one of the same memory where there is no VRAM of its own.
    """

    index: int
    size: int
    fd: int
    ident: str
    device: str = ""
    sums: int = -1
    kind: Kind = Kind.PLAIN

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that keep it alive."""
        return (self.fd,) if self.sums < 0 else (self.fd, self.sums)


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What an earlier program left: its GPU, its engines, the segments with their descriptors, and what an engine said
    last of the pool, of which the next one can say nothing before it serves."""

    gpu: Mapping[str, Any]
    engines: tuple[Predecessor, ...] = ()
    segments: tuple[SegmentRecord, ...] = ()
    pool: Mapping[str, Any] = field(default_factory=dict)


# Events


@dataclass(frozen=True, slots=True)
class Started:
    """The process begins, with what an earlier one left, if there was one."""

    inherited: Inheritance | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """It is time: see ``Keeper.deadline``."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A verb came over the control socket; :class:`Reply` with the same number answers it."""

    number: int
    verb: ControlVerb
    size: int = 0
    index: int = -1


@dataclass(frozen=True, slots=True)
class Terminated:
    """Somebody wants the server to end, when nothing depends on it any more."""


@dataclass(frozen=True, slots=True)
class EngineReady:
    """An engine has its GPU."""

    gen: int
    pid: int
    gpu: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EngineRefused:
    """An engine could not be started, or says that it has no GPU; its end is reported apart, if it began."""

    gen: int
    error: VramswapError
    began: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """What an engine answered: ``error``, or what was asked for; a descriptor that came along is ours."""

    gen: int
    seq: int
    error: VramswapError | None = None
    fd: int = -1
    result: Mapping[str, Any] = field(default_factory=dict)
    #: How often each worker has gone round, with the answer to ``info``.
    beats: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineMute:
    """The channel to an engine is broken: it can be asked nothing any more."""

    gen: int


@dataclass(frozen=True, slots=True)
class EngineReaped:
    """An engine has ended for good: it can write no more. ``status`` is that of wait(2)."""

    gen: int
    status: int = 0


@dataclass(frozen=True, slots=True)
class DevicePrepared:
    """The order ``Prepare`` is done: an engine can be asked to ``CONNECT``."""

    index: int


@dataclass(frozen=True, slots=True)
class DeviceLinked:
    """The order ``Attach`` or ``Reconnect`` is done: the kernel sends its requests to the engine."""

    index: int
    device: str


@dataclass(frozen=True, slots=True)
class DeviceUnlinked:
    """The order ``Prepare``, ``Attach`` or ``Reconnect`` failed.

    ``gone``: there is no such device (any more). ``spent``: the engine that was connected cannot be for another time.
    """

    index: int
    error: VramswapError
    gone: bool = False
    spent: bool = False


@dataclass(frozen=True, slots=True)
class DeviceDetached:
    """The order ``Detach`` is done: the kernel has let go, nobody can ask for the segment's pages any more."""

    index: int


@dataclass(frozen=True, slots=True)
class DetachFailed:
    """The order ``Detach`` failed, and the device serves as before."""

    index: int
    error: VramswapError


@dataclass(frozen=True, slots=True)
class HungUp:
    """The kernel gave up a connection of a device, because the engine ``gen`` is dead or answered too late.

    ``gen`` is 0 for connections of an earlier program.
    """

    index: int
    gen: int


@dataclass(frozen=True, slots=True)
class ClientCame:
    """A client of a segment's socket has agreed on everything and wants to be served."""

    index: int
    client: int


@dataclass(frozen=True, slots=True)
class ExecFailed:
    """The order ``Exec`` failed, and everything is as before."""

    error: VramswapError


Event = (
    Started | Tick | Asked | Terminated | EngineReady | EngineRefused | Answered | EngineMute | EngineReaped
    | DevicePrepared | DeviceLinked | DeviceUnlinked | DeviceDetached | DetachFailed | HungUp | ClientCame | ExecFailed
)  # fmt: skip


# Actions


class Transport(enum.StrEnum):
    """By which of the kernel's drivers segments become devices."""

    NBD = "nbd"
    UBLK = "ublk"


#: Connections of a kernel's NBD device. More queues help only when more cores page at once.
CONNECTIONS: Final = 4


class Question(enum.StrEnum):
    """What an engine can be asked."""

    CREATE = "create"
    ADOPT = "adopt"
    CONNECT = "connect"
    DROP = "drop"
    COMPACT = "compact"
    INFO = "info"
    QUIT = "quit"


#: Seconds that each answer may take. An engine that takes longer hangs, and is replaced.
PATIENCE: Final[Mapping[Question, float]] = {
    Question.CREATE: 30.0,
    Question.ADOPT: 20.0,
    Question.CONNECT: 10.0,
    Question.DROP: 30.0,
    Question.COMPACT: 10.0,
    Question.INFO: 5.0,
    Question.QUIT: 30.0,
}


@dataclass(frozen=True, slots=True)
class Fork:
    """Start an engine."""

    gen: int
    #: The UUID of the GPU, once it is known; before, the GPU that was chosen.
    gpu: str = ""
    #: What was last told of the pool. The engine has it until it can tell itself, and somebody takes over from it.
    pool: Mapping[str, Any] = field(default_factory=dict)
    #: What it will have to adopt. It has that from its birth: nobody else may live when it has come so far.
    segments: tuple[SegmentRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Kill:
    """End an engine at once, whatever it does."""

    gen: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask an engine.

    ``CONNECT`` carries what requests come through: the connection of ``client``, or what ``Prepare`` made ready.
    """

    gen: int
    seq: int
    question: Question
    index: int = -1
    size: int = 0
    fd: int = -1
    ident: str = ""
    client: int = -1
    kind: Kind = Kind.PLAIN


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make ready what the engine ``gen`` is to serve a segment through, be there a device of it already or not."""

    index: int
    gen: int
    size: int
    ident: str


@dataclass(frozen=True, slots=True)
class Attach:
    """Make a device of a segment, which the engine ``gen`` is connected to; or a socket that clients find."""

    index: int
    gen: int
    size: int
    ident: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Have the kernel send the requests of a device to the engine ``gen``, which is connected to it."""

    index: int
    gen: int


@dataclass(frozen=True, slots=True)
class Inherit:
    """The device of a segment was made by an earlier program."""

    index: int
    size: int
    ident: str
    device: str


@dataclass(frozen=True, slots=True)
class Detach:
    """Have the kernel let go of a device that nobody uses. ``lost``: whoever uses it, as its pages are lost."""

    index: int
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Abandon:
    """Whatever is under way with the device of a segment is to come to its end; its outcome is still reported."""

    index: int


@dataclass(frozen=True, slots=True)
class DropEnds:
    """What is kept of a segment's connections is of no use any more."""

    index: int


@dataclass(frozen=True, slots=True)
class CloseFd:
    """Let go of the descriptor of a segment's VRAM."""

    fd: int


@dataclass(frozen=True, slots=True)
class CloseClient:
    """Let go of a client."""

    client: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a verb."""

    number: int
    result: Mapping[str, Any] = field(default_factory=dict)
    error: VramswapError | None = None


@dataclass(frozen=True, slots=True)
class Exec:
    """Become the program that is installed now."""

    state: Inheritance


@dataclass(frozen=True, slots=True)
class Ready:
    """The server is ready for its first request."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """The memory kept for the next engine: let go of it now (``held`` false), or take it back when there is plenty."""

    held: bool


@dataclass(frozen=True, slots=True)
class Tell:
    """Something happened that the journal is to know."""

    what: str
    details: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is served any more: end. With an error when the server never began."""

    error: VramswapError | None = None


Action = (
    Fork | Kill | Ask | Prepare | Attach | Reconnect | Inherit | Detach | Abandon | DropEnds | CloseFd | CloseClient
    | Reply | Exec | Ready | Reserve | Tell | Finish
)  # fmt: skip
