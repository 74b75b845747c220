"""Segments as the kernel's NBD devices, over socketpairs that the engine serves."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from vramswap_gui.server.attach import Connect
from vramswap_gui.system.nbd import NbdControl

#: Connections of one kernel device. More queues help only when more cores page at once.
CONNECTIONS: Final = 4
#: Seconds after which the kernel sends a request again; what is in flight when an engine dies waits this long.
REQUEST_TIMEOUT: Final = 3
#: Seconds that the kernel waits for a new engine before it fails requests: long enough for any restart.
DEAD_CONNECTION_TIMEOUT: Final = 3600


class KernelAttachment:
    """Segments become ``/dev/nbdN``."""

    name = "kernel"

    def __init__(self, swaps: Path = Path("/proc/swaps")) -> None:
        self._nbd = NbdControl()
        self._swaps = swaps
        self._devices: dict[int, int] = {}

    async def attach(self, index: int, size: int, connect: Connect) -> str:
        kernel = await self._sockets(index, connect)
        try:
            device = self._nbd.connect(
                [end.fileno() for end in kernel],
                size,
                request_timeout=REQUEST_TIMEOUT,
                dead_connection_timeout=DEAD_CONNECTION_TIMEOUT,
            )
        finally:
            for end in kernel:
                end.close()
        self._devices[index] = device
        return f"/dev/nbd{device}"

    async def reattach(self, index: int, connect: Connect) -> None:
        kernel = await self._sockets(index, connect)
        try:
            self._nbd.reconfigure(self._devices[index], [end.fileno() for end in kernel])
        finally:
            for end in kernel:
                end.close()

    async def detach(self, index: int) -> None:
        self._nbd.disconnect(self._devices.pop(index))

    def in_use(self, index: int) -> bool:
        device = f"/dev/nbd{self._devices[index]}"
        return any(line.split()[0] == device for line in self._swaps.read_text().splitlines()[1:])

    def connections(self, index: int) -> int:
        return CONNECTIONS

    @staticmethod
    async def _sockets(index: int, connect: Connect) -> list[socket.socket]:
        """The kernel's ends of fresh connections whose other ends the engine has."""
        pairs = [socket.socketpair() for _ in range(CONNECTIONS)]
        try:
            await connect(index, [theirs.fileno() for _, theirs in pairs])
        except BaseException:
            for ours, _ in pairs:
                ours.close()
            raise
        finally:
            for _, theirs in pairs:
                theirs.close()
        return [ours for ours, _ in pairs]
