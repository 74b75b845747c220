"""The swap areas in use, from ``/proc/swaps`` (proc(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vramswap_gui.units import KIB


@dataclass(frozen=True, slots=True)
class Swap:
    """One swap area. Sizes in bytes; ``kind`` is ``partition`` or ``file``."""

    device: str
    kind: str
    size: int
    used: int
    priority: int


def read(proc: Path = Path("/proc")) -> tuple[Swap, ...]:
    """All areas, highest priority first. Raises OSError."""
    swaps = []
    for line in (proc / "swaps").read_text().splitlines()[1:]:
        device, kind, size, used, priority = line.split()
        swaps.append(Swap(_plain(device), kind, int(size) * KIB, int(used) * KIB, int(priority)))
    return tuple(sorted(swaps, key=lambda swap: -swap.priority))


def _plain(escaped: str) -> str:
    """The kernel writes white space in names as octal escapes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), escaped)
