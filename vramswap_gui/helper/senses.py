"""Looks at the machine for a decision, and wakes no GPU by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from vramswap_gui.contract import VramswapError
from vramswap_gui.helper.situation import GpuSituation, Memory, PowerSituation
from vramswap_gui.system import gpu, meminfo, power, psi, swaps

#: NVML costs milliseconds and tells what changes slowly; how much VRAM is free the server tells at once.
_NVML_SECONDS: Final = 5.0


class Senses:
    """``supply`` tells of mains and battery, None without UPower; ``asleep`` whether the machine is about to sleep."""

    def __init__(
        self,
        proc: Path,
        sys: Path,
        supply: Callable[[], power.PowerReading | None] = lambda: None,
        asleep: Callable[[], bool] = lambda: False,
    ) -> None:
        self._proc = proc
        self._sys = sys
        self._supply = supply
        self.asleep = asleep
        self._reading: gpu.GpuReading | None = None
        self._asked = float("-inf")
        self._total: int | None = None
        #: VRAM that was used beside our segments when it was least: the driver's, and our context.
        self._overhead: int | None = None

    def trigger(self) -> psi.Trigger | None:
        """What the kernel fires when memory gets short; None where it does not."""
        made = psi.open_trigger(self._proc)
        return made if isinstance(made, psi.Trigger) else None

    def memory(self, ours: Collection[str], stalled: bool) -> Memory:
        """Main memory, and swap but for the devices in ``ours``. Raises OSError, ValueError."""
        now = meminfo.read(self._proc)
        others = [area for area in swaps.read(self._proc) if area.device not in ours]
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

    def power(self) -> PowerSituation:
        """Mains and battery."""
        reading = self._supply() or power.read(self._sys)
        return PowerSituation(reading.on_ac, reading.percent)

    def gpu(self, pci: str, held: Mapping[str, Any] | None, lent: int) -> GpuSituation:
        """The GPU. ``held``: what our server says of it while one runs, which has it awake; ``lent``: our segments."""
        if held is None:
            self._overhead = self._reading = None
            self._asked = float("-inf")
            return GpuSituation(gpu.power(pci, self._sys), self._total)
        self._total = held["total"]
        beside = held["total"] - held["free"] - lent
        self._overhead = beside if self._overhead is None else min(self._overhead, beside)
        if time.monotonic() - self._asked >= _NVML_SECONDS:
            self._asked = time.monotonic()
            try:
                self._reading = gpu.read(held["pci"], True, self._sys)
            except VramswapError:
                self._reading = None
        reading = self._reading
        programs = reading.programs if reading is not None else None
        return GpuSituation(
            gpu.Power.ACTIVE,
            total=held["total"],
            used_by_us=lent + self._overhead,
            used_by_others=beside - self._overhead,
            other_clients=None if programs is None else sum(not program.ours for program in programs),
            utilisation=reading.utilisation if reading is not None else None,
        )

    def pci(self, chosen: str) -> str:
        """The PCI address of the GPU that would be used, empty when there is none."""
        found = gpu.list_pci(self._sys)
        return chosen if chosen in found else next(iter(found), "")
