# SPDX-License-Identifier: MIT
"""Clients that speak NBD past the handshake: one that asks one thing at a time, and one that asks all at once."""

from __future__ import annotations

import random
import socket
import struct
import threading
from typing import Final

PAGE: Final = 4096
EIO: Final = 5
ENOSPC: Final = 28
#: Commands (proto.md of the NBD project).
READ, WRITE, DISC, FLUSH, TRIM, _, WRITE_ZEROES = range(7)
#: The beginning of a reply: its magic, the error, and the request's cookie.
REPLY: Final = struct.Struct(">IIQ")
REPLY_MAGIC: Final = 0x67446698


def header(command: int, offset: int, length: int, cookie: int = 7) -> bytes:
    """A request without its data."""
    return struct.pack(">IHHQQI", 0x25609513, 0, command, cookie, offset, length)


class Client:
    """Speaks NBD, a request at a time."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def _ask(self, command: int, offset: int, length: int, data: bytes = b"") -> int:
        self.end.sendall(header(command, offset, length) + data)
        magic, error, _ = REPLY.unpack(self._take(REPLY.size))
        assert magic == REPLY_MAGIC
        return int(error)

    def _take(self, size: int) -> bytes:
        data = self.end.recv(size, socket.MSG_WAITALL)
        assert len(data) == size
        return data

    def read(self, offset: int, length: int = PAGE) -> bytes | None:
        """None: an input/output error."""
        error = self._ask(READ, offset, length)
        assert error in (0, EIO)
        return None if error else self._take(length)

    def write(self, offset: int, data: bytes) -> None:
        assert self.offer(offset, data)

    def offer(self, offset: int, data: bytes) -> bool:
        """Write, and whether there was room for it."""
        error = self._ask(WRITE, offset, len(data), data)
        assert error in (0, ENOSPC)
        return error == 0

    def zero(self, offset: int, length: int) -> None:
        assert self._ask(WRITE_ZEROES, offset, length) == 0

    def discard(self, offset: int, length: int) -> None:
        assert self._ask(TRIM, offset, length) == 0


def crowd(end: socket.socket, seed: int, requests: int) -> list[int]:
    """Reads and writes of few pages, all at once, some of a part of a page; the errors that came."""
    draw, wanted, errors = random.Random(seed), [], []

    def send() -> None:
        for cookie in range(requests):
            pages, offset = draw.choice((1, 1, 2, 3)), draw.randrange(3) * PAGE
            length = pages * PAGE if draw.random() < 0.8 else 512
            command = draw.choice((READ, WRITE, WRITE, TRIM))
            data = draw.randbytes(length) if command == WRITE else b""
            wanted.append(length if command == READ else 0)
            end.sendall(header(command, offset, length, cookie) + data)

    sender = threading.Thread(target=send)
    sender.start()
    for _ in range(requests):
        _, error, cookie = REPLY.unpack(end.recv(REPLY.size, socket.MSG_WAITALL))
        errors += [error] if error else []
        if wanted[cookie] and not error:
            end.recv(wanted[cookie], socket.MSG_WAITALL)
    sender.join()
    return errors
