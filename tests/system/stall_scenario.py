"""Runs in the guest: an engine that stops answering while the kernel writes is ended and replaced, and nothing is lost.

A late engine is worse than a dead one: the kernel sends again what it did not answer, and a first write that it makes
after the second would bring an old page back.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.system.nbd_scenario import SIZE, Server, say
from tests.system.swapped import wait_for
from vramswap_gui.units import MIB

#: Seconds after which a stopped engine must be gone: the kernel waits for its answer first (REQUEST_TIMEOUT).
STALL: Final = 8.0
ROUNDS: Final = 2
WRITTEN: Final = 48 * MIB
BLOCK: Final = 4 * MIB
SOURCE: Final = Path("/tmp/source")


def stall(server: Server, device: str, seed: int) -> None:
    """Write while the engine is stopped; what is read afterwards is what was written."""
    numbers = random.Random(seed)
    with SOURCE.open("wb") as source:
        for _ in range(WRITTEN // MIB):
            source.write(numbers.randbytes(MIB))
    engine = server.engine()
    os.kill(engine, signal.SIGSTOP)
    began = time.monotonic()
    blocks = [f"bs={BLOCK}", f"count={WRITTEN // BLOCK}", "status=none"]
    writing = subprocess.Popen(["dd", f"if={SOURCE}", f"of={device}", *blocks, "oflag=direct"])
    wait_for(lambda: not Path(f"/proc/{engine}").exists(), f"the end of the stopped engine {engine}", STALL)
    ended = time.monotonic() - began
    assert writing.wait(60) == 0
    say(f"engine {engine} stopped, ended after {ended:.1f} s; written after {time.monotonic() - began:.1f} s")
    assert server.engine() != engine
    reading = ["dd", f"if={device}", *blocks, "iflag=direct"]
    with subprocess.Popen(reading, stdout=subprocess.PIPE) as process, SOURCE.open("rb") as source:
        assert process.stdout is not None
        wrong = sum(source.read(MIB) != process.stdout.read(MIB) for _ in range(WRITTEN // MIB))
    assert process.returncode == 0
    say(f"MiB wrong: {wrong} of {WRITTEN // MIB}")
    assert wrong == 0


def main() -> None:
    server = Server()
    device = server.ask("add", size=SIZE)["device"]
    for seed in range(ROUNDS):
        stall(server, device, seed)
    server.ask("remove", index=0)
    server.ask("quit")
    assert server.process.wait(60) == 0
    wait_for(lambda: not list(Path("/sys/block").glob("nbd*/pid")), "the device to go")
    say("all done")


if __name__ == "__main__":
    main()
