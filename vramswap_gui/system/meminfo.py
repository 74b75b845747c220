# SPDX-License-Identifier: MIT
"""The machine's memory, from ``/proc/meminfo`` (proc(5))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vramswap_gui.system import smallfile
from vramswap_gui.units import KIB


@dataclass(frozen=True, slots=True)
class MemInfo:
    """Sizes in bytes. ``available`` is what programs can have without swapping, by the kernel's estimate."""

    total: int
    available: int
    swap_total: int
    swap_free: int
    #: Set aside as huge pages of any size, used or not: nothing else can have it.
    huge: int = 0
    #: What all programs together may ask for, where the kernel holds them to it, and what they have asked for.
    commit_limit: int = 0
    committed: int = 0
    #: What programs have that can be swapped out: nobody's file, and not locked.
    swappable: int = 0


def read(proc: Path = Path("/proc")) -> MemInfo:
    """The state now. Raises OSError, also when the kernel does not say how much memory is available."""
    values = smallfile.table(smallfile.data(proc / "meminfo"), b":")

    def size(key: str) -> int | None:
        value = smallfile.parse_number(values.get(key.encode(), b"").removesuffix(b"kB").strip())
        return None if value is None else max(0, value) * KIB

    total, available = size("MemTotal"), size("MemAvailable")
    if not total or available is None:
        raise OSError(f"{proc / 'meminfo'} does not say how much memory is available")
    # The sum over all sizes came with kernel 4.20; the fields before it are of the default size.
    huge = size("Hugetlb")
    if huge is None:
        pages = smallfile.parse_number(values.get(b"HugePages_Total", b"")) or 0
        huge = max(0, pages) * (size("Hugepagesize") or 0)
    return MemInfo(
        total, available, size("SwapTotal") or 0, size("SwapFree") or 0, huge,
        size("CommitLimit") or 0, size("Committed_AS") or 0,
        (size("Active(anon)") or 0) + (size("Inactive(anon)") or 0),
    )  # fmt: skip
