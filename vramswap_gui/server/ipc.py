# SPDX-License-Identifier: MIT
"""Messages with file descriptors between keeper and engine, over SOCK_SEQPACKET sockets."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from vramswap_gui.errors import Problem, VramswapError

Message = dict[str, Any]

_MAX_BYTES: Final = 64 << 10
#: As many as the kernel lets through (SCM_MAX_FD, unix(7)): an engine hands on two for each segment and one for each
#: extent.
_MAX_FDS: Final = 253
#: How an engine is found once it has no keeper: a socket of this name in the server's folder.
_ORPHAN: Final = "engine-{}.sock"
#: Seconds for which engines that live may say nothing, and between two tries to ask one that hung up.
_ORPHAN_SECONDS: Final = 20.0
_ORPHAN_POLL: Final = 0.05


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


def has_hung_up(end: socket.socket, milliseconds: int = 0) -> bool:
    """Whether the peer is gone, or is so within ``milliseconds``."""
    poll = select.poll()
    # A hang-up is reported all the same.
    poll.register(end, 0)
    return bool(poll.poll(milliseconds))


def listen_orphaned(folder: Path) -> socket.socket:
    """The socket at which a new keeper finds this process, an engine, when it has lost its own. Raises OSError."""
    path = folder / _ORPHAN.format(os.getpid())
    # Whoever finds it must be heard: a socket at which nobody listens yet is taken for that of one who is gone.
    made = path.with_name(f".{path.name}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        made.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(str(made))
        finally:
            os.umask(before)
        listener.listen(4)
        made.rename(path)
    except BaseException:
        listener.close()
        raise
    return listener


def forget_orphaned(folder: Path, pid: int) -> None:
    """Remove what :func:`listen_orphaned` of the process ``pid`` left."""
    with contextlib.suppress(OSError):
        (folder / _ORPHAN.format(pid)).unlink(missing_ok=True)


def engines(folder: Path) -> list[int]:
    """The process ids of the engines in ``folder`` that live, with a keeper or without. The sockets of those that are
    gone are removed."""
    found = []
    for path in sorted(folder.glob(_ORPHAN.format("*"))):
        with _asking() as end:
            if _reach(end, path):
                found.append(_peer(end, path))
    return found


def orphans(folder: Path, seconds: float = _ORPHAN_SECONDS) -> list[tuple[int, Message, list[int]]]:
    """The engines in ``folder``, which have no keeper: the process id, what it says of itself, and its descriptors.

    Raises VramswapError ENGINE_SILENT when one that lives says nothing for so many seconds: it hangs, or has a keeper.
    What it holds is not lost as long as it lives.
    """
    found: list[tuple[int, Message, list[int]]] = []
    until = time.monotonic() + seconds
    try:
        for path in sorted(folder.glob(_ORPHAN.format("*"))):
            orphan = _introduced(path, until)
            if orphan is not None:
                found.append(orphan)
    except VramswapError:
        for _, _, fds in found:
            for fd in fds:
                os.close(fd)
        raise
    return found


def _introduced(path: Path, until: float) -> tuple[int, Message, list[int]] | None:
    """What an engine says; None when it is gone. Raises VramswapError ENGINE_SILENT."""
    while True:
        with _asking() as end:
            if not _reach(end, path):
                return None
            pid = _peer(end, path)
            left = until - time.monotonic()
            if left <= 0:
                raise VramswapError(Problem.ENGINE_SILENT, pid=pid)
            end.settimeout(left)
            with contextlib.suppress(EOFError, OSError):
                return pid, *receive(end)
        # It is about to end, or has not noticed yet that its keeper did.
        time.sleep(_ORPHAN_POLL)


def _asking() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)


def _reach(end: socket.socket, path: Path) -> bool:
    """Whether somebody listens at ``path``, be it that too many wait there."""
    try:
        end.connect(str(path))
    except (ConnectionRefusedError, FileNotFoundError):
        path.unlink(missing_ok=True)
        return False
    except BlockingIOError:
        # More than it has asked for.
        pass
    return True


def _peer(end: socket.socket, path: Path) -> int:
    """The process at the other end, as the kernel knows it (SO_PEERCRED, unix(7)), else by its name."""
    pid = int.from_bytes(end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), "little")
    return pid or int("0" + "".join(filter(str.isdecimal, path.stem)))
