# SPDX-License-Identifier: MIT
"""Pages of the programs that run now, as swap would get them: private, anonymous memory of one user's.

They are read beside whoever uses them: nobody is stopped, nothing is brought into memory that is not there, and nothing
is kept. Sources: proc_pid_maps(5), proc_pid_pagemap(5), proc_pid_mem(5).
"""

from __future__ import annotations

import contextlib
import os
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.units import GIB, KIB

PAGE: Final = 4 * KIB
#: Pages that are read at once, and in all.
_RUN: Final = 32
MOST: Final = 2 * GIB // PAGE
#: Seconds for finding pages and for reading them.
PATIENCE: Final = 20.0
#: Entries of a page map that are read at once.
_ENTRIES: Final = 1 << 16
_PRESENT: Final = 1 << 63
#: What others have as well, as after a fork, is swapped once; the page of zeroes that all begin with, never.
_EXCLUSIVE: Final = 1 << 56


@dataclass(frozen=True, slots=True)
class Run:
    """So many pages of a process, one behind the other from an address on."""

    pid: int
    address: int
    count: int


def asking_user() -> int:
    """The user who asks, which is not root where that is asked through sudo(8)."""
    with contextlib.suppress(ValueError):
        if os.geteuid() == 0:
            return int(os.environ.get("SUDO_UID", "0"))
    return os.getuid()


def find(user: int, proc: Path = Path("/proc"), until: float | None = None) -> list[Run]:
    """All pages of a user's programs that can be read, but for our own. ``until``: of :func:`time.monotonic`."""
    until = time.monotonic() + PATIENCE if until is None else until
    found: list[Run] = []
    pids = [int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal()]
    for pid in sorted(pids):
        # A process may end at any moment, and many may not be read.
        with contextlib.suppress(OSError):
            if pid != os.getpid() and (proc / str(pid)).stat().st_uid == user and time.monotonic() < until:
                found += _runs(proc, pid, until)
    return found


def _runs(proc: Path, pid: int, until: float) -> Iterator[Run]:
    with (proc / str(pid) / "mem").open("rb"), (proc / str(pid) / "pagemap").open("rb", buffering=0) as pagemap:
        for line in (proc / str(pid) / "maps").read_bytes().splitlines():
            span, rights, _, _, inode = line.split()[:5]
            if rights != b"rw-p" or inode != b"0":
                continue
            start, end = (int(address, 16) // PAGE for address in span.split(b"-"))
            for first in range(start, end, _ENTRIES):
                if time.monotonic() > until:
                    return
                entries = array("Q", os.pread(pagemap.fileno(), 8 * min(_ENTRIES, end - first), 8 * first))
                for begin, count in _stretches(entries):
                    yield Run(pid, (first + begin) * PAGE, count)


def _stretches(entries: array[int]) -> Iterator[tuple[int, int]]:
    """Where pages are, as first and number."""
    begin = None
    wanted = _PRESENT | _EXCLUSIVE
    for place, entry in enumerate(entries):
        here = entry & wanted == wanted
        if begin is not None and (not here or place - begin == _RUN):
            yield begin, place - begin
            begin = None
        if here and begin is None:
            begin = place
    if begin is not None:
        yield begin, len(entries) - begin


def spread(runs: list[Run], most: int = MOST) -> list[Run]:
    """Evenly from all of them, and some ``most`` pages of all, if there are more."""
    total = sum(run.count for run in runs)
    if total <= most:
        return runs
    wanted = len(runs) * most // total
    return [runs[place * len(runs) // wanted] for place in range(wanted)]


def read(runs: list[Run], proc: Path = Path("/proc"), until: float | None = None) -> Iterator[bytes]:
    """The pages of each run, as many of them as are there. Raises VramswapError when no program can be read."""
    until = time.monotonic() + PATIENCE if until is None else until
    some, pid, fd = False, -1, -1
    try:
        for run in runs:
            if some and time.monotonic() > until:
                return
            data = b""
            with contextlib.suppress(OSError):
                if run.pid != pid:
                    if fd >= 0:
                        os.close(fd)
                    fd, pid = -1, run.pid
                    fd = os.open(proc / str(pid) / "mem", os.O_RDONLY | os.O_CLOEXEC)
                if fd >= 0:
                    data = os.pread(fd, run.count * PAGE, run.address)
            if len(data) >= PAGE:
                some = True
                yield data[: len(data) // PAGE * PAGE]
    finally:
        if fd >= 0:
            os.close(fd)
    if not some:
        raise VramswapError(Problem.BENCH_NO_PAGES)
