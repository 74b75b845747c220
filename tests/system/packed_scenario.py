# SPDX-License-Identifier: MIT
"""Runs in the guest: VRAM with packed pages is swapped to, earns swap, and shrinks, while engine and keeper die."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.support.ctl import server_pid, status
from tests.support.waiting import wait_for
from tests.system.lent import attached, ctl, engines, is_on, place, swaps, told
from tests.system.swapped import Filling, available, paged_out, say, used
from vramswap_gui.units import MIB

SIZE: Final = 128 * MIB
#: More than is swap at first: what is earned is needed.
EXCESS: Final = 80 * MIB
SWAPPED: Final = 24 * MIB
GAME: Final = Path("/run/the-game")


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


class Program:
    """One whose pages are swapped out, and which reads them at its end."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", paged_out(SWAPPED)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "swapped\n"

    def finish(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0


def live_with(stack: Stack) -> None:
    """The machine sleeps, the helper dies, and a program wants the VRAM."""
    before = figures(stack)
    programs = [Program()]
    assert swapped() >= SWAPPED // 2
    ctl(stack, "sleep")
    assert swaps() == []
    ctl(stack, "wake")
    wait_for(lambda: is_on(stack), "it to be on after the sleep")
    assert figures(stack)["lent"] == before["lent"]
    programs.append(Program())
    pages = swapped()
    stack.kill("helper")
    stack.start_helper()
    wait_for(lambda: is_on(stack), "the next helper")
    assert figures(stack)["lent"] == before["lent"]
    say(f"{pages // MIB} MiB swapped: {figures(stack)}")
    shutil.copy(shutil.which("sleep") or "", GAME)
    ctl(stack, "config", "make_way_for", GAME.name)
    with subprocess.Popen([GAME, "infinity"]) as game:
        wait_for(lambda: swaps() == [], "the VRAM to be the game's")
        wait_for(lambda: status(stack)["cause"] == "program", "the reason")
        game.kill()
    for program in programs:
        program.finish()
    say("lived with")


def main() -> None:
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    with running(plan, lambda stack: place(stack, f'size = {SIZE}\ncompression = "lz4"\n')) as stack, told(stack):
        ctl(stack, "on")
        first = figures(stack)
        say(f"on: {first}")
        assert first["lent"] == SIZE
        # Nobody knows yet what pages will be like.
        assert first["size"] < SIZE
        filling = Filling.start(available() + EXCESS, 1, "--packable", rounds=2)
        filling.reaches(SWAPPED, swapped)
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
        live_with(stack)
        ctl(stack, "off")
        assert (swaps(), attached()) == ([], [])
        wait_for(lambda: not server_pid(stack), "the server's end")
    say("all done")


if __name__ == "__main__":
    main()
