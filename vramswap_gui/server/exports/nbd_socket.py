"""Segments as NBD servers on Unix sockets: for any NBD client, and where the kernel's driver cannot be had."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vramswap_gui.server.exports.base import Connect, widen
from vramswap_gui.server.exports.nbd_handshake import Dialogue, Export, negotiate

_HANDSHAKE_SECONDS: Final = 10.0
_MAX_HANDSHAKES: Final = 64


class NbdSocketExports:
    """Segments become NBD servers on Unix sockets; ``path`` names the socket of a segment."""

    def __init__(self, name: str, path: Callable[[int], Path]) -> None:
        self.name = name
        #: Never called: clients come and go as they like.
        self.lost: Callable[[int], None] = lambda index: None
        self._path = path
        self._servers: dict[int, socket.socket] = {}
        self._tasks: dict[int, set[asyncio.Task[None]]] = {}

    async def attach(self, index: int, size: int, connect: Connect) -> str:
        listener = listen(self._path(index))
        self._servers[index] = listener
        self._tasks[index] = set()
        self._tasks[index].add(asyncio.create_task(self._accept(index, listener, Export(size), connect)))
        return str(self._path(index))

    async def resume(self, index: int, device: str, size: int, connect: Connect) -> None:
        await self.attach(index, size, connect)

    async def reattach(self, index: int, connect: Connect) -> None:
        """Nothing to do: clients of a socket connect again by themselves."""

    def give_up(self, index: int) -> None:
        """Nothing to do: connections ended with the engine, and nobody takes new ones."""

    async def detach(self, index: int) -> None:
        for task in self._tasks.pop(index):
            task.cancel()
        self._servers.pop(index).close()
        self._path(index).unlink(missing_ok=True)

    def hung_up(self, index: int) -> bool:
        return False

    def in_use(self, index: int) -> bool:
        return False

    def connections(self, index: int) -> int:
        return 0

    async def _accept(self, index: int, listener: socket.socket, export: Export, connect: Connect) -> None:
        loop = asyncio.get_running_loop()
        tasks = self._tasks[index]
        while True:
            client, _ = await loop.sock_accept(listener)
            if len(tasks) > _MAX_HANDSHAKES:
                client.close()
                continue
            task = asyncio.create_task(self._greet(index, client, export, connect))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    @staticmethod
    async def _greet(index: int, client: socket.socket, export: Export, connect: Connect) -> None:
        """Negotiate with a client and hand its socket to the engine. A client that misbehaves is only let go."""
        with client, contextlib.suppress(OSError, EOFError, TimeoutError):
            client.setblocking(False)
            widen(client)
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                agreed = await _talk(client, negotiate(export))
            if agreed:
                with contextlib.suppress(Exception):
                    await connect(index, [client.fileno()])


def listen(path: Path) -> socket.socket:
    """A listening Unix socket that only its owner can reach; a stale one that nobody serves is replaced.

    Raises OSError, EADDRINUSE when somebody does serve it.
    """
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        if path.is_socket():
            if _is_served(path):
                raise OSError(errno.EADDRINUSE, "another server is listening there", str(path))
            path.unlink()
        before = os.umask(0o177)
        try:
            server.bind(str(path))
        finally:
            os.umask(before)
        server.listen(64)
    except BaseException:
        server.close()
        raise
    return server


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) != errno.ECONNREFUSED


async def _talk(client: socket.socket, dialogue: Dialogue) -> bool:
    """Carry a handshake over a socket, taking not a byte more than it asks for."""
    loop = asyncio.get_running_loop()
    step: int | bytes = next(dialogue)
    try:
        while True:
            if isinstance(step, bytes):
                await loop.sock_sendall(client, step)
                step = next(dialogue)
                continue
            data = b""
            while len(data) < step:
                part = await loop.sock_recv(client, step - len(data))
                if not part:
                    raise EOFError
                data += part
            step = dialogue.send(data)
    except StopIteration as stop:
        return bool(stop.value)
