# SPDX-License-Identifier: MIT
"""Memory kept back for the next engine.

An engine dies while memory is short more likely than not, and then what is short cannot be freed by swapping, because
the swap waits for the next engine. What that one needs to start is therefore held ready, and let go of when it is due:
bit by bit, so that free memory stays below what everybody else would have to wait for. Let go of at once it is as soon
gone to whoever else wants some.

The first engine starts on it too. Where there is not even so much memory, a server that went on would have the kernel
kill somebody for it, most likely the program for which more memory was wanted.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.system import meminfo, memory, swaps, zoneinfo
from vramswap_gui.units import MIB

_STEP: Final = MIB
#: Seconds between two steps of taking it back, and until the next look when there was too little.
_PAUSE: Final = 0.05
_REST: Final = 0.25
#: A step is taken while so many times its size is to be had without waiting. Whoever swaps on us could wait for ever:
#: the engine may die in that moment, and this process is who brings up the next one.
_SPARE: Final = 2
#: Seconds between two looks whether more is to be let go of, and until all is, whoever gets it.
_LOOK: Final = 0.002
_LONG: Final = 3.0
#: Seconds in which all of it must have been had, at first: whoever starts a server waits for that.
_FILL_SECONDS: Final = 15.0


#: What the next engine takes, apart from what it shares with its keeper and what is read from files: on an H200 36 MiB
#: of its own and 100 MiB of the driver's in the kernel. A small computer's reserve is smaller, as its card is.
_LEAST: Final = 48 * MIB
_MOST: Final = 144 * MIB
_SHARE: Final = 100
#: What is left to the others while it is filled.
_MARGIN: Final = 16 * MIB


def reserve_size(proc: Path = Path("/proc")) -> int:
    """Bytes to hold on this machine: a hundredth of its memory, within limits."""
    try:
        total = meminfo.read(proc).total
    except OSError:
        return _LEAST
    return min(max(total // _SHARE, _LEAST), _MOST) // _STEP * _STEP


def _obtainable(proc: Path) -> int:
    """Bytes that can be had when others are swapped out as far as they can be. Of what stays in memory, packed (zram),
    part is gained. Raises OSError."""
    now = memory.read(proc)
    on_disk, packed = swaps.free(swaps.read(proc))
    on_disk = min(on_disk, now.swappable)
    packed = min(packed, now.swappable - on_disk)
    return now.available + on_disk + packed - packed // swaps.ZRAM_SHARE


class MemoryReserve:
    """``size`` bytes that are touched, and locked as all memory of this process is."""

    def __init__(self, size: int, proc: Path = Path("/proc")) -> None:
        self._size = size
        self._proc = proc
        self._held: list[mmap.mmap] = []
        self._changing: asyncio.Task[None] | None = None

    @property
    def held(self) -> int:
        """Bytes held now."""
        return len(self._held) * _STEP

    def require(self) -> None:
        """Raises VramswapError MEMORY_SHORT when the machine has too little for it, also with all that can be swapped
        out for that."""
        if not self._size:
            return
        try:
            there = _obtainable(self._proc) + self.held
        except OSError:
            # Nobody can tell, so it is tried.
            return
        needed = self._size + _MARGIN
        if there < needed:
            raise VramswapError(Problem.MEMORY_SHORT, needed=needed, there=there, missing=needed - there)

    def fill(self) -> None:
        """Take all of it now, while there is no swap that depends on us. Raises VramswapError, and has none then:
        MEMORY_SHORT, as :meth:`require` and where it takes too long, and SYSTEM_REFUSED."""
        end = time.monotonic() + _FILL_SECONDS
        try:
            while self.held < self._size:
                self.require()
                self._take()
                if time.monotonic() > end:
                    # A disk is slow, and everybody waits for it.
                    missing = self._size - self.held
                    raise VramswapError(Problem.MEMORY_SHORT, needed=self._size, there=self.held, missing=missing)
        except OSError as error:
            self.release()
            raise VramswapError(Problem.SYSTEM_REFUSED, why=os.strerror(error.errno or 0)) from error
        except VramswapError:
            self.release()
            raise

    def release(self) -> None:
        """Give all of it back to the system at once."""
        self._change(None)
        while self._held:
            self._held.pop().close()

    def lend(self, patience: float = _LONG) -> None:
        """Give it back bit by bit, as much as there is too little without: to those who go first, and nobody else.
        After ``patience`` seconds all of it goes, whoever gets it."""
        self._change(self._lend(patience))

    def disown(self) -> None:
        """In a child that was forked meanwhile: let go of its part, or the pages stay when the parent lets go of its
        own."""
        for part in self._held:
            part.close()

    def refill(self) -> None:
        """Take it back bit by bit, of what the kernel has free anyway.

        It sees to it that there is some, also while memory is short, as long as an engine serves.
        """
        self._change(self._refill())

    def _change(self, way: Coroutine[Any, Any, None] | None) -> None:
        if self._changing is not None:
            self._changing.cancel()
        self._changing = asyncio.create_task(way) if way is not None else None

    async def _lend(self, patience: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while self._held:
            if zoneinfo.is_short(self._proc):
                self._held.pop().close()
            if loop.time() > end:
                self.release()
            await asyncio.sleep(_LOOK)

    def _take(self) -> None:
        part = mmap.mmap(-1, _STEP)
        for offset in range(0, _STEP, mmap.PAGESIZE):
            part[offset] = 0
        self._held.append(part)

    async def _refill(self) -> None:
        while self.held < self._size:
            if zoneinfo.spare(self._proc) >= _SPARE * _STEP:
                self._take()
                await asyncio.sleep(_PAUSE)
            else:
                await asyncio.sleep(_REST)
