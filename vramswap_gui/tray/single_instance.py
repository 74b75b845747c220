# SPDX-License-Identifier: MIT
"""One tray a user: a second start asks the first for its window."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLockFile, QObject, QSocketNotifier, QStandardPaths, Signal

_ANSWERS_IN_SECONDS: Final = 2.0
_LONGEST: Final = 256


class Instance(QObject):
    """Holds the place of the one that runs. Plain sockets, as Qt's would bring all of its network with them."""

    #: Another start asks for a window, by name, empty for the first one; then its activation token, with which Wayland
    #: lets it come forward.
    asked = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        # Qt makes it when the session has none, for this user alone.
        folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.RuntimeLocation))
        self._path = folder / "vramswap-tray"
        self._lock = QLockFile(str(folder / "vramswap-tray.lock"))
        # It is held for as long as the session; that its holder lives is checked in any case.
        self._lock.setStaleLockTime(0)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._callers: dict[socket.socket, QSocketNotifier] = {}

    def take(self) -> bool:
        """Whether this is the first one."""
        if not self._lock.tryLock(0):
            return False
        before = os.umask(0o177)
        # Without a place to listen it is the first one all the same; a second one says that it does not answer.
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._server.bind(str(self._path))
            self._server.listen()
            self._watched(self._server).activated.connect(lambda *_: self._answer())
        os.umask(before)
        return True

    def ask(self, window: str = "") -> bool:
        """Ask the first one for a window; False when it does not answer."""
        token = os.environ.get("XDG_ACTIVATION_TOKEN", "")
        line = f"{window} {token}".encode()[: _LONGEST - 1] + b"\n"
        with socket.socket(socket.AF_UNIX) as end, contextlib.suppress(OSError):
            end.settimeout(_ANSWERS_IN_SECONDS)
            end.connect(str(self._path))
            end.sendall(line)
            # The answer is awaited, so that a window that never comes is not taken for success.
            return bool(end.recv(_LONGEST))
        return False

    def close(self) -> None:
        """Leave the place to others."""
        for end in list(self._callers):
            self._forget(end)
        self._server.close()
        self._path.unlink(missing_ok=True)
        self._lock.unlock()

    def _watched(self, end: socket.socket) -> QSocketNotifier:
        return QSocketNotifier(end.fileno(), QSocketNotifier.Type.Read, self)

    def _answer(self) -> None:
        with contextlib.suppress(BlockingIOError):
            end, _ = self._server.accept()
            end.setblocking(False)
            self._callers[end] = notifier = self._watched(end)
            notifier.activated.connect(lambda *_: self._read(end))

    def _read(self, end: socket.socket) -> None:
        try:
            # So few bytes come as they were sent, in one piece.
            line = end.recv(_LONGEST)
            if line.endswith(b"\n"):
                end.send(b"ok\n")
        except OSError:
            line = b""
        self._forget(end)
        if line.endswith(b"\n"):
            window, _, token = line.decode(errors="replace").rstrip("\n").partition(" ")
            self.asked.emit(window, token)

    def _forget(self, end: socket.socket) -> None:
        notifier = self._callers.pop(end)
        notifier.setEnabled(False)
        notifier.deleteLater()
        end.close()
