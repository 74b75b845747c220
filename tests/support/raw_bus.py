# SPDX-License-Identifier: MIT
"""A client that puts D-Bus messages together byte by byte, so that it can send what no library would."""

from __future__ import annotations

import array
import os
import socket
import struct
from collections.abc import Sequence
from typing import Final

from tests.support.sockets import accepts as accepts
from tests.support.waiting import PATIENCE

CALL: Final = 1
RETURN: Final = 2
ERROR: Final = 3
SIGNAL: Final = 4
#: Header fields.
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, UNIX_FDS = range(1, 10)

BUS: Final = "org.freedesktop.DBus"
BUS_PATH: Final = "/org/freedesktop/DBus"


def padded(data: bytes, to: int) -> bytes:
    return data + bytes(-len(data) % to)


def string(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def strings(*texts: str) -> bytes:
    """A body of some strings."""
    body = b""
    for text in texts:
        body = padded(body, 4) + string(text)
    return body


def signature(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return bytes([len(data)]) + data + b"\0"


def header_field(code: int, kind: str, value: bytes) -> bytes:
    """A field whose value is aligned to four bytes, or to one when it is a signature."""
    head = bytes([code]) + signature(kind)
    return head + value if kind in ("g", "y") else padded(head, 4) + value


def message(
    kind: int, serial: int, fields: Sequence[bytes], body: bytes = b"", *, flags: int = 0, length: int | None = None
) -> bytes:
    """A message. ``length``: what it says of its body, where that is not so."""
    block = b""
    for one in fields:
        block = padded(block, 8) + one
    size = len(body) if length is None else length
    head = struct.pack("<BBBBII", ord("l"), kind, flags, 1, size, serial) + struct.pack("<I", len(block)) + block
    return padded(head, 8) + body


def _fields(to: str, path: str, interface: str, member: str, kind: str | bytes) -> list[bytes]:
    """The header's fields of a call or a signal."""
    fields = [
        header_field(DESTINATION, "s", string(to)), header_field(PATH, "o", string(path)),
        header_field(INTERFACE, "s", string(interface)), header_field(MEMBER, "s", string(member)),
    ]  # fmt: skip
    return [*fields, header_field(SIGNATURE, "g", signature(kind))] if kind else fields


def call(
    to: str, path: str, interface: str, member: str, serial: int = 9, kind: str | bytes = "", body: bytes = b"",
    *more: bytes, flags: int = 0,
) -> bytes:  # fmt: skip
    """A method call with any signature, any body and any more fields."""
    return message(CALL, serial, [*_fields(to, path, interface, member, kind), *more], body, flags=flags)


def signal(
    to: str, path: str, interface: str, member: str, kind: str = "", body: bytes = b"", *more: bytes
) -> bytes:  # fmt: skip
    """A signal to one."""
    return message(SIGNAL, 9, [*_fields(to, path, interface, member, kind), *more], body)


class RawClient:
    """A connection to a bus, greeted, or one to whoever is at the other end of a socket."""

    def __init__(self, path: str, *, fds: bool = False) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self._buffer = b""
        self._greet(fds)
        self.send(call(BUS, BUS_PATH, BUS, "Hello", serial=1))
        self.name = self.answer(1)[3][4:-1].decode()

    def _greet(self, fds: bool) -> None:
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\n")
        assert self._line().startswith(b"OK")
        if fds:
            self.socket.sendall(b"NEGOTIATE_UNIX_FD\r\n")
            assert self._line() == b"AGREE_UNIX_FD"
        self.socket.sendall(b"BEGIN\r\n")

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise EOFError("the bus has thrown us out")
            line += byte
        return line[:-2]

    def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Raises OSError when the bus has thrown us out."""
        if fds:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            sent = self.socket.sendmsg([data], rights)
            data = data[sent:]
        self.socket.sendall(data)

    def receive(self) -> tuple[int, int, bytes, bytes]:
        """Type, serial that it answers, header and body of the next message. Raises EOFError."""
        head = self._take(16)
        size, _, fields = struct.unpack_from("<III" if head[:1] == b"l" else ">III", head, 4)
        block = self._take(fields + -fields % 8)
        return head[1], _reply_serial(block), head + block, self._take(size)

    def answer(self, serial: int) -> tuple[int, int, bytes, bytes]:
        """What answers the call with this serial."""
        while True:
            got = self.receive()
            if got[1] == serial:
                return got

    def has_owner(self, name: str) -> bool:
        """Whether somebody has a name on this bus."""
        self.send(call(BUS, BUS_PATH, BUS, "NameHasOwner", kind="s", body=string(name)))
        return self.answer(9)[3] == b"\1\0\0\0"

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("the bus has thrown us out")
            self._buffer += data
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def close(self) -> None:
        self.socket.close()


def _reply_serial(fields: bytes) -> int:
    found = fields.find(bytes([REPLY_SERIAL, 1]) + b"u\0")
    while found % 8 and found >= 0:
        found = fields.find(bytes([REPLY_SERIAL, 1]) + b"u\0", found + 1)
    return int(struct.unpack_from("<I", fields, found + 4)[0]) if found >= 0 else 0
