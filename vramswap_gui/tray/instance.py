"""One tray a user: a second start asks the first for its window."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLockFile, QObject, QStandardPaths, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_ANSWERS_IN_MS: Final = 2000
_LONGEST: Final = 256


class Instance(QObject):
    """Holds the place of the one that runs."""

    #: Another start asks for the window; the text is its activation token, with which Wayland lets it come forward.
    asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        # Qt makes it when the session has none, for this user alone.
        folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.RuntimeLocation))
        self._socket = str(folder / "vramswap-tray")
        self._lock = QLockFile(str(folder / "vramswap-tray.lock"))
        # It is held for as long as the session; that its holder lives is checked in any case.
        self._lock.setStaleLockTime(0)
        self._server = QLocalServer(self)
        self._server.newConnection.connect(self._answer)

    def take(self) -> bool:
        """Whether this is the first one."""
        if not self._lock.tryLock(0):
            return False
        QLocalServer.removeServer(self._socket)
        self._server.listen(self._socket)
        return True

    def ask(self) -> bool:
        """Ask the first one for its window; False when it does not answer."""
        socket = QLocalSocket()
        socket.connectToServer(self._socket)
        if not socket.waitForConnected(_ANSWERS_IN_MS):
            return False
        socket.write(os.environ.get("XDG_ACTIVATION_TOKEN", "").encode()[: _LONGEST - 1] + b"\n")
        # The answer is awaited, so that a window that never comes is not taken for success.
        return socket.waitForBytesWritten(_ANSWERS_IN_MS) and socket.waitForReadyRead(_ANSWERS_IN_MS)

    def _answer(self) -> None:
        while socket := self._server.nextPendingConnection():
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(lambda socket=socket: self._read(socket))
            self._read(socket)

    def _read(self, socket: QLocalSocket) -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > _LONGEST:
                socket.abort()
            return
        token = bytes(socket.readLine(_LONGEST).data()).decode(errors="replace").strip()
        socket.write(b"ok\n")
        socket.flush()
        socket.disconnectFromServer()
        self.asked.emit(token)
