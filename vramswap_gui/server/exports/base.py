# SPDX-License-Identifier: MIT
"""How a segment reaches its user: what the keeper needs of it, whether kernel device or Unix socket.

What an order comes to is reported as an event, sooner or later: orders that may wait for the kernel are carried out on
threads, because the kernel may wait for the keeper meanwhile.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

#: Options that may exceed the system's limit (socket(7)); the socket module does not name them.
_SO_SNDBUFFORCE: Final = 32
_SO_RCVBUFFORCE: Final = 33
_SOCKET_BUFFER: Final = 4 << 20
#: Each locked byte of a stack is locked memory.
_STACK: Final = 256 << 10
#: Seconds in which a new device is to have its queue as it should be, before anybody uses it. To change one, the kernel
#: waits for the requests that are in it, as of udev's first look; if the engine has died, those wait for who links.
TUNE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Way:
    """What an engine serves a segment through: sockets, which are the taker's, or a device of the kernel's to open."""

    sockets: tuple[int, ...] = ()
    device: str = ""


class Exports(Protocol):
    """One way to attach segments, which are known by their numbers."""

    #: ``kernel``, or where the sockets are.
    name: str

    def prepare(self, index: int, gen: int, size: int, ident: str) -> None:
        """Make ready what the engine ``gen`` is to serve a segment through.

        DevicePrepared or DeviceUnlinked follows.
        """

    def hand_over(self, index: int) -> Way:
        """What was made ready, once. Raises OSError when it is gone."""

    def attach(self, index: int, size: int, ident: str, pid: int) -> None:
        """Make a segment of ``size`` bytes, which the engine ``pid`` is connected to, reachable.

        DeviceLinked or DeviceUnlinked follows.
        """

    def reconnect(self, index: int, pid: int) -> None:
        """Have the engine ``pid``, which is connected, get the requests of a device that lost its engine.

        DeviceLinked or DeviceUnlinked follows.
        """

    def inherit(self, index: int, size: int, ident: str, device: str, ends: Sequence[int]) -> None:
        """An earlier program made its device; ``ends`` are what that one kept of the connections."""

    def detach(self, index: int, lost: bool) -> None:
        """Make it unreachable if nobody uses it, or (``lost``) all the same. DeviceDetached or DetachFailed follows."""

    def abandon(self, index: int) -> None:
        """Whatever is under way is to come to its end."""

    def drop_ends(self, index: int) -> None:
        """Let go of what is kept of its connections, and of what was made for a device that is not to be."""

    def kept_ends(self) -> Mapping[int, Sequence[int]]:
        """The kept ends of all segments, for a program that takes over."""

    def connections(self, index: int) -> int:
        """How many connections a segment has in the kernel."""

    def client(self, client: int) -> int:
        """The descriptor of a client that was reported. Raises OSError when it is gone."""

    def close_client(self, client: int) -> None:
        """Let go of a client."""

    def close(self) -> None:
        """Nothing is exported any more."""


@dataclass(slots=True)
class Job:
    """What a thread does about a segment, until it is done or abandoned."""

    abandoned: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """A thread that carries out what may wait, one after the other. It is there before it is needed."""

    def __init__(self, name: str) -> None:
        self._queue: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        before = threading.stack_size(_STACK)
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        thread.start()
        threading.stack_size(before)

    def do(self, job: Callable[[], None]) -> None:
        """Carry out ``job``, which raises nothing."""
        self._queue.put(job)

    def do_within(self, job: Callable[[], None], seconds: float) -> None:
        """Carry it out, and wait for its end so long. It goes on after that, and jobs after it wait for it."""
        done = threading.Event()
        self._queue.put(job)
        self._queue.put(done.set)
        done.wait(seconds)

    def _run(self) -> None:
        while True:
            self._queue.get()()


def widen(end: socket.socket) -> None:
    """Let a large transfer lie in the socket as a whole, so that nobody waits for its pieces (socket(7)).

    Without CAP_NET_ADMIN as much as the system allows to everybody.
    """
    for option, forced in ((socket.SO_SNDBUF, _SO_SNDBUFFORCE), (socket.SO_RCVBUF, _SO_RCVBUFFORCE)):
        try:
            end.setsockopt(socket.SOL_SOCKET, forced, _SOCKET_BUFFER)
        except PermissionError:
            end.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
