"""What the panel reads from the machine itself: memory, swap areas, the GPU, the traffic. Wakes no GPU."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vramswap_gui.errors import VramswapError
from vramswap_gui.tray.history import History
from vramswap_gui.tray.i18n import said, tr

if TYPE_CHECKING:
    from vramswap_gui.system.nvml import GpuReading, Program

#: NVML keeps an idle GPU awake, so a GPU that our swap does not hold is asked this seldom: it can go to sleep between.
_IDLE_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class ProgramView:
    """A program that uses the GPU. ``used``: bytes of all its processes, None where the driver does not tell."""

    name: str
    used: int | None


@dataclass(frozen=True, slots=True)
class GpuView:
    """The GPU's memory in bytes; ``note`` says for a person why there are no numbers."""

    name: str = ""
    total: int = 0
    used: int = 0
    free: int = 0
    asleep: bool = False
    #: There is no NVIDIA GPU in this computer.
    absent: bool = False
    note: str = ""
    watts: float | None = None
    #: Programs other than ours, biggest first; None where nobody tells.
    programs: tuple[ProgramView, ...] | None = None


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
    history: History = field(default_factory=History)
    #: The GPU's memory in bytes, as it was when it was last awake; 0 when nobody has ever looked.
    vram: int = 0


@dataclass(frozen=True, slots=True)
class GpuChoice:
    """A GPU to choose: its PCI address, and its name if the driver tells it."""

    pci: str
    name: str = ""


def found_gpus(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> tuple[GpuChoice, ...]:
    """The NVIDIA GPUs of this computer. Wakes none: the driver keeps the names (nv-procfs.c, "Model")."""
    from vramswap_gui.system import gpu

    return tuple(GpuChoice(pci, _model(proc / "driver/nvidia/gpus" / pci / "information")) for pci in gpu.list_pci(sys))


def _model(information: Path) -> str:
    try:
        lines = information.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), "")


class Reader:
    """Reads on demand. Each method may block, and may be called on a thread of its own."""

    def __init__(self, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._proc = proc
        self._sys = sys
        self._gpu: GpuView | None = None
        self._asked = float("-inf")
        self._held = False
        self._history = History()

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

    def read_history(self, devices: Collection[str]) -> History:
        """The traffic of our ``devices``, as in ``/dev/nbd0``, one reading longer than at the last call."""
        from vramswap_gui.system import swaps, vmstat

        try:
            ours = [area for area in swaps.read(self._proc) if area.device in devices]
        except (OSError, ValueError):
            return self._history
        counters = vmstat.read([area.device for area in ours], self._proc, self._sys)
        # This clock goes on while the machine sleeps, which is a gap too.
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        used, size = sum(area.used for area in ours), sum(area.size for area in ours)
        self._history = self._history.add(now, used, size, counters)
        return self._history

    def read_gpu(self, pci: str, held: bool) -> GpuView | None:
        """The GPU now. ``pci``: the one in use, empty for the first; ``held``: our swap keeps it awake.

        Takes as long as the driver takes, which may be for ever.
        """
        from vramswap_gui.system import gpu, nvml

        if not pci:
            pci = next(iter(gpu.list_pci(self._sys)), "")
        if not pci:
            return GpuView(absent=True)
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
            reading = nvml.read(pci, held, self._sys)
        except VramswapError as error:
            self._gpu = GpuView(note=said(error.message))
        else:
            self._gpu = _gpu_view(reading) if reading else None
        return self._gpu


def _gpu_view(reading: GpuReading) -> GpuView:
    return GpuView(
        reading.name,
        reading.total or 0,
        reading.used or 0,
        reading.free or 0,
        watts=reading.watts,
        programs=None if reading.programs is None else _by_name(reading.programs),
    )


def _by_name(processes: Iterable[Program]) -> tuple[ProgramView, ...]:
    """The programs behind ``processes``, ours left out: a browser is one, however many processes it has."""
    found: dict[str, int | None] = {}
    for process in processes:
        if not process.ours:
            name = process.name or tr("Process {pid}").format(pid=process.pid)
            sizes = [size for size in (found.get(name), process.used) if size is not None]
            found[name] = sum(sizes) if sizes else None
    return tuple(ProgramView(name, used) for name, used in sorted(found.items(), key=lambda item: -(item[1] or 0)))
