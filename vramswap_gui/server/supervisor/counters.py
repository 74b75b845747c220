# SPDX-License-Identifier: MIT
"""What the workers have counted, in memory that they share with the keeper: reading it disturbs nobody.

It outlives engines, and the keeper's own program too (upgrade.py). The layout is that of tally.pxd.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
from typing import Any, Final

#: Of the server; each has a row of its own, so that no two write to the same cache line.
MAX_WORKERS: Final = 64

_NAMES: Final = ("reads", "writes", "others", "errors", "bytes_read", "bytes_written", "batches", "copies")
_BUCKETS: Final = 40
_HEARTBEAT: Final = 48
#: What came later, behind those.
_LATER: Final = {"bytes_discarded": 49, "reread": 50, "damaged": 51, "no_room": 52, "helped": 53}
_ROW: Final = 64
#: The row behind the workers' is that of who cleans the pool.
CLEANER: Final = MAX_WORKERS
_SIZE: Final = (CLEANER + 1) * _ROW * 8


class Counters:
    """Counted since the server's start. ``fd``: of an earlier program, to go on with."""

    def __init__(self, fd: int | None = None) -> None:
        self.fd = os.memfd_create("vramswap-counters") if fd is None else fd
        if os.fstat(self.fd).st_size < _SIZE:
            # New, or of a version that counted less.
            os.ftruncate(self.fd, _SIZE)
        self._map = mmap.mmap(self.fd, _SIZE)
        for place in range(0, _SIZE, mmap.PAGESIZE):
            # Workers must not be the first to touch a page.
            self._map[place] = self._map[place]
        #: Where the rows begin, in this process and in those that it forks.
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    def read(self) -> dict[str, Any]:
        """The sums of all workers; ``latency`` has batches by the time they took, bucket n from 2^n nanoseconds on."""
        numbers = self._rows()
        sums = [sum(numbers[slot::_ROW]) for slot in range(len(_NAMES) + _BUCKETS)]
        later = {name: sum(numbers[slot::_ROW]) for name, slot in _LATER.items()}
        return {**dict(zip(_NAMES, sums, strict=False)), **later, "latency": sums[len(_NAMES) :]}

    def damage(self) -> tuple[int, int]:
        """How many pages were right when they were read once more, and how many were not."""
        numbers = self._rows()
        again, lost = (sum(numbers[_LATER[name] :: _ROW]) for name in ("reread", "damaged"))
        return again - lost, lost

    def no_room(self) -> int:
        """How many pages found no room in packed VRAM."""
        return sum(self._rows()[_LATER["no_room"] :: _ROW])

    def heartbeats(self, workers: int = MAX_WORKERS, cleaner: bool = False) -> tuple[int, ...]:
        """How often so many workers went round their loop, and who cleans the pool: what a hung one does no more."""
        beats = self._rows()[_HEARTBEAT::_ROW]
        return beats[:workers] + (beats[CLEANER:] if cleaner else ())

    def _rows(self) -> tuple[int, ...]:
        return struct.unpack(f"={(CLEANER + 1) * _ROW}Q", self._map)
