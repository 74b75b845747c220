# SPDX-License-Identifier: MIT
"""The program that is put under pressure: it has more pages than memory for them, and notes how long it waits.

It writes all of its pages, one behind the other, and comes back to each of them in an order of no order, as somebody
does who changes between programs; each fourth is changed then. Every page is verified, all of it. A third of a page is
random, as pages of a desktop can be compressed to a third or so. Run by :mod:`~vramswap_gui.bench.pressure`.
"""

from __future__ import annotations

import argparse
import dataclasses
import errno
import gc
import json
import mmap
import random
import resource
import struct
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.system import control_group, process, smallfile
from vramswap_gui.system.memory import overcommit

PAGE: Final = 4096
_NUMBER: Final = struct.Struct("=Q")
#: How many kinds of pages there are, and how many bytes of each are random.
_KINDS, _RANDOM = 64, PAGE // 3
_CHANGED: Final = 4
#: What bash's ulimit calls limits of a process's memory, what getrlimit(2) does, and which field of proc_pid_statm(5)
#: has, in pages, what counts.
_LIMITS: Final = (("v", resource.RLIMIT_AS, 0), ("d", resource.RLIMIT_DATA, 5))
#: From fewer pages than these nothing is reckoned: a single one may have had to wait for a second.
_FEW: Final = 100


@dataclass(frozen=True, slots=True)
class Figures:
    """What the job has to tell. Times in seconds."""

    #: How many pages it has, how many of them it wrote, and to how many it came back, before its time was over.
    pages: int
    written: int
    seen: int
    #: All in all, of that coming back, and the longest that one page took.
    seconds: float
    seeing: float
    longest: float
    #: How often it had to wait for a page on its way back.
    waits: int
    #: Pages that were not as they had been written.
    wrong: int
    #: Whether zswap was kept out.
    direct: bool = True

    @property
    def finished(self) -> bool:
        """Whether the time was enough."""
        return self.seen == self.pages

    @property
    def whole(self) -> float | None:
        """Seconds that all of it takes: what compares runs that did not get equally far. None where too little is seen.

        Where the time was not enough, it is at least so many. They are reckoned from the pages that were seen, and
        those that come later are in memory more seldom.
        """
        if self.finished:
            return self.seconds
        if self.seen < _FEW:
            return None
        return self.seconds - self.seeing + self.seeing * self.pages / self.seen

    @property
    def brought_back(self) -> float:
        """Pages a second for which it had to wait, and which came."""
        return self.waits / self.seeing if self.seeing else 0.0


def work(size: int, seconds: float) -> Figures:
    """Do the job on ``size`` bytes, for so many ``seconds`` at most."""
    pages = size // PAGE
    draw = random.Random(1)
    rest = bytes(PAGE - _RANDOM - _NUMBER.size)
    kinds = [draw.randbytes(_RANDOM) + rest for _ in range(_KINDS)]
    order = array("I", range(pages))
    draw.shuffle(order)

    def content(number: int) -> bytes:
        return _NUMBER.pack(number) + kinds[number % _KINDS]

    clock, written, seen, wrong, longest = time.perf_counter, 0, 0, 0, 0.0
    gc.disable()
    with mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        begun = before = clock()
        end = begun + seconds
        while written < pages and before < end:
            memory[written * PAGE : (written + 1) * PAGE] = content(written)
            written += 1
            now = clock()
            longest = max(longest, now - before)
            before = now
        filled, waits = before, _waits()
        # Who has not written them all comes back to none.
        while written == pages and seen < pages and before < end:
            number = order[seen]
            at = number * PAGE
            wrong += memory[at : at + PAGE] != content(number)
            if not number % _CHANGED:
                memory[at + PAGE - 1] = 1
            seen += 1
            now = clock()
            longest = max(longest, now - before)
            before = now
        waits = _waits() - waits
    return Figures(pages, written, seen, before - begun, before - filled, longest, waits, wrong)


def _waits() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt


def _refused(size: int, proc: Path = Path("/proc")) -> VramswapError:
    """Why this process could not have ``size`` bytes of memory more: a limit of its own, or else the kernel's."""
    pages = smallfile.text(proc / "self/statm").split()
    for letter, which, field in _LIMITS:
        limit, _ = resource.getrlimit(which)
        if limit != resource.RLIM_INFINITY and int(pages[field]) * PAGE + size > limit:
            return VramswapError(Problem.BENCH_OWN_LIMIT, size=size, limit=limit, letter=letter)
    return VramswapError(Problem.BENCH_NO_PROMISE, size=size, mode=overcommit(proc))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures as JSON, or what is in the way. The exit status is 1, with the reason, when nothing keeps this
    process short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--most", type=int, required=True, help="the memory that there has to be no more of")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--group", type=Path)
    options = parser.parse_args(arguments)
    process.end_with(options.parent)
    process.be_killed_first()
    if options.group is not None:
        control_group.enter(options.group)
    limit = control_group.limit()
    if limit is None or limit > options.most:
        print("its control group does not limit its memory", file=sys.stderr)
        return 1
    direct = control_group.without_zswap()
    try:
        figures = work(options.size, options.seconds)
    except (MemoryError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.ENOMEM:
            raise
        print(json.dumps({"error": _refused(options.size).as_dict()}))
        return 0
    print(json.dumps(dataclasses.asdict(dataclasses.replace(figures, direct=direct))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
