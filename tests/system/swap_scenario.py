# SPDX-License-Identifier: MIT
"""Runs in the guest: the real server makes the kernel swap to simulated VRAM, and its engine is killed meanwhile.

The arguments are by which of the kernel's drivers, how often, ``small`` for a machine that is slow, and ``twice`` if
the next engine is to die as well, while it takes over.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.serving import Server, engines
from tests.system.swapped import Filling, available, command, say, scarce, used, verify, write
from vramswap_gui.units import MIB

#: A machine that is emulated does less in the same time.
SMALL_MACHINE: Final = "small" in sys.argv
TWICE: Final = "twice" in sys.argv
#: Seconds within which the next one dies too.
SOON: Final = 1.0
#: An engine more takes memory too.
SIZE: Final = (32 if SMALL_MACHINE else 80 if TWICE else 64) * MIB
#: What is left of memory before it is filled: on a machine that is slow, so little that it is filled soon.
LEFT: Final = (64 if SMALL_MACHINE else 1024) * MIB
#: How much more than the free memory a fill takes, so that at least SWAPPED of it must be in swap.
EXCESS: Final = (24 if SMALL_MACHINE else 52) * MIB
SWAPPED: Final = (6 if SMALL_MACHINE else 32) * MIB
EARLY: Final = 4 * MIB
SMALL: Final = 8 * MIB
#: Nothing while a server is there.
WATERMARK_BOOST: Final = Path("/proc/sys/vm/watermark_boost_factor")
#: What the driver makes of the device, and swap is best served by: no scheduler, and placed as on an SSD, in clusters.
QUEUE: Final = {"scheduler": "[none]", "rotational": "0"}


def is_there(device: str) -> bool:
    """Whether the kernel has a device of this name that is served, or was."""
    folder = Path("/sys/block") / Path(device).name
    return (folder / "pid").exists() if "nbd" in device else folder.exists()


class Reader:
    """Reads page after page of the device, past all caches, and notes how long the slowest took."""

    def __init__(self, device: str) -> None:
        self._fd = os.open(device, os.O_RDONLY | os.O_DIRECT)
        self._slowest = 0.0
        self.read = 0
        self._done = threading.Event()
        # Where something goes wrong elsewhere, nobody waits for it.
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with mmap.mmap(-1, 4096) as buffer:
            for number in itertools.count():
                if self._done.wait(0.02):
                    return
                began = time.monotonic()
                assert os.preadv(self._fd, [buffer], number * 4096 % SIZE) == 4096
                self._slowest = max(self._slowest, time.monotonic() - began)
                self.read = number

    def close(self) -> None:
        """Let go of the device."""
        self._done.set()
        self._thread.join()
        os.close(self._fd)

    def slowest(self) -> float:
        """Seconds of the slowest since the last call."""
        found, self._slowest = self._slowest, 0.0
        return found


def fill_while_engines_die(server: Server, device: str, wanted: int) -> None:
    """More pages than fit into memory, and the engine is killed again and again while they come and go."""
    size = available() + EXCESS
    say(f"filling {size // MIB} MiB while engines are killed")
    filling = Filling.start(size, seed=2)
    kills = 0
    reader, waits = Reader(device), list[float]()
    # From early on: what grows while the swap is dead takes the last page of memory, and a new engine needs some.
    filling.reaches(EARLY, lambda: used(device))
    while kills < wanted:
        engine = server.engine()
        reader.slowest()
        os.kill(engine, signal.SIGKILL)
        kills += 1
        killed = time.monotonic()
        if TWICE:
            time.sleep(random.random() * SOON)
            for pid in engines():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        wait_for(lambda old=engine: server.engine() != old, "a new engine")  # type: ignore[misc]
        say(f"engine {engine} killed, back after {time.monotonic() - killed:.2f} s, {used(device) // MIB} MiB swapped")
        time.sleep(1.0)
        # One that the last engine had may come later than those of the next.
        read = reader.read
        wait_for(lambda seen=read: reader.read > seen + 1, "pages")  # type: ignore[misc]
        waits.append(reader.slowest())
    filling.reaches(SWAPPED, lambda: used(device))
    say(f"{used(device) // MIB} MiB swapped")
    filling.finish()
    reader.close()
    # For docs/performance.md, from a machine that does nothing else.
    say(f"{kills} engines killed; the slowest reads then took {[round(wait, 2) for wait in waits]} s")


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
    transport = sys.argv[1]
    boost = WATERMARK_BOOST.read_text()
    server = Server("--transport", transport)
    say(f"server: {server.ask('status')}")
    segment = server.ask("add", size=SIZE)
    say(f"added: {segment}")
    device = segment["device"]
    assert int(boost)
    assert int(WATERMARK_BOOST.read_text()) == 0
    assert device == {"nbd": "/dev/nbd0", "ublk": "/dev/ublkb0"}[transport]
    name = Path(device).name
    assert int(Path(f"/sys/block/{name}/size").read_text()) * 512 == SIZE
    for file, value in QUEUE.items():
        found = Path(f"/sys/block/{name}/queue/{file}").read_text().strip()
        assert value in found, (file, found)
    if not SMALL_MACHINE:
        write(device, SIZE)
        verify(device, SIZE)
        say("every byte was read as it was written")
    command("mkswap", device)
    command("swapon", "-p", "100", device)
    assert server.ask("remove", index=0)["error"]["code"] == "Busy"
    with scarce(LEFT):
        fill_while_engines_die(server, device, int(sys.argv[2]))
    counted = server.ask("counters")
    say(f"counted over all engines: {counted}")
    # How much of its files the kernel holds on to, and so how many pages go, differs more than a small machine has.
    least = 0 if SMALL_MACHINE else SWAPPED // 8
    assert min(counted["bytes_read"], counted["bytes_written"]) > least
    assert counted["errors"] == counted["reread"] == counted["damaged"] == 0
    command("swapoff", device)
    say(f"removed: {server.ask('remove', index=0)}")
    assert not is_there(device)
    assert server.ask("status")["segments"] == []
    if not SMALL_MACHINE:
        take_an_empty_one_away(server)
    say(f"quit: {server.ask('quit')}")
    assert server.process.wait() == 0
    assert WATERMARK_BOOST.read_text() == boost
    assert not list(Path("/sys/block").glob("nbd*/pid")) + list(Path("/sys/block").glob("ublkb*"))
    say("all done")


if __name__ == "__main__":
    main()
