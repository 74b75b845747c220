# SPDX-License-Identifier: MIT
"""Anything, in any order, to pages that are packed: ``python -m tests.fuzz.packed SECONDS [SEED]``.

A case is a seed. Clients write pages of all kinds, parts of pages and zeroes, and discard some, while extents of the
pool come and go beside them and engines follow each other; each page has to be what it was. Then bits are hurt at
random, in VRAM and in the entries, while no engine runs: the next one has to get along with that, and what is written
anew has to be right. ``make fuzz`` runs it with the engine under AddressSanitizer.
"""

from __future__ import annotations

import contextlib
import ctypes
import random
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from vramswap_gui.server.engine.engine import Engine

from tests.support.nbd_client import PAGE, Client
from tests.support.page_model import Model
from vramswap_gui.server.engine.vram import Mapping, Vram
from vramswap_gui.server.messages import Kind
from vramswap_gui.server.packing import shift
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor.counters import Counters
from vramswap_gui.units import MIB

EXTENT: Final = 8 * MIB
MOST_EXTENTS: Final = 4
SIZES: Final = (4 * MIB, 8 * MIB, 16 * MIB)
CLIENTS: Final = 3
STEPS: Final = (20, 60)
#: Seconds for which an extent may be waited for.
PATIENCE: Final = 60.0


@dataclass(slots=True)
class Extent:
    mapping: Mapping
    fd: int
    bad: PageSums


@dataclass(slots=True)
class Case:
    """The memory that engines share, and what a part of the segment has to hold for each client."""

    draw: random.Random
    vram: Vram
    counters: Counters
    size: int
    codec: str
    entries: PageSums
    models: list[Model]
    extents: dict[int, Extent] = field(default_factory=dict)

    def extend(self, engine: Engine | None) -> None:
        """One extent more, if there may be another one."""
        free = set(range(MOST_EXTENTS)) - self.extents.keys()
        if free:
            number = self.draw.choice(sorted(free))
            mapping, fd = self.vram.create(EXTENT)
            self.extents[number] = Extent(mapping, fd, PageSums(EXTENT, kind=Kind.EXTENT))
            if engine is not None:
                self._give(engine, number)

    def shrink(self, engine: Engine) -> None:
        """One less, if what lies in it finds room elsewhere."""
        number = self.draw.choice(sorted(self.extents))
        if len(self.extents) > 1 and engine.remove_extent(number, PATIENCE) == 0:
            self._release(number)

    def _give(self, engine: Engine, number: int) -> None:
        extent = self.extents[number]
        engine.add_extent(number, extent.mapping.base, EXTENT, shift(EXTENT), extent.bad.address)

    def _release(self, number: int) -> None:
        extent = self.extents.pop(number)
        self.vram.release(extent.mapping)
        socket.close(extent.fd)
        extent.bad.close()

    @contextlib.contextmanager
    def engine(self) -> Iterator[tuple[Engine, list[Client]]]:
        """The next engine, and its clients."""
        engine = Engine(
            self.vram.context, self.draw.randint(1, 3), self.vram.can_batch, self.counters.address,
            compression=self.codec,
        )  # fmt: skip
        for number in self.extents:
            self._give(engine, number)
        engine.add_packed_segment(0, self.size, self.entries.address)
        clients = []
        for _ in self.models:
            ours, theirs = socket.socketpair()
            engine.add_connection(0, theirs.detach())
            clients.append(Client(ours))
        yield engine, clients
        for client in clients:
            client.end.close()
        engine.close()

    def hurt(self) -> None:
        """Flip bits of entries and in VRAM, while nobody looks."""
        entries = self.size // PAGE * 8
        for _ in range(self.draw.randint(0, 200)):
            byte = ctypes.c_ubyte.from_address(self.entries.address + self.draw.randrange(entries))
            byte.value ^= 1 << self.draw.randrange(8)
        for extent in self.extents.values():
            for _ in range(self.draw.randint(0, 200)):
                # The simulated GPU's memory is where its addresses say.
                byte = ctypes.c_ubyte.from_address(extent.mapping.base + self.draw.randrange(EXTENT))
                byte.value ^= 1 << self.draw.randrange(8)

    def close(self) -> None:
        for number in list(self.extents):
            self._release(number)
        self.entries.close()


def use(model: Model, client: Client, steps: int) -> None:
    for _ in range(steps):
        model.step(client)
    model.check_all(client)


def live(case: Case) -> None:
    """An engine's life: clients do what they do while extents come and go."""
    with case.engine() as (engine, clients), ThreadPoolExecutor() as pool:
        steps = case.draw.randint(*STEPS)
        using = [pool.submit(use, model, client, steps) for model, client in zip(case.models, clients, strict=True)]
        while not all(one.done() for one in using):
            if case.draw.random() < 0.5:
                case.extend(engine)
            else:
                case.shrink(engine)
            time.sleep(case.draw.random() / 50)
        for one in using:
            one.result()


def outlive(case: Case) -> None:
    """What is hurt is told or is of no matter, and what is written anew is right."""
    case.hurt()
    with case.engine() as (_, clients):
        for model, client in zip(case.models, clients, strict=True):
            for number in model.range:
                client.read(number * PAGE)
            client.discard(model.range.start * PAGE, len(model.range) * PAGE)
            model.held.clear()
        for model, client in zip(case.models, clients, strict=True):
            use(model, client, STEPS[0])


def run(seed: int, vram: Vram, counters: Counters) -> None:
    """One case. Raises AssertionError."""
    draw = random.Random(seed)
    size = draw.choice(SIZES)
    # All of them begin where check_all() does not go beyond the end.
    each = size // PAGE // CLIENTS // 32 * 32
    models = [Model(place * each, each, draw.getrandbits(32)) for place in range(CLIENTS)]
    case = Case(
        draw, vram, counters, size, draw.choice(("lz4", "zstd")), PageSums(size, kind=Kind.PACKED), models
    )  # fmt: skip
    for _ in range(draw.randint(2, MOST_EXTENTS)):
        case.extend(None)
    for _ in range(draw.randint(1, 3)):
        live(case)
    outlive(case)
    case.close()


def main() -> int:
    seconds, first = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    vram, counters = Vram(), Counters()
    until, seed = time.monotonic() + seconds, first
    while time.monotonic() < until or seed == first:
        try:
            run(seed, vram, counters)
        except BaseException:
            print(f"wrong with seed {seed}", file=sys.stderr)
            raise
        seed += 1
    print(f"{seed - first} cases of packed pages, from seed {first} on", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
