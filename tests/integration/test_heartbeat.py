# SPDX-License-Identifier: MIT
"""Whoever watches the workers can tell one that hangs from one that has nothing to do."""

from __future__ import annotations

import pytest

from tests.support.alone import said
from tests.support.fakegpu import FakeGpu

#: Two workers with a connection each.
_WATCHED = """
import socket, struct, sys, time
from pathlib import Path
from tests.support.fakegpu import FakeGpu
from tests.support.server import wait_for
from vramswap_gui.server.engine.engine import Engine
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.supervisor.counters import MAX_WORKERS, Counters

gpu = FakeGpu(Path(sys.argv[1]), Path())
vram, counters = Vram(), Counters()
engine = Engine(vram.context, 2, vram.can_batch, counters.address)
mapping, _ = vram.create(2 << 20)
engine.add_segment(0, mapping.base, mapping.size)
ends = []
for _ in range(2):
    ours, theirs = socket.socketpair()
    engine.add_connection(0, theirs.detach())
    ends.append(ours)

beats = lambda: counters.heartbeats()[:2]
assert len(counters.heartbeats()) == MAX_WORKERS
wait_for(lambda: all(beats()), "both workers")


def settled():
    before = beats()
    time.sleep(0.1)
    return beats() == before


# Idle workers stay asleep, and answer each poke.
wait_for(settled, "both workers to sleep")
for _ in range(3):
    before = beats()
    engine.poke()
    wait_for(lambda: all(now > then for now, then in zip(beats(), before)), "an answer to the poke")
wait_for(settled, "both workers to sleep again")
assert counters.heartbeats()[2:] == (0,) * (MAX_WORKERS - 2)

# One of them hangs, in a call of the driver's or because the GPU does not get done: the other one answers pokes.
for how in (2, 1):
    gpu["hang"] = how
    ends[0].sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 7, 0, 4096))
    wait_for(lambda: gpu["hanging"] == how, "the copy to begin")
    wait_for(settled, "the worker to be noticed")
    before = beats()
    for _ in range(3):
        then = beats()[1]
        engine.poke()
        wait_for(lambda: beats()[1] > then, "an answer of the other worker")
    assert beats()[0] == before[0]
    gpu["hang"] = 0
    assert len(ends[0].recv(16 + 4096, socket.MSG_WAITALL)) == 16 + 4096
    wait_for(lambda: beats()[0] > before[0], "an answer of the worker that hung")
for end in ends:
    end.close()
engine.close()
print("done")
"""


#: An engine that packs, whose cleaner has something to do once half of a chunk is forgotten.
_CLEANED = """
import random, socket, sys, time
from pathlib import Path
from tests.support.fakegpu import FakeGpu
from tests.support.nbd_client import Client
from tests.support.server import wait_for
from vramswap_gui.server.engine.engine import Engine
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.messages import Kind
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor.counters import Counters

SIZE, PAGE, SHIFT = 32 << 20, 4096, 21
A_CHUNK = (1 << SHIFT) // (PAGE + 16)
gpu = FakeGpu(Path(sys.argv[1]), Path())
vram, counters, entries = Vram(), Counters(), PageSums(SIZE, kind=Kind.PACKED)
mapping, _ = vram.create(8 << SHIFT)
engine = Engine(vram.context, 1, vram.can_batch, counters.address, compression="lz4")
engine.add_extent(0, mapping.base, 8 << SHIFT, SHIFT)
engine.add_packed_segment(0, SIZE, entries.address)
ours, theirs = socket.socketpair()
engine.add_connection(0, theirs.detach())
client, draw = Client(ours), random.Random(1)
for number in range(6 * A_CHUNK + A_CHUNK // 2):
    client.write(number * PAGE, draw.randbytes(PAGE))

beats = lambda: counters.heartbeats(1, True)
assert len(beats()) == 2


def settled():
    before = beats()
    time.sleep(0.1)
    return beats() == before


wait_for(settled, "worker and cleaner to sleep")
for _ in range(3):
    before = beats()
    engine.poke()
    wait_for(lambda: all(now > then for now, then in zip(beats(), before)), "an answer to the poke")

# It hangs, over its first copy, and the worker does not.
gpu["hang"] = 5
for number in range(2 * A_CHUNK + 8, 3 * A_CHUNK - 8):
    if number % 3:
        client.discard(number * PAGE, PAGE)
engine.poke()
wait_for(lambda: gpu["hanging"] == 6, "the copy to begin")
wait_for(settled, "the cleaner to be noticed")
before = beats()
for _ in range(3):
    then = beats()[0]
    engine.poke()
    wait_for(lambda: beats()[0] > then, "an answer of the worker")
assert beats()[1] == before[1]
gpu["hang"] = 0
wait_for(lambda: beats()[1] > before[1], "an answer of the cleaner")
client.end.close()
engine.close()
print("done")
"""


@pytest.mark.parametrize("watched", [_WATCHED, _CLEANED], ids=["worker", "cleaner"])
def test_who_hangs_is_told_from_an_idle_one(gpu: FakeGpu, watched: str) -> None:
    assert said(gpu, "-c", watched, gpu.folder) == "done\n"
