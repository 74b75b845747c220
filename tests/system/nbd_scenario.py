"""Runs in the guest: the real server makes the kernel swap to simulated VRAM, and its engine is killed meanwhile.

The argument is how often.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.serving import Server
from tests.system.swapped import Filling, available, command, say, used
from vramswap_gui.units import MIB

SIZE: Final = 64 * MIB
#: How much more than the free memory a fill takes, so that at least SWAPPED of it must be in swap.
EXCESS: Final = 52 * MIB
SWAPPED: Final = 32 * MIB
EARLY: Final = 4 * MIB
ROUNDS: Final = 2
SMALL: Final = 8 * MIB
#: What the driver makes of the device, and swap is best served by: no scheduler, and placed as on an SSD, in clusters.
QUEUE: Final = {"scheduler": "[none]", "rotational": "0"}


def read_and_write(device: str) -> None:
    """Every byte of the device keeps what is written to it."""
    fd = os.open(device, os.O_RDWR | os.O_DIRECT)
    step = 64 << 10
    try:
        with mmap.mmap(-1, step) as buffer:
            for offset in range(0, SIZE, step):
                buffer[:] = bytes_at(offset, step)
                assert os.pwritev(fd, [buffer], offset) == step
            for offset in reversed(range(0, SIZE, step)):
                assert os.preadv(fd, [buffer], offset) == step
                assert buffer[:] == bytes_at(offset, step), f"wrong bytes at {offset}"
    finally:
        os.close(fd)


def bytes_at(offset: int, size: int) -> bytes:
    return random.Random(offset).randbytes(size)


def fill_once(device: str) -> None:
    """More pages than fit into memory, all of them right afterwards."""
    size = available() + EXCESS
    say(f"filling {size // MIB} MiB")
    filling = Filling.start(size, seed=1, rounds=1)
    most = 0
    while filling.running():
        most = max(most, used(device))
        time.sleep(0.05)
    filling.finish()
    say(f"swapped at most {most // MIB} MiB")
    assert most >= SWAPPED


def fill_while_engines_die(server: Server, device: str, wanted: int) -> None:
    """As before, but the engine is killed again and again while pages come and go."""
    size = available() + EXCESS
    say(f"filling {size // MIB} MiB while engines are killed")
    filling = Filling.start(size, seed=2, rounds=ROUNDS)
    kills = 0
    # From early on: what grows while the swap is dead takes the last page of memory, and a new engine needs some.
    wait_for(lambda: used(device) >= EARLY, "the first pages")
    while kills < wanted:
        if not filling.running():
            filling.finish()
            filling = Filling.start(available() + EXCESS, seed=3 + kills, rounds=ROUNDS)
            wait_for(lambda: used(device) >= EARLY, "the first pages")
        engine = server.engine()
        os.kill(engine, signal.SIGKILL)
        kills += 1
        killed = time.monotonic()
        wait_for(lambda old=engine: server.engine() != old, "a new engine")  # type: ignore[misc]
        say(f"engine {engine} killed, back after {time.monotonic() - killed:.2f} s, {used(device) // MIB} MiB swapped")
        time.sleep(1.0)
    filling.finish()
    say(f"{kills} engines killed")


def take_an_empty_one_away(server: Server) -> None:
    """A segment without pages goes without a request, as soon as somebody wants its VRAM."""
    times = []
    for _ in range(5):
        segment = server.ask("add", size=SMALL)
        command("mkswap", segment["device"])
        command("swapon", "-p", "50", segment["device"])
        began, before = time.monotonic(), server.ask("counters")
        command("swapoff", segment["device"])
        after = server.ask("counters")
        server.ask("remove", index=segment["index"])
        times.append(time.monotonic() - began)
        assert (after["reads"], after["writes"]) == (before["reads"], before["writes"])
    # For docs/reliability.md, from a machine that does nothing else.
    say(f"an empty segment is gone after {min(times) * 1e3:.0f} to {max(times) * 1e3:.0f} ms")


def main() -> None:
    server = Server()
    say(f"server: {server.ask('status')}")
    segment = server.ask("add", size=SIZE)
    say(f"added: {segment}")
    device = segment["device"]
    assert device == "/dev/nbd0"
    name = Path(device).name
    assert int(Path(f"/sys/block/{name}/size").read_text()) * 512 == SIZE
    pid = Path(f"/sys/block/{name}/pid")
    assert pid.exists()
    for file, value in QUEUE.items():
        found = Path(f"/sys/block/{name}/queue/{file}").read_text().strip()
        assert value in found, (file, found)
    read_and_write(device)
    say("every byte was read as it was written")
    command("mkswap", device)
    command("swapon", "-p", "100", device)
    assert server.ask("remove", index=0)["error"]["code"] == "Busy"
    fill_once(device)
    fill_while_engines_die(server, device, int(sys.argv[1]))
    counted = server.ask("counters")
    say(f"counted over all engines: {counted}")
    assert min(counted["reads"], counted["writes"]) > SWAPPED // 4096 // 8
    assert counted["errors"] == counted["reread"] == counted["damaged"] == 0
    command("swapoff", device)
    say(f"removed: {server.ask('remove', index=0)}")
    assert not pid.exists()
    assert server.ask("status")["segments"] == []
    take_an_empty_one_away(server)
    say(f"quit: {server.ask('quit')}")
    assert server.process.wait() == 0
    assert not list(Path("/sys/block").glob("nbd*/pid"))
    say("all done")


if __name__ == "__main__":
    main()
