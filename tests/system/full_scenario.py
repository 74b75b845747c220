# SPDX-License-Identifier: MIT
"""Runs in the guest: pages that were packed well are written anew and cannot be packed, while the helper, which would
give up in time what was earned, does not come to run. The VRAM is full then, and nothing is lost. When it runs again
there is room again."""

from __future__ import annotations

import hashlib
import mmap
import signal
from collections.abc import Callable
from typing import Any, Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.support.ctl import status
from tests.support.waiting import wait_for
from tests.system.fill import PAGE, page
from tests.system.lent import attached, ctl, place, swaps, told
from tests.system.swapped import say, used
from vramswap_gui.units import MIB

SIZE: Final = 64 * MIB
#: More than the VRAM holds as it is, and less than memory does.
MEMORY: Final = 96 * MIB
_PAGEOUT: Final = 21  # MADV_PAGEOUT, see madvise(2); the module does not name it


def packable(seed: int, turn: int, number: int) -> bytes:
    """A page that packs very well."""
    return hashlib.shake_128(b"%d %d %d" % (seed, turn, number)).digest(PAGE // 16) * 16


class Program:
    """Memory that can be swapped out whatever else there is, with what it has to hold."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, MEMORY, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.holds: dict[int, bytes] = {}

    def write(self, make: Callable[[int, int, int], bytes], turn: int, numbers: range) -> None:
        for number in numbers:
            content = make(1, turn, number)
            self.memory[number * PAGE : (number + 1) * PAGE] = content
            self.holds[number] = hashlib.blake2b(content).digest()

    def page_out(self) -> None:
        self.memory.madvise(_PAGEOUT)

    def check(self) -> None:
        """Read all of it."""
        wrong = sum(
            hashlib.blake2b(self.memory[number * PAGE : (number + 1) * PAGE]).digest() != content
            for number, content in self.holds.items()
        )
        say(f"pages wrong: {wrong}")
        assert not wrong


def swapped() -> int:
    return sum(map(used, swaps()))


def figures(stack: Stack) -> dict[str, Any]:
    found = status(stack)
    return {key: found[key] for key in ("state", "lent", "size", "packed", "no_room")}


def paged_out(program: Program, stack: Stack, size: int) -> None:
    """What is written to finds no room now and then, and is tried again, as a kernel does that needs memory."""

    def tried() -> bool:
        program.page_out()
        return swapped() >= size

    wait_for(tried, "pages to be swapped out")
    say(f"{swapped() // MIB} MiB swapped: {figures(stack)}")


def main() -> None:
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    settings = f'size = {SIZE}\ncompression = "lz4"\n'
    with running(plan, lambda stack: place(stack, settings)) as stack, told(stack):
        ctl(stack, "on")
        program = Program()
        pages = range(MEMORY // PAGE)
        program.write(packable, 1, pages)
        paged_out(program, stack, 80 * MIB)
        earned = figures(stack)
        assert earned["size"] > SIZE
        assert earned["no_room"] == 0
        helper = stack.process("helper")
        helper.send_signal(signal.SIGSTOP)
        program.write(page, 2, pages)
        program.page_out()
        # The kernel has them, and knows that it has nowhere else to put them.
        program.check()
        program.page_out()
        helper.send_signal(signal.SIGCONT)
        wait_for(lambda: figures(stack)["no_room"] > 0, "the helper to hear of it")
        say(f"full: {figures(stack)}")
        wait_for(lambda: figures(stack)["size"] < earned["size"], "what was earned to go")
        program.check()
        less = figures(stack)
        say(f"given up: {less}")
        assert (less["state"], less["lent"]) == ("on", SIZE)
        text = ctl(stack, "status")
        assert "found no room in VRAM and stayed in memory:" in text, text
        happened = ctl(stack, "activity")
        assert "found no room in packed VRAM" in happened, happened
        assert "not packed so well any more" in happened, happened
        # There is room again for what can be packed, without anybody doing anything.
        program.write(packable, 3, pages)
        before = figures(stack)["no_room"]
        paged_out(program, stack, 40 * MIB)
        assert figures(stack)["no_room"] == before
        program.check()
        ctl(stack, "off")
        assert (swaps(), attached()) == ([], [])
    say("all done")


if __name__ == "__main__":
    main()
