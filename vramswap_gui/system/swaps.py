# SPDX-License-Identifier: MIT
"""The swap areas in use, from ``/proc/swaps`` (proc(5))."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.paths import ZRAM
from vramswap_gui.system import smallfile
from vramswap_gui.units import KIB

#: MAX_SWAPFILES of include/linux/swap.h, as distributions build it: 32 less the types that the kernel needs itself.
MOST_AREAS: Final = 23
#: One part in so many of a page is what zram takes of memory for it, in the worst of usual cases.
ZRAM_SHARE: Final = 2

_COLUMNS: Final = 5


@dataclass(frozen=True, slots=True)
class Swap:
    """One swap area. Sizes in bytes; ``kind`` is ``partition`` or ``file``.

    ``device`` may be any name that a file can have: see :mod:`~vramswap_gui.system.smallfile` for its bytes,
    :func:`~vramswap_gui.plain.plain` to show it.
    """

    device: str
    kind: str
    size: int
    used: int
    priority: int

    @property
    def in_memory(self) -> bool:
        """Whether its pages are compressed and stay in main memory (zram)."""
        return self.device.startswith(ZRAM)


def read(proc: Path = Path("/proc")) -> tuple[Swap, ...]:
    """All areas, highest priority first; a line that is none is passed over. Raises OSError."""
    found = (_area(line) for line in smallfile.lines(smallfile.data(proc / "swaps"))[1:])
    return tuple(sorted((area for area in found if area is not None), key=lambda swap: -swap.priority))


def free(areas: Iterable[Swap]) -> tuple[int, int]:
    """Bytes that are free on disks, and in memory, packed."""
    on_disk = packed = 0
    for area in areas:
        if area.in_memory:
            packed += area.size - area.used
        else:
            on_disk += area.size - area.used
    return on_disk, packed


def _area(line: bytes) -> Swap | None:
    # The name is escaped, so it is one field whatever it is.
    fields = smallfile.fields(line)
    if len(fields) != _COLUMNS:
        return None
    size, used, priority = (smallfile.parse_number(field) for field in fields[2:])
    if size is None or used is None or priority is None:
        return None
    return Swap(smallfile.name(fields[0]), smallfile.decode(fields[1]), size * KIB, used * KIB, priority)
