"""The machine's memory, from ``/proc/meminfo`` (proc(5))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vramswap_gui.units import KIB


@dataclass(frozen=True, slots=True)
class MemInfo:
    """Sizes in bytes. ``available`` is what programs can have without swapping, by the kernel's estimate."""

    total: int
    available: int
    swap_total: int
    swap_free: int


def read(proc: Path = Path("/proc")) -> MemInfo:
    """The state now. Raises OSError."""
    fields = dict(line.split(":", 1) for line in (proc / "meminfo").read_text().splitlines() if ":" in line)
    values = (int(fields[name].split()[0]) * KIB for name in ("MemTotal", "MemAvailable", "SwapTotal", "SwapFree"))
    return MemInfo(*values)
