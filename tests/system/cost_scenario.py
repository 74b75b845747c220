# SPDX-License-Identifier: MIT
"""Runs in the guest: what a page costs to and from VRAM, and how long a page waits for the next engine.

The arguments are by which of the kernel's drivers, and, if the cost of packing is of interest, by what pages are packed
(``off``: they are not); then they are such as this program has itself. The guest has one processor, which takes a
nanosecond for each instruction, so that its time is a number of instructions (``-icount`` of QEMU).
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.serving import Server
from tests.system.swapped import command, say, used
from vramswap_gui.units import MIB

SIZE: Final = 64 * MIB
FILLED: Final = 32 * MIB
PAGE: Final = 4096
PASSES: Final = 4
CHANGES: Final = 5
#: madvise(2); the module does not name it.
MADV_PAGEOUT: Final = 21
SETTLED: Final = 0.2
GROUPS: Final = Path("/sys/fs/cgroup")
GROUP: Final = GROUPS / "weighed"
#: Of what was swapped out, what may be in memory too.
LEFT: Final = 256 << 10


def worked() -> int:
    """Nanoseconds for which the processor has run programs (Documentation/scheduler/sched-stats.rst of the kernel)."""
    # What the running one has run is counted when another has its turn.
    time.sleep(0.001)
    line = next(line for line in Path("/proc/schedstat").read_text().splitlines() if line.startswith("cpu0 "))
    return int(line.split()[7])


def enter_group() -> None:
    """Become one of a group whose memory can be asked for (Documentation/admin-guide/cgroup-v2.rst)."""
    command("mount", "-t", "cgroup2", "groups", str(GROUPS))
    (GROUPS / "cgroup.subtree_control").write_text("+memory")
    GROUP.mkdir()
    (GROUP / "cgroup.procs").write_text(str(os.getpid()))


def forget_copies() -> None:
    """What is written is in memory still, until somebody else needs that."""
    for _ in range(10):
        lines = Path("/proc/meminfo").read_text().splitlines()
        cached = next(int(line.split()[1]) << 10 for line in lines if line.startswith("SwapCached:"))
        if cached <= LEFT:
            return
        # It is an error that some of it cannot be had.
        with contextlib.suppress(OSError):
            (GROUP / "memory.reclaim").write_text(str(cached))
    raise AssertionError(f"{cached} bytes are in memory still")


def touch(memory: mmap.mmap, order: list[int]) -> int:
    """Read a byte of each page; what that cost."""
    before = worked()
    for offset in order:
        memory[offset]
    return worked() - before


def written_out(memory: mmap.mmap, device: str, server: Server) -> int:
    """Have all pages swapped out; what that cost, up to the last page's being in VRAM."""
    at_first = int(server.ask("counters")["bytes_written"])
    before = worked()
    memory.madvise(MADV_PAGEOUT)
    time.sleep(SETTLED)
    cost = worked() - before
    moved = int(server.ask("counters")["bytes_written"]) - at_first
    assert moved >= FILLED * 9 // 10, moved
    assert used(device) >= FILLED * 9 // 10
    return cost * FILLED // moved


def own_pages() -> bytes:
    """Pages of this program, as many as are written, some of them more than once; none that is of one byte."""
    found: list[bytes] = []
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        for line in maps.read().splitlines():
            place, allowed, *_, inode = line.split()[:5]
            if allowed != "rw-p" or inode != "0":
                continue
            begin, end = (int(number, 16) for number in place.split("-"))
            for offset in range(begin, end, PAGE):
                with contextlib.suppress(OSError):
                    memory.seek(offset)
                    page = memory.read(PAGE)
                    if len(page) == PAGE and page != page[:1] * PAGE:
                        found.append(page)
    say(f"{len(found)} pages of this program's own")
    assert len(found) > FILLED // PAGE // 32
    return b"".join(itertools.islice(itertools.cycle(found), FILLED // PAGE))


def weigh(server: Server, device: str, like_own: bool) -> None:
    """What each page costs on its way out and back, one by one in no order."""
    # Only the page that is missed.
    Path("/proc/sys/vm/page-cluster").write_text("0")
    order = list(range(0, FILLED, PAGE))
    random.Random(1).shuffle(order)
    out = back = loop = 0
    before = server.ask("counters")
    with mmap.mmap(-1, FILLED, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        if like_own:
            memory[:] = own_pages()
        for number in range(PASSES):
            for offset in order:
                memory[offset] = number + 1
            out += written_out(memory, device, server)
            forget_copies()
            back += touch(memory, order)
            loop += touch(memory, order)
    after = server.ask("counters")
    pages = PASSES * len(order)
    written = (after["bytes_written"] - before["bytes_written"]) // (after["writes"] - before["writes"])
    say(f"page-out: {out // pages} instructions a page, {written >> 10} KiB a request")
    say(f"page-in: {(back - loop) // pages} instructions a page")


class Reader:
    """Reads a page of the device now and then, past all caches."""

    def __init__(self, device: str) -> None:
        self._fd = os.open(device, os.O_RDONLY | os.O_DIRECT)
        self.slowest = 0.0
        self.done = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with mmap.mmap(-1, PAGE) as buffer:
            for number in itertools.count():
                began = time.monotonic()
                assert os.preadv(self._fd, [buffer], number * PAGE % SIZE) == PAGE
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.done += 1
                time.sleep(0.002)


def slowest(server: Server, reader: Reader, change: Callable[[int], None]) -> float:
    """Seconds that the slowest page takes while another engine follows the one whose process id ``change`` gets."""
    engine = server.engine()
    # The memory for the next one is had again.
    time.sleep(3.0)
    reader.slowest = 0.0
    change(engine)
    wait_for(lambda: server.engine() != engine, "the next engine")
    done = reader.done
    wait_for(lambda: reader.done > done + 20, "pages from the next engine")
    return reader.slowest


def time_changes(server: Server, device: str) -> None:
    """How long pages wait when an engine dies, or is replaced by a newer one, with nothing else to do."""
    reader = Reader(device)
    waits = [slowest(server, reader, lambda engine: os.kill(engine, signal.SIGKILL)) for _ in range(CHANGES)]
    say(f"slowest pages at a death: {' '.join(f'{wait * 1e3:.0f}' for wait in waits)} ms")
    waits = [slowest(server, reader, lambda engine: server.upgrade()) for _ in range(CHANGES)]
    say(f"slowest pages at an upgrade: {' '.join(f'{wait * 1e3:.0f}' for wait in waits)} ms")


def main() -> None:
    transport, *codec = sys.argv[1:]
    enter_group()
    options = ("--transport", transport, "--compression", codec[0] if codec else "off")
    server = Server(*options, program=[sys.executable, "-m", "tests.system.still"])
    if codec not in ([], ["off"]):
        server.ask("extend", size=SIZE * 3 // 2)
    device = str(server.ask("add", size=SIZE)["device"])
    command("mkswap", device)
    command("swapon", device)
    weigh(server, device, bool(codec))
    if codec:
        pool = server.ask("status")["pool"]
        say(f"{pool['pages'] >> 10} KiB of pages in {pool['live'] >> 10} KiB of VRAM")
    command("swapoff", device)
    if not codec:
        time_changes(server, device)
    say("all done")


if __name__ == "__main__":
    main()
