"""The kernel's NBD driver over generic netlink: the one place that knows it.

Source: the kernel's ``include/uapi/linux/nbd-netlink.h`` and ``drivers/block/nbd.c``. pyroute2 encodes and decodes the
messages; the socket is a plain one, because the process that recovers live swap must not depend on an event loop or on
threads, and everything it needs is resolved before the first device exists.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pyroute2.netlink import NETLINK_GENERIC, NLM_F_ACK, NLM_F_REQUEST, NLMSG_ERROR, ctrlmsg, genlmsg, nla

from vramswap_gui.errors import ErrorCode, VramswapError

_GENL_ID_CTRL: Final = 16
_CTRL_CMD_GETFAMILY: Final = 3
_CMD_CONNECT: Final = 1
_CMD_DISCONNECT: Final = 2
_CMD_RECONFIGURE: Final = 3

#: NBD_FLAG_HAS_FLAGS | NBD_FLAG_CAN_MULTI_CONN: swap needs neither flush nor trim, and never gets a request for them.
_SERVER_FLAGS: Final = 1 | 1 << 8
_REPLY_SECONDS: Final = 10


class _SocketItem(nla):  # type: ignore[misc]
    nla_map = (("NBD_SOCK_UNSPEC", "none"), ("NBD_SOCK_FD", "uint32"))


class _Sockets(nla):  # type: ignore[misc]
    nla_map = (("NBD_SOCK_ITEM_UNSPEC", "none"), ("NBD_SOCK_ITEM", "item"))
    item = _SocketItem


class _NbdMessage(genlmsg):  # type: ignore[misc]
    nla_map = (
        ("NBD_ATTR_UNSPEC", "none"),
        ("NBD_ATTR_INDEX", "uint32"),
        ("NBD_ATTR_SIZE_BYTES", "uint64"),
        ("NBD_ATTR_BLOCK_SIZE_BYTES", "uint64"),
        ("NBD_ATTR_TIMEOUT", "uint64"),
        ("NBD_ATTR_SERVER_FLAGS", "uint64"),
        ("NBD_ATTR_CLIENT_FLAGS", "uint64"),
        ("NBD_ATTR_SOCKETS", "sockets"),
        ("NBD_ATTR_DEAD_CONN_TIMEOUT", "uint64"),
    )
    sockets = _Sockets


def without_scheduler(index: int, sys: Path = Path("/sys")) -> None:
    """Have a device's requests go out as they come: there is no head to move, and what waits is a program's page.

    The kernel gives it mq-deadline, as to every device that had a single queue when it was made. Without the right to
    change that it only costs some processor time, so it is no error. Source: Documentation/block/switching-sched.rst.
    """
    with contextlib.suppress(OSError):
        (sys / f"block/nbd{index}/queue/scheduler").write_text("none")


def is_taken(end: socket.socket) -> bool:
    """Whether a device has this end of a connection.

    The kernel gives no answer of its own: a socket for which it has found no dead connection, yet, is ignored without a
    word (nbd_genl_reconfigure in drivers/block/nbd.c). One that it takes gets the device's request timeout as its send
    timeout, and a fresh socket has none.
    """
    return any(end.getsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.calcsize("@ll")))


class NbdControl:
    """Attaches sockets to ``/dev/nbdN`` and back. Needs CAP_SYS_ADMIN; not for several threads at once."""

    def __init__(self) -> None:
        """Open the socket and find the driver. Raises VramswapError NO_NBD when it is not there."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_GENERIC)
        self._socket.bind((0, 0))
        self._socket.settimeout(_REPLY_SECONDS)
        self._sequence = 0
        request = ctrlmsg()
        request["attrs"] = [("CTRL_ATTR_FAMILY_NAME", "nbd")]
        try:
            answer = self._exchange(_GENL_ID_CTRL, request, _CTRL_CMD_GETFAMILY, ctrlmsg)
        except OSError as error:
            self._socket.close()
            raise VramswapError(
                ErrorCode.NO_NBD,
                "The kernel's NBD driver is not loaded.",
                "Run `modprobe nbd` as root; if that fails, install the kernel's extra modules package.",
            ) from error
        self._family = int(answer.get_attr("CTRL_ATTR_FAMILY_ID"))

    def connect(
        self,
        sockets: Sequence[int],
        size: int,
        *,
        index: int | None = None,
        block_size: int = 4096,
        request_timeout: int,
        dead_connection_timeout: int,
    ) -> int:
        """Make a device of ``size`` bytes served on ``sockets`` (descriptors; the kernel keeps its own reference).

        ``index`` chooses ``/dev/nbd<index>``; None lets the kernel choose. Both timeouts are in seconds: after the
        first a request is sent again; the second is how long the device waits for :meth:`reconfigure` when all its
        connections are dead. Returns the index. Raises VramswapError.
        """
        attributes: list[tuple[str, Any]] = [
            ("NBD_ATTR_SIZE_BYTES", size),
            ("NBD_ATTR_BLOCK_SIZE_BYTES", block_size),
            ("NBD_ATTR_TIMEOUT", request_timeout),
            ("NBD_ATTR_DEAD_CONN_TIMEOUT", dead_connection_timeout),
            ("NBD_ATTR_SERVER_FLAGS", _SERVER_FLAGS),
            _socket_list(sockets),
        ]
        if index is not None:
            attributes.insert(0, ("NBD_ATTR_INDEX", index))
        answer = self._ask("attach an NBD device", _CMD_CONNECT, attributes)
        return int(answer.get_attr("NBD_ATTR_INDEX"))

    def reconfigure(self, index: int, sockets: Sequence[int]) -> None:
        """Give a device whose connections died new ones; see :func:`is_taken` for which. Raises VramswapError."""
        self._ask(f"reconnect /dev/nbd{index}", _CMD_RECONFIGURE, [("NBD_ATTR_INDEX", index), _socket_list(sockets)])

    def disconnect(self, index: int) -> None:
        """Detach a device; requests that are still queued fail. Raises VramswapError."""
        self._ask(f"detach /dev/nbd{index}", _CMD_DISCONNECT, [("NBD_ATTR_INDEX", index)])

    def close(self) -> None:
        """Close the netlink socket; devices stay as they are."""
        self._socket.close()

    def _ask(self, doing: str, command: int, attributes: list[tuple[str, Any]]) -> Any:
        request = _NbdMessage()
        request["attrs"] = attributes
        try:
            return self._exchange(self._family, request, command, _NbdMessage)
        except OSError as error:
            remedy = "See the last lines of `dmesg`."
            if error.errno in (errno.EPERM, errno.EACCES):
                remedy = "The server must run as root."
            raise VramswapError(
                ErrorCode.NO_NBD, f"The kernel refused to {doing}: {os.strerror(error.errno or 0)}.", remedy
            ) from error

    def _exchange(self, family: int, request: Any, command: int, kind: Any) -> Any:
        """Send one request and return the message it is answered with, or None for a mere acknowledgement."""
        self._sequence += 1
        request["cmd"] = command
        request["version"] = 1
        request["header"]["type"] = family
        request["header"]["flags"] = NLM_F_REQUEST | NLM_F_ACK
        request["header"]["sequence_number"] = self._sequence
        request["header"]["pid"] = 0
        request.encode()
        self._socket.send(request.data)
        answer = None
        while True:
            data = self._socket.recv(65536)
            offset = 0
            while offset < len(data):
                length, message_type, _, sequence = struct.unpack_from("=IHHI", data, offset)
                part = data[offset : offset + length]
                offset += (length + 3) & ~3
                if sequence != self._sequence:
                    continue
                if message_type == NLMSG_ERROR:
                    # struct nlmsgerr: a negative errno, 0 for an acknowledgement.
                    code = -struct.unpack_from("=i", part, 16)[0]
                    if code:
                        raise OSError(code, os.strerror(code))
                    return answer
                answer = kind(part)
                answer.decode()


def _socket_list(sockets: Sequence[int]) -> tuple[str, Any]:
    items = [("NBD_SOCK_ITEM", {"attrs": [("NBD_SOCK_FD", fd)]}) for fd in sockets]
    return ("NBD_ATTR_SOCKETS", {"attrs": items})
