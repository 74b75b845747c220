# SPDX-License-Identifier: MIT
"""Runs in the guest: the server becomes a newer one with the swap on, its keeper dies, and then all of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.support.children import children
from tests.support.ctl import server_pid, status
from tests.support.waiting import wait_for
from tests.system.lent import attached, ctl, engines, place, state, swaps, told
from tests.system.swapped import Filling, available, say, used
from vramswap_gui.units import MIB

SIZE: Final = 96 * MIB
#: The rest is for what an upgrade takes: whoever asks for it, a program that is asked whether it understands what it
#: would be left, and for a moment two keepers' memory and two engines.
EXCESS: Final = 24 * MIB
SWAPPED: Final = 12 * MIB
DEVICE: Final = "/dev/nbd0"
#: Seconds within which programs learn that their pages are lost.
LAW_7: Final = 60.0


def become_newer_while_pages_move(stack: Stack) -> None:
    """The server is replaced by the installed version while memory is filled. Every page must be right."""
    size = available() + EXCESS
    say(f"filling {size // MIB} MiB")
    filling = Filling.start(size, seed=3)
    filling.reaches(SWAPPED, lambda: used(DEVICE))
    for _ in range(2):
        server, before = server_pid(stack), engines(stack)
        begun = time.monotonic()
        ctl(stack, "upgrade")
        assert server_pid(stack) == server
        assert engines(stack) != before
        say(f"the server became a newer one in {time.monotonic() - begun:.1f} s, {used(DEVICE) // MIB} MiB swapped")
    filling.finish()


def watch_over_by_another_keeper(stack: Stack) -> None:
    """The keeper is killed while memory is filled, in the middle of whatever it does. A new one takes over."""
    filling = Filling.start(available() + EXCESS, seed=4)
    filling.reaches(SWAPPED, lambda: used(DEVICE))
    for verb in ((), ("size", "48M"), ("size", "64M"), ("upgrade",)):
        pid = server_pid(stack)
        beside = subprocess.Popen(
            [str(Path(sys.executable).with_name("vramswapctl")), *(verb or ("status",))],
            env=stack.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(random.random() * 0.3)
        os.kill(pid, signal.SIGKILL)
        begun = time.monotonic()
        beside.wait()
        wait_for(lambda old=pid: server_pid(stack) not in (0, old), "another keeper")  # type: ignore[misc]
        try:
            wait_for(lambda: status(stack)["state"] == "on", "it to be on again")
        except AssertionError:
            say(f"{status(stack)}\n{(stack.control.parent / 'server.log').read_text()}")
            raise
        say(f"keeper {pid} killed beside {verb}; on again after {time.monotonic() - begun:.1f} s")
    filling.finish()


def lose_both(stack: Stack) -> None:
    """Keeper and engine are killed at once: whoever waits for a page is told within a minute, and the swap can go.

    That is tried by reading the device: what a program misses of its memory init may miss as well, and a machine
    without init ends. That programs get SIGBUS is in stall_scenario.py.
    """
    server = server_pid(stack)
    # So that it makes no other engine meanwhile.
    os.kill(server, signal.SIGSTOP)
    wait_for(lambda: state(server) == "T", "the keeper to stop")
    for pid in (*made(server), server):
        os.kill(pid, signal.SIGKILL)
    begun = time.monotonic()
    # Past what the kernel has in memory of it.
    reading = ["dd", f"if={DEVICE}", "of=/dev/null", "bs=4096", "count=1", "iflag=direct"]
    read = subprocess.run(reading, stderr=subprocess.PIPE, text=True, check=False)
    took = time.monotonic() - begun
    say(f"keeper and engine killed; a read ended after {took:.1f} s: {read.stderr.splitlines()[0]}")
    assert read.returncode == 1
    assert took < LAW_7
    wait_for(lambda: "lost" in (status(stack)["error"] or {}).get("message", ""), "it to be said")
    ctl(stack, "off")
    assert swaps() == []
    wait_for(lambda: not attached(), "the devices to be let go")


def made(server: int) -> list[int]:
    """All that a keeper has made but the sentry, which is to outlive both. An engine has its name only once it runs."""
    return [pid for pid in children(server) if Path(f"/proc/{pid}/comm").read_text() != "vramswap-sentry\n"]


def _prepare(stack: Stack) -> None:
    place(stack, f"size = {SIZE}\n")


def main() -> None:
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    with running(plan, _prepare) as stack, told(stack):
        say(ctl(stack, "on"))
        assert swaps() == [DEVICE]
        assert Path("/proc/swaps").read_text().split()[-1] == "1000"
        become_newer_while_pages_move(stack)
        ctl(stack, "off")
        assert (swaps(), attached()) == ([], [])
        wait_for(lambda: not server_pid(stack), "the server's end")
        say("off: nothing is left")
        say(ctl(stack, "on"))
        watch_over_by_another_keeper(stack)
        # Everybody's pages come home first: what is lost afterwards is to be one program's, and not init's.
        ctl(stack, "off")
        ctl(stack, "on")
        lose_both(stack)
        say(ctl(stack, "on"))
        ctl(stack, "off")
    assert (swaps(), attached()) == ([], [])
    say("all done")


if __name__ == "__main__":
    main()
