# SPDX-License-Identifier: MIT
"""The same loads on a file, around the page cache, to compare VRAM with the disk that would be swapped to instead."""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vramswap_gui.bench.results import Load, Measured
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.units import GIB, MIB

#: A larger file would tell no more and wear the disk.
LARGEST: Final = GIB


@contextlib.contextmanager
def scratch(folder: Path, size: int) -> Iterator[int]:
    """A descriptor of a nameless file of ``size`` random bytes in ``folder``, for direct I/O. Raises VramswapError."""
    fd = -1
    try:
        room = os.statvfs(folder)
        if room.f_bavail * room.f_frsize < 2 * size:
            raise VramswapError(Problem.BENCH_NO_ROOM, folder=str(folder), size=size)
        with tempfile.TemporaryFile(dir=folder) as file:
            for _ in range(size // MIB):
                file.write(random.randbytes(MIB))
            file.flush()
            os.fsync(file.fileno())
            # Reopened, because only an open for direct I/O goes around the cache.
            fd = os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDWR | os.O_DIRECT)
            yield fd
    except OSError as error:
        raise VramswapError(Problem.BENCH_NO_DISK, folder=str(folder), why=str(error.strerror)) from None
    finally:
        if fd >= 0:
            os.close(fd)


def run(fd: int, load: Load, workers: int) -> Measured:
    """Random requests from ``workers`` × depth threads, each with one request under way."""
    blocks = os.fstat(fd).st_size // load.block_size
    latencies: list[list[int]] = []
    end = time.monotonic() + load.seconds

    def work(seed: int) -> None:
        draw = random.Random(seed)
        seen: list[int] = []
        with mmap.mmap(-1, load.block_size) as buffer:
            buffer.write(draw.randbytes(load.block_size))
            while time.monotonic() < end:
                offset = draw.randrange(blocks) * load.block_size
                begun = time.monotonic_ns()
                if draw.random() * 100 < load.write_percent:
                    os.pwritev(fd, [buffer], offset)
                else:
                    os.preadv(fd, [buffer], offset)
                seen.append(time.monotonic_ns() - begun)
        latencies.append(seen)

    begun = time.monotonic()
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(workers * load.depth)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - begun
    ordered = sorted(latency for seen in latencies for latency in seen)
    count = len(ordered)
    at = [ordered[min(count - 1, int(share * count))] for share in (0.5, 0.99, 0.999)]
    return Measured(count, count * load.block_size, elapsed, *at)
