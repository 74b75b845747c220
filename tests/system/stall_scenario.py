# SPDX-License-Identifier: MIT
"""Runs in the guest: an engine that stops answering is replaced, one that was late goes on, and nothing is lost; a GPU
that is gone is given up.

A late engine is worse than a dead one: the kernel sends again what it did not answer, and a first write that it makes
after the second would bring an old page back. A GPU that is gone takes pages with it: programs that want one end, the
machine goes on.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.support.fakegpu import FakeGpu
from tests.support.waiting import PATIENCE, wait_for
from tests.system.serving import Server
from tests.system.swapped import available, command, paged_out, say, stay_in_memory, used
from vramswap_gui.server.supervisor import recovery
from vramswap_gui.units import MIB

SIZE: Final = 64 * MIB
ROUNDS: Final = 2
WRITTEN: Final = 48 * MIB
BLOCK: Final = 4 * MIB
SOURCE: Final = Path("/tmp/source")
LOST: Final = 16 * MIB
#: No record of the kernel's log is longer (Documentation/ABI/testing/dev-kmsg; PRINTK_MESSAGE_MAX).
_RECORD: Final = 8192


def timeouts() -> int:
    """How often the kernel told of connections that it found late, or that ended."""
    # Until a program had told that on a busy machine, who is late would have been replaced.
    log, count = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK), 0
    with os.fdopen(log, "rb", buffering=0) as records:
        while record := records.read(_RECORD):
            count += b"block nbd0: " in record
    return count


def stall(server: Server, device: str, seed: int, *, goes_on: bool) -> None:
    """Write while the engine is stopped, for good or until it is late; what is read afterwards is what was written."""
    numbers = random.Random(seed)
    with SOURCE.open("wb") as source:
        for _ in range(WRITTEN // MIB):
            source.write(numbers.randbytes(MIB))
    engine = server.engine()
    before = timeouts()
    os.kill(engine, signal.SIGSTOP)
    began = time.monotonic()
    blocks = [f"bs={BLOCK}", f"count={WRITTEN // BLOCK}", "status=none"]
    writing = subprocess.Popen(["dd", f"if={SOURCE}", f"of={device}", *blocks, "oflag=direct"])
    if goes_on:
        wait_for(lambda: timeouts() > before, f"the kernel to find engine {engine} late")
        os.kill(engine, signal.SIGCONT)
    else:
        wait_for(lambda: not Path(f"/proc/{engine}").exists(), f"the end of the stopped engine {engine}")
    ended = time.monotonic() - began
    assert writing.wait() == 0
    what = "late" if goes_on else "ended"
    say(f"engine {engine} stopped, {what} after {ended:.1f} s; written after {time.monotonic() - began:.1f} s")
    assert (server.engine() == engine) is goes_on
    wait_for(lambda: os.sched_getscheduler(server.engine()) == os.SCHED_OTHER, "one that serves to go with the others")
    reading = ["dd", f"if={device}", *blocks, "iflag=direct"]
    with subprocess.Popen(reading, stdout=subprocess.PIPE) as process, SOURCE.open("rb") as source:
        assert process.stdout is not None
        wrong = sum(source.read(MIB) != process.stdout.read(MIB) for _ in range(WRITTEN // MIB))
    assert process.returncode == 0
    say(f"MiB wrong: {wrong} of {WRITTEN // MIB}")
    assert wrong == 0


def lose(server: Server, device: str) -> None:
    """The GPU falls off the bus while a program has pages there."""
    command("mkswap", device)
    command("swapon", "--priority", "1000", device)
    # Its own pages and no others, so that it is clear who misses them: what this program has must not go with them.
    stay_in_memory()
    with subprocess.Popen(
        [sys.executable, "-c", paged_out(LOST)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdin is not None and program.stdout is not None
        assert program.stdout.readline() == b"swapped\n"
        # What is written out stays in memory as well until somebody else wants that.
        command(sys.executable, "-c", f"bytearray({available() + LOST})")
        say(f"{used(device) // MIB} MiB swapped")
        assert used(device) >= LOST - MIB
        gpu = FakeGpu(Path(os.environ["FAKEGPU_DIR"]), Path(os.environ["LD_LIBRARY_PATH"]))
        gpu["lost"] = 1
        began = time.monotonic()
        program.stdin.close()
        wait_for(lambda: program.poll() is not None, "the end of the program", PATIENCE + recovery.PATIENCE)
        say(f"the GPU is gone; the program ended with {program.returncode} after {time.monotonic() - began:.1f} s")
        assert program.returncode == -signal.SIGBUS
    status = server.ask("status")
    assert (status["engine"], status["trouble"]["code"]) == ("lost", "NoGpu"), status
    assert "is gone" in server.ask("add", size=SIZE)["error"]["message"]
    command("swapoff", device)


def main() -> None:
    server = Server()
    device = server.ask("add", size=SIZE)["device"]
    for seed in range(ROUNDS):
        stall(server, device, seed, goes_on=True)
        stall(server, device, ROUNDS + seed, goes_on=False)
    lose(server, device)
    server.ask("remove", index=0)
    server.ask("quit")
    assert server.process.wait() == 0
    wait_for(lambda: not list(Path("/sys/block").glob("nbd*/pid")), "the device to go")
    say("all done")


if __name__ == "__main__":
    main()
