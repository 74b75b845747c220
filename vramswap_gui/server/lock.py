# SPDX-License-Identifier: MIT
"""There is one keeper in a folder: a second one would find no engine without one, and take what it cannot see for lost.

The lock is held until its process ends, or becomes another program.
"""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import BinaryIO, Final

from vramswap_gui.errors import Problem, VramswapError

_NAME: Final = "server.lock"
#: Seconds for which a server that ends may still be there, and between two looks.
_SECONDS: Final = 5.0
_POLL: Final = 0.05


def take(folder: Path) -> BinaryIO:
    """Become the one; a keeper that is just ending is waited for. Raises VramswapError SERVER_RUNS, OSError."""
    lock = (folder / _NAME).open("ab")
    until = time.monotonic() + _SECONDS
    while not _lock(lock, fcntl.LOCK_EX):
        if time.monotonic() > until:
            lock.close()
            raise VramswapError(Problem.SERVER_RUNS, folder=str(folder))
        time.sleep(_POLL)
    return lock


def is_held(folder: Path) -> bool:
    """Whether there is one. Raises OSError."""
    try:
        with (folder / _NAME).open("rb") as lock:
            return not _lock(lock, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _lock(lock: BinaryIO, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
