# SPDX-License-Identifier: MIT
"""What the keeper knows of engines and segments, and in which states they can be."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from vramswap_gui.errors import VramswapError
from vramswap_gui.server.messages import Ask, Kind


class Phase(enum.Enum):
    """Of an engine."""

    #: It opens the GPU.
    STARTING = "starting"
    #: It maps the segments, while those before it may still serve.
    LOADING = "loading"
    #: It has everything, those before it are reaped, and it is given connections.
    SERVING = "serving"
    #: It was killed, and is not known to have ended.
    FENCED = "fenced"


class Stage(enum.Enum):
    """Of a segment."""

    #: The engine allocates and wipes it.
    CREATING = "creating"
    #: Its first connections are made ready, and the engine takes them.
    CONNECTING = "connecting"
    #: The kernel makes a device of it.
    ATTACHING = "attaching"
    #: It can be used.
    ATTACHED = "attached"
    #: It is no device, and has pages of those that are.
    KEPT = "kept"
    #: The kernel is asked to let go of it.
    DETACHING = "detaching"
    #: Nobody can ask for its pages: it is to be wiped, then released.
    DETACHED = "detached"
    #: Its pages are gone with the GPU, and the kernel is to fail whoever asks for one.
    LOST = "lost"
    #: As before, and the kernel has let go of it.
    ENDED = "ended"


#: Stages in which a device is to have connections, as somebody may want its pages.
LINKED: Final = (Stage.ATTACHED, Stage.DETACHING)
#: Stages in which something is tried again.
RETRIED: Final = (*LINKED, Stage.LOST)


class Link(enum.Enum):
    """Of a device, to the engine that serves."""

    DOWN = "down"
    #: Fresh connections are made ready.
    PREPARING = "preparing"
    #: They are.
    PREPARED = "prepared"
    #: The engine takes them.
    ASKED = "asked"
    #: The kernel takes their other ends.
    HANDED = "handed"
    UP = "up"


#: Links about which an order is under way, so that only the word on it changes them.
ORDERED: Final = (Link.PREPARING, Link.HANDED)


@dataclass(slots=True)
class Engine:
    """One engine process."""

    gen: int
    phase: Phase
    deadline: float
    pid: int = 0
    #: An engine of an earlier program cannot be asked.
    ours: bool = True
    #: It has, or had, connections.
    served: bool = False
    #: It said itself why it is of no use.
    refused: bool = False
    question: Ask | None = None
    answer_by: float = 0.0
    holds: set[int] = field(default_factory=set)
    #: When it began to serve, and when it is to be looked at next.
    since: float = 0.0
    look_at: float = 0.0
    beats: tuple[int, ...] = ()
    #: When each worker last moved, as far as was seen.
    moved_at: list[float] = field(default_factory=list)
    #: When the kernel last found it late, and since when that has been so again and again.
    torn_at: float = float("-inf")
    torn_since: float = 0.0
    #: Whether it asked for its own end (``quit``).
    quitting: bool = False


@dataclass(slots=True)
class Segment:
    """What is served, was, or is going to be; or VRAM that the pages of others lie in."""

    index: int
    size: int
    ident: str
    stage: Stage
    kind: Kind = Kind.PLAIN
    fd: int = -1
    device: str = ""
    link: Link = Link.DOWN
    #: The engine that the connections lead to.
    link_gen: int = 0
    #: The kernel gave up one of the connections: they are to be replaced.
    torn: bool = False
    #: When it did so first; 0 when nothing of that is left to tell.
    late_at: float = 0.0
    #: The order ``Detach`` is under way. (The others are while the link is in _ORDERED.)
    ending: bool = False
    #: When a connection ended meanwhile, which means nothing if the device goes; 0 when none did.
    hung_at: float = 0.0
    #: When to try again.
    retry_at: float = 0.0
    #: Why it got no connections the last time, and the time before that: the first time is no trouble yet.
    hindrance: VramswapError | None = None
    trouble: VramswapError | None = None
    #: The verb that waits for it, and until when; 0 when nobody does.
    number: int = 0
    verb_by: float = 0.0
    #: The verb was answered with an error meanwhile: what it made goes again.
    undo: bool = False
