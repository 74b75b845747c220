# SPDX-License-Identifier: MIT
"""A control group in which a program of ours is kept short of memory, and which goes when it ends.

The kernel slows down what is above ``memory.high``, until its pages have gone to swap. At ``memory.max`` it ends a
program instead, also one whose pages are only on their way to swap, so that there has to be room up to there.

Sources: Documentation/admin-guide/cgroup-v2.rst, systemd-run(1).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import CGROUPS, SYSTEMD, ZSWAP
from vramswap_gui.system import process, smallfile

_HIGH: Final = "memory.high"
_MAX: Final = "memory.max"
_ZSWAP_LIMIT: Final = "memory.zswap.max"
#: Ours have the number of the process that made them in their names.
_PREFIX: Final = "vramswap-bench-"
#: A group can be removed once its last process is gone, which takes the kernel a moment.
_TRIES, _MOMENT = 100, 0.02


@dataclass(frozen=True, slots=True)
class Confinement:
    """``command`` goes before the program's own; where there is a ``folder``, the program has to :func:`enter` it."""

    command: tuple[str, ...] = ()
    folder: Path | None = None


@contextlib.asynccontextmanager
async def confined(
    high: int, most: int, sys: Path = Path("/sys"), systemd: Path = SYSTEMD, proc: Path = Path("/proc")
) -> AsyncIterator[Confinement]:
    """A group for one program that is kept at ``high`` bytes of memory, and may have all swap. Raises VramswapError.

    It is ended where it has ``most`` all the same. systemd makes the group, the user's own where that is not root;
    without systemd that takes root.
    """
    if command := _by_systemd(high, most, systemd):
        yield Confinement(command)
        return
    folder = sys / CGROUPS / f"{_PREFIX}{os.getpid()}"
    _remove_stale(folder, proc)
    try:
        _make(folder, high, most)
        yield Confinement(folder=folder)
    finally:
        for _ in range(_TRIES):
            if _remove(folder):
                break
            await asyncio.sleep(_MOMENT)


def _by_systemd(high: int, most: int, systemd: Path) -> tuple[str, ...]:
    if not systemd.is_dir():
        return ()
    whose = ("--user",) if os.geteuid() else ()
    limits = (f"--property=MemoryHigh={high}", f"--property=MemoryMax={most}", "--property=MemorySwapMax=infinity")
    return ("systemd-run", *whose, "--scope", "--quiet", "--collect", *limits)


def _make(folder: Path, high: int, most: int) -> None:
    try:
        folder.mkdir()
        (folder / _HIGH).write_text(str(high))
        (folder / _MAX).write_text(str(most))
    except OSError as error:
        raise VramswapError(Problem.BENCH_NO_GROUP, why=str(error.strerror)) from None


def _remove_stale(folder: Path, proc: Path) -> None:
    """Remove groups whose makers were killed; also ``folder``, if an earlier process with this one's number made it."""
    for found in smallfile.entries(folder.parent):
        pid = found.name.removeprefix(_PREFIX)
        if pid != found.name and (found == folder or process.look(proc / pid) is None):
            # The kernel keeps one with processes in it.
            _remove(found)


def _remove(folder: Path) -> bool:
    """Whether it is gone."""
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not folder.exists()


def enter(folder: Path) -> None:
    """Put this process into a group. Raises OSError."""
    (folder / "cgroup.procs").write_text("0")


def limit(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> int | None:
    """At how many bytes of memory this process's own group is kept; None where there is no limit, or no such group."""
    return smallfile.number(_own(proc, sys) / _HIGH)


def without_zswap(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> bool:
    """Have pages of this process's group go to swap itself. False where zswap is on and takes them all the same."""
    if smallfile.text(sys / ZSWAP) != "Y":
        return True
    try:
        (_own(proc, sys) / _ZSWAP_LIMIT).write_text("0")
    except OSError:
        # Linux before 5.19, or a group that is not this user's.
        return False
    return True


def _own(proc: Path, sys: Path) -> Path:
    lines = smallfile.text(proc / "self/cgroup").splitlines()
    path = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")
    return sys / CGROUPS / path.lstrip("/")
