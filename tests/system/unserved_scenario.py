# SPDX-License-Identifier: MIT
"""Runs in the guest: for some time nobody serves the swap, while one program fills memory and others want some.

Another one has ended, so that most of what is free of the swap is first to be forgotten by it. All of them wait,
however long it takes. The kernel ends none, and every page is right.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.system.serving import Server, engines
from tests.system.swapped import Filling, available, command, paged_out, say, stay_in_memory, used
from vramswap_gui.server.memlock import require_resident
from vramswap_gui.units import MIB

SIZE: Final = 112 * MIB
GONE: Final = 32 * MIB
#: What is just paged out may be in memory still.
EXCESS: Final = GONE + 24 * MIB
EARLY: Final = 6 * MIB
#: Seconds without an engine: shorter and longer than the kernel's own waits for what is being written.
UNSERVED: Final = (6.0, 24.0)
OTHERS: Final = 4
#: Each has memory once it is told to, and ends when its input does.
_WANTS: Final = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("ready", flush=True)
signal.sigwait([signal.SIGUSR1])
memory = b"x" * (8 << 20)
sys.stdin.read()
"""


def ended() -> int:
    """How many programs the kernel has ended for their memory."""
    lines = [line.split() for line in Path("/proc/vmstat").read_text().splitlines()]
    return next(int(value) for name, value in lines if name == "oom_kill")


@contextmanager
def program(source: str, said: bytes) -> Iterator[int]:
    """A program that has said it is ready; it may have been killed at the end."""
    with subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None and started.stdout.readline() == said
        yield started.pid
        started.communicate()
        assert started.returncode in (0, -signal.SIGKILL)


def unserved(keeper: int, gone: int, others: list[int], seconds: float) -> None:
    """The keeper is stopped, so that no engine comes, and the engine is killed.

    By a process that needs no memory for it: whoever did would wait for the swap with all others.
    """
    dying = engines()
    pid = os.fork()
    if pid == 0:
        try:
            require_resident()
            # Nor must it wait for a page of its own, which nobody would serve until it says so.
            stay_in_memory()
            os.kill(keeper, signal.SIGSTOP)
            for victim in (*dying, gone):
                os.kill(victim, signal.SIGKILL)
            for other in others:
                os.kill(other, signal.SIGUSR1)
            time.sleep(seconds)
        finally:
            os.kill(keeper, signal.SIGCONT)
            os._exit(0)
    os.waitpid(pid, 0)


def one(server: Server, device: str, seed: int, seconds: float) -> None:
    with ExitStack() as running:
        gone = running.enter_context(program(paged_out(GONE), b"swapped\n"))
        others = [running.enter_context(program(_WANTS, b"ready\n")) for _ in range(OTHERS)]
        before = used(device)
        filling = Filling.start(available() + EXCESS, seed)
        filling.reaches(before + EARLY, lambda: used(device))
        say(f"nobody serves for {seconds:.0f} s, {used(device) // MIB} of {SIZE // MIB} MiB swapped")
        unserved(server.process.pid, gone, others, seconds)
        server.engine()
        filling.finish()
    assert ended() == 0


def main() -> None:
    server = Server("--transport", sys.argv[1])
    device = server.ask("add", size=SIZE)["device"]
    command("mkswap", device)
    command("swapon", "--discard=pages", device)
    for seed, seconds in enumerate(UNSERVED):
        one(server, device, seed, seconds)
    command("swapoff", device)
    server.ask("remove", index=0)
    say(f"quit: {server.ask('quit')}")
    assert server.process.wait() == 0
    say("all done")


if __name__ == "__main__":
    main()
