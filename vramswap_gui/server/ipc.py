# SPDX-License-Identifier: MIT
"""Messages with file descriptors between keeper and engine, over SOCK_SEQPACKET sockets."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

Message = dict[str, Any]

_MAX_BYTES: Final = 64 << 10
#: As many as the kernel lets through (SCM_MAX_FD, unix(7)): an engine hands on two for each segment and one for each
#: extent.
_MAX_FDS: Final = 253
#: How an engine without a keeper is found: a socket of this name in the server's folder.
_ORPHAN: Final = "engine-{}.sock"
_ORPHAN_SECONDS: Final = 5.0


def pair() -> tuple[socket.socket, socket.socket]:
    """The two ends of a channel."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: Message, fds: Sequence[int] = ()) -> None:
    """Send one message with duplicates of ``fds``. Raises OSError when the peer is gone."""
    socket.send_fds(end, [json.dumps(message).encode()], list(fds))


def receive(end: socket.socket) -> tuple[Message, list[int]]:
    """The next message and the descriptors that came with it, which the caller owns.

    Raises EOFError when the peer is gone or talks nonsense; OSError as recv(2).
    """
    data, fds, _, _ = socket.recv_fds(end, _MAX_BYTES, _MAX_FDS)
    if not data:
        raise EOFError("the peer is gone")
    try:
        message = json.loads(data)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        for fd in fds:
            os.close(fd)
        raise EOFError("the peer talks nonsense")
    return message, fds


def listen_orphaned(folder: Path) -> socket.socket:
    """The socket at which a new keeper finds this process, an engine that lost its own. Raises OSError."""
    path = folder / _ORPHAN.format(os.getpid())
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(4)
    except BaseException:
        listener.close()
        raise
    return listener


def forget_orphaned(folder: Path, pid: int) -> None:
    """Remove what :func:`listen_orphaned` of the process ``pid`` left."""
    with contextlib.suppress(OSError):
        (folder / _ORPHAN.format(pid)).unlink(missing_ok=True)


def orphans(folder: Path) -> Iterator[tuple[int, Message, list[int]]]:
    """The engines in ``folder`` that have no keeper: the process id, what it says of itself, and its descriptors.

    One that does not answer is passed over: it cannot be told from one that is just ending. The sockets of those that
    are gone are removed.
    """
    for path in sorted(folder.glob(_ORPHAN.format("*"))):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
            end.settimeout(_ORPHAN_SECONDS)
            try:
                end.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
                continue
            except OSError:
                continue
            # The process at the other end, as the kernel knows it (SO_PEERCRED, unix(7)).
            pid = int.from_bytes(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), "little")
            with contextlib.suppress(EOFError, OSError):
                message, fds = receive(end)
                yield pid, message, fds
