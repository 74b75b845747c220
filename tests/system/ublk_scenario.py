# SPDX-License-Identifier: MIT
"""Runs in the guest: engines die while the next one takes over their ublk device, keepers die, and both at once.

The arguments are how many engines are to die, and a seed. Every page is verified.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.serving import Server, engines, keeper_dies_between_two_engines
from tests.system.swapped import command, paged_out, say, stay_in_memory, still_in_memory, used
from vramswap_gui.units import MIB

SIZE: Final = 32 * MIB
PAGE: Final = 4096
#: How long it may take the next death at most to come: an engine is up again within two or three seconds.
SOON: Final = 3.0
SWAPPED: Final = 16 * MIB
HOG: Final = 6 * MIB
#: Threads that read and write at a time.
USERS: Final = 3
#: Of those that do so in large pieces, each of several requests; bytes of a piece, and how often.
LARGE_USERS: Final = 6
LARGE: Final = MIB
ROUNDS: Final = 6
#: Seconds that a user rests at most between two pages: a server that starts needs the processor too.
REST: Final = 0.01


class Use:
    """Reads and writes pages of the device at random, and knows what each must be."""

    def __init__(self, device: str, seed: int) -> None:
        self.slowest = 0.0
        self.done = 0
        self.wrong: list[str] = []
        self._fd = os.open(device, os.O_RDWR | os.O_DIRECT)
        self._ends = threading.Event()
        #: What each page holds.
        self._known = [0] * (SIZE // PAGE)
        parts = [range(n, SIZE // PAGE, USERS) for n in range(USERS)]
        # Where something goes wrong elsewhere, nobody waits for them.
        self._threads = [
            threading.Thread(target=self._use, args=(part, random.Random(seed + n)), daemon=True)
            for n, part in enumerate(parts)
        ]
        for thread in self._threads:
            thread.start()

    def _use(self, pages: range, rng: random.Random) -> None:
        with mmap.mmap(-1, PAGE) as buffer:
            while not self._ends.is_set():
                page = rng.choice(pages)
                began = time.monotonic()
                if rng.random() < 0.5:
                    self._known[page] = rng.getrandbits(62) | 1
                    buffer[:] = content(self._known[page])
                    os.pwritev(self._fd, [buffer], page * PAGE)
                else:
                    os.preadv(self._fd, [buffer], page * PAGE)
                    self._check(page, buffer[:])
                self.done += 1
                took = time.monotonic() - began
                self.slowest = max(self.slowest, took)
                time.sleep(min(took, REST))

    def _check(self, page: int, found: bytes) -> None:
        if found != content(self._known[page]):
            self.wrong.append(f"page {page} is not {self._known[page]}")

    def finish(self) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()
        # All of it once more, in large pieces: with a request for each page that takes as long as all the rest.
        with mmap.mmap(-1, LARGE) as buffer:
            for offset in range(0, SIZE, LARGE):
                assert os.preadv(self._fd, [buffer], offset) == LARGE
                for place in range(0, LARGE, PAGE):
                    self._check((offset + place) // PAGE, buffer[place : place + PAGE])
        os.close(self._fd)
        say(f"{self.done} pages read or written, {len(self.wrong)} wrong")
        assert not self.wrong, self.wrong[:5]


def content(value: int) -> bytes:
    """A page that holds a number."""
    return value.to_bytes(8, "little") * (PAGE // 8)


def large_ones_at_once(device: str) -> None:
    """Requests of which not all have room in the queue's memory are served one after the other, each with its data."""
    file = os.open(device, os.O_RDWR | os.O_DIRECT)
    wrong: list[int] = []

    def use(part: int) -> None:
        with mmap.mmap(-1, LARGE) as buffer:
            for number in range(ROUNDS):
                data = (part * ROUNDS + number + 1).to_bytes(8, "little") * (LARGE // 8)
                buffer[:] = data
                os.pwritev(file, [buffer], part * LARGE)
                buffer[:] = bytes(LARGE)
                os.preadv(file, [buffer], part * LARGE)
                if buffer[:] != data:
                    wrong.append(part)

    threads = [threading.Thread(target=use, args=(part,)) for part in range(LARGE_USERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(file)
    say(f"{len(threads) * ROUNDS} times {LARGE // MIB} MiB written and read, {len(wrong)} wrong")
    assert not wrong, wrong


def engines_die(server: Server, use: Use, wanted: int, seed: int) -> None:
    """The next one dies at some moment of its taking over, again and again."""
    rng = random.Random(seed)
    for number in range(wanted):
        for engine in engines():
            os.kill(engine, signal.SIGKILL)
        time.sleep(rng.random() * SOON)
        if number % 8 == 7:
            server.engine()
            say(f"{number + 1} rounds, {use.done} pages, {len(use.wrong)} wrong, the slowest took {use.slowest:.2f} s")
            use.slowest = 0.0


def keeper_dies(server: Server, use: Use, device: str) -> Server:
    """Its engine serves on, and the next keeper's engine takes over."""
    engine = server.engine()
    server.process.kill()
    server.process.wait()
    before = use.done
    wait_for(lambda: use.done > before + 100, "pages from an engine without a keeper")
    # The next one dies as well, when it has ended that engine, and nobody serves yet.
    engine = keeper_dies_between_two_engines(engine, "auto")
    before = use.done
    wait_for(lambda: use.done > before + 100, "pages from an engine that nobody has asked for them")
    server = Server("--transport", "auto")
    wait_for(lambda: server.engine() != engine, "the next keeper's engine")
    status = server.ask("status")
    assert status["transport"] == "ublk", status
    assert [segment["device"] for segment in status["segments"]] == [device]
    before = use.done
    wait_for(lambda: use.done > before + 100, "pages from the next keeper's engine")
    say(f"the keeper was replaced, the slowest page took {use.slowest:.2f} s")
    use.slowest = 0.0
    return server


def server_becomes_a_newer_one(server: Server, use: Use) -> None:
    """In the same process, by the verb."""
    engine = server.engine()
    server.upgrade()
    wait_for(lambda: server.engine() != engine, "the newer program's engine")
    before = use.done
    wait_for(lambda: use.done > before + 100, "pages from the newer program")
    say(f"the server was upgraded, the slowest page took {use.slowest:.2f} s")


def all_die(server: Server, device: str) -> None:
    """Whoever has a page there is told that it is lost, and the swap can be turned off."""
    command("mkswap", device)
    command("swapon", device)
    program = subprocess.Popen(
        [sys.executable, "-c", paged_out(SWAPPED)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "swapped\n"
    # What is written is in memory still, until somebody else needs that. This process must not miss a page then.
    stay_in_memory()
    wait_for(lambda: still_in_memory(HOG) < used(device) - MIB, "something to be swapped, and in memory no more")
    for pid in (server.process.pid, server.engine()):
        os.kill(pid, signal.SIGKILL)
    server.process.wait()
    program.communicate("")
    say(f"keeper and engine are gone; the program ended with {program.returncode}")
    assert program.returncode == -signal.SIGBUS, program.returncode
    command("swapoff", device)
    wait_for(lambda: not Path(device).exists(), "the device's end")
    say("the swap is off, and its device is gone")


def main() -> None:
    wanted, seed = map(int, sys.argv[1:3])
    server = Server("--transport", "ublk")
    device = str(server.ask("add", size=SIZE)["device"])
    assert device == "/dev/ublkb0"
    use = Use(device, seed)
    engines_die(server, use, wanted, seed)
    server = keeper_dies(server, use, device)
    server_becomes_a_newer_one(server, use)
    use.finish()
    large_ones_at_once(device)
    assert server.ask("counters")["errors"] == 0
    all_die(server, device)
    say("all done")


if __name__ == "__main__":
    main()
