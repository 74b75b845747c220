"""How a segment reaches its user: what the keeper needs of it, whether kernel device or Unix socket."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

#: Options that may exceed the system's limit (socket(7)); the socket module does not name them.
_SO_SNDBUFFORCE: Final = 32
_SO_RCVBUFFORCE: Final = 33
_SOCKET_BUFFER: Final = 4 << 20

#: Hands connected sockets of a segment to the engine, which duplicates them.
Connect = Callable[[int, list[int]], Awaitable[None]]


class Exports(Protocol):
    """One way to attach segments."""

    name: str
    #: Called with a segment's number when one of its connections ended unasked.
    lost: Callable[[int], None]

    async def attach(self, index: int, size: int, connect: Connect) -> str:
        """Make segment ``index`` of ``size`` bytes reachable; returns its device. Raises VramswapError."""

    async def resume(self, index: int, device: str, size: int, connect: Connect) -> None:
        """Take over segment ``index``, which an earlier program attached as ``device``; :meth:`reattach` follows."""

    async def reattach(self, index: int, connect: Connect) -> None:
        """Give the device of segment ``index`` new connections after the engine died."""

    def give_up(self, index: int) -> None:
        """The memory of segment ``index`` is gone: all requests to it fail from now on. Raises nothing."""

    async def detach(self, index: int) -> None:
        """Make segment ``index`` unreachable; its connections end."""

    def hung_up(self, index: int) -> bool:
        """True when a connection of segment ``index`` ended unasked."""

    def in_use(self, index: int) -> bool:
        """True while detaching would lose pages."""

    def connections(self, index: int) -> int:
        """How many connections serve segment ``index``."""


def widen(end: socket.socket) -> None:
    """Let a large transfer lie in the socket as a whole, so that nobody waits for its pieces (socket(7)).

    Without CAP_NET_ADMIN as much as the system allows to everybody.
    """
    for option, forced in ((socket.SO_SNDBUF, _SO_SNDBUFFORCE), (socket.SO_RCVBUF, _SO_RCVBUFFORCE)):
        try:
            end.setsockopt(socket.SOL_SOCKET, forced, _SOCKET_BUFFER)
        except PermissionError:
            end.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
