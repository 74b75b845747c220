# SPDX-License-Identifier: MIT
"""Segments whose pages are packed: what was written is what is read, whatever it is like, whoever dies, and when no
room is left."""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from vramswap_gui.bench.load import Generator

from tests.support.alone import said
from tests.support.counting import Counter, build
from tests.support.fakegpu import FakeGpu
from tests.support.nbd_client import PAGE, Client, crowd
from tests.support.page_model import Model
from tests.support.server import Server, refused, running
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.bench.results import Load
from vramswap_gui.units import MIB

SIZE = 32 * MIB
PAGES = SIZE // PAGE
#: Chunks are of 2 MiB; a record begins where the sum and the page's data do.
CHUNK = 2 * MIB

CODECS = ("lz4", "zstd")


@contextlib.contextmanager
def serving(gpu: FakeGpu, folder: Path, codec: str, *more: str) -> Iterator[Server]:
    path = folder / "export"
    arguments = ("--listen", str(path), "--size", str(SIZE), "--threads", "2", "--compression", codec, *more)
    with running(gpu, path, *arguments) as server:
        yield server


def connect(server: Server) -> socket.socket:
    end: socket.socket = Export(server.socket, SIZE, server.process.pid, 0.0).connect()
    return end


@contextlib.contextmanager
def client(server: Server) -> Iterator[Client]:
    with contextlib.closing(connect(server)) as end:
        yield Client(end)


@pytest.mark.parametrize("codec", CODECS)
def test_clients_read_what_they_wrote(gpu: FakeGpu, tmp_path: Path, codec: str) -> None:
    with serving(gpu, tmp_path, codec) as server:
        for block_size in (PAGE, 512 << 10):
            ends = [connect(server) for _ in range(4)]
            done = Generator([end.fileno() for end in ends], SIZE, block_size).run(
                Load(block_size, 8, 50, 60, requests=2000 if block_size == PAGE else 40)
            )
            assert done.requests >= 160
            for end in ends:
                end.close()


@pytest.mark.parametrize("codec", CODECS)
def test_pages_of_all_kinds(gpu: FakeGpu, tmp_path: Path, codec: str) -> None:
    """Parts of pages, pages that are forgotten, and chunks that are emptied beside all that."""
    with serving(gpu, tmp_path, codec) as server, client(server) as one:
        model = Model(0, PAGES, 1)
        for _ in range(1000):
            model.step(one)
        model.check_all(one)
        assert model.refused == 0


def test_random_then_packable_then_random_on_the_same_places(gpu: FakeGpu, tmp_path: Path) -> None:
    """And none is refused, for there is room for pages of any kind."""
    with serving(gpu, tmp_path, "lz4") as server, client(server) as one:
        model = Model(0, PAGES, 2)
        for kind in (model.pages.random, model.pages.text, model.pages.random, model.pages.filled, model.pages.random):
            numbers = list(range(0, PAGES, 8))
            model.pages.draw.shuffle(numbers)
            for number in numbers:
                model.write(one, number, b"".join(kind() for _ in range(8)))
            model.check_all(one)
        assert model.refused == 0
        server.kill_engine()
    assert len(model.held) == PAGES


def test_the_worst_case_costs_room_and_nothing_else(gpu: FakeGpu, tmp_path: Path) -> None:
    """Less VRAM than is announced, filled with pages that can be packed, and on the same places with such that cannot.

    What finds no room is refused, and only that; all is there that was; and there is room again by itself.
    """
    with serving(gpu, tmp_path, "lz4", "--vram", str(24 * MIB)) as server, contextlib.ExitStack() as stack:
        model = Model(0, PAGES, 6)
        one = stack.enter_context(client(server))

        def fill(kind: Callable[[], bytes], until: int = PAGES) -> int:
            """How many of the writes were refused."""
            before = model.refused
            places = list(range(0, until, 64))
            model.pages.draw.shuffle(places)
            for number in places:
                model.write(one, number, b"".join(kind() for _ in range(64)))
            model.check_all(one)
            return model.refused - before

        assert fill(model.pages.random, PAGES // 2) == 0
        assert fill(model.pages.text) == 0
        # Beside a third of what can be packed there is room for so much that cannot.
        refused = fill(model.pages.random)
        assert refused > 0 and SIZE - refused * 64 * PAGE > 8 * MIB
        server.kill_engine()
        one = stack.enter_context(client(server))
        model.check_all(one)
        # A program ends.
        one.discard(0, SIZE // 4)
        for number in range(PAGES // 4):
            model.held.pop(number)
        assert fill(model.pages.text) == 0
        assert fill(model.pages.random, PAGES // 4) == 0


def test_no_room_is_told_and_comes_back(gpu: FakeGpu, tmp_path: Path) -> None:
    with serving(gpu, tmp_path, "lz4", "--vram", str(16 * MIB)) as server, client(server) as one:
        model = Model(0, PAGES, 3)
        # Half of what it announces, once that cannot be packed.
        for number in range(0, PAGES, 16):
            model.write(one, number, b"".join(model.pages.random() for _ in range(16)))
        # One chunk is kept, and what is refused is not there, and nothing else.
        assert 13 * MIB < sum(map(any, model.held.values())) * PAGE < 15 * MIB
        model.check_all(one)
        # What can be packed has room where less was, what is of one word needs none.
        full = sorted(number for number, page in model.held.items() if any(page))
        before = model.refused
        for number in full[:500]:
            model.write(one, number, bytes([number % 256]) * PAGE)
        for number in full[500:1000]:
            one.discard(number * PAGE, PAGE)
            model.held.pop(number)
        for number in range(PAGES - 1000, PAGES):
            model.write(one, number, model.pages.text())
        assert model.refused == before
        model.check_all(one)
        # And over and over.
        for _ in range(1200):
            model.step(one)
        model.check_all(one)
        one.discard(0, SIZE)
        model.held.clear()
        model.check_all(one)
        before = model.refused
        for number in range(0, 12 * MIB // PAGE, 16):
            model.write(one, number, b"".join(model.pages.random() for _ in range(16)))
        assert model.refused == before
        model.check_all(one)


@pytest.mark.parametrize("codec", CODECS)
def test_the_next_engine_goes_on(gpu: FakeGpu, tmp_path: Path, codec: str) -> None:
    """Killed in the middle of whatever it does: nothing that was answered is lost, and nobody reads anything else."""
    with serving(gpu, tmp_path, codec, "--vram", str(24 * MIB)) as server:
        models = [Model(place * PAGES // 4, PAGES // 4, place) for place in range(4)]
        for after_some in (False, True, False, True):
            with ThreadPoolExecutor() as pool:
                busy = [pool.submit(work, server, model) for model in models]
                wait_for(lambda: all(model.held for model in models), "all to have written")
                if after_some:
                    concurrent.futures.wait(busy, return_when=concurrent.futures.FIRST_COMPLETED)
                server.kill_engine()
                unsure = [job.result() for job in busy]
            with client(server) as one:
                for model, pages in zip(models, unsure, strict=True):
                    model.settle(one, pages)
                    model.check_all(one)


def work(server: Server, model: Model) -> dict[int, bytes]:
    """Write until that ends; what was asked last, and was not answered: page → what it may be instead."""
    last: dict[int, bytes] = {}
    with contextlib.closing(connect(server)) as end:
        one = Client(end)
        try:
            for _ in range(300):
                count = model.pages.draw.choice((1, 3, 40))
                number = model.pages.draw.randrange(model.range.start, model.range.stop - count)
                data = b"".join(model.pages.any() for _ in range(count))
                last = {number + k: data[k * PAGE : (k + 1) * PAGE] for k in range(count)}
                model.write(one, number, data)
                last = {}
        except (AssertionError, OSError):
            # The engine is dead, and with it the connection.
            return last
    return {}


def test_what_was_hurt_is_found(gpu: FakeGpu, tmp_path: Path) -> None:
    with serving(gpu, tmp_path, "lz4") as server, client(server) as one:
        model = Model(0, PAGES, 4)
        model.write(one, 0, b"".join(model.pages.random() for _ in range(8)))
        model.write(one, 8, b"".join(model.pages.text() for _ in range(8)))
        gpu["flips_out"] = 1
        model.check(one, 0, 16)
        gpu["flips_out"] = 1
        model.check(one, 9, 1)
        # The first record is that of the first page that was written.
        gpu.flip(2000)
        assert one.read(0) is None
        assert one.read(0, 16 * PAGE) is None
        model.check(one, 1, 15)
        # A part of it cannot be written, all of it can, and is right from then on.
        with pytest.raises(AssertionError):
            one.write(512, bytes(512))
        model.write(one, 0, model.pages.text())
        model.check(one, 0, 16)
        gpu["flips_in"] = 1
        one.write(20 * PAGE, model.pages.random())
        assert one.read(20 * PAGE) is None


def test_what_is_hurt_on_the_way_to_another_chunk(gpu: FakeGpu, tmp_path: Path) -> None:
    """The cleaner's copies out are verified as all others are."""
    with serving(gpu, tmp_path, "lz4", "--vram", str(16 * MIB)) as server, client(server) as one:
        model = Model(0, PAGES, 5)
        for number in range(0, 2800, 8):
            model.write(one, number, b"".join(model.pages.random() for _ in range(8)))
        for number in range(0, 2800, 2):
            one.discard(number * PAGE, PAGE)
            model.held.pop(number)
        # Not so many at once that a page is hurt twice.
        hurt = 0
        for number in range(2800, 4000, 8):
            if number % 64 == 0:
                hurt += 1 - gpu["flips_out"]
                gpu["flips_out"] = 1
            model.write(one, number, b"".join(model.pages.random() for _ in range(8)))
        assert hurt > 1, "nothing was moved"
        gpu["flips_out"] = 0
        assert model.refused == 0
        model.check_all(one)


@pytest.mark.parametrize("vram", ["0", str(24 * MIB)], ids=["room", "little room"])
def test_clients_that_write_what_others_write_alarm_nobody(gpu: FakeGpu, tmp_path: Path, vram: str) -> None:
    with serving(gpu, tmp_path, "lz4", *(("--vram", vram) if vram != "0" else ())) as server:
        gpu["slow_copy_us"] = 50
        ends = [connect(server) for _ in range(6)]
        with ThreadPoolExecutor() as pool:
            errors = list(pool.map(crowd, ends, range(len(ends)), [400] * len(ends)))
        assert errors == [[]] * len(ends)
        for end in ends:
            end.close()


@pytest.mark.parametrize("codec", CODECS)
def test_packing_allocates_nothing(gpu: FakeGpu, tmp_path: Path, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither do workers nor the cleaner, which has all hands full with pages that cannot be packed."""
    counter = Counter(build(tmp_path), tmp_path / "count")
    for name, value in counter.env.items():
        monkeypatch.setenv(name, value)
    with serving(gpu, tmp_path, codec) as server:
        monkeypatch.delenv("LD_PRELOAD")
        ends = [connect(server) for _ in range(4)]
        for block_size, requests in ((PAGE, 2000), (512 << 10, 30)):
            generator = Generator([end.fileno() for end in ends], SIZE, block_size)
            generator.run(Load(block_size, 4, 80, 60, requests=requests))
            everywhere, before = counter.read()
            assert everywhere > 1000 and before > 0, "the library does not count"
            generator.run(Load(block_size, 8, 80, 60, requests=requests))
            assert counter.read()[1] == before
        for end in ends:
            end.close()


#: An engine fills six and a half of eight chunks; the next one has but seven of them, as if the one before had died
#: while it emptied a chunk into the last that was free: there is none, and the rest of the seventh is the cleaner's.
_NONE_FREE = """
import random, socket, sys
from tests.support.nbd_client import Client
from vramswap_gui.server.engine.engine import Engine
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.messages import Kind
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor.counters import Counters

SIZE, PAGE, SHIFT = 32 << 20, 4096, 21
A_CHUNK = (1 << SHIFT) // (PAGE + 16)
vram, counters, entries = Vram(), Counters(), PageSums(SIZE, kind=Kind.PACKED)
mapping, _ = vram.create(8 << SHIFT)
draw = random.Random(1)
held = {number: draw.randbytes(PAGE) for number in range(6 * A_CHUNK + A_CHUNK // 2)}


def serve(chunks):
    engine = Engine(vram.context, 1, vram.can_batch, counters.address, compression="lz4")
    engine.add_extent(0, mapping.base, chunks << SHIFT, SHIFT)
    engine.add_packed_segment(0, SIZE, entries.address)
    ours, theirs = socket.socketpair()
    engine.add_connection(0, theirs.detach())
    return engine, Client(ours)


def check(client):
    for number, page in held.items():
        assert client.read(number * PAGE) == page, number


engine, client = serve(8)
for number, page in held.items():
    client.write(number * PAGE, page)
assert engine.stored()["free"] == 1 << SHIFT
client.end.close()
engine.close()

engine, client = serve(7)
assert engine.stored()["free"] == 0
check(client)
assert not client.offer(SIZE - PAGE, draw.randbytes(PAGE))
# Of the third chunk so much is forgotten that the rest finds room in the seventh.
for number in range(2 * A_CHUNK + 8, 3 * A_CHUNK - 8):
    if number % 3:
        client.discard(number * PAGE, PAGE)
        del held[number]
for number in range(7 * A_CHUNK, 7 * A_CHUNK + 20):
    held[number] = draw.randbytes(PAGE)
    client.write(number * PAGE, held[number])
check(client)
assert engine.stored()["moved"] > 100 * PAGE
client.end.close()
engine.close()
print("done")
"""


def test_an_engine_that_died_in_the_middle_of_cleaning(gpu: FakeGpu) -> None:
    assert said(gpu, "-c", _NONE_FREE) == "done\n"


def test_what_cannot_be_is_said(gpu: FakeGpu, tmp_path: Path) -> None:
    path = tmp_path / "export"
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries/liblz4.so.1").touch()
    env = {"LD_LIBRARY_PATH": f"{tmp_path}/libraries:{gpu.env()['LD_LIBRARY_PATH']}"}
    line = refused(gpu, "--listen", str(path), "--size", "64M", "--compression", "lz4", env=env)
    assert "liblz4.so.1 is not installed" in line
