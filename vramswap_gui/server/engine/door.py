# SPDX-License-Identifier: MIT
"""Where a new keeper finds an engine that has lost its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vramswap_gui.server import ipc

#: Milliseconds in which a keeper's end must be seen by whom its successor asks, who asks again.
_NOTICE_MS: Final = 500
#: Seconds between two tries to listen where the system is out of something.
_AGAIN_SECONDS: Final = 0.1
#: Each locked byte of a stack is locked memory.
_STACK: Final = 256 << 10


class Door:
    """Where a new keeper finds this engine, is handed everything that we hold, and ends us once it needs us no more.

    It is open all the time, so that who lives is not taken for gone, and has a thread of its own, so that who is busy,
    or hangs over its GPU, is taken over like any other.
    """

    def __init__(self, folder: Path, channel: socket.socket, introduce: Callable[[socket.socket], None]) -> None:
        """``channel``: to the keeper that we have. Raises OSError."""
        self._introduce = introduce
        self._channel = channel.dup() if channel.fileno() >= 0 else None
        self._listener = ipc.listen_orphaned(folder)
        before = threading.stack_size(_STACK)
        threading.Thread(target=self._run, name="door", daemon=True).start()
        threading.stack_size(before)

    def _run(self) -> None:
        while True:
            try:
                asker, _ = self._listener.accept()
            except OSError:
                time.sleep(_AGAIN_SECONDS)
                continue
            with asker, contextlib.suppress(OSError):
                if self._is_orphaned():
                    asker.setblocking(False)
                    self._introduce(asker)

    def _is_orphaned(self) -> bool:
        return self._channel is None or ipc.has_hung_up(self._channel, _NOTICE_MS)
