# SPDX-License-Identifier: MIT
"""The kernel's NBD driver over generic netlink, and what sysfs says of its devices: the one place that knows both.

Source: the kernel's ``include/uapi/linux/nbd-netlink.h``, ``include/uapi/linux/genetlink.h`` and
``drivers/block/nbd.c``. The messages are made by hand: whoever recovers live swap is small, locked in memory, and
depends on nothing that it does not need.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import NBD
from vramswap_gui.system import block_queue, kworkers, smallfile
from vramswap_gui.system.kworkers import Worker

# netlink(7) and <linux/netlink.h>; the socket module has only some of it.
_NETLINK_GENERIC: Final = 16
_NLM_F_REQUEST: Final = 1
_NLM_F_ACK: Final = 4
_NLMSG_ERROR: Final = 2
_NLA_F_NESTED: Final = 1 << 15
_NLA_TYPE_MASK: Final = (1 << 14) - 1

# <linux/genetlink.h>
_GENL_ID_CTRL: Final = 16
_CTRL_CMD_GETFAMILY: Final = 3
_CTRL_ATTR_FAMILY_ID: Final = 1
_CTRL_ATTR_FAMILY_NAME: Final = 2

# <linux/nbd-netlink.h>
_CMD_CONNECT: Final = 1
_CMD_DISCONNECT: Final = 2
_CMD_RECONFIGURE: Final = 3
_ATTR_INDEX: Final = 1
_ATTR_SIZE_BYTES: Final = 2
_ATTR_BLOCK_SIZE_BYTES: Final = 3
_ATTR_TIMEOUT: Final = 4
_ATTR_SERVER_FLAGS: Final = 5
_ATTR_SOCKETS: Final = 7
_ATTR_DEAD_CONN_TIMEOUT: Final = 8
_ATTR_BACKEND_IDENTIFIER: Final = 10
_SOCK_ITEM: Final = 1
_SOCK_FD: Final = 1

#: NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_TRIM | NBD_FLAG_CAN_MULTI_CONN: swap needs no flush, and never asks for it.
_SERVER_FLAGS: Final = 1 | 1 << 5 | 1 << 8
#: The most that is discarded by one request: a cluster of the kernel's swap (SWAPFILE_CLUSTER of mm/swapfile.c). The
#: driver would allow 4 GiB, which take longer than the request's timeout where the bus is slow.
_MOST_DISCARDED: Final = 2 << 20
_REPLY_SECONDS: Final = 10

#: How the identity of each device of ours begins, whoever of us made it.
OURS: Final = "vramswap-"


@dataclass(frozen=True, slots=True)
class Connected:
    """A device that has a server. ``ident`` is None where the kernel does not tell (before 5.14)."""

    number: int
    ident: str | None

    @property
    def device(self) -> str:
        """Its path."""
        return path(self.number)


def path(number: int) -> str:
    """The device of a number."""
    return f"{NBD}{number}"


def number(device: str) -> int:
    """The reverse. Raises ValueError for another kind of device."""
    return int(device.removeprefix(NBD))


def connected(sys: Path = Path("/sys")) -> Iterator[Connected]:
    """Every NBD device that has a server, ours and others'.

    Raises OSError: a device that could not be looked for is not one that is not there.
    """
    for number in smallfile.numbers(sys / "block", "nbd"):
        folder = sys / f"block/nbd{number}"
        # The file is there while the device is configured (nbd_config_put in drivers/block/nbd.c).
        if "pid" in smallfile.names(folder):
            ident: str | None = None
            with contextlib.suppress(FileNotFoundError):
                ident = (folder / "backend").read_bytes().strip().decode("utf-8", "replace")
            yield Connected(number, ident)


def ours(sys: Path = Path("/sys")) -> dict[str, Connected]:
    """The devices of ours by their identity. Raises OSError."""
    return {found.ident: found for found in connected(sys) if found.ident is not None and found.ident.startswith(OURS)}


def tune_queue(index: int, sys: Path = Path("/sys")) -> None:
    """Have a device's requests go out as they come, and what is discarded in pieces. It may wait for the device."""
    block_queue.without_scheduler(path(index), sys)
    with contextlib.suppress(OSError):
        (sys / f"block/nbd{index}/queue/discard_max_bytes").write_text(str(_MOST_DISCARDED))


def is_taken(end: socket.socket) -> bool:
    """Whether a device has this end of a connection.

    The kernel gives no answer of its own: a socket for which it has found no dead connection, yet, is ignored without a
    word (nbd_genl_reconfigure in drivers/block/nbd.c). One that it takes gets the device's request timeout as its send
    timeout, and a fresh socket has none.
    """
    return any(end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.calcsize("@ll")))


def listeners(index: int, proc: Path = Path("/proc")) -> list[Worker]:
    """The kernel's workers that listen on a device's connections: each has one until that has seen its end.

    Source: recv_work and nbd_dev_add in drivers/block/nbd.c; the second name is older kernels'.
    """
    return kworkers.at_work((f"nbd{index}-recv", f"knbd{index}-recv"), proc)


class NbdControl:
    """Attaches sockets to ``/dev/nbdN`` and back. Needs CAP_SYS_ADMIN; not for several threads at once."""

    def __init__(self) -> None:
        """Open the socket and find the driver. Raises VramswapError NO_NBD when it is not there."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_GENERIC)
        self._sequence = 0
        try:
            self._socket.bind((0, 0))
            self._socket.settimeout(_REPLY_SECONDS)
            answer = self._exchange(_GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, _attribute(_CTRL_ATTR_FAMILY_NAME, b"nbd\0"))
            self._family = struct.unpack("=H", answer[_CTRL_ATTR_FAMILY_ID])[0]
        except (OSError, KeyError, struct.error) as error:
            self._socket.close()
            raise VramswapError(Problem.NBD_NOT_LOADED) from error

    def connect(
        self,
        sockets: Sequence[int],
        size: int,
        *,
        index: int | None = None,
        block_size: int = 4096,
        request_timeout: int,
        dead_connection_timeout: int,
        ident: str = "",
    ) -> int:
        """Make a device of ``size`` bytes served on ``sockets`` (descriptors; the kernel keeps its own reference).

        ``index`` chooses ``/dev/nbd<index>``; None lets the kernel choose. Both timeouts are in seconds: after the
        first a request is sent again; the second is how long the device waits for :meth:`reconfigure` when all its
        connections are dead. ``ident`` tells the device from others (:func:`ours`), and each reconfiguration must name
        the same. Returns the index. Raises VramswapError.
        """
        attributes = [
            _number(_ATTR_SIZE_BYTES, size),
            _number(_ATTR_BLOCK_SIZE_BYTES, block_size),
            _number(_ATTR_TIMEOUT, request_timeout),
            _number(_ATTR_DEAD_CONN_TIMEOUT, dead_connection_timeout),
            _number(_ATTR_SERVER_FLAGS, _SERVER_FLAGS),
            _sockets(sockets),
        ]
        if index is not None:
            attributes.insert(0, _index(index))
        if ident:
            attributes.append(_backend(ident))
        answer = self._ask("attach", index, _CMD_CONNECT, attributes)
        return int(struct.unpack("=I", answer[_ATTR_INDEX])[0])

    def reconfigure(self, index: int, sockets: Sequence[int], ident: str = "") -> None:
        """Give a device whose connections died new ones; see :func:`is_taken` for which. Raises VramswapError."""
        attributes = [_index(index), _sockets(sockets)]
        if ident:
            attributes.append(_backend(ident))
        self._ask("reconnect", index, _CMD_RECONFIGURE, attributes)

    def disconnect(self, index: int) -> None:
        """Detach a device; requests that are still queued fail. Raises VramswapError."""
        self._ask("detach", index, _CMD_DISCONNECT, [_index(index)])

    def disconnect_ours(self, sys: Path = Path("/sys")) -> list[str]:
        """Detach every device of ours, so that whoever waits for its pages gets an error; returns the devices.

        One that the driver does not let go of is passed over.
        """
        found = ours(sys).values()
        for device in found:
            with contextlib.suppress(VramswapError):
                self.disconnect(device.number)
        return [device.device for device in found]

    def close(self) -> None:
        """Close the netlink socket; devices stay as they are."""
        self._socket.close()

    def _ask(self, doing: str, index: int | None, command: int, attributes: Sequence[bytes]) -> dict[int, bytes]:
        try:
            return self._exchange(self._family, command, b"".join(attributes))
        except OSError as error:
            problem = Problem.NBD_NOT_ROOT if error.errno in (errno.EPERM, errno.EACCES) else Problem.NBD_REFUSED
            device = NBD if index is None else path(index)
            why = os.strerror(error.errno or errno.ETIMEDOUT)
            raise VramswapError(problem, command=doing, device=device, why=why) from error

    def _exchange(self, family: int, command: int, attributes: bytes) -> dict[int, bytes]:
        """Send one request; the attributes of the message that answers it, none for a mere acknowledgement.

        Raises OSError as the kernel words it, TimeoutError without an answer.
        """
        self._sequence += 1
        body = struct.pack("=BBH", command, 1, 0) + attributes
        header = struct.pack("=IHHII", 16 + len(body), family, _NLM_F_REQUEST | _NLM_F_ACK, self._sequence, 0)
        self._socket.send(header + body)
        answer: dict[int, bytes] = {}
        while True:
            data = self._socket.recv(65536)
            offset = 0
            while offset + 16 <= len(data):
                length, kind, _, sequence = struct.unpack_from("=IHHI", data, offset)
                part = data[offset : offset + length]
                offset += max(16, (length + 3) & ~3)
                if sequence != self._sequence:
                    # The late answer to a question that was given up.
                    continue
                if kind == _NLMSG_ERROR:
                    # struct nlmsgerr: a negative errno, 0 for an acknowledgement.
                    code = -struct.unpack_from("=i", part, 16)[0]
                    if code:
                        raise OSError(code, os.strerror(code))
                    return answer
                answer = dict(_attributes(part[20:]))


def _attribute(kind: int, value: bytes) -> bytes:
    """struct nlattr: a length without the padding, a type, the value."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        if length < 4:
            return
        yield kind & _NLA_TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def _index(index: int) -> bytes:
    return _attribute(_ATTR_INDEX, struct.pack("=I", index))


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=Q", value))


def _backend(ident: str) -> bytes:
    return _attribute(_ATTR_BACKEND_IDENTIFIER, ident.encode() + b"\0")


def _sockets(sockets: Sequence[int]) -> bytes:
    items = (_attribute(_SOCK_ITEM | _NLA_F_NESTED, _attribute(_SOCK_FD, struct.pack("=I", fd))) for fd in sockets)
    return _attribute(_ATTR_SOCKETS | _NLA_F_NESTED, b"".join(items))
