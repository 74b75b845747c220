# SPDX-License-Identifier: MIT
"""Segments as NBD servers on Unix sockets: for any NBD client, and where the kernel's driver cannot be had."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.exports.base import Way, widen
from vramswap_gui.server.exports.nbd_handshake import Dialogue, Export, negotiate
from vramswap_gui.server.messages import (
    ClientCame,
    DeviceDetached,
    DeviceLinked,
    DevicePrepared,
    DeviceUnlinked,
    Event,
)

_HANDSHAKE_SECONDS: Final = 10.0
_MAX_HANDSHAKES: Final = 64
#: Seconds until the next client is accepted, when one could not be.
_ACCEPT_PAUSE: Final = 0.1


class NbdSocketExports:
    """Segments become NBD servers on Unix sockets; ``path`` names the socket of a segment.

    Connections of a segment are its clients', who come, go, and come again as they like.
    """

    def __init__(self, report: Callable[[Event], None], name: str, path: Callable[[int], Path]) -> None:
        self.name = name
        self._report = report
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._servers: dict[int, socket.socket] = {}
        self._tasks: dict[int, set[asyncio.Task[None]]] = {}
        self._clients: dict[int, socket.socket] = {}
        self._numbers = itertools.count(1)

    def prepare(self, index: int, gen: int, size: int, ident: str) -> None:
        self._loop.call_soon(self._report, DevicePrepared(index))

    def hand_over(self, index: int) -> Way:
        return Way()

    def attach(self, index: int, size: int, ident: str, pid: int) -> None:
        self._loop.call_soon(self._report, self._attach(index, size))

    def _attach(self, index: int, size: int) -> Event:
        try:
            listener = listen(self._path(index))
        except OSError as error:
            # What Python refuses itself, as a path that is too long for a socket, has no number.
            path, why = str(self._path(index)), error.strerror or str(error)
            return DeviceUnlinked(index, VramswapError(Problem.PATH_NOT_SERVED, path=path, why=why))
        self._servers[index] = listener
        self._tasks[index] = set()
        self._tasks[index].add(asyncio.create_task(self._accept(index, listener, Export(size))))
        return DeviceLinked(index, str(self._path(index)))

    def reconnect(self, index: int, pid: int) -> None:
        self._loop.call_soon(self._report, DeviceLinked(index, str(self._path(index))))

    def inherit(self, index: int, size: int, ident: str, device: str, ends: Sequence[int]) -> None:
        self._attach(index, size)

    def detach(self, index: int, lost: bool) -> None:
        for task in self._tasks.pop(index, ()):
            task.cancel()
        server = self._servers.pop(index, None)
        if server is not None:
            server.close()
            self._path(index).unlink(missing_ok=True)
        self._loop.call_soon(self._report, DeviceDetached(index))

    def abandon(self, index: int) -> None:
        """Nothing takes long."""

    def drop_ends(self, index: int) -> None:
        """None are kept."""

    def kept_ends(self) -> Mapping[int, Sequence[int]]:
        return {}

    def connections(self, index: int) -> int:
        return 0

    def client(self, client: int) -> int:
        if client not in self._clients:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._clients[client].fileno()

    def close_client(self, client: int) -> None:
        end = self._clients.pop(client, None)
        if end is not None:
            end.close()

    def close(self) -> None:
        for index in list(self._servers):
            self.detach(index, lost=False)
        for client in list(self._clients):
            self.close_client(client)

    async def _accept(self, index: int, listener: socket.socket, export: Export) -> None:
        tasks = self._tasks[index]
        while True:
            try:
                client, _ = await self._loop.sock_accept(listener)
            except OSError:
                # Out of descriptors, or of memory, for a moment.
                await asyncio.sleep(_ACCEPT_PAUSE)
                continue
            if len(tasks) > _MAX_HANDSHAKES:
                client.close()
                continue
            task = asyncio.create_task(self._greet(index, client, export))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _greet(self, index: int, client: socket.socket, export: Export) -> None:
        """Negotiate with a client. One that misbehaves is only let go."""
        agreed = False
        try:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                client.setblocking(False)
                widen(client)
                async with asyncio.timeout(_HANDSHAKE_SECONDS):
                    agreed = await _talk(client, negotiate(export))
        finally:
            if not agreed:
                client.close()
        if agreed:
            number = next(self._numbers)
            self._clients[number] = client
            self._report(ClientCame(index, number))


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
