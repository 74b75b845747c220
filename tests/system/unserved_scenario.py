# SPDX-License-Identifier: MIT
"""Runs in the guest: for some time nobody serves the swap, while one program fills memory and others want some.

They wait, however long it takes. The kernel ends none of them, and every page is right.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.serving import Server, engines
from tests.system.swapped import Filling, available, command, say, used
from vramswap_gui.units import MIB

SIZE: Final = 96 * MIB
EXCESS: Final = 32 * MIB
EARLY: Final = 6 * MIB
#: Seconds without an engine: shorter and longer than the kernel's own waits for what is being written.
UNSERVED: Final = (6.0, 24.0)
OTHERS: Final = 4
_WANTS: Final = "memory = b'x' * (8 << 20); input()"


def ended() -> int:
    """How many programs the kernel has ended for their memory."""
    lines = [line.split() for line in Path("/proc/vmstat").read_text().splitlines()]
    return next(int(value) for name, value in lines if name == "oom_kill")


def unserved(server: Server, seconds: float) -> None:
    """The keeper is stopped, so that no engine comes, and the engine is killed."""
    os.kill(server.process.pid, signal.SIGSTOP)
    for pid in engines():
        os.kill(pid, signal.SIGKILL)
    others = [subprocess.Popen([sys.executable, "-c", _WANTS], stdin=subprocess.PIPE) for _ in range(OTHERS)]
    time.sleep(seconds)
    os.kill(server.process.pid, signal.SIGCONT)
    server.engine()
    for other in others:
        other.communicate(b"\n")
        assert other.returncode == 0


def main() -> None:
    server = Server("--transport", sys.argv[1])
    device = server.ask("add", size=SIZE)["device"]
    command("mkswap", device)
    command("swapon", device)
    for number, seconds in enumerate(UNSERVED):
        filling = Filling.start(available() + EXCESS, seed=number, rounds=1)
        wait_for(lambda: used(device) >= EARLY, "the first pages")
        say(f"nobody serves for {seconds:.0f} s, {used(device) // MIB} of {SIZE // MIB} MiB swapped")
        unserved(server, seconds)
        filling.finish()
        assert ended() == 0
    command("swapoff", device)
    say(f"quit: {server.ask('quit')}")
    assert server.process.wait() == 0
    say("all done")


if __name__ == "__main__":
    main()
