# SPDX-License-Identifier: MIT
"""Engines that meet damage, fail, or die in between two steps: ``python -m tests.support.damage CASE``.

A process of its own for each case, because the simulated GPU is loaded by its environment. See test_damage.py.
"""

from __future__ import annotations

import ctypes
import os
import random
import resource
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cuda.bindings import driver
from vramswap_gui.server.engine.engine import Engine

from tests.support.nbd_client import PAGE, Client
from tests.support.waiting import wait_for
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.engine import vram as vram_module
from vramswap_gui.server.engine.main import Commands, EngineOptions
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.messages import EXTENTS, Kind
from vramswap_gui.server.packing import Compression, Packing
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor.counters import Counters
from vramswap_gui.units import MIB

#: Of a segment; and of a chunk of the pool, of which there are so many, with so many random pages each.
SIZE: Final = 32 * MIB
SHIFT: Final = 21
CHUNKS: Final = 16
A_CHUNK: Final = (1 << SHIFT) // (PAGE + 16)


_ALIVE: Final = list[Any]()


class Pool:
    """VRAM with packed segments, and the engine that has it."""

    def __init__(self, segments: int) -> None:
        self.vram, self.counters, self.draw = Vram(), Counters(), random.Random(1)
        self.entries = [PageSums(SIZE, kind=Kind.PACKED) for _ in range(segments)]
        self.bad = PageSums(CHUNKS << SHIFT, kind=Kind.EXTENT)
        self.mapping, _ = self.vram.create(CHUNKS << SHIFT)
        # Its engines' threads go on to the end of the process, and with what is mapped here.
        _ALIVE.append(self)
        self.serve()

    def serve(self) -> None:
        """Have another engine; one before is dead, for all that the next one sees."""
        engine: Any = Engine(self.vram.context, 1, self.vram.can_batch, self.counters.address, compression="lz4")
        engine.add_extent(0, self.mapping.base, CHUNKS << SHIFT, SHIFT, self.bad.address)
        self.clients = list[Client]()
        for index, entries in enumerate(self.entries):
            engine.add_packed_segment(index, SIZE, entries.address)
        for index in range(len(self.entries)):
            ours, theirs = socket.socketpair()
            engine.add_connection(index, theirs.detach())
            self.clients.append(Client(ours))
        self.engine = engine

    def die(self) -> None:
        for client in self.clients:
            client.end.close()
        # Kept, for it would end as one that lives.
        _ALIVE.append(self.engine)

    def condemned(self) -> list[int]:
        """The chunks that are not to be trusted."""
        words = (ctypes.c_uint64 * CHUNKS).from_address(self.bad.address)
        return [number for number, word in enumerate(words) if word]

    def place(self, number: int) -> int:
        """Where a page of the first segment lies; less than a chunk's size beyond all when it is lost."""
        entry = (ctypes.c_uint64 * (SIZE // PAGE)).from_address(self.entries[0].address)[number]
        return int(entry >> 16) * 16 if entry & 7 != 7 else CHUNKS << SHIFT


def spreads() -> None:
    """A page that is hurt condemns the chunk in which that happened, and none of those to which it would be moved."""
    pool = Pool(1)
    (client,) = pool.clients
    held = {number: pool.draw.randbytes(PAGE) for number in range(4 * A_CHUNK)}
    for number, page in held.items():
        client.write(number * PAGE, page)
    ctypes.c_ubyte.from_address(pool.mapping.base + pool.place(0) + 100).value ^= 1
    del held[0]
    hurt_in = pool.place(0) >> SHIFT
    for _ in range(4):
        # The chunk that has it, or those which would, become the emptiest, and are cleaned first.
        there = [number for number in held if pool.place(number) >> SHIFT == pool.place(0) >> SHIFT]
        for number in (there or pool.draw.sample(list(held), A_CHUNK))[: A_CHUNK * 2 // 3]:
            client.write(number * PAGE, held[number])
        moved = pool.engine.stored()["moved"]

        def is_cleaned(before: int = moved) -> bool:
            pool.engine.compact(0)
            return bool(pool.engine.stored()["moved"] > before)

        wait_for(is_cleaned, "a chunk to be cleaned")
    assert pool.condemned() == [hurt_in]
    assert client.read(0) is None
    assert all(client.read(number * PAGE) == page for number, page in held.items())
    client.end.close()
    pool.engine.close()


def dropped() -> None:
    """An engine has forgotten a segment's pages and dies before it has said so: what is written in their places is not
    taken for them."""
    pool = Pool(2)
    first, second = pool.clients
    for number in range(5 * A_CHUNK):
        second.write(number * PAGE, pool.draw.randbytes(PAGE))
    pool.engine.drop_segment(1)
    held = {number: pool.draw.randbytes(PAGE) for number in range(7 * A_CHUNK)}
    for _ in range(2):
        for number, page in held.items():
            first.write(number * PAGE, page)
    live = pool.engine.stored()["live"]
    pool.die()
    pool.serve()
    first, second = pool.clients
    assert pool.engine.stored()["live"] == live
    assert second.read(0) == bytes(PAGE)
    assert all(first.read(number * PAGE) == page for number, page in held.items())
    assert pool.condemned() == []


def unpackable() -> None:
    """Pages of which the library is missing for an engine are there for the next one that has it."""
    pool = Pool(1)
    page = random.Random(2).randbytes(64) * (PAGE // 64)
    pool.clients[0].write(0, page)
    entry = (ctypes.c_uint64 * 1).from_address(pool.entries[0].address)
    known = entry[0]
    for form, expected in ((6, None), (known & 7, page)):
        pool.die()
        entry[0] = known & ~7 | form
        pool.serve()
        assert [pool.clients[0].read(0) for _ in range(2)] == [expected] * 2
        assert entry[0] == known & ~7 | form
    assert pool.condemned() == []


def extent() -> None:
    """No page lies in VRAM of which only this process has the descriptor."""
    counters, packing = Counters(), Packing(Compression.LZ4)
    options = EngineOptions("", 1, False, counters, packing=packing)
    commands = Commands.begin(options, options.holdings())
    for number in range(2):
        message = {"index": EXTENTS[number], "size": CHUNKS << SHIFT, "kind": Kind.EXTENT, "ident": ""}
        commands.obey("create", message, [])
        free = commands.engine.stored()["free"] if number else 0
        assert free == number * CHUNKS << SHIFT, free
        # Whoever asks has the answer to what was asked before.
        commands.obey("info", {}, [])
        assert commands.engine.stored()["free"] == (number + 1) * CHUNKS << SHIFT
    commands.obey("create", message | {"index": EXTENTS[2]}, [])
    commands.obey("drop", {"index": EXTENTS[2]}, [])
    commands.quit()


def ring() -> None:
    """A ublk device that could not be served is not kept open, or nobody could ever serve it."""
    vram, counters = Vram(), Counters()
    mapping, _ = vram.create(SIZE)
    engine: Any = Engine(vram.context, 1, vram.can_batch, counters.address)
    engine.add_segment(0, mapping.base, mapping.size)
    engine.provide(0, 1)
    with tempfile.NamedTemporaryFile() as device:
        device.write(bytes(PAGE))
        device.flush()
        lowest = os.dup(0)
        os.close(lowest)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        # The device and two eventfds find room, the ring does not.
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 3, limits[1]))
        refused = ""
        try:
            engine.add_queue(0, device.name)
        except OSError as error:
            refused = str(error)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert "Too many open files" in refused, refused
        assert device.name not in Path("/proc/self/maps").read_text()
    engine.close()


class _Unwiped:
    """The driver, which wipes nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(driver, name)

    def cuMemsetD8(self, *_: object) -> tuple[Any]:
        return (driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY,)


def wiped() -> None:
    """Of VRAM that could not be wiped nothing is kept."""
    vram = Vram()
    free = vram.gpu().free
    vars(vram_module)["driver"] = _Unwiped()
    for _ in range(2):
        try:
            vram.create(SIZE)
        except VramswapError as error:
            assert error.problem is Problem.VRAM_TOO_FULL, error
        else:
            raise AssertionError("it was lent unwiped")
    assert vram.gpu().free == free


CASES: Final[dict[str, Callable[[], None]]] = {
    "spreads": spreads,
    "dropped": dropped,
    "unpackable": unpackable,
    "extent": extent,
    "ring": ring,
    "wiped": wiped,
}


def main() -> None:
    CASES[sys.argv[1]]()
    print("done", flush=True)
    # Engines that are dead in a case have threads.
    os._exit(0)


if __name__ == "__main__":
    main()
