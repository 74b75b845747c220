# SPDX-License-Identifier: MIT
"""The segments that are swap: what is in them, and how a goal (steps.py) is carried out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from vramswap_gui.api.control import PoolInfo
from vramswap_gui.api.status import Segment
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import monitor, swap_area, takeover
from vramswap_gui.helper.landing import LandingPlace
from vramswap_gui.helper.policy import landing, pool, sizing
from vramswap_gui.helper.policy.sizing import Area, Shortfall
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.steps import (
    Add,
    Disconnect,
    EmptyFile,
    Extend,
    Goal,
    MakeFile,
    Quit,
    Remove,
    RemoveFile,
    Shrink,
    Step,
    SwapOff,
    SwapOn,
    UseFile,
    World,
    done,
    failed,
    next_step,
    numbered,
    with_made,
)
from vramswap_gui.settings import Config
from vramswap_gui.system import ours, swaps
from vramswap_gui.system.swaps import Swap
from vramswap_gui.units import MIN_SIZE, SIZE_STEP, round_up

_PROGRESS_SECONDS: Final = 0.2


class Segments:
    """Those of a server, and the ``place`` where their pages land that fit nowhere else.

    ``kernel``: its devices are real; ``moved`` is called when there is something new to show.
    """

    def __init__(
        self,
        server: ServerClient,
        kernel: bool,
        proc: Path,
        sys: Path,
        folder: Path,
        moved: Callable[[], None],
        place: LandingPlace,
    ) -> None:
        self._server = server
        self._kernel = kernel
        self._proc = proc
        self._sys = sys
        self._folder = folder
        self._moved = moved
        self._place = place
        self._leaving: asyncio.Task[None] | None = None
        #: All swap areas at the last look.
        self._areas: tuple[Swap, ...] = ()
        #: The devices that were swap at some look.
        self._seen: set[str] = set()
        #: The server's number of each segment → its device.
        self.devices: dict[int, str] = {}
        #: While one is being emptied: bytes that still have to come home.
        self.bytes_left = 0
        #: The server refused to give an extent back.
        self._stuck = False
        #: Since when nobody moves anything, and what was to be cleaned last.
        self._calm = pool.Calm()
        self._compacted: PoolInfo | None = None
        #: The most that may be lent of the card, as far as that is known.
        self.largest = 0

    def look(self) -> tuple[Swap, ...]:
        """Have all that is said here be of now; also all swap areas. Raises OSError."""
        self._areas = swaps.read(self._proc)
        self._seen = self._seen & {*self.devices.values()} | {segment.device for _, segment in self._in_use()}
        return self._areas

    @property
    def vram(self) -> int:
        """Bytes of VRAM that are swap."""
        size, packed = sum(segment.size for _, segment in self._in_use()), self._server.pool
        return size if packed is None or not size else packed.vram

    @property
    def unused(self) -> bool:
        """Whether the server has one that is no swap."""
        return len(self.devices) > sum(1 for _ in self._in_use())

    @property
    def taken_down(self) -> bool:
        """Whether somebody has turned one off that was swap, and is no more."""
        return bool(self._seen & {*self.devices.values()} - {segment.device for _, segment in self._in_use()})

    def packed(self) -> tuple[int, int, int]:
        """Where pages are packed: the bytes of VRAM, of it those in which pages lie, and those of the pages."""
        packed = self._server.pool
        return (packed.vram, packed.live, packed.pages) if packed is not None and self.vram else (0, 0, 0)

    def areas(self) -> list[Area]:
        """Those in use, as the policy sees them."""
        return [Area(index, segment.size, segment.used) for index, segment in self._in_use()]

    def shown(self) -> tuple[Segment, ...]:
        """Those in use, as the status has them."""
        return tuple(segment for _, segment in self._in_use())

    async def know(self, known: Mapping[int, str]) -> None:
        """Go on with the segments of a server. What there is besides has nobody: whoever waits for a page of it is told
        that it is lost, be it a verb that is to make swap of it; and what is swap counts as lost then, and stays to be
        turned off."""
        unlost = frozenset(device for index, device in self.devices.items() if index >= 0)
        for device in takeover.lost(unlost, known.values()):
            if self._kernel:
                # One that the driver does not let go of is passed over.
                with contextlib.suppress(VramswapError):
                    await asyncio.to_thread(swap_area.disconnect, device)
        self.devices = numbered(known, [segment.device for _, segment in self._in_use()])

    @property
    def lost(self) -> list[str]:
        """The devices that are swap still, though nobody has their pages."""
        return [segment.device for index, segment in self._in_use() if index < 0]

    @property
    def served(self) -> frozenset[str]:
        """The devices that are swap and were not given up."""
        return frozenset(segment.device for index, segment in self._in_use() if index >= 0)

    async def find(self) -> bool:
        """Look for segments without a server. True when there are any."""
        if self._kernel:
            devices = [area.device for area in self.look()]
            self.devices = dict(enumerate([device for device in devices if await self._is_ours(device)]))
        return bool(self.devices)

    async def _is_ours(self, device: str) -> bool:
        found = ours.verdict(device, ours.recorded(self._folder), self._proc, self._sys)
        # The label is on the device, which nobody may serve: it is only read where nothing else tells.
        return await swap_area.is_ours(device) if found is None else found

    @property
    def most(self) -> int:
        """How many segments there can be beside other swap."""
        return sizing.most_segments(sum(area.device not in self.devices.values() for area in self._areas))

    def whole(self, size: int) -> int:
        """What of ``size`` bytes of VRAM can be lent: whole extents, where pages are packed; else what there is, when
        another segment would be too small."""
        packed = self._server.pool
        if packed is None:
            lent = self.vram
            return lent if lent and lent < size < lent + MIN_SIZE else size
        return pool.whole(size, packed.size, self.largest) if packed.size else size

    def resized(self, size: int, least: int = 0) -> Goal:
        """To have so many bytes of VRAM lent; where pages are packed at least so many segments have to go for it."""
        packed = self._server.pool
        if packed is None:
            steps = sizing.reshape(self.areas(), size, self.most)
            return Goal(steps.remove, steps.add)
        if pool.fitting(size, packed.size, self.largest) != packed.size:
            # Extents are of one size, so all of them go before there are others.
            return Goal(tuple(area.index for area in sizing.emptiest_first(self.areas())), extents=0)
        count = pool.extents(size, packed.size)
        return Goal(pool.leaving(self.areas(), packed, count, least), extents=count, extent=packed.size)

    def possible(self, size: int) -> Goal:
        """What of the way to ``size`` can be gone with the room that there is for pages; 0 is all of it."""
        packed, areas = self._server.pool, sizing.emptiest_first(self.areas())
        if packed is None:
            count = len(self.resized(size).leave) if size else len(areas)
            goals = (Goal(tuple(area.index for area in areas[:some])) for some in range(count, 0, -1))
        else:
            least = max(1, pool.extents(size, packed.size))
            goals = (self.resized(count * packed.size) for count in range(least, packed.extents))
        return next((goal for goal in goals if self._shortfall(self._devices(goal.leave)) is None), Goal())

    def taken(self) -> int | None:
        """Where pages are packed: how much of the VRAM is in use."""
        packed = self._server.pool
        return None if packed is None else pool.taken(self.areas(), packed, self.most)

    def balanced(self) -> Goal:
        """To have the swap that packed pages have earned."""
        packed, areas = self._server.pool, self.areas()
        if packed is None or not areas:
            return Goal()
        steps = pool.balance(areas, packed, self.most)
        return Goal(steps.remove, steps.add)

    def rotated(self) -> Goal:
        """To have a segment forgotten of which much is stale, where pages are packed, or one come that it waits for."""
        packed, areas = self._server.pool, self.areas()
        if packed is None or not areas:
            return Goal()
        room = monitor.room(self._areas, set(self.devices.values()), self._proc, self._sys)
        steps = pool.rotation(areas, packed, room, self.most)
        return Goal(steps.remove, steps.add)

    def watch(self, pressed: bool, now: float) -> bool:
        """Whether nobody has moved anything for a while; ``pressed``: tasks wait for memory."""
        if self._server.pool is None:
            return False
        self._calm = pool.calm(self._calm, self.areas(), self._server.pool, pressed, now)
        return pool.is_calm(self._calm, now)

    async def compact(self) -> None:
        """Have what is free lie together, where pages are packed and it does not. Raises VramswapError."""
        packed = self._server.pool
        least = None if packed is None else pool.compaction(self.areas(), packed, self._compacted)
        if least is not None:
            self._compacted = packed
            await self._server.compact(least)

    def world(self) -> World:
        """What is so, for the next step."""
        swapped = {area.device for area in self._areas}
        return World(
            self._server.connected, dict(self.devices),
            frozenset(index for index, device in self.devices.items() if device in swapped),
            frozenset(self._place.files), frozenset(self._place.areas(self._areas)),
            0 if self._server.pool is None else self._server.pool.extents, self._stuck,
        )  # fmt: skip

    async def begin(self, size: int, extent: int, config: Config) -> None:
        """The first ones, of so much VRAM; in extents of such a size, where pages are packed. Raises VramswapError."""
        if (packed := self._server.pool) is None:
            come = sizing.reshape((), size, self.most).add
        else:
            each = packed.size or min(extent, size)
            await self.reach(Goal(extents=pool.extents(size, each), extent=each), config)
            come = pool.first(self._server.pool or packed, self.most)
        await self.reach(Goal(come=come), config)

    async def resize(self, goal: Goal, size: int, config: Config) -> None:
        """Bring about a goal of :meth:`resized`, and what is found out to be needed besides. Raises VramswapError."""
        each = 0 if self._server.pool is None else self._server.pool.size
        await self.reach(goal, config)
        while (packed := self._server.pool) is not None and packed.extents != goal.extents:
            # What is stored takes more than could be known.
            goal = self.resized(size, least=1)
            if not goal.leave:
                raise VramswapError(Problem.SERVER_BUSY)
            await self.make_room(goal.leave, config)
            await self.reach(goal, config)
        if packed is not None and not self.areas():
            # Each was larger than all that is left.
            await self.begin(size, pool.fitting(size, each, self.largest), config)

    async def reach(self, goal: Goal, config: Config, pause: float = 0) -> None:
        """Bring it about; ``pause``: seconds between two segments that go. Raises VramswapError.

        What could not be done half is taken back then, and what was done whole stays, but for a first start.
        """
        if goal.extents is not None:
            await self._learn()
        self.look()
        self._stuck = False
        began_empty = not self.world().swapped
        last: tuple[World, Step] | None = None
        while (step := next_step(world := self.world(), goal)) is not None:
            if (world, step) == last:
                # It did not have the effect that it was said to have.
                raise VramswapError(Problem.SERVER_BUSY)
            # Others may have taken it since it was looked for.
            if isinstance(step, SwapOff) and self._shortfall(self._devices(goal.leave)) is not None:
                await self.make_room(goal.leave, config)
                continue
            if isinstance(step, EmptyFile):
                areas = self._place.areas(self._areas)
                self._require_room({areas[number].device for number in goal.clear if number in areas})
            last = world, step
            try:
                made = await self._carry_out(step, config)
            except VramswapError:
                self.look()
                back = failed(step, self.world(), began_empty)
                if back is not None:
                    with contextlib.suppress(VramswapError):
                        await self.reach(back, config)
                raise
            goal = done(goal, step, made)
            if pause and isinstance(step, Remove):
                await asyncio.sleep(pause)

    async def _learn(self) -> None:
        """What is in the pool: an extent that was asked for may have come though the server died before it said so."""
        if self._server.connected and self._server.pool is not None:
            # A step that needs the server fails with the reason.
            with contextlib.suppress(VramswapError):
                await self._server.status()

    async def _carry_out(self, step: Step, config: Config) -> int | None:
        made: int | None = None
        match step:
            case SwapOn(index):
                priority = sizing.priority(config, index)
                await swap_area.on(self.devices[index], priority, self._server.by_systemd, self._proc)
            case SwapOff(index):
                await self._empty(index)
            case Disconnect(index):
                if self._kernel:
                    await asyncio.to_thread(swap_area.disconnect, self.devices[index])
                self.devices.pop(index, None)
            case MakeFile(size):
                made = await self._place.make(config.landing, size)
            case UseFile(number):
                await self._place.use(number)
            case EmptyFile(number):
                await self._wait(self._place.empty(number))
            case RemoveFile(number):
                await self._place.remove(number)
            case _:
                made = await self._order(step)
        self.look()
        self._moved()
        return made

    async def _order(self, step: Add | Remove | Extend | Shrink | Quit) -> int | None:
        """What the server does."""
        made: int | None = None
        match step:
            case Add(size):
                segment = await self._server.add(size)
                made = segment.index
                await self.know(with_made(self.devices, made, segment.device))
            case Remove(index):
                await self._server.remove(index)
                self.devices.pop(index, None)
                self._stuck = False
            case Extend(size):
                await self._server.extend(size)
            case Shrink():
                self._stuck = not await self._server.shrink()
            case Quit():
                await self._server.quit()
                return None
        if self._server.pool is not None:
            # Each of them changes what there is, and what is offered of it.
            await self._server.status()
        return made

    async def _empty(self, index: int) -> None:
        def left() -> int:
            return next((area.used for area in self.areas() if area.index == index), 0)

        await self._wait(swap_area.off(self.devices[index]), left)

    async def _wait(self, emptying: Coroutine[Any, Any, None], left: Callable[[], int] = lambda: 0) -> None:
        off = self._leaving = asyncio.create_task(emptying)
        while not off.done():
            self.look()
            self.bytes_left = left()
            self._moved()
            await asyncio.wait([off], timeout=_PROGRESS_SECONDS)
        self.bytes_left = 0
        self._leaving = None
        self._moved()
        if off.cancelled():
            raise VramswapError(Problem.CANCELLED)
        off.result()

    def cancel(self) -> None:
        """Have the one that is being emptied stay, if there is one."""
        if self._leaving is not None:
            # swapoff(2) returns as soon as its process is killed, and the area is in use as before.
            self._leaving.cancel()

    async def make_room(self, leave: Collection[int], config: Config) -> None:
        """Have somewhere for the pages of those that leave: a swap file if need be. Raises VramswapError WONT_FIT."""
        short = self._shortfall(self._devices(leave))
        if short is None:
            return
        ground = await self._place.look(config.landing, self.devices.values())
        wish = sum(area.used for area in self.areas())
        size = landing.size(config.landing, ground, len(self._place.files), short, wish)
        await self.reach(Goal(land=size), config)
        self._require_room(self._devices(leave))

    def _require_room(self, going: Collection[str]) -> None:
        """Raises VramswapError WONT_FIT when the pages of what goes have none."""
        short = self._shortfall(going)
        if short is not None:
            raise short.refusal()

    def _shortfall(self, going: Collection[str]) -> Shortfall | None:
        leaving = [area for area in self._areas if area.device in going]
        return monitor.shortfall(leaving, self._areas, self._proc, self._sys) if leaving else None

    def _devices(self, indices: Collection[int]) -> set[str]:
        return {self.devices[index] for index in indices if index in self.devices}

    def spare_files(self) -> tuple[int, ...]:
        """Swap files that are none any more; else the one whose pages have room elsewhere: of several the emptiest.

        Of several that have room each alone, the others may have none then. Somebody may have swapped one off, and a
        swapoff that was cancelled may have been done before it heard of it.
        """
        self.look()
        areas = self._place.areas(self._areas)
        if left := tuple(sorted(self._place.files.keys() - areas.keys())):
            return left
        lent_free = sum(area.size - area.used for area in self.areas())
        for number, area in sorted(areas.items(), key=lambda item: item[1].used):
            room = monitor.room(self._areas, {area.device}, self._proc, self._sys)
            return (number,) if landing.may_go(area.used, room, lent_free) else ()
        return ()

    def landed(self) -> tuple[int, int]:
        """Bytes of the swap files, and how much of them is in use."""
        areas = self._place.areas(self._areas).values()
        return sum(area.size for area in areas), sum(area.used for area in areas)

    def _in_use(self) -> Iterator[tuple[int, Segment]]:
        """Each that is swap now, with its number, highest priority first."""
        index_of = {device: index for index, device in self.devices.items()}
        for area in self._areas:
            if area.device in index_of:
                # The kernel does not count the page with the header, and segments are multiples of the step.
                size = round_up(area.size, SIZE_STEP)
                yield index_of[area.device], Segment(area.device, size, area.used, area.priority)
