"""How a segment reaches its user: what the keeper needs of it, whether kernel device or Unix socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

#: Hands connected sockets of a segment to the engine, which duplicates them.
Connect = Callable[[int, list[int]], Awaitable[None]]


class Attachment(Protocol):
    """One way to attach segments."""

    name: str

    async def attach(self, index: int, size: int, connect: Connect) -> str:
        """Make segment ``index`` of ``size`` bytes reachable; returns its device. Raises VramswapError."""

    async def reattach(self, index: int, connect: Connect) -> None:
        """Give the device of segment ``index`` new connections after the engine died."""

    async def detach(self, index: int) -> None:
        """Make segment ``index`` unreachable; its connections end."""

    def in_use(self, index: int) -> bool:
        """True while detaching would lose pages."""

    def connections(self, index: int) -> int:
        """How many connections serve segment ``index``."""
