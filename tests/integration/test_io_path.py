# SPDX-License-Identifier: MIT
"""Nothing on the I/O path asks for memory, which it might have to wait for until it has itself served a page."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from vramswap_gui.bench.load import Generator

from tests.support.alone import said
from tests.support.counting import Counter, build
from tests.support.fakegpu import FakeGpu
from tests.support.server import ask, is_running, running
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.bench.results import Load
from vramswap_gui.units import MIB

SIZE = 64 * MIB


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that counts allocations."""
    return build(tmp_path_factory.mktemp("counting"))


def test_everything_is_counted_whatever_engine_did_it(gpu: FakeGpu, tmp_path: Path) -> None:
    control = tmp_path / "control"
    with running(gpu, control, "--control", str(control), "--attach", str(tmp_path), "--threads", "2") as server:

        def counted() -> dict[str, Any]:
            counters: dict[str, Any] = ask(control, "counters")
            return counters

        ask(control, "add", size=SIZE)
        assert set(counted()["latency"]) == {0}
        for engine in (1, 2):
            ends = [Export(tmp_path / "nbd0", SIZE, server.process.pid, 0.0).connect() for _ in range(2)]
            done = Generator([end.fileno() for end in ends], SIZE, 4096).run(Load(4096, 4, 50, 60, requests=500))
            assert done.requests >= 1000
            for end in ends:
                end.close()
            now = counted()
            assert now["reads"] > 300 * engine
            assert now["writes"] > 300 * engine
            assert now["bytes_read"] == 4096 * now["reads"]
            assert now["bytes_written"] == 4096 * now["writes"]
            assert 0 < now["batches"] <= now["copies"]
            assert sum(now["latency"]) == now["batches"]
            assert now["errors"] == 0
            server.kill_engine()
            wait_for(lambda: is_running(control), "the next engine")
        assert counted() == now
        ask(control, "remove", index=0)


@pytest.mark.parametrize(("block_size", "parts"), [(64 << 10, 1), (128 << 10, 1), (256 << 10, 1), (512 << 10, 2)])
@pytest.mark.parametrize("depth", [1, 4])
def test_a_large_write_is_copied_in_as_few_parts_as_there_can_be(
    gpu: FakeGpu, tmp_path: Path, block_size: int, parts: int, depth: int
) -> None:
    """Wherever in the ring it begins, and however much of the next one has come."""
    control = tmp_path / "control"
    with running(gpu, control, "--control", str(control), "--attach", str(tmp_path), "--threads", "1") as server:
        ask(control, "add", size=SIZE)
        end = Export(tmp_path / "nbd0", SIZE, server.process.pid, 0.0).connect()
        done = Generator([end.fileno()], SIZE, block_size).run(Load(block_size, depth, 100, 60, requests=60))
        end.close()
        counted = ask(control, "counters")
        assert counted["writes"] == done.requests
        # What came before the first header was known may lie anywhere.
        assert parts * done.requests <= counted["copies"] <= parts * done.requests + 2
        ask(control, "remove", index=0)


@pytest.mark.parametrize("block_size", [4096, 512 << 10])
def test_serving_allocates_nothing(
    gpu: FakeGpu, counting: Path, tmp_path: Path, block_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, counter = tmp_path / "export", Counter(counting, tmp_path / "count")
    for name, value in counter.env.items():
        monkeypatch.setenv(name, value)
    with running(gpu, path, "--listen", str(path), "--size", str(SIZE), "--threads", "2") as server:
        monkeypatch.delenv("LD_PRELOAD")
        ends: list[socket.socket] = [Export(path, SIZE, server.process.pid, 0.0).connect() for _ in range(4)]
        generator = Generator([end.fileno() for end in ends], SIZE, block_size)
        generator.run(Load(block_size, 4, 50, 60, requests=200))

        everywhere, before = counter.read()
        assert everywhere > 1000 and before > 0, "the library does not count"
        measured = generator.run(Load(block_size, 16, 50, 60, requests=2000))
        assert measured.requests >= 4 * 2000
        assert counter.read()[1] == before
        for end in ends:
            end.close()


#: An engine with one worker, kept from answering until all connections have asked.
_MANY = """
import socket, struct, sys
from pathlib import Path
from tests.support.fakegpu import FakeGpu
from tests.support.server import wait_for
from vramswap_gui.server.engine.engine import Engine
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.supervisor.counters import Counters

gpu = FakeGpu(Path(sys.argv[1]), Path())
vram, counters = Vram(), Counters()
engine = Engine(vram.context, 1, vram.can_batch, counters.address)
mapping, _ = vram.create(4 << 20)
engine.add_segment(0, mapping.base, mapping.size)
pairs = [socket.socketpair() for _ in range(400)]
gpu["hang"] = 1
for number, (ours, theirs) in enumerate(pairs):
    header = struct.pack(">IHHQQI", 0x25609513, 0, 1, number, number * 4096, 4096)
    ours.sendall(header + struct.pack("=Q", number) * 512)
    engine.add_connection(0, theirs.detach())
wait_for(lambda: counters.read()["writes"] == len(pairs), "all requests to be taken in")
gpu["hang"] = 0
for ours, _ in pairs:
    assert len(ours.recv(16, socket.MSG_WAITALL)) == 16
for number, (ours, _) in enumerate(pairs):
    ours.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, number, number * 4096, 4096))
for number, (ours, _) in enumerate(pairs):
    assert ours.recv(16 + 4096, socket.MSG_WAITALL)[16:] == struct.pack("=Q", number) * 512
    ours.close()
engine.close()
"""


def test_more_connections_than_a_batch_has_room_for(gpu: FakeGpu) -> None:
    said(gpu, "-c", _MANY, gpu.folder)
