"""Messages with file descriptors between keeper and engine, over a SOCK_SEQPACKET socketpair."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any, Final

Message = dict[str, Any]

_MAX_BYTES: Final = 64 << 10
#: The kernel's own limit (SCM_MAX_FD, unix(7)) is 253.
_MAX_FDS: Final = 64


def pair() -> tuple[socket.socket, socket.socket]:
    """The two ends of a channel."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: Message, fds: Sequence[int] = ()) -> None:
    """Send one message with duplicates of ``fds``. Raises OSError when the peer is gone."""
    socket.send_fds(end, [json.dumps(message).encode()], list(fds))


def receive(end: socket.socket) -> tuple[Message, list[int]]:
    """The next message and the descriptors that came with it, which the caller owns.

    Raises EOFError when the peer is gone; OSError as recv(2).
    """
    data, fds, _, _ = socket.recv_fds(end, _MAX_BYTES, _MAX_FDS)
    if not data:
        raise EOFError("the peer is gone")
    return json.loads(data), fds
