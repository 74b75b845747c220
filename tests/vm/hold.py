# SPDX-License-Identifier: MIT
"""Holds pages that can be verified: ``python -m tests.vm.hold MIB [--out] [--lock] [--file PATH]``.

Prints ``held`` when they are there, and for each line on standard input how many are wrong.
"""

from __future__ import annotations

import argparse
import ctypes
import mmap
import os
import struct
import sys
from pathlib import Path
from typing import Final

from tests.vm.guest import evict

PAGE: Final = 4096
# <linux/mman.h>, madvise(2): page out now.
_MADV_PAGEOUT: Final = 21


def page(number: int) -> bytes:
    """What page ``number`` holds: its number and this process's, all over it."""
    return struct.pack("=II", number, os.getpid()) * (PAGE // 8)


def _memory(size: int, file: Path | None) -> mmap.mmap:
    if file is None:
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with file.open("w+b") as opened:
        os.ftruncate(opened.fileno(), size)
        return mmap.mmap(opened.fileno(), size)


def main() -> None:
    """Until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mib", type=int)
    parser.add_argument("--out", action="store_true", help="page them out")
    parser.add_argument("--lock", action="store_true", help="keep them in memory")
    parser.add_argument("--file", type=Path, help="on a tmpfs: they stay there after the end of this program")
    options = parser.parse_args()
    pages = (options.mib << 20) // PAGE
    memory = _memory(pages * PAGE, options.file)
    for number in range(pages):
        memory[number * PAGE : (number + 1) * PAGE] = page(number)
    if options.lock and ctypes.CDLL(None, use_errno=True).mlockall(1):
        raise SystemExit(f"mlockall: {os.strerror(ctypes.get_errno())}")
    if options.out:
        memory.madvise(_MADV_PAGEOUT)
        evict()
    print("held", flush=True)
    for _ in sys.stdin:
        wrong = sum(memory[number * PAGE : (number + 1) * PAGE] != page(number) for number in range(pages))
        print(f"wrong: {wrong}", flush=True)


if __name__ == "__main__":
    main()
