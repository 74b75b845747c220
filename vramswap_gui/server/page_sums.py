# SPDX-License-Identifier: MIT
"""The sums of a segment's pages, in memory that engines share with the keeper, so that the next one has them too.

Both have it mapped and locked: while no engine lives, the keeper keeps it from being swapped to the very pages that it
speaks of. What a sum is, is known to server/engine/stores/linear.pyx alone; where pages are packed each has an entry
instead, which has the sum's place, and that is known to server/engine/records.pyx.

What turned out to be a bad place is known here as well. A segment has some spare pages behind its sums, and before
them a word for each, which says whose it is (linear.pyx). An extent, which has no pages of its own, has nothing but a
word for each chunk, which says that it is bad (stores/pool.pyx).
"""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Final

from vramswap_gui.server.messages import Kind
from vramswap_gui.server.packing import shift
from vramswap_gui.units import round_up

_PAGE: Final = 4096
#: Bytes of a page's sum, or of its entry.
_WIDTH: Final = {Kind.PLAIN: 4, Kind.PACKED: 8}
_WORD: Final = 8
#: Spare pages of a segment that is as it is. More bad places than that have cards that are beyond use.
SPARES: Final = 16


def _length(size: int, kind: Kind) -> int:
    """Bytes of the sums, of the entries, or of the chunks' words."""
    needed = (size >> shift(size)) * _WORD if kind is Kind.EXTENT else size // _PAGE * _WIDTH[kind]
    return round_up(needed, mmap.PAGESIZE)


class PageSums:
    """Those of a segment of ``size`` bytes. ``fd``: of memory that somebody made, and ours from now on."""

    def __init__(self, size: int, fd: int | None = None, kind: Kind = Kind.PLAIN) -> None:
        """Raises OSError; then ``fd`` is closed."""
        before = _length(size, kind)
        length = before + ((1 + SPARES) * _PAGE if kind is Kind.PLAIN else 0)
        self.fd = os.memfd_create("vramswap-sums") if fd is None else fd
        try:
            if os.fstat(self.fd).st_size < length:
                # New, or of a version that had no spare pages.
                os.ftruncate(self.fd, length)
            self._map = mmap.mmap(self.fd, length)
        except (OSError, ValueError) as error:
            os.close(self.fd)
            raise OSError(getattr(error, "errno", None) or 0, str(error)) from None
        for place in range(0, length, mmap.PAGESIZE):
            # What is looked at is there, and locked. It must not be written: an engine may be doing that.
            self._map[place]
        self._view: ctypes.c_char | None = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(self._view)
        #: Where the spare pages' words are, and behind them, from the next page on, the spare pages; 0 without any.
        self.spares = self.address + before if length > before else 0

    def disown(self) -> None:
        """In a child that was forked meanwhile: let go of it, or it stays beyond its end. The descriptor is closed."""
        self._view = None
        self._map.close()

    def close(self) -> None:
        """Let go of it; others may have it still."""
        self.disown()
        os.close(self.fd)
