# SPDX-License-Identifier: MIT
"""Engines that die on a real card while a client writes and verifies, and what is left in VRAM afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Final

from tests.support import card
from tests.support.nbd_client import header
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export, export
from vramswap_gui.errors import VramswapError
from vramswap_gui.units import GIB, KIB, MIB

pytestmark = card.NEEDED

KILLS: Final = 50
SIZE: Final = 512 * MIB
BLOCK: Final = 64 * KIB
DEPTH: Final = 16
MARK: Final = b"vramswap page that is nobody else's business"
#: Allocates what is free, less what its context may want, and says how often it sees what another program wrote.
_FOREIGN: Final = """
import ctypes, re, sys
from cuda.bindings import driver

def done(result):
    assert not result[0], result[0]
    return result[1]

done((driver.cuInit(0)[0], None))
done((driver.cuCtxSetCurrent(done(driver.cuDevicePrimaryCtxRetain(0)))[0], None))
step = 1 << 30
page = done(driver.cuMemAllocHost(step))
view = memoryview((ctypes.c_char * step).from_address(int(page))).cast("B")
found = looked = 0
kept = []
while done((driver.cuMemGetInfo()[0], driver.cuMemGetInfo()[1])) > 2 * step:
    kept.append(done(driver.cuMemAlloc(step)))
    done((driver.cuMemcpyDtoH(page, kept[-1], step)[0], None))
    found += len(re.findall(re.escape(sys.argv[1].encode()), view))
    looked += 1
print(found, looked)
"""


def pages(block: int, version: int) -> bytes:
    """What a block holds: another thing in each block and version, all over it."""
    return struct.pack(">QQ48s", block, version, MARK) * (BLOCK // 64)


class Client:
    """One connection, made anew when it ends, with everything unanswered sent again, as the kernel's driver does."""

    def __init__(self, server: Export) -> None:
        self._server = server
        self._end = server.connect()
        self._versions = [0] * (server.size // BLOCK)
        self._cookies = 0
        self.checked = 0
        #: Seconds from each end of a connection to the next answer.
        self.pauses: list[float] = []
        self._lost: float | None = None

    def batch(self, chance: random.Random) -> None:
        """Requests for so many different blocks, each answered and checked."""
        open_: dict[int, tuple[bool, int]] = {}
        for block in chance.sample(range(len(self._versions)), DEPTH):
            self._cookies += 1
            # What was never written is not known to be anything but zero, and that is another test's.
            open_[self._cookies] = (not self._versions[block] or chance.random() < 0.5, block)
        while open_:
            try:
                self._send(open_)
                while open_:
                    self._answer(open_)
            except (OSError, EOFError):
                self._lost = self._lost or time.monotonic()
                self._end.close()
                self._end = wait_for(self._connected, "an engine")

    def close(self) -> None:
        self._end.close()

    def _send(self, open_: dict[int, tuple[bool, int]]) -> None:
        # Apart from the answers, so that neither side waits for the other with full sockets.
        data = b"".join(
            header(write, block * BLOCK, BLOCK, cookie) + (pages(block, self._versions[block] + 1) if write else b"")
            for cookie, (write, block) in open_.items()
        )
        self._end.sendall(data)

    def _answer(self, open_: dict[int, tuple[bool, int]]) -> None:
        magic, error, cookie = struct.unpack(">IIQ", self._take(16))
        assert (magic, error) == (0x67446698, 0)
        if self._lost is not None:
            self.pauses.append(time.monotonic() - self._lost)
            self._lost = None
        write, block = open_[cookie]
        if write:
            self._versions[block] += 1
        else:
            assert self._take(BLOCK) == pages(block, self._versions[block]), f"block {block} is wrong"
            self.checked += 1
        del open_[cookie]

    def _take(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self._end.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _connected(self) -> socket.socket | None:
        """A connection; None while nobody takes one."""
        try:
            return self._server.connect()
        except VramswapError:
            return None


@contextlib.contextmanager
def killing(server: Export, client: Client, chance: random.Random) -> Iterator[threading.Thread]:
    """While it is open, engines are killed at random moments, so many in all."""

    def kill() -> None:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.05, 0.4))
            pauses = len(client.pauses)
            os.kill(card.engine(server), signal.SIGKILL)
            wait_for(lambda pauses=pauses: len(client.pauses) > pauses, "the next answer")  # type: ignore[misc]

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield killer
    finally:
        killer.join()


def seen_by_another() -> int:
    """How often another program finds our mark in all the VRAM that it can get."""
    done = subprocess.run([sys.executable, "-c", _FOREIGN, MARK.decode()], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    found, looked = map(int, done.stdout.split())
    print(f"another program looked through {looked} GiB")
    assert looked > 4
    return found


async def test_a_client_sees_nothing_but_pauses() -> None:
    before = card.used()
    seed = int(time.time())
    async with export(SIZE, "", 4) as server:
        client = Client(server)

        def work() -> None:
            chance = random.Random(seed)
            with killing(server, client, random.Random(seed + 1)) as killer:
                while killer.is_alive():
                    client.batch(chance)

        await asyncio.to_thread(work)
        client.close()
    print(f"\n{KILLS} engines killed (seed {seed}), {client.checked} blocks of {BLOCK // KIB} KiB verified, 0 wrong")
    median, longest = statistics.median(client.pauses), max(client.pauses)
    print(f"{len(client.pauses)} pauses: median {median:.2f} s, longest {longest:.2f} s")
    assert len(client.pauses) == KILLS
    wait_for(lambda: card.used() <= before + 16 * MIB, "all VRAM to be given back")
    assert seen_by_another() == 0


async def test_what_two_killed_processes_leave_behind() -> None:
    before = card.used()
    with contextlib.suppress(ProcessLookupError):
        async with export(GIB, "", 4) as server:
            client = Client(server)
            for _ in range(64):
                client.batch(random.Random(1))
            old = card.engine(server)
            # The keeper first, so that nobody makes another engine.
            os.kill(server.pid, signal.SIGKILL)
            os.kill(old, signal.SIGKILL)
            client.close()
    wait_for(lambda: card.used() <= before + 16 * MIB, "the driver to take all VRAM back")
    found = seen_by_another()
    print(f"after kill -9 of keeper and engine it finds {found} of our pages")
    assert found == 0
