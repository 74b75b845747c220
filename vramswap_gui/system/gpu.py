"""What a GPU is and does, without waking it: sysfs first, NVML only when the GPU is awake anyway.

NVML opens ``/dev/nvidia*``, which wakes a suspended GPU and keeps an idle one awake. Reading sysfs does neither
(Documentation/ABI/testing/sysfs-devices-power). So :func:`read` looks at ``runtime_status`` first, and every use of
NVML is opened and shut down in one go.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from vramswap_gui.errors import ErrorCode, VramswapError

_NVIDIA: Final = "0x10de"
#: PCI class codes of display controllers: VGA and 3D.
_DISPLAY: Final = ("0x0300", "0x0302")

_T = TypeVar("_T")


class Power(enum.StrEnum):
    """Runtime power management of a PCI device; ``UNKNOWN`` where sysfs does not list it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    SUSPENDING = "suspending"
    RESUMING = "resuming"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"

    @property
    def asleep(self) -> bool:
        """Whether a touch would wake the GPU, or keep it from going to sleep."""
        return self in (Power.SUSPENDED, Power.SUSPENDING)


@dataclass(frozen=True, slots=True)
class Program:
    """A process that has opened the GPU. ``used`` in bytes, None where the driver does not tell it for each process."""

    pid: int
    #: The kernel's name of it (at most 15 characters), the driver's where the kernel shows none, or empty.
    name: str
    used: int | None
    #: Whether it is a swap server of vramswap.
    ours: bool = False


@dataclass(frozen=True, slots=True)
class GpuReading:
    """What NVML says at one moment. Memory in bytes; None is what this card or driver does not tell."""

    name: str
    pci: str
    total: int
    used: int
    free: int
    watts: float | None = None
    #: Per cent of the last moments, a second at most, in which a kernel ran; copies do not count.
    utilisation: int | None = None
    #: Whether the GPU drives a display, or would as soon as somebody looks: see :func:`display_attached`.
    display_attached: bool = False
    programs: tuple[Program, ...] | None = None


def list_pci(sys: Path = Path("/sys")) -> tuple[str, ...]:
    """The PCI addresses of the NVIDIA GPUs, in order, as in ``0000:01:00.0``. Wakes nothing."""
    devices = sys / "bus/pci/devices"
    return tuple(
        device.name
        for device in sorted(devices.iterdir() if devices.is_dir() else ())
        if _text(device / "vendor") == _NVIDIA and _text(device / "class")[:6] in _DISPLAY
    )


def power(pci: str, sys: Path = Path("/sys")) -> Power:
    """Whether the GPU sleeps. Wakes nothing."""
    with contextlib.suppress(ValueError):
        return Power(_text(sys / "bus/pci/devices" / pci / "power/runtime_status"))
    return Power.UNKNOWN


def display_attached(pci: str, sys: Path = Path("/sys")) -> bool:
    """Whether a display is plugged into one of the GPU's connectors. Probes and wakes nothing.

    The kernel shows what it found at the last hotplug (drivers/gpu/drm/drm_sysfs.c); without the NVIDIA driver's kernel
    mode setting there are no connectors to be seen.
    """
    connectors = (sys / "bus/pci/devices" / pci / "drm").glob("card*/card*-*/status")
    return any(_text(status) == "connected" for status in connectors)


def read(pci: str, held: bool, sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> GpuReading | None:
    """What NVML says of the GPU at ``pci``; None, without touching it, when it sleeps.

    ``held``: our server uses the GPU, so it is awake whatever a race with sysfs says. A GPU that sysfs does not
    know is asked only then. Raises VramswapError NO_DRIVER or NO_GPU.
    """
    state = power(pci, sys)
    if not held and (state.asleep or state is Power.UNKNOWN):
        return None
    with _nvml() as nvml:
        handle = nvml.nvmlDeviceGetHandleByPciBusId(pci.encode())
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        milliwatts = _optional(nvml, lambda: int(nvml.nvmlDeviceGetPowerUsage(handle)))
        return GpuReading(
            nvml.nvmlDeviceGetName(handle),
            pci,
            int(memory.total),
            int(memory.used),
            int(memory.free),
            watts=None if milliwatts is None else milliwatts / 1000,
            utilisation=_optional(nvml, lambda: int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)),
            # Whether a display server has set a mode. NVML's other word, the display mode, is true of a card that has
            # no connectors at all.
            display_attached=display_attached(pci, sys)
            or bool(_optional(nvml, lambda: nvml.nvmlDeviceGetDisplayActive(handle))),
            programs=_programs(nvml, handle, proc),
        )


def _optional(nvml: Any, ask: Callable[[], _T]) -> _T | None:
    """What ``ask`` finds; None where card, driver or NVML's version do not tell."""
    try:
        return ask()
    except (nvml.NVMLError, nvml.NVMLLibraryMismatchError):
        return None


def _programs(nvml: Any, handle: Any, proc: Path) -> tuple[Program, ...] | None:
    lists = [
        _optional(nvml, lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)),
        _optional(nvml, lambda: nvml.nvmlDeviceGetGraphicsRunningProcesses(handle)),
    ]
    if lists == [None, None]:
        return None
    used: dict[int, int | None] = {}
    for process in (process for found in lists for process in found or ()):
        # One that computes and draws is on both lists, each time with all that it uses.
        sizes = [size for size in (process.usedGpuMemory, used.get(process.pid)) if size is not None]
        used[process.pid] = max(sizes, default=None)
    found = [Program(pid, _name(nvml, pid, proc), size, _ours(pid, proc)) for pid, size in used.items()]
    return tuple(sorted(found, key=lambda program: (-(program.used or 0), program.pid)))


def _name(nvml: Any, pid: int, proc: Path) -> str:
    name = _text(proc / str(pid) / "comm")
    if not name:
        with contextlib.suppress(nvml.NVMLError, UnicodeDecodeError):
            name = Path(nvml.nvmlSystemGetProcessName(pid)).name
    return name


def _ours(pid: int, proc: Path) -> bool:
    """Keeper and engine have the same command line, with the control socket in it."""
    words = _text(proc / str(pid) / "cmdline").split("\0")
    return "--control" in words and any("vramswap" in word for word in words)


@contextlib.contextmanager
def _nvml() -> Iterator[Any]:
    # Loading it takes time and memory that a hidden tray does not have to spend.
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise VramswapError(
            ErrorCode.NO_DRIVER, f"The NVIDIA driver does not answer ({error}).", "See `vramswapctl doctor`."
        ) from None
    try:
        yield pynvml
    except pynvml.NVMLError as error:
        raise VramswapError(
            ErrorCode.NO_GPU, f"The GPU does not answer ({error}).", "See `nvidia-smi` and the kernel's log (`dmesg`)."
        ) from None
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
