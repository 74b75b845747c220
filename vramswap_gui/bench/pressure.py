# SPDX-License-Identifier: MIT
"""What a person feels when memory is short: a job with too little of it, in memory alone, then with the swap there is.

The kernel fills swap by priority, for all programs alike, so that without root nobody chooses where pages go. Where
they went is looked at; and swap that comes after ours is measured while ours is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vramswap_gui.bench.pressed import Figures
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import ZRAM
from vramswap_gui.system import memory, run, swaps
from vramswap_gui.system.control_group import confined
from vramswap_gui.system.swaps import Swap
from vramswap_gui.units import MIB

#: What goes to swap, where nothing else is asked for, and where it would be too little to tell anything.
USUAL: Final = 512 * MIB
SMALLEST: Final = 16 * MIB
#: A run takes so many seconds at most: systemd-oomd ends what is short of memory for 20.
LONGEST: Final = 15.0
#: Memory for the program itself, of which a part is never used again and goes to swap too.
_OWN: Final = 8 * MIB
#: One part in so many of the machine's memory is left to others.
_LEFT: Final = 8
#: As much more swap than pages has to be free, since the kernel gives it away in clusters: one part in so many.
_SPARE: Final = 8
_GLANCE: Final = 0.1
#: An area that took less than this share of the pages is not what was measured.
_MOST: Final = 0.9


class Place(enum.StrEnum):
    """Where the pages were that memory had no room for."""

    MEMORY = "memory"
    VRAM = "vram"
    ZRAM = "zram"
    DISK = "disk"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class Ran:
    """One run. ``areas``: how many bytes of the swap areas were used in it at the most, besides what was before."""

    place: Place
    figures: Figures
    areas: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """All runs: in memory alone, with VRAM, and without it where that was measured.

    ``size``: the bytes that memory had no room for; the job had twice as many.
    """

    size: int
    asked: int
    runs: tuple[Ran, ...]
    #: Swap areas that are not ours, by priority.
    others: tuple[Swap, ...] = ()
    #: Why the swap that comes after ours was not measured, though it was asked for.
    refusal: VramswapError | None = None

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "size": self.size,
            "asked": self.asked,
            "runs": [
                {
                    "place": one.place.value, "areas": dict(one.areas), **dataclasses.asdict(one.figures),
                    "finished": one.figures.finished, "whole": one.figures.whole,
                    "brought_back": one.figures.brought_back,
                }
                for one in self.runs
            ],
            "others": [area.device for area in self.others],
            "refusal": None if self.refusal is None else self.refusal.as_dict(),
        }  # fmt: skip


async def measure(
    asked: int,
    devices: Collection[str],
    progress: Callable[[float, Place], None],
    away: Callable[[], AbstractAsyncContextManager[None]] | None,
    proc: Path = Path("/proc"),
) -> Result:
    """Put a job under pressure, with ``asked`` bytes more than it has memory for, or as many as there is room for.

    ``devices``: those that are VRAM. ``away``: a context in which they are no swap, for the swap that comes next, and
    which says at its end if they were; without it only VRAM is measured. Raises VramswapError.
    """
    areas = swaps.read(proc)
    ours = tuple(area for area in areas if area.device in devices)
    others = tuple(area for area in areas if area.device not in devices)
    if not ours:
        raise VramswapError(Problem.BENCH_NO_SWAP)
    size = _possible(asked, ours, proc)
    with_others = bool(away and others)
    total = 3 if with_others else 2
    progress(0, Place.MEMORY)
    # Confined as well, with all that it needs.
    runs = [Ran(Place.MEMORY, await _job(size, _whole(size)), {})]
    progress(1 / total, Place.VRAM)
    runs.append(await _with_vram(size, devices, proc))
    refusal = None
    if away and with_others:
        progress(2 / total, Place.SEVERAL)
        try:
            async with away():
                _require_room(size, proc)
                last = await _pressed(size, devices, proc)
            runs.append(last)
        except VramswapError as error:
            refusal = error
    progress(1, Place.MEMORY)
    return Result(size, asked, tuple(runs), others, refusal)


def _whole(size: int) -> int:
    """Bytes of memory with which a job on twice ``size`` is short of nothing."""
    return 2 * size + 8 * _OWN


def _room(proc: Path) -> int:
    """Bytes of memory that may be had now and leave others theirs; below 0 where these are short already."""
    now = memory.read(proc)
    return now.available - now.total // _LEFT


def _promised(proc: Path) -> int | None:
    """Bytes of memory that the kernel still promises to one program, and others something too; None: it does not count.

    It counts what somebody asks for, whether that is in memory, in swap or nowhere.
    """
    commit = memory.read(proc).commit
    return None if commit is None else commit.room - commit.room // _LEFT


def _possible(asked: int, ours: Collection[Swap], proc: Path) -> int:
    """How many bytes can go to swap here. Raises VramswapError when that is too little."""
    free = sum(area.size - area.used for area in ours)
    room = _room(proc)
    # With memory for all of its pages the program takes more than with half of them in zram.
    size = min(asked, free * _SPARE // (_SPARE + 1), (room - _whole(0)) // 2) // MIB * MIB
    if size < SMALLEST:
        raise VramswapError(
            Problem.BENCH_TOO_SHORT, smallest=SMALLEST, free=max(0, free), needed=_whole(SMALLEST), room=max(0, room)
        )
    promised = _promised(proc)
    if promised is None:
        return size
    size = min(size, (promised - _whole(0)) // 2 // MIB * MIB)
    if size < SMALLEST:
        raise VramswapError(Problem.BENCH_NO_PROMISE, size=_whole(SMALLEST), mode=memory.overcommit(proc))
    return size


def _require_room(size: int, proc: Path) -> None:
    """Raises VramswapError where other swap has no place for what went to VRAM before, or memory none for the rest.

    Pages came home since it was last looked at, and zram takes memory for what goes there.
    """
    areas = swaps.read(proc)
    free, needed = sum(area.size - area.used for area in areas), size + size // _SPARE
    room, short = _room(proc), size + _OWN + _in_zram(size, areas) // swaps.ZRAM_SHARE
    if free < needed or room < short:
        raise VramswapError(Problem.BENCH_OTHERS_SHORT, needed=needed, free=free, memory=short, room=max(0, room))


def _in_zram(size: int, areas: Collection[Swap]) -> int:
    """How many of ``size`` bytes of pages the kernel sends to zram, where areas of one priority take turns."""
    found = 0
    for area in sorted(areas, key=lambda area: (-area.priority, not area.in_memory)):
        taken = min(size, area.size - area.used)
        size -= taken
        found += taken if area.in_memory else 0
    return found


async def _pressed(size: int, devices: Collection[str], proc: Path) -> Ran:
    """The job with memory for half of its pages."""
    async with _watched(proc) as areas:
        figures = await _job(size, size + _OWN)
    return Ran(_place(areas, devices), figures, areas)


async def _with_vram(size: int, devices: Collection[str], proc: Path) -> Ran:
    """The same with pages in VRAM. Raises VramswapError, and of all reasons that it was turned off meanwhile."""
    _require_on(devices, proc)
    try:
        ran = await _pressed(size, devices, proc)
    except VramswapError:
        # The program may have been ended because its pages had to go somewhere else.
        _require_on(devices, proc)
        raise
    _require_on(devices, proc)
    return ran


def _require_on(devices: Collection[str], proc: Path) -> None:
    if not any(area.device in devices for area in swaps.read(proc)):
        raise VramswapError(Problem.BENCH_TURNED_OFF)


def _place(areas: Mapping[str, int], devices: Collection[str]) -> Place:
    """Where nearly all of the pages were."""
    taken: dict[Place, int] = {}
    for device, bytes_there in areas.items():
        in_memory = device.startswith(ZRAM)
        place = Place.VRAM if device in devices else Place.ZRAM if in_memory else Place.DISK
        taken[place] = taken.get(place, 0) + bytes_there
    total = sum(taken.values())
    most = max(taken, key=lambda place: taken[place], default=Place.SEVERAL)
    return most if total and taken[most] >= _MOST * total else Place.SEVERAL


@contextlib.asynccontextmanager
async def _watched(proc: Path) -> AsyncIterator[dict[str, int]]:
    """By how much the use of each swap area grows meanwhile, at the most."""
    before = {area.device: area.used for area in swaps.read(proc)}
    found: dict[str, int] = {}

    async def watch() -> None:
        while True:
            for area in swaps.read(proc):
                more = area.used - before.get(area.device, 0)
                if more > found.get(area.device, 0):
                    found[area.device] = more
            await asyncio.sleep(_GLANCE)

    watching = asyncio.create_task(watch())
    try:
        yield found
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _job(size: int, high: int) -> Figures:
    """What it tells, with ``high`` bytes of memory for its ``2 * size``. Raises VramswapError."""
    async with confined(high, _whole(size)) as group:
        command = [*group.command, sys.executable, "-P", "-m", "vramswap_gui.bench.pressed", "--size", str(2 * size),
                   "--most", str(high), "--seconds", str(LONGEST), "--parent", str(os.getpid())]  # fmt: skip
        if group.folder is not None:
            command += ["--group", str(group.folder)]
        done = await run.run(*command)
    if done.status < 0:
        raise VramswapError(Problem.BENCH_ENDED, signal=-done.status)
    try:
        told = json.loads(done.output)
        figures = None if "error" in told else Figures(**told)
    except (ValueError, TypeError):
        raise VramswapError(Problem.BENCH_NO_GROUP, why=done.complaint) from None
    if figures is None:
        raise VramswapError.from_dict(told["error"])
    if figures.wrong:
        raise VramswapError(Problem.BENCH_WRONG_PAGES, count=figures.wrong)
    return figures
