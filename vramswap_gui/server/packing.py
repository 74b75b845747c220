# SPDX-License-Identifier: MIT
"""How much the VRAM can hold when pages are packed in it, and what of that is offered.

Capacity is earned. What pages turn out to be is known when they are stored, and whatever is offered beyond may be
written with pages that do not get smaller. So another segment is offered only if there is room for it, and for all that
the others may still be given, as if nothing of it could be packed, beside a reserve for pages that are written anew and
got worse. How the VRAM is used: server/engine/stores/pool.pyx.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from vramswap_gui.api.control import PoolInfo
from vramswap_gui.units import KIB, MIB, SIZE_STEP, round_up

#: Chunks are powers of two; so many of them are aimed at for an extent, within these bounds of bytes.
_CHUNKS: Final = 32
_SMALLEST: Final = 2 * MIB
_LARGEST: Final = 32 * MIB
#: A page that does not get smaller takes its sum as well, and what rounds that up. What is written lies beside what it
#: replaces until it is all there: so many bytes a thread. And of a chunk a sixteenth may be lost before it pays to move
#: the rest. Besides, one chunk is being filled, one is the cleaner's, and one is free.
PAGE: Final = 4 * KIB
_RECORD: Final = PAGE + 16
_UNDER_WAY: Final = 2 * 130 * _RECORD
_LOST: Final = 16
_BESIDES: Final = 3
#: With fewer chunks there is no room to move anything.
_FEWEST: Final = 4
#: Of the VRAM so much is reserve.
_RESERVE: Final = 16


class Compression(enum.StrEnum):
    """By what pages are packed."""

    OFF = "off"
    LZ4 = "lz4"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class Packing:
    """By what the pages of new segments are packed, if they are.

    ``threads``: how many may write at once. ``promised``: segments may have more than was earned, because whoever asked
    for them said how much VRAM they are to have.
    """

    compression: Compression = Compression.OFF
    threads: int = 8
    promised: bool = False

    @property
    def codec(self) -> str:
        """What does it; empty: nothing."""
        return str(self.compression) if self.compression is not Compression.OFF else ""


@dataclass(frozen=True, slots=True)
class Stock:
    """What the pool is and has: ``extents`` of ``size`` bytes, ``live`` bytes in use, and pages that segments can have
    in all (``announced``), and those that were written (``stored``; ``shares``: by segment). ``holes``: bytes that are
    free, but have to be cleaned before they can be used."""

    extents: int
    size: int
    live: int
    announced: int
    stored: int
    holes: int = 0
    shares: tuple[tuple[int, int], ...] = ()

    def offer(self, threads: int) -> int:
        """Bytes that another segment may have; below 0 so much of the reserve is promised."""
        chunk = 1 << shift(self.size)
        whole = self.extents * (self.size // chunk) * chunk
        usable = (whole - _BESIDES * chunk) * (_LOST - 1) // _LOST - threads * _UNDER_WAY - whole // _RESERVE
        left = usable - self.live - (self.announced - self.stored) * _RECORD
        return left // _RECORD * PAGE // SIZE_STEP * SIZE_STEP

    def told(self, threads: int) -> PoolInfo:
        """As it is told."""
        shares = tuple((index, pages * PAGE) for index, pages in self.shares)
        return PoolInfo(self.extents, self.size, self.live, self.stored * PAGE, self.offer(threads), self.holes, shares)


def shift(extent: int) -> int:
    """Of an extent's chunks: each has ``1 << shift`` bytes."""
    chunk = _SMALLEST
    while chunk < _LARGEST and chunk * 2 * _CHUNKS <= extent:
        chunk *= 2
    return chunk.bit_length() - 1


def extent(size: int, vram: int, threads: int) -> int:
    """Bytes of the one extent for a single segment of ``size`` bytes: of so much ``vram``, or (0) what holds it
    whatever its pages are like."""
    wanted = vram or (size // PAGE * _RECORD + threads * _UNDER_WAY) * _LOST // (_LOST - 1)
    chunk = 1 << shift(wanted)
    return max(vram // chunk, _FEWEST) * chunk if vram else round_up(wanted, chunk) + _BESIDES * chunk
