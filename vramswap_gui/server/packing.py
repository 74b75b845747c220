# SPDX-License-Identifier: MIT
"""How a segment's VRAM is divided when its pages are packed (server/engine/stores/pool.pyx)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from vramswap_gui.server.page_sums import ENTRY, SUM
from vramswap_gui.units import KIB, MIB, round_up

#: Chunks are powers of two; so many of them are aimed at, within these bounds of bytes.
_CHUNKS: Final = 64
_SMALLEST: Final = 2 * MIB
_LARGEST: Final = 32 * MIB
#: A page that does not get smaller takes its sum as well, and what rounds that up. What is written lies beside what it
#: replaces until it is all there: so many bytes a thread. And of a chunk a sixteenth may be lost before it pays to move
#: the rest. Besides, one chunk is being filled, one is the cleaner's, and one is free.
_PAGE: Final = 4 * KIB
_RECORD: Final = _PAGE + 16
_UNDER_WAY: Final = 2 * 130 * _RECORD
_WANTED: Final = 15 / 16
_BESIDES: Final = 3
#: With fewer chunks there is no room to move anything.
_FEWEST: Final = 4


class Compression(enum.StrEnum):
    """By what pages are packed."""

    OFF = "off"
    LZ4 = "lz4"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class Layout:
    """So many chunks of ``1 << shift`` bytes each."""

    chunks: int
    shift: int

    @property
    def vram(self) -> int:
        """Bytes of all of them."""
        return self.chunks << self.shift


@dataclass(frozen=True, slots=True)
class Packing:
    """Whether segments are packed, and by what; ``vram``: bytes for each (0: as many as so many threads may need)."""

    compression: Compression = Compression.OFF
    vram: int = 0
    threads: int = 8

    @property
    def on(self) -> bool:
        """Whether they are."""
        return self.compression is not Compression.OFF

    @property
    def width(self) -> int:
        """Bytes for each page that engines share with the keeper."""
        return ENTRY if self.on else SUM

    def layout(self, size: int) -> Layout:
        """For a segment of ``size`` bytes that is packed."""
        return layout(size, self.vram, self.threads)

    def size(self, size: int) -> int:
        """Bytes of VRAM for a segment of ``size`` bytes."""
        return self.layout(size).vram if self.on else size


def layout(size: int, vram: int, threads: int) -> Layout:
    """For a segment of ``size`` bytes: in so much ``vram``, or (0) in what holds it whatever its pages are like."""
    wanted = vram or int((size / _PAGE * _RECORD + threads * _UNDER_WAY) / _WANTED)
    chunk = _SMALLEST
    while chunk < _LARGEST and chunk * 2 * _CHUNKS <= wanted:
        chunk *= 2
    chunks = max(vram // chunk, _FEWEST) if vram else round_up(wanted, chunk) // chunk + _BESIDES
    return Layout(chunks, chunk.bit_length() - 1)
