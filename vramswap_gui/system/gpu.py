"""What a GPU is and does, without waking it: sysfs first, NVML only when the GPU is awake anyway.

NVML opens ``/dev/nvidia*``, which wakes a suspended GPU and keeps an idle one awake. Reading sysfs does neither
(Documentation/ABI/testing/sysfs-devices-power). So :func:`read` looks at ``runtime_status`` first, and every use of
NVML is opened and shut down in one go.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vramswap_gui.contract import ErrorCode, VramswapError

_NVIDIA: Final = "0x10de"
#: PCI class codes of display controllers: VGA and 3D.
_DISPLAY: Final = ("0x0300", "0x0302")


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
class GpuReading:
    """What NVML says at one moment. Memory in bytes, ``watts`` None where the card does not tell."""

    name: str
    pci: str
    total: int
    used: int
    free: int
    watts: float | None


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


def read(pci: str, held: bool, sys: Path = Path("/sys")) -> GpuReading | None:
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
        try:
            watts = nvml.nvmlDeviceGetPowerUsage(handle) / 1000
        except nvml.NVMLError:
            watts = None
        return GpuReading(
            nvml.nvmlDeviceGetName(handle), pci, int(memory.total), int(memory.used), int(memory.free), watts
        )


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
        return path.read_text().strip()
    except OSError:
        return ""
