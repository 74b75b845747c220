# SPDX-License-Identifier: MIT
"""Fills memory with pages that can be made again, and reads every page back: ``python -m tests.system.fill``.

They are random, or ``--packable``: most of them get smaller, as programs' do, some are of one word, and some do not.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import mmap
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from vramswap_gui.units import MIB

PAGE: Final = 4096


def page(seed: int, turn: int, number: int) -> bytes:
    """What page ``number`` holds in a turn: incompressible, and different for every page, turn and seed."""
    return hashlib.shake_128(b"%d %d %d" % (seed, turn, number)).digest(PAGE)


def packable(seed: int, turn: int, number: int) -> bytes:
    """What it holds where pages are as programs have them: a quarter is random, or a word, or all of it."""
    quarters = (seed + turn + number) % 8
    if quarters == 0:
        return page(seed, turn, number)
    if quarters == 1:
        return page(seed, turn, number)[:8] * (PAGE // 8)
    return page(seed, turn, number)[: PAGE // 4] + bytes(range(256)) * 12


def fill(
    size: int, seed: int, rounds: int, *, rests: bool = False, enough: Callable[[], bool] = lambda: False,
    page: Callable[[int, int, int], bytes] = page, pause: float = 0,
) -> int:  # fmt: skip
    """Write ``size`` bytes of pages and read them all back, ``rounds`` times, or (0) until it is ``enough``.

    Returns how many pages were wrong.

    ``rests``: with all of them written for the first time, stop until somebody sends SIGCONT. ``enough``: asked after
    each round whether it was the last one. ``pause``: seconds after each MiB that is written.
    """
    pages = size // PAGE
    order = list(range(pages))
    wrong = 0
    with mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for turn in range(rounds) if rounds else itertools.count():
            began = time.monotonic()
            for number in order:
                memory[number * PAGE : (number + 1) * PAGE] = page(seed, turn, number)
                if pause and number % (MIB // PAGE) == 0:
                    time.sleep(pause)
            filled = time.monotonic()
            print(f"round {turn + 1}: {pages} pages written in {filled - began:.1f} s", flush=True)
            if rests and not turn:
                os.kill(os.getpid(), signal.SIGSTOP)
            # Another order than that of writing, so that the kernel's read-ahead is not always right.
            random.Random(seed + turn).shuffle(order)
            bad = sum(memory[number * PAGE : (number + 1) * PAGE] != page(seed, turn, number) for number in order)
            wrong += bad
            print(f"round {turn + 1}: read back in {time.monotonic() - filled:.1f} s, {bad} wrong", flush=True)
            if enough():
                break
    return wrong


def input_ended() -> bool:
    """Whether whoever started this has closed its input, into which nothing is written."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status is 0 only when every page was right; the last line says how many were wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mib", type=int, help="how much memory to fill, in MiB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1, help="how often; 0: until told")
    parser.add_argument("--packable", action="store_true", help="with pages as programs have them")
    parser.add_argument("--until-told", action="store_true", help="begin no further round once the input has ended")
    parser.add_argument("--rest", action="store_true", help="stop once all is written, until SIGCONT")
    parser.add_argument("--pause", type=float, default=0, help="seconds after each MiB that is written")
    options = parser.parse_args(arguments)
    kind = packable if options.packable else page
    enough = input_ended if options.until_told else lambda: False
    wrong = fill(
        options.mib * MIB, options.seed, options.rounds, rests=options.rest, enough=enough, page=kind,
        pause=options.pause,
    )  # fmt: skip
    print(f"pages wrong: {wrong}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
