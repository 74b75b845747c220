# SPDX-License-Identifier: MIT
"""What programs can have of the machine's memory: what ``/proc/meminfo`` says, and what it leaves out.

Huge pages are in its total and of no use to others. The ARC of ZFS, a cache that shrinks down to its ``c_min``
(module/zfs/arc.c of OpenZFS), is not in what it calls available. A container's control group may allow less than there
is (Documentation/admin-guide/cgroup-v2.rst). And where the kernel holds programs to a sum
(``vm.overcommit_memory=2``, Documentation/mm/overcommit-accounting.rst), memory that is free can still not be had.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.paths import CGROUPS
from vramswap_gui.system import meminfo, smallfile

_ARCSTATS: Final = "spl/kstat/zfs/arcstats"
_NEVER: Final = 2


@dataclass(frozen=True, slots=True)
class Commit:
    """What all programs together may ask for, whether they use it or not, and what they were promised. Bytes."""

    limit: int
    used: int

    @property
    def room(self) -> int:
        """What they may still ask for."""
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. ``total``: what programs could have at most; ``available``: what they can have without swapping."""

    total: int
    available: int
    #: None where the kernel does not hold programs to a sum.
    commit: Commit | None = None
    #: What programs have that can be swapped out.
    swappable: int = 0


def read(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Memory:
    """The state now. Raises OSError."""
    now = meminfo.read(proc)
    total = max(0, now.total - now.huge)
    available = min(total, now.available + _cache(proc))
    limit = _limit(sys)
    if limit is not None and limit.total < total:
        total, available = limit.total, min(available, limit.available)
    commit = Commit(now.commit_limit, now.committed) if is_strict(proc) else None
    return Memory(total, available, commit, now.swappable)


def overcommit(proc: Path = Path("/proc")) -> int:
    """``vm.overcommit_memory``: whether the kernel promises more memory than there is."""
    return smallfile.number(proc / "sys/vm/overcommit_memory") or 0


def is_strict(proc: Path = Path("/proc")) -> bool:
    """Whether the kernel refuses what would be more than its commit limit."""
    return overcommit(proc) == _NEVER


def _cache(proc: Path) -> int:
    """How much of the ARC gives way to programs."""
    values: dict[bytes, int] = {}
    try:
        content = smallfile.data(proc / _ARCSTATS)
    except OSError:
        return 0
    for line in smallfile.lines(content):
        match smallfile.fields(line):
            case [key, _, figure]:
                values[key] = smallfile.parse_number(figure) or 0
    return max(0, values.get(b"size", 0) - max(0, values.get(b"c_min", 0)))


def _limit(sys: Path) -> Memory | None:
    """That of the control group which is this container's whole world; None without one.

    The machine's own root group has no such file.
    """
    most = smallfile.number(sys / CGROUPS / "memory.max")
    used = smallfile.number(sys / CGROUPS / "memory.current")
    if most is None or used is None:
        return None
    try:
        stat = smallfile.table(smallfile.data(sys / CGROUPS / "memory.stat"), b" ")
    except OSError:
        stat = {}
    # What was read from files can go again.
    cached = sum(smallfile.parse_number(stat.get(key, b"")) or 0 for key in (b"active_file", b"inactive_file"))
    return Memory(max(0, most), max(0, most - used + max(0, cached)))
