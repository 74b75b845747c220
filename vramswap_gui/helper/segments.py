# SPDX-License-Identifier: MIT
"""The segments that are swap: what is in them, and how a goal (steps.py) is carried out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from vramswap_gui.api.status import Segment
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import monitor, swap_area
from vramswap_gui.helper.landing import LandingPlace
from vramswap_gui.helper.policy import landing, sizing
from vramswap_gui.helper.policy.sizing import Area, Shortfall
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.steps import (
    Add,
    Disconnect,
    EmptyFile,
    Goal,
    MakeFile,
    Quit,
    Remove,
    RemoveFile,
    Step,
    SwapOff,
    SwapOn,
    UseFile,
    World,
    done,
    failed,
    next_step,
)
from vramswap_gui.settings import Config
from vramswap_gui.system import ours, swaps
from vramswap_gui.system.swaps import Swap
from vramswap_gui.units import SIZE_STEP, round_up

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
        #: The server's number of each segment → its device.
        self.devices: dict[int, str] = {}
        #: While one is being emptied: bytes that still have to come home.
        self.bytes_left = 0

    def look(self) -> tuple[Swap, ...]:
        """Have all that is said here be of now; also all swap areas. Raises OSError."""
        self._areas = swaps.read(self._proc)
        return self._areas

    @property
    def size(self) -> int:
        """Bytes of VRAM that are swap."""
        return sum(segment.size for _, segment in self._in_use())

    def areas(self) -> list[Area]:
        """Those in use, as the policy sees them."""
        return [Area(index, segment.size, segment.used) for index, segment in self._in_use()]

    def shown(self) -> tuple[Segment, ...]:
        """Those in use, as the status has them."""
        return tuple(segment for _, segment in self._in_use())

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

    def world(self) -> World:
        """What is so, for the next step."""
        return World(
            self._server.connected, dict(self.devices), frozenset(area.index for area in self.areas()),
            frozenset(self._place.files), frozenset(self._place.areas(self._areas)),
        )  # fmt: skip

    async def reach(self, goal: Goal, config: Config, pause: float = 0) -> None:
        """Bring it about; ``pause``: seconds between two segments that go. Raises VramswapError.

        What could not be done half is taken back then, and what was done whole stays, but for a first start.
        """
        self.look()
        began_empty = not self.world().swapped
        while (step := next_step(self.world(), goal)) is not None:
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

    async def _carry_out(self, step: Step, config: Config) -> int | None:
        made: int | None = None
        match step:
            case Add(size):
                segment = await self._server.add(size)
                made = segment.index
                self.devices[made] = segment.device
            case SwapOn(index):
                priority = sizing.priority(config, index)
                await swap_area.on(self.devices[index], priority, self._server.by_systemd, self._proc)
            case SwapOff(index):
                await self._empty(index)
            case Remove(index):
                await self._server.remove(index)
                del self.devices[index]
            case Disconnect(index):
                if self._kernel:
                    await asyncio.to_thread(swap_area.disconnect, self.devices[index])
                del self.devices[index]
            case Quit():
                await self._server.quit()
            case MakeFile(size):
                made = await self._place.make(config.landing, size)
            case UseFile(number):
                await self._place.use(number)
            case EmptyFile(number):
                await self._wait(self._place.empty(number))
            case RemoveFile(number):
                await self._place.remove(number)
        self.look()
        self._moved()
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

    async def make_room(self, leaving: Iterable[Area], config: Config) -> None:
        """Have somewhere for the pages of those that leave: a swap file if need be. Raises VramswapError WONT_FIT."""
        leaving = list(leaving)
        short = self._shortfall(leaving)
        if short is None:
            return
        ground = await self._place.look(config.landing, self.devices.values())
        wish = sum(area.used for area in self.areas())
        size = landing.size(config.landing, ground, len(self._place.files), short, wish)
        await self.reach(Goal(land=size), config)
        short = self._shortfall(leaving)
        if short is not None:
            # Somebody was faster.
            raise short.refusal()

    def _shortfall(self, leaving: list[Area]) -> Shortfall | None:
        going = {self.devices[area.index] for area in leaving}
        room = monitor.room(self._areas, going, self._proc, self._sys)
        return sizing.shortfall(sum(area.used for area in leaving), room, sum(area.size for area in leaving))

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
