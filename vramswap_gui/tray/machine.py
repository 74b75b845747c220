"""What the panel reads from the machine itself: memory, swap areas, the GPU. Wakes no GPU."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication

from vramswap_gui.contract import VramswapError

#: NVML keeps an idle GPU awake, so a GPU that our swap does not hold is asked this seldom: it can go to sleep between.
_IDLE_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class GpuView:
    """The GPU's memory in bytes; ``note`` says for a person why there are no numbers."""

    name: str = ""
    total: int = 0
    used: int = 0
    free: int = 0
    asleep: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class SwapView:
    """One swap area. Sizes in bytes."""

    device: str
    kind: str
    size: int
    used: int
    priority: int


@dataclass(frozen=True, slots=True)
class MemoryView:
    """Main memory and swap areas, highest priority first. Sizes in bytes."""

    total: int
    available: int
    swaps: tuple[SwapView, ...] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """The latest readings; what could not be read is None."""

    gpu: GpuView | None = None
    memory: MemoryView | None = None


class Reader:
    """Reads on demand. Each method may block, and may be called on a thread of its own."""

    def __init__(self, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._proc = proc
        self._sys = sys
        self._gpu: GpuView | None = None
        self._asked = float("-inf")
        self._held = False

    def read_memory(self) -> MemoryView | None:
        """Memory and swap areas now; None when they cannot be read."""
        from vramswap_gui.system import meminfo, swaps

        try:
            memory = meminfo.read(self._proc)
            areas = swaps.read(self._proc)
        except (OSError, ValueError, KeyError):
            return None
        return MemoryView(
            memory.total,
            memory.available,
            tuple(SwapView(area.device, area.kind, area.size, area.used, area.priority) for area in areas),
        )

    def read_gpu(self, pci: str, held: bool) -> GpuView | None:
        """The GPU now. ``pci``: the one in use, empty for the first; ``held``: our swap keeps it awake.

        Takes as long as the driver takes, which may be for ever.
        """
        from vramswap_gui.system import gpu

        if not pci:
            pci = next(iter(gpu.list_pci(self._sys)), "")
        if not pci:
            return GpuView(note=QCoreApplication.translate("tray", "No NVIDIA GPU was found on the PCI bus."))
        if held is not self._held:
            self._held = held
            self._asked = float("-inf")
        if not held:
            if gpu.power(pci, self._sys).asleep:
                self._asked = float("-inf")
                self._gpu = GpuView(asleep=True)
                return self._gpu
            if time.monotonic() - self._asked < _IDLE_SECONDS:
                return self._gpu
        self._asked = time.monotonic()
        try:
            reading = gpu.read(pci, held, self._sys)
        except VramswapError as error:
            self._gpu = GpuView(note=error.message)
        else:
            self._gpu = GpuView(reading.name, reading.total, reading.used, reading.free) if reading else None
        return self._gpu
