"""The segments that are swap: what is in them, and how a goal (steps.py) is carried out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from vramswap_gui.api.status import Segment
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import monitor, swap_area
from vramswap_gui.helper.policy import sizing
from vramswap_gui.helper.policy.sizing import Area
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.steps import (
    Add,
    Disconnect,
    Goal,
    Quit,
    Remove,
    Step,
    SwapOff,
    SwapOn,
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
    """Those of a server. ``kernel``: its devices are real; ``moved`` is called when there is something new to show."""

    def __init__(
        self, server: ServerClient, kernel: bool, proc: Path, sys: Path, folder: Path, moved: Callable[[], None]
    ) -> None:
        self._server = server
        self._kernel = kernel
        self._proc = proc
        self._sys = sys
        self._folder = folder
        self._moved = moved
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
        return World(self._server.connected, dict(self.devices), frozenset(area.index for area in self.areas()))

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
        self.look()
        self._moved()
        return made

    async def _empty(self, index: int) -> None:
        off = self._leaving = asyncio.create_task(swap_area.off(self.devices[index]))
        while not off.done():
            self.look()
            self.bytes_left = next((area.used for area in self.areas() if area.index == index), 0)
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

    def require_room(self, leaving: Iterable[Area]) -> None:
        """Raises VramswapError WONT_FIT unless the pages of those that leave fit elsewhere."""
        leaving = list(leaving)
        going = {self.devices[area.index] for area in leaving}
        room = monitor.room(self._areas, going, self._proc, self._sys)
        sizing.require_room(sum(area.used for area in leaving), room, sum(area.size for area in leaving))

    def _in_use(self) -> Iterator[tuple[int, Segment]]:
        """Each that is swap now, with its number, highest priority first."""
        index_of = {device: index for index, device in self.devices.items()}
        for area in self._areas:
            if area.device in index_of:
                # The kernel does not count the page with the header, and segments are multiples of the step.
                size = round_up(area.size, SIZE_STEP)
                yield index_of[area.device], Segment(area.device, size, area.used, area.priority)
