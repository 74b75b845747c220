# SPDX-License-Identifier: MIT
"""What the panel reads from the machine itself: memory, swap areas, the GPU, the traffic. Wakes no GPU."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QLocale

from vramswap_gui.api.activity import Activity
from vramswap_gui.errors import VramswapError
from vramswap_gui.plain import plain
from vramswap_gui.tray.history import History
from vramswap_gui.tray.i18n import tr, worded

if TYPE_CHECKING:
    from vramswap_gui.system.nvml import GpuReading, Program
    from vramswap_gui.tray.desktop_files import Applications

#: NVML keeps an idle GPU awake, so a GPU that our swap does not hold is asked this seldom: it can go to sleep between.
_IDLE_SECONDS: Final = 20.0
#: Of the programs that are swapped out, so many are of interest.
_MOST_SWAPPED: Final = 8
#: What keeps the GPU awake while it is open; /dev/nvidiactl alone does not.
_DEVICE: Final = re.compile(r"/dev/nvidia\d+")


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
    #: Whether a display is plugged into it.
    display: bool = False


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
class SwappedView:
    """A program with memory in swap, all its processes together. ``icon``: a name in the icon theme, or a path."""

    name: str
    icon: str
    used: int


@dataclass(frozen=True, slots=True)
class Machine:
    """The latest readings; what could not be read is None."""

    gpu: GpuView | None = None
    memory: MemoryView | None = None
    history: History = field(default_factory=History)
    #: The GPU's memory in bytes, as it was when it was last awake; 0 when nobody has ever looked.
    vram: int = 0
    power: PowerView | None = None
    #: The user's programs that have the most memory in swap, biggest first; None while nobody wants to know.
    swapped: tuple[SwappedView, ...] | None = None
    #: What the helper remembers.
    activity: Activity = field(default_factory=Activity)
    #: When it is shown, in seconds since 1970.
    now: float = 0.0


@dataclass(frozen=True, slots=True)
class PowerView:
    """Whether the GPU sleeps, and which programs of this user's have it open, so that it cannot."""

    asleep: bool
    holders: tuple[str, ...] = ()


class Reader:
    """Reads on demand. Each method may block, and may be called on a thread of its own."""

    def __init__(self, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        self._proc = proc
        self._sys = sys
        self._gpu: GpuView | None = None
        self._asked = float("-inf")
        self._held = False
        self._history = History()
        self._searched = float("-inf")
        self._holders: tuple[str, ...] = ()
        self._applications: Applications | None = None

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

    def read_swapped(self) -> tuple[SwappedView, ...]:
        """The user's programs that have the most memory in swap, biggest first."""
        from vramswap_gui.system import swapped
        from vramswap_gui.tray.desktop_files import Applications

        if self._applications is None:
            self._applications = Applications.of(os.environ, Path.home(), QLocale().name())
        sums: dict[tuple[str, str], int] = {}
        for found in swapped.read(os.getuid(), self._proc):
            known = self._applications.find(found.application, found.name)
            name = known.name if known else plain(found.application or found.name)
            # Two desktop files may be one application to a person.
            key = (name, known.icon if known else "")
            sums[key] = sums.get(key, 0) + found.swapped
        most = sorted(sums.items(), key=lambda item: -item[1])[:_MOST_SWAPPED]
        return tuple(SwappedView(name, icon, used) for (name, icon), used in most)

    def read_power(self, pci: str) -> PowerView | None:
        """Whether the GPU sleeps and who keeps it awake; None where the kernel does not tell. Touches no driver."""
        from vramswap_gui.system import gpu

        pci = pci or next(iter(gpu.list_pci(self._sys)), "")
        state = gpu.power(pci, self._sys) if pci else gpu.Power.UNKNOWN
        if state in (gpu.Power.UNKNOWN, gpu.Power.UNSUPPORTED):
            return None
        if state.asleep:
            return PowerView(True)
        if time.monotonic() - self._searched >= _IDLE_SECONDS:
            self._searched = time.monotonic()
            self._holders = tuple(sorted(set(_holders(self._proc))))
        return PowerView(False, self._holders)

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
                self._gpu = GpuView(asleep=True, display=gpu.display_attached(pci, self._sys))
                return self._gpu
            if time.monotonic() - self._asked < _IDLE_SECONDS:
                return self._gpu
        self._asked = time.monotonic()
        try:
            reading = nvml.read(pci, held, self._sys)
        except VramswapError as error:
            self._gpu = GpuView(note=worded(error))
        else:
            self._gpu = _gpu_view(reading) if reading else None
        return self._gpu


def _holders(proc: Path) -> Iterator[str]:
    """The programs, other than ours, that have the driver's devices open; of other users' programs nobody is told."""
    from vramswap_gui.system import smallfile

    for process in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            files = (str(file.readlink()) for file in (process / "fd").iterdir())
            if any(_DEVICE.fullmatch(file) for file in files):
                # A program may call itself anything.
                name = "".join(c if c.isprintable() else "�" for c in smallfile.text(process / "comm"))
                if not name.startswith("vramswap"):
                    yield name


def _gpu_view(reading: GpuReading) -> GpuView:
    return GpuView(
        reading.name,
        reading.total or 0,
        reading.used or 0,
        reading.free or 0,
        watts=reading.watts,
        programs=None if reading.programs is None else _by_name(reading.programs),
        display=reading.display_attached,
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
