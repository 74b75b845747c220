# SPDX-License-Identifier: MIT
"""Learn of a changed file without looking again and again: inotify(7), which Python's library leaves out."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Final

# <sys/inotify.h>
_CLOSE_WRITE: Final = 0x8
_MOVED_FROM: Final = 0x40
_MOVED_TO: Final = 0x80
_DELETE: Final = 0x200
_ONLY_FOLDERS: Final = 0x01000000
_LARGEST: Final = 1 << 16


class Watch:
    """What happens in a folder. Its ``fileno`` becomes readable when a file was written, replaced or removed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        """What to watch for readability."""
        return self._descriptor

    def clear(self) -> bool:
        """Whether anything has happened since the last call."""
        try:
            return bool(os.read(self._descriptor, _LARGEST))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """End watching."""
        os.close(self._descriptor)


def watch(folder: Path) -> Watch | None:
    """Watch a folder; None where that is not possible, as of one that does not exist."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    if descriptor < 0:
        return None
    events = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _DELETE | _ONLY_FOLDERS
    if libc.inotify_add_watch(descriptor, os.fsencode(folder), ctypes.c_uint32(events)) < 0:
        os.close(descriptor)
        return None
    return Watch(descriptor)
