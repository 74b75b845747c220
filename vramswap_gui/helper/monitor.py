# SPDX-License-Identifier: MIT
"""Looks at the machine for a decision, and wakes no GPU by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Final

from vramswap_gui.api.control import GpuInfo
from vramswap_gui.errors import VramswapError
from vramswap_gui.helper.policy import sizing
from vramswap_gui.helper.policy.sizing import Room, Shortfall
from vramswap_gui.helper.policy.types import GpuObservation, Memory, PowerObservation
from vramswap_gui.system import gpu, memory, nvml, power_supply, process, psi, swaps
from vramswap_gui.system.nvml import Program
from vramswap_gui.system.swaps import Swap
from vramswap_gui.system.threads import Threads
from vramswap_gui.units import MIB

#: NVML costs milliseconds and tells what changes slowly; how much VRAM is free the server tells at once.
_NVML_SECONDS: Final = 5.0
#: A driver that takes longer hangs, and is not asked again until it has answered.
_NVML_PATIENCE: Final = 2.0
#: A look at every process costs milliseconds, and a program takes longer to want VRAM.
_SEARCH_SECONDS: Final = 2.0
#: Other programs' use of the VRAM that differs by less is the same: drivers round and keep buffers.
_STEADY: Final = 16 * MIB


class Monitor:
    """``supply`` tells of mains and battery, None without UPower; ``asleep`` whether the machine is about to sleep.

    ``saving`` tells whether the power mode saves power.
    """

    def __init__(
        self,
        proc: Path,
        sys: Path,
        supply: Callable[[], power_supply.PowerReading | None] = lambda: None,
        asleep: Callable[[], bool] = lambda: False,
        saving: Callable[[], bool] = lambda: False,
    ) -> None:
        self._proc = proc
        self._sys = sys
        self._supply = supply
        self.asleep = asleep
        self._saving = saving
        self._program, self._searched, self._sought = "", float("-inf"), ""
        self._reading: nvml.GpuReading | None = None
        self._threads = Threads()
        #: NVML is being asked, which may take for ever.
        self._asking: asyncio.Task[nvml.GpuReading | None] | None = None
        self._asked = float("-inf")
        self._total: int | None = None
        #: VRAM that is used beside our segments and by no other program: the driver's, and our context.
        self._overhead: int | None = None
        #: What was used beside our segments at the last reading, and how much of it by no other program.
        self._seen: tuple[int, int] | None = None

    def trigger(self) -> psi.Trigger | None:
        """What the kernel fires when memory gets short; None where it does not."""
        made = psi.open_trigger(self._proc)
        return made if isinstance(made, psi.Trigger) else None

    def memory(self, areas: Iterable[Swap], ours: Collection[str], stalled: bool) -> Memory:
        """Main memory, and the swap ``areas`` but for those in ``ours``. Raises OSError."""
        now = memory.read(self._proc, self._sys)
        others = [area for area in areas if area.device not in ours]
        pressure = psi.read(self._proc)
        return Memory(
            total=now.total,
            available=now.available,
            other_swap_used=sum(area.used for area in others),
            other_swap_free=sum(area.size - area.used for area in others),
            psi_some_avg10=pressure.some.avg10 if pressure else None,
            psi_full_avg10=pressure.full.avg10 if pressure else None,
            stalled=stalled,
        )

    def power(self) -> PowerObservation:
        """Mains and battery."""
        reading = self._supply() or power_supply.read(self._sys)
        return PowerObservation(reading.on_ac, reading.percent, self._saving())

    def program(self, names: str) -> str:
        """The first that runs of the programs that the setting ``make_way_for`` names; empty while none does."""
        if names != self._sought or time.monotonic() - self._searched >= _SEARCH_SECONDS:
            self._searched, self._sought = time.monotonic(), names
            self._program = process.running(names.split(","), self._proc)
        return self._program

    async def gpu(self, pci: str, held: GpuInfo | None, lent: int) -> GpuObservation:
        """The GPU. ``held``: what our server says of it while one runs, which has it awake; ``lent``: our segments.

        Takes no longer than some seconds, whatever hangs.
        """
        if held is None:
            self._overhead = self._reading = self._seen = None
            self._asked = float("-inf")
            return GpuObservation(gpu.power(pci, self._sys), self._total)
        self._total = held.total
        beside = held.total - held.free - lent
        if time.monotonic() - self._asked >= _NVML_SECONDS:
            self._reading = await self._ask(held.pci)
            self._asked = time.monotonic()
            self._seen = (beside, self._unclaimed(beside))
            if self._overhead is None:
                self._overhead = self._seen[1]
        elif self._seen is not None and abs(beside - self._seen[0]) < _STEADY:
            # The two looks were not at one moment; what both said holds if nobody came or went meanwhile.
            self._overhead, self._seen = self._seen[1], None
        self._overhead = min(beside, beside if self._overhead is None else self._overhead)
        reading, others = self._reading, self._others()
        return GpuObservation(
            gpu.Power.ACTIVE,
            total=held.total,
            used_by_us=lent + self._overhead,
            used_by_others=beside - self._overhead,
            other_clients=None if others is None else len(others),
            utilisation=reading.utilisation if reading is not None else None,
            display_attached=reading.display_attached
            if reading is not None
            else gpu.display_attached(held.pci, self._sys),
        )

    async def _ask(self, pci: str) -> nvml.GpuReading | None:
        """What NVML says; None when it says nothing, or nothing in time."""
        if self._asking is not None and not self._asking.done():
            return None
        self._asking = asyncio.ensure_future(self._threads.run(lambda: _read(pci, self._sys)))
        await asyncio.wait([self._asking], timeout=_NVML_PATIENCE)
        return self._asking.result() if self._asking.done() else None

    def close(self) -> None:
        """Let go of whatever is still being asked."""
        self._threads.close()

    def _others(self) -> list[Program] | None:
        """The other programs on the GPU at the last reading; None where nobody tells."""
        if self._reading is None or self._reading.programs is None:
            return None
        return [program for program in self._reading.programs if not program.ours]

    def _unclaimed(self, beside: int) -> int:
        """How much of what is used ``beside`` our segments no other program has."""
        others = self._others()
        if others is None or any(program.used is None for program in others):
            # Nobody tells, so what is used all the time is taken for the driver's.
            return beside if self._overhead is None else min(self._overhead, beside)
        return max(0, beside - sum(program.used or 0 for program in others))

    def pci(self, chosen: str) -> str:
        """The PCI address of the GPU that would be used, empty when there is none."""
        card = gpu.chosen(chosen, self._sys, self._proc)
        return card.pci if card is not None else ""


def _read(pci: str, sys: Path) -> nvml.GpuReading | None:
    try:
        return nvml.read(pci, True, sys)
    except VramswapError:
        return None


def room(areas: Iterable[Swap], going: Collection[str], proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Room:
    """Where the pages of the swap devices in ``going``, among all ``areas``, can go. Raises OSError."""
    now = memory.read(proc, sys)
    on_disk, in_zram = swaps.free(area for area in areas if area.device not in going)
    return Room(now.total, now.available, on_disk, in_zram, now.commit)


def shortfall(
    leaving: Collection[Swap], areas: Iterable[Swap], proc: Path = Path("/proc"), sys: Path = Path("/sys")
) -> Shortfall | None:
    """What is in the way of the pages of those that are to leave, of all ``areas``. Raises OSError."""
    found = room(areas, {area.device for area in leaving}, proc, sys)
    return sizing.shortfall(sum(area.used for area in leaving), found, sum(area.size for area in leaving))
