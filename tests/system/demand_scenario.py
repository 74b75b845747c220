# SPDX-License-Identifier: MIT
"""Runs in the guest: swap comes when memory gets short, goes when nobody needs it, and makes way for others."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.support.ctl import server_pid, status
from tests.support.waiting import wait_for
from tests.system.lent import place, swaps
from tests.system.swapped import Filling, available, say, scarce, used
from vramswap_gui.units import GIB, MIB

SIZE: Final = 64 * MIB
#: What is left when memory is short: less than the share at which lending begins, and enough for the server, the
#: helper's programs and simulated VRAM, which is memory too.
LEFT: Final = 180 * MIB
EXCESS: Final = 40 * MIB
SWAPPED: Final = 16 * MIB
DEVICE: Final = "/dev/nbd0"


def waits(stack: Stack) -> bool:
    return bool(status(stack)["state"] == "waiting")


@contextlib.contextmanager
def short(stack: Stack) -> Iterator[Filling]:
    """Memory is short inside, swap has come, and pages that will be verified are in it."""
    with scarce(LEFT):
        wait_for(lambda: swaps() == [DEVICE], "the swap")
        say(f"memory is short, with {available() // MIB} MiB left: {status(stack)['reason']['text']}")
        filling = Filling.start(available() + EXCESS, seed=6)
        filling.reaches(SWAPPED, lambda: used(DEVICE))
        yield filling


def _prepare(stack: Stack) -> None:
    place(stack, f'mode = "on-demand"\nsize = {SIZE}\nrelease_after = 10\n')


def main() -> None:
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    with running(plan, _prepare) as stack:
        wait_for(lambda: waits(stack), "the helper")
        assert status(stack)["reason"]["text"] == "Memory is plentiful."
        with short(stack) as filling:
            filling.finish()
            say(f"{used(DEVICE) // MIB} MiB are in VRAM")
        wait_for(lambda: swaps() == [], "the swap's end")
        wait_for(lambda: waits(stack), "the helper")
        # What it gives back as it ends would be missing from what is taken now.
        wait_for(lambda: not server_pid(stack), "the server's end")
        say(f"memory is plentiful again: {status(stack)['reason']['text']}")

        with short(stack) as filling:
            os.kill(filling.process.pid, signal.SIGSTOP)
            say(f"{used(DEVICE) // MIB} MiB are in VRAM")
        stack.gpu.others(2 * GIB - 512 * MIB - SIZE // 2)
        wait_for(lambda: swaps() == [], "room for the other program")
        say(f"another program wants VRAM: {status(stack)['reason']['text']}")
        os.kill(filling.process.pid, signal.SIGCONT)
        filling.finish()
    assert not list(Path("/sys/block").glob("nbd*/pid"))
    say("all done")


if __name__ == "__main__":
    main()
