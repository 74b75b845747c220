# SPDX-License-Identifier: MIT
"""What NVML tells of a GPU, and the one gate to it: only of a GPU that is awake for another reason.

NVML opens ``/dev/nvidia*``, which wakes a suspended GPU and keeps an idle one awake. So :func:`read` looks at
``runtime_status`` first, and every use of NVML is opened and shut down in one go.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.plain import plain
from vramswap_gui.system import gpu, ours, smallfile
from vramswap_gui.system.gpu import Power

_T = TypeVar("_T")

#: More than any card has or takes, and than the kernel gives numbers to processes (PID_MAX_LIMIT in its threads.h):
#: what says more is the driver's way to say nothing, or a fault of it.
_MOST_BYTES: Final = 1 << 44
_MOST_MILLIWATTS: Final = 10_000_000
_MOST_PROCESSES: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Program:
    """A process that has opened the GPU. ``used`` in bytes, None where the driver does not tell it for each process."""

    pid: int
    #: Plain text: the kernel's name of it (at most 15 characters), the driver's where the kernel shows none, or empty.
    name: str
    used: int | None
    #: Whether it is a swap server of vramswap.
    ours: bool = False


@dataclass(frozen=True, slots=True)
class GpuReading:
    """What NVML says at one moment. Memory in bytes; None is what this card or driver does not tell."""

    #: Plain text; empty where nobody tells.
    name: str
    pci: str
    total: int | None
    #: All that is not free, with ``reserved``.
    used: int | None
    free: int | None
    #: What the driver and the firmware keep for themselves: CUDA does not count it as the card's.
    reserved: int | None = None
    watts: float | None = None
    #: Per cent of the last moments, a second at most, in which a kernel ran; copies do not count.
    utilisation: int | None = None
    #: Whether the GPU drives a display, or would as soon as somebody looks: see :func:`display_attached`.
    display_attached: bool = False
    programs: tuple[Program, ...] | None = None


def read(pci: str, held: bool, sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> GpuReading | None:
    """What NVML says of the GPU at ``pci``; None, without touching it, when it sleeps.

    ``held``: our server uses the GPU, so it is awake whatever a race with sysfs says. A GPU that sysfs does not
    know is asked only then. Raises VramswapError NO_DRIVER or NO_GPU.
    """
    state = gpu.power(pci, sys)
    if not held and (state.asleep or state is Power.UNKNOWN):
        return None
    with _nvml() as nvml:
        handle = nvml.nvmlDeviceGetHandleByPciBusId(pci.encode())
        memory = _memory(nvml, handle)
        milliwatts = _up_to(_MOST_MILLIWATTS, _optional(nvml, lambda: nvml.nvmlDeviceGetPowerUsage(handle)))
        return GpuReading(
            plain(_optional(nvml, lambda: str(nvml.nvmlDeviceGetName(handle))) or "", 100),
            pci,
            memory.total,
            memory.used,
            memory.free,
            memory.reserved,
            watts=None if milliwatts is None else milliwatts / 1000,
            utilisation=_up_to(100, _optional(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu)),
            # Whether a display server has set a mode. NVML's other word, the display mode, is true of a card that has
            # no connectors at all.
            display_attached=gpu.display_attached(pci, sys)
            or bool(_optional(nvml, lambda: nvml.nvmlDeviceGetDisplayActive(handle))),
            programs=_programs(nvml, handle, proc, memory.total or _MOST_BYTES),
        )


@dataclass(frozen=True, slots=True)
class _Memory:
    total: int | None = None
    used: int | None = None
    free: int | None = None
    reserved: int | None = None


def _memory(nvml: Any, handle: Any) -> _Memory:
    """The second form, which came with driver 510, tells apart what is reserved; a GPU without VRAM has neither."""
    found: Any = _optional(nvml, lambda: nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2))
    second = found is not None
    if not second:
        found = _optional(nvml, lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
    total = None if found is None else _up_to(_MOST_BYTES, found.total)
    # A card that has no memory has none to tell of.
    if not total:
        return _Memory()
    free = _up_to(total, found.free)
    if not second:
        return _Memory(total, _up_to(total, found.used), free)
    return _Memory(total, None if free is None else total - free, free, _up_to(total, found.reserved))


def _up_to(most: int, told: int | None) -> int | None:
    """What was ``told``, unless it cannot be."""
    return told if told is not None and 0 <= told <= most else None


def _optional(nvml: Any, ask: Callable[[], _T]) -> _T | None:
    """What ``ask`` finds; None where card, driver or NVML's version do not tell, or tell what is no text."""
    try:
        return ask()
    except nvml.NVMLError_GpuIsLost:
        raise
    except (nvml.NVMLError, nvml.NVMLLibraryMismatchError, UnicodeDecodeError):
        return None


def _programs(nvml: Any, handle: Any, proc: Path, total: int) -> tuple[Program, ...] | None:
    lists = [
        _optional(nvml, lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)),
        _optional(nvml, lambda: nvml.nvmlDeviceGetGraphicsRunningProcesses(handle)),
    ]
    if lists == [None, None]:
        return None
    used: dict[int, int | None] = {}
    for process in (process for found in lists for process in found or ()):
        if not 0 < process.pid <= _MOST_PROCESSES:
            continue
        # One that computes and draws is on both lists, each time with all that it uses.
        told = (_up_to(total, process.usedGpuMemory), used.get(process.pid))
        sizes = [size for size in told if size is not None]
        used[process.pid] = max(sizes, default=None)
    found = [Program(pid, _name(nvml, pid, proc), size, ours.is_server(pid, proc)) for pid, size in used.items()]
    return tuple(sorted(found, key=lambda program: (-(program.used or 0), program.pid)))


def _name(nvml: Any, pid: int, proc: Path) -> str:
    name = smallfile.text(proc / str(pid) / "comm")
    if not name:
        name = Path(_optional(nvml, lambda: str(nvml.nvmlSystemGetProcessName(pid))) or "").name
    return plain(name, 100)


@contextlib.contextmanager
def _nvml() -> Iterator[Any]:
    # Loading it takes time and memory that a hidden tray does not have to spend.
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise VramswapError(Problem.DRIVER_SILENT, why=str(error)) from None
    try:
        yield pynvml
    except pynvml.NVMLError as error:
        raise VramswapError(Problem.GPU_SILENT, why=str(error)) from None
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()
