# SPDX-License-Identifier: MIT
"""Runs in the guest: engine, keeper and helper are killed beside verbs while memory is filled, as often as is asked.

Arguments: how many deaths, the seed of what is done when, by which of the kernel's drivers, and how pages are packed
(``off``: they are not). Where they are packed, extents of VRAM come and go with the size, and what is earned with them.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final

from tests.demo.plan import Plan
from tests.demo.stack import BIN, Stack, running
from tests.support.ctl import server_pid
from tests.support.waiting import wait_for
from tests.system.lent import attached, ctl, engines, is_on, place, swaps, told
from tests.system.swapped import Filling, available, say, size, used
from vramswap_gui.units import MIB

#: The rest is for two keepers' memory and two engines, which an upgrade takes for a moment.
EXCESS: Final = 36 * MIB
#: What is added to it when all of it went elsewhere than to VRAM.
MORE: Final = 8 * MIB
SWAPPED: Final = 16 * MIB
ROUNDS: Final = 3
#: What is lent, in MiB: so much that the swap is not full with all that a fill and two engines take.
SIZES: Final = (128, 144, 160)
#: And where pages are packed: whole extents, of which some two thirds are swap as long as none is earned.
PACKED: Final = (192, 224, 256)
OFF: Final = ("off",)
VERBS: Final = (("upgrade",), ("status",), OFF)
#: Who dies, each as often as it stands here.
VICTIMS: Final = ("engine",) * 4 + ("keeper",) * 3 + ("helper", "engine and helper") + ("engine and the next",) * 3
#: Seconds within which the next engine dies too, while it takes over.
SOON: Final = 1.5
#: Seconds between the beginning of a verb and a death, at most.
BESIDE: Final = 0.6


def fills(seed: int, *options: str) -> Iterator[Filling]:
    """The fill that is under way, a new one when the last one is done and was right."""
    filling: Filling | None = None
    excess = EXCESS
    while True:
        if filling is None or not filling.running():
            if filling is not None and filling.process.returncode != -signal.SIGTERM:
                filling.finish()
            seed += 1
            filling = Filling.start(available() + excess, seed, *options, rounds=ROUNDS)
            wait_for(lambda now=filling: filled() or not now.running(), "pages in VRAM")  # type: ignore[misc]
            if not filling.running():
                # How much of its files the kernel would do without, it knows no better.
                excess += MORE
                continue
        yield filling


def filled() -> bool:
    return sum(map(used, swaps())) >= SWAPPED


def kill(stack: Stack, victim: str) -> None:
    """Whoever is there at this moment."""
    with contextlib.suppress(OSError):
        if "engine" in victim:
            for pid in engines(stack):
                os.kill(pid, signal.SIGKILL)
        elif victim == "keeper" and (pid := server_pid(stack)):
            os.kill(pid, signal.SIGKILL)
    if "next" in victim:
        time.sleep(random.random() * SOON)
        kill(stack, "engine")
    if "helper" in victim:
        stack.kill("helper")
        stack.start_helper()


@contextlib.contextmanager
def halted(filling: Filling, verb: tuple[str, ...]) -> Iterator[None]:
    """While the swap goes nothing more is written: what found room in memory then need not find more than there is.

    As that is little, the fill ends every other time.
    """
    if verb == OFF and random.random() < 0.5:
        filling.process.terminate()
        filling.process.wait()
    elif verb == OFF:
        filling.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        filling.process.send_signal(signal.SIGCONT)


def on_again(stack: Stack, most: int) -> bool:
    """Whether it is on; where it was turned off, it is told to be."""
    if not swaps():
        stack.gpu.keep(most)
        stack.ctl("on")
    return is_on(stack)


def one(stack: Stack, chance: random.Random, sizes: Sequence[int], filling: Filling, number: int) -> None:
    """A death, often beside a verb; then everything is well again."""
    verbs = (*VERBS, *(("size", f"{size}M") for size in sizes))
    verb = chance.choice(verbs) if chance.random() < 0.6 else ()
    victim = chance.choice(VICTIMS)
    # What a size that grows takes must not have been a program's.
    most = max(sizes) * MIB
    stack.gpu.keep(most)
    pages = f"{sum(map(used, swaps())) // MIB} of {sum(map(size, swaps())) // MIB} MiB swapped"
    outcome = ""
    with halted(filling, verb):
        beside = None
        if verb:
            program, quiet = str(BIN / "vramswapctl"), subprocess.DEVNULL
            beside = subprocess.Popen(
                [program, *verb], env=stack.environment, stdout=quiet, stderr=subprocess.PIPE, text=True
            )
            time.sleep(chance.random() * BESIDE)
        began = time.monotonic()
        kill(stack, victim)
        if beside is not None:
            outcome = beside.communicate()[1].strip() or "done"
        wait_for(lambda: on_again(stack, most), "it to be on again")
    what = f"{victim} beside {' '.join(verb)}" if verb else victim
    say(f"death {number}: {what}, {pages}; on again after {time.monotonic() - began:.1f} s")
    if verb:
        say(f"  {' '.join(verb)}: {outcome}")


def _prepare(stack: Stack) -> None:
    transport, compression = sys.argv[3:5]
    sizes = PACKED if compression != "off" else SIZES
    place(
        stack,
        f'size = {sizes[0] * MIB}\nmode = "off"\ntransport = "{transport}"\ncompression = "{compression}"\n',
    )


def main() -> None:
    deaths, seed, packs = int(sys.argv[1]), int(sys.argv[2]), sys.argv[4] != "off"
    chance, sizes = random.Random(seed), PACKED if packs else SIZES
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    with running(plan, _prepare) as stack, told(stack):
        ctl(stack, "on")
        stack.gpu.keep(max(sizes) * MIB)
        filling = fills(seed, *(["--packable"] if packs else []))
        for number in range(1, deaths + 1):
            one(stack, chance, sizes, next(filling), number)
            time.sleep(chance.random())
        next(filling).finish()
        ctl(stack, "off")
        assert (swaps(), attached()) == ([], [])
    say("all done")


if __name__ == "__main__":
    main()
