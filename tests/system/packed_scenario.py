# SPDX-License-Identifier: MIT
"""Runs in the guest: VRAM with packed pages is swapped to, earns swap, and shrinks, while engine and keeper die."""

from __future__ import annotations

import os
import signal
from typing import Any, Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.support.ctl import server_pid, status
from tests.support.waiting import wait_for
from tests.system.lent import attached, ctl, engines, is_on, place, swaps, told
from tests.system.swapped import Filling, available, say, used
from vramswap_gui.units import MIB

SIZE: Final = 128 * MIB
#: More than is swap at first: what is earned is needed.
EXCESS: Final = 80 * MIB
SWAPPED: Final = 24 * MIB


def swapped() -> int:
    return sum(map(used, swaps()))


def figures(stack: Stack) -> dict[str, Any]:
    found = status(stack)
    return {key: found[key] for key in ("state", "lent", "size", "packed")}


def die(stack: Stack, who: str) -> None:
    """Whatever it is in the middle of."""
    pid = server_pid(stack) if who == "keeper" else engines(stack)[0]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: is_on(stack) and pid not in (server_pid(stack), *engines(stack)), f"another {who}")
    say(f"{who} killed with {swapped() // MIB} MiB swapped: {figures(stack)}")


def main() -> None:
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    with running(plan, lambda stack: place(stack, f'size = {SIZE}\ncompression = "lz4"\n')) as stack, told(stack):
        ctl(stack, "on")
        first = figures(stack)
        say(f"on: {first}")
        assert first["lent"] == SIZE
        # Nobody knows yet what pages will be like.
        assert first["size"] < SIZE
        filling = Filling.start(available() + EXCESS, 1, 2, "--packable")
        wait_for(lambda: swapped() >= SWAPPED, "pages in VRAM")
        die(stack, "engine")
        wait_for(lambda: figures(stack)["size"] > first["size"], "more swap to be earned")
        earned = figures(stack)
        say(f"earned: {earned}")
        assert earned["lent"] == SIZE
        die(stack, "keeper")
        die(stack, "engine")
        ctl(stack, "upgrade")
        filling.finish()
        filling = Filling.resting(available() + EXCESS // 4, 2, "--packable")
        # While the kernel finds an engine late, and another one comes, nothing is changed.
        wait_for(lambda: stack.ctl("size", "64M").returncode == 0, "a smaller size")
        less = figures(stack)
        say(f"less: {less}")
        assert less["lent"] <= 64 * MIB
        filling.process.send_signal(signal.SIGCONT)
        filling.finish()
        ctl(stack, "off")
        assert (swaps(), attached()) == ([], [])
        wait_for(lambda: not server_pid(stack), "the server's end")
    say("all done")


if __name__ == "__main__":
    main()
