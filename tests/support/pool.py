# SPDX-License-Identifier: MIT
"""A pool of VRAM as the server keeps it: what lies in it, what it offers, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vramswap_gui.api.control import PoolInfo
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper.policy.sizing import Area
from vramswap_gui.server.packing import PAGE, Stock
from vramswap_gui.units import MAX_EXTENTS, round_down

#: What a page takes that gets no smaller.
RECORD: Final = PAGE + 16


@dataclass
class Content:
    """A segment: bytes of pages that were written, what they take of VRAM, and those that the kernel still counts."""

    size: int
    pages: int = 0
    live: int = 0
    used: int = 0


@dataclass
class Pool:
    """The pages of a segment that is not full may yet be anything."""

    each: int = 0
    extents: int = 0
    segments: dict[int, Content] = field(default_factory=dict)
    holes: int = 0

    @property
    def info(self) -> PoolInfo:
        contents = self.segments.values()
        announced, stored = sum(c.size for c in contents) // PAGE, sum(c.pages for c in contents) // PAGE
        shares = tuple((index, content.pages // PAGE) for index, content in self.segments.items())
        live = sum(c.live for c in contents)
        each = self.each if self.extents else 0
        return Stock(self.extents, each, live, announced, stored, self.holes, shares).told(threads=8)

    @property
    def areas(self) -> list[Area]:
        return [Area(index, content.size, content.used) for index, content in self.segments.items()]

    def extend(self, size: int) -> int:
        if self.extents == MAX_EXTENTS:
            raise VramswapError(Problem.EXTENTS_FULL, count=self.extents)
        if self.extents and size != self.each:
            raise VramswapError(Problem.EXTENTS_DIFFER, size=self.each, given=size)
        self.each = size
        self.extents += 1
        return self.extents - 1

    def shrink(self) -> None:
        self.extents -= 1
        if self.segments and (missing := -self.info.offer) > 0:
            self.extents += 1
            raise VramswapError(Problem.POOL_IN_USE, missing=missing)

    def add(self, size: int) -> int:
        if size > self.info.offer:
            raise VramswapError(Problem.NOT_EARNED, offer=max(0, self.info.offer), size=size)
        index = next(number for number in range(len(self.segments) + 1) if number not in self.segments)
        # mkswap(8) writes one page, which the kernel does not count.
        self.segments[index] = Content(size, pages=PAGE, live=RECORD // 8)
        return index

    def write(self, index: int, share: float, ratio: float) -> None:
        """Fill so much of a segment, with pages of which so many take the room of one."""
        content = self.segments[index]
        content.pages = content.used = round_down(int(content.size * share), PAGE)
        content.live = int(content.pages // PAGE * RECORD / ratio)
