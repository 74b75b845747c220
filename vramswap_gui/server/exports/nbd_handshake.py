# SPDX-License-Identifier: MIT
"""The server's side of NBD's fixed newstyle handshake, as a generator without I/O of its own.

It yields the number of bytes it wants next, or the bytes to send, and returns whether transmission follows. Source: the
NBD project's doc/proto.md. Structured replies and TLS are refused: one simple reply per request is all swap needs.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

#: The generator's type: asks for that many bytes, or has those bytes sent.
Dialogue = Generator[int | bytes, bytes, bool]

MIN_BLOCK: Final = 512
PREFERRED_BLOCK: Final = 4096
MAX_REQUEST: Final = 32 << 20

#: HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES, CAN_MULTI_CONN.
TRANSMISSION_FLAGS: Final = 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 8

_MAGIC: Final = b"NBDMAGIC"
_OPTION_MAGIC: Final = b"IHAVEOPT"
_REPLY_MAGIC: Final = 0x3E889045565A9
_FIXED_NEWSTYLE: Final = 1
_NO_ZEROES: Final = 2
#: A name is at most 4096 bytes, and no other option needs more than that and some information requests.
_MAX_OPTION: Final = 16 << 10

_EXPORT_NAME, _ABORT, _LIST, _INFO, _GO = 1, 2, 3, 6, 7
_ACK, _SERVER, _REP_INFO = 1, 2, 3
_ERR_UNSUP, _ERR_INVALID, _ERR_UNKNOWN, _ERR_TOO_BIG = (0x80000000 + code for code in (1, 3, 6, 9))
_INFO_EXPORT, _INFO_BLOCK_SIZE = 0, 3


@dataclass(frozen=True, slots=True)
class Export:
    """What is served: its size in bytes and its name."""

    size: int
    name: str = ""


def negotiate(export: Export) -> Dialogue:
    """Haggle with one client about one export."""
    yield _MAGIC + _OPTION_MAGIC + struct.pack(">H", _FIXED_NEWSTYLE | _NO_ZEROES)
    (client_flags,) = struct.unpack(">I", (yield 4))
    if client_flags & ~(_FIXED_NEWSTYLE | _NO_ZEROES):
        return False
    while True:
        magic, option, length = struct.unpack(">8sII", (yield 16))
        if magic != _OPTION_MAGIC:
            return False
        if length > _MAX_OPTION:
            # Skipping what cannot be right would let a client keep us reading for ever.
            yield _reply(option, _ERR_TOO_BIG, b"the option is too long")
            return False
        data = (yield length) if length else b""
        if option == _EXPORT_NAME:
            if data != export.name.encode():
                return False
            padding = b"" if client_flags & _NO_ZEROES else bytes(124)
            yield struct.pack(">QH", export.size, TRANSMISSION_FLAGS) + padding
            return True
        if option == _ABORT:
            yield _reply(option, _ACK)
            return False
        if option == _LIST:
            yield _list(export, data)
        elif option in (_INFO, _GO):
            answer, agreed = _info(export, option, data)
            yield answer
            if agreed and option == _GO:
                return True
        else:
            yield _reply(option, _ERR_UNSUP, b"this server does not know the option")


def _reply(option: int, kind: int, data: bytes = b"") -> bytes:
    return struct.pack(">QIII", _REPLY_MAGIC, option, kind, len(data)) + data


def _list(export: Export, data: bytes) -> bytes:
    if data:
        return _reply(_LIST, _ERR_INVALID, b"a list request carries no data")
    name = export.name.encode()
    return _reply(_LIST, _SERVER, struct.pack(">I", len(name)) + name) + _reply(_LIST, _ACK)


def _info(export: Export, option: int, data: bytes) -> tuple[bytes, bool]:
    """The answer to an INFO or GO option, and whether it was agreed to."""
    if len(data) < 6:
        return _reply(option, _ERR_INVALID, b"the option is too short"), False
    (name_length,) = struct.unpack_from(">I", data)
    if name_length > len(data) - 6:
        return _reply(option, _ERR_INVALID, b"the name is longer than the option"), False
    name = data[4 : 4 + name_length]
    (requests,) = struct.unpack_from(">H", data, 4 + name_length)
    if len(data) != 6 + name_length + 2 * requests:
        return _reply(option, _ERR_INVALID, b"the number of information requests is wrong"), False
    if name != export.name.encode():
        return _reply(option, _ERR_UNKNOWN, b"there is no such export"), False
    return (
        _reply(option, _REP_INFO, struct.pack(">HQH", _INFO_EXPORT, export.size, TRANSMISSION_FLAGS))
        + _reply(option, _REP_INFO, struct.pack(">HIII", _INFO_BLOCK_SIZE, MIN_BLOCK, PREFERRED_BLOCK, MAX_REQUEST))
        + _reply(option, _ACK),
        True,
    )
