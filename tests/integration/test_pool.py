# SPDX-License-Identifier: MIT
"""The pool of a server: what it offers can be filled with anything, extents go while pages are written, and whoever
dies, every page is what it was and no VRAM is given back unwiped."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fakegpu import FakeGpu
from tests.support.nbd_client import PAGE, Client
from tests.support.page_model import Model, Pages
from tests.support.server import Server, answer, ask, engine_state, is_running, running
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.units import MAX_EXTENTS, MAX_SEGMENTS, MIB, SIZE_STEP

EXTENT = 32 * MIB
CHUNK = 2 * MIB


@contextlib.contextmanager
def serving(gpu: FakeGpu, folder: Path, codec: str = "lz4") -> Iterator[tuple[Server, Path]]:
    control = folder / "control.sock"
    gpu["dirty"] = 1
    arguments = ("--control", str(control), "--attach", str(folder), "--threads", "2", "--compression", codec)
    with running(gpu, control, *arguments) as server:
        yield server, control


def refusal(control: Path, verb: str, **arguments: int) -> str:
    """By which problem a verb is refused."""
    return str(answer(control, verb, **arguments)["error"]["problem"])


def pool(control: Path) -> dict[str, int]:
    """As it is now. The server asks its engine for that, unless it asks it for something else just then: so what it
    tells counts when it tells it twice, or when it is never the same because somebody writes."""
    told = [dict(ask(control, "status")["pool"])]
    for _ in range(5):
        told.append(dict(ask(control, "status")["pool"]))
        if told[-2] == told[-1]:
            break
    return told[-1]


def shares(control: Path) -> list[list[int]]:
    """Each segment with what is stored of it."""
    found: list[list[int]] = ask(control, "status")["pool"]["shares"]
    return found


@contextlib.contextmanager
def client(device: dict[str, Any]) -> Iterator[Client]:
    with contextlib.closing(Export(Path(device["device"]), device["size"], 0, 0.0).connect()) as end:
        yield Client(end)


def test_a_bad_chunk_is_filled_no_more(gpu: FakeGpu, tmp_path: Path) -> None:
    """And the next engine and the next program know of it. Other pages that lie there are read as before."""
    with serving(gpu, tmp_path) as (server, control):
        ask(control, "extend", size=EXTENT)
        device = ask(control, "add", size=SIZE_STEP)
        pages = Pages(1)
        first = b"".join(pages.random() for _ in range(8))
        with client(device) as one:
            one.write(0, first)
            before = pool(control)["live"]
            gpu.flip(2000)
            assert one.read(0) is None
            assert one.read(PAGE, 7 * PAGE) == first[PAGE:]
            # All of it counts as taken.
            assert pool(control)["live"] == CHUNK > before
            one.write(8 * PAGE, b"".join(pages.random() for _ in range(8)))
            taken = pool(control)["live"] - CHUNK
            assert taken > 8 * PAGE
        for change in (server.kill_engine, lambda: ask(control, "upgrade")):
            with contextlib.suppress(ValueError, OSError, KeyError):
                change()
            wait_for(lambda: is_running(control), "who comes next")
            assert pool(control)["live"] == CHUNK + taken
            with client(device) as one:
                assert one.read(0) is None
                assert one.read(PAGE, 7 * PAGE) == first[PAGE:]
                one.write(16 * PAGE, b"".join(pages.random() for _ in range(8)))
                taken = pool(control)["live"] - CHUNK
                assert taken > 16 * PAGE
        ask(control, "remove", index=0)
        # When the extent has gone nobody knows what VRAM the next one is.
        ask(control, "shrink")
        ask(control, "extend", size=EXTENT)
        assert pool(control)["live"] == 0


@pytest.mark.parametrize("how", ["the keeper dies", "upgrade"])
def test_what_is_known_of_the_pool_is_told_before_the_next_engine_serves(
    gpu: FakeGpu, tmp_path: Path, how: str
) -> None:
    with serving(gpu, tmp_path) as (server, control):
        for _ in range(2):
            ask(control, "extend", size=EXTENT)
        segment = Segment(control, SIZE_STEP, 3)
        segment.fill("random")
        known = pool(control)
        assert known["extents"] == 2 and known["live"] > SIZE_STEP
        with contextlib.ExitStack() as after:
            gpu["no_device"] = 1
            if how == "upgrade":
                with contextlib.suppress(ValueError, OSError, KeyError):
                    ask(control, "upgrade")
            else:
                server.kill()
                after.enter_context(serving(gpu, tmp_path))
            wait_for(lambda: engine_state(control) == "restarting", "a new keeper")
            assert ask(control, "status")["pool"] == known
            gpu["no_device"] = 0
            wait_for(lambda: is_running(control), "an engine")
            assert pool(control) == known
            segment.check()


class Segment:
    """One that was made, and what it has to hold."""

    def __init__(self, control: Path, size: int, seed: int) -> None:
        self.device = ask(control, "add", size=size)
        self.model = Model(0, size // PAGE, seed)

    def fill(self, kind: str) -> None:
        pages = self.model.pages
        with client(self.device) as one:
            for number in range(0, self.model.range.stop, 32):
                count = min(32, self.model.range.stop - number)
                self.model.write(one, number, b"".join(getattr(pages, kind)() for _ in range(count)))

    def check(self) -> None:
        with client(self.device) as one:
            self.model.check_all(one)


def test_capacity_is_earned(gpu: FakeGpu, tmp_path: Path) -> None:
    with serving(gpu, tmp_path) as (server, control):
        assert refusal(control, "add", size=16 * MIB) == "not-earned"
        assert [ask(control, "extend", size=EXTENT)["index"] for _ in range(2)] == [16, 17]
        assert refusal(control, "extend", size=EXTENT + SIZE_STEP) == "extents-differ"
        offer = pool(control)["offer"]
        assert 44 * MIB < offer < 52 * MIB
        assert refusal(control, "add", size=offer + SIZE_STEP) == "not-earned"
        first = Segment(control, offer, 1)
        assert pool(control)["offer"] == 0
        # Nobody knows yet what its pages will be like.
        assert refusal(control, "add", size=SIZE_STEP) == "not-earned"
        first.fill("text")
        earned = pool(control)
        assert earned["pages"] == offer
        assert earned["live"] < offer / 2
        second = Segment(control, earned["offer"], 2)
        assert second.device["size"] > 16 * MIB
        # It holds what it is given all the same.
        second.fill("random")
        assert second.model.refused == 0
        first.check()
        second.check()
        before = pool(control)
        server.kill_engine()
        wait_for(lambda: is_running(control), "an engine")
        first.check()
        second.check()
        assert pool(control) == before
        assert refusal(control, "shrink") == "pool-in-use"
        second.check()
        ask(control, "remove", index=second.device["index"])
        first.check()
        after = pool(control)
        assert after["pages"] == offer
        assert after["live"] == earned["live"]


def test_pages_that_get_worse(gpu: FakeGpu, tmp_path: Path) -> None:
    """The reserve is touched, which is told, before there is no room; a segment that goes gives it back."""
    with serving(gpu, tmp_path) as (_, control):
        for _ in range(2):
            ask(control, "extend", size=EXTENT)
        first = Segment(control, pool(control)["offer"], 1)
        first.fill("text")
        second = Segment(control, pool(control)["offer"], 2)
        second.fill("random")
        with client(first.device) as one:
            for number in range(0, first.model.range.stop, 32):
                first.model.write(one, number, b"".join(first.model.pages.random() for _ in range(32)))
                if pool(control)["offer"] < 0:
                    break
            assert pool(control)["offer"] < 0
            assert first.model.refused == second.model.refused == 0
            first.model.check_all(one)
        second.check()
        ask(control, "remove", index=second.device["index"])
        assert pool(control)["offer"] >= 0
        first.check()


def test_a_place_that_hurts_what_lies_there_is_not_used_again(gpu: FakeGpu, tmp_path: Path) -> None:
    with serving(gpu, tmp_path) as (_, control):
        ask(control, "extend", size=EXTENT)
        segment = Segment(control, 16 * MIB, 7)
        with client(segment.device) as one:
            segment.model.write(one, 0, segment.model.pages.random())
            # It is the first one there.
            gpu.flip(2000)
            assert one.read(0) is None
            wait_for(lambda: pool(control)["live"] == CHUNK, "the chunk to be counted as a whole")
            segment.fill("random")
            one.discard(0, segment.device["size"])
            assert pool(control)["live"] == CHUNK
            # All the others are filled, and each of them anew.
            for _ in range(3):
                segment.fill("random")
                segment.check()
            assert segment.model.refused == 0
            ask(control, "extend", size=EXTENT)
            ask(control, "shrink")
            segment.check()


@pytest.mark.parametrize("killed", [False, True])
def test_extents_come_and_go_beside_writes(gpu: FakeGpu, tmp_path: Path, killed: bool) -> None:
    with serving(gpu, tmp_path) as (server, control):
        for _ in range(3):
            ask(control, "extend", size=EXTENT)
        segment = Segment(control, 24 * MIB, 3)
        segment.fill("any")
        going, ended = threading.Event(), threading.Event()

        def use() -> None:
            broken = contextlib.suppress(OSError, AssertionError) if killed else contextlib.nullcontext()
            with broken, client(segment.device) as one:
                while not going.is_set():
                    segment.model.step(one)
            ended.set()

        user = threading.Thread(target=use)
        user.start()
        shrunk = 0
        for _ in range(4):
            for _ in range(2):
                shrunk += "error" not in answer(control, "shrink")
            assert not ended.is_set()
            for _ in range(3 - pool(control)["extents"]):
                ask(control, "extend", size=EXTENT)
        if killed:
            # In the middle of moving what lies there.
            asking = threading.Thread(target=answer, args=(control, "shrink"))
            asking.start()
            server.kill_engine()
            asking.join()
            wait_for(lambda: is_running(control), "an engine")
        going.set()
        user.join()
        assert shrunk >= 4
        assert segment.model.refused == 0
        if not killed:
            segment.check()


def test_what_is_free_in_the_newest_extent_is_room_for_what_is_elsewhere(gpu: FakeGpu, tmp_path: Path) -> None:
    """Chunks that are free lie where they will be missed: all others are half empty by then."""
    with serving(gpu, tmp_path) as (_, control):
        for _ in range(3):
            ask(control, "extend", size=EXTENT)
        segment = Segment(control, pool(control)["offer"], 8)
        ask(control, "extend", size=EXTENT)
        segment.fill("random")
        draw, pages = segment.model.pages.draw, segment.model.pages
        with client(segment.device) as one:
            for number in draw.choices(segment.model.range, k=6000):
                segment.model.write(one, number, pages.random())
        ask(control, "shrink")
        assert pool(control)["extents"] == 3
        assert segment.model.refused == 0
        segment.check()


def test_holes_are_cleaned_when_there_is_time(gpu: FakeGpu, tmp_path: Path) -> None:
    with serving(gpu, tmp_path) as (server, control):
        assert refusal(control, "compact", size=0) == "no-pool"
        for _ in range(3):
            ask(control, "extend", size=EXTENT)
        segment = Segment(control, 64 * MIB, 10)
        segment.fill("random")
        with client(segment.device) as one:
            for number in segment.model.range:
                if number % 8 < 3:
                    one.discard(number * PAGE, PAGE)
                    segment.model.held.pop(number)
        before = pool(control)
        assert shares(control) == [[0, before["pages"]]]
        assert before["pages"] == 40 * MIB
        # Of which nobody can fill any, and there is room enough beside them.
        assert before["holes"] > 20 * MIB
        # Who writes ends it, and what is not to be had is no reason to go on for ever.
        ask(control, "compact", size=0)
        with client(segment.device) as one:
            for number in range(32):
                segment.model.write(one, number, segment.model.pages.random())
        ask(control, "compact", size=3 * EXTENT * 7 // 100)
        wait_for(lambda: pool(control)["holes"] <= 3 * EXTENT * 7 // 100, "fewer holes")
        after = pool(control)
        assert after["pages"] == sum(map(any, segment.model.held.values())) * PAGE
        segment.check()
        ask(control, "compact", size=0)
        server.kill_engine()
        wait_for(lambda: is_running(control), "an engine")
        assert shares(control) == [[0, after["pages"]]]
        segment.check()


def test_extents_of_another_size_when_none_is_left(gpu: FakeGpu, tmp_path: Path) -> None:
    with serving(gpu, tmp_path) as (_, control):
        for size in (EXTENT, 2 * EXTENT, EXTENT):
            ask(control, "extend", size=size)
            segment = Segment(control, 8 * MIB, 9)
            segment.fill("any")
            segment.check()
            ask(control, "remove", index=0)
            ask(control, "shrink")
            assert pool(control)["extents"] == 0
            assert refusal(control, "add", size=8 * MIB) == "not-earned"


def test_a_keeper_takes_over_all_that_there_can_be(gpu: FakeGpu, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack, serving(gpu, tmp_path) as (server, control):
        for _ in range(MAX_EXTENTS):
            ask(control, "extend", size=4 * MIB)
        segments = [Segment(control, SIZE_STEP, seed) for seed in range(MAX_SEGMENTS)]
        segments[0].fill("any")
        held = stack.enter_context(client(segments[0].device))
        assert held.read(0) is not None
        server.kill()
        control.unlink()
        arguments = ("--control", str(control), "--attach", str(tmp_path), "--threads", "2", "--compression", "lz4")
        with running(gpu, control, *arguments):
            wait_for(lambda: is_running(control), "an engine of its own")
            assert len(ask(control, "status")["segments"]) == MAX_SEGMENTS
            assert pool(control)["extents"] == MAX_EXTENTS
            segments[0].check()


def test_what_goes_is_wiped_and_what_stays_is_moved(gpu: FakeGpu, tmp_path: Path) -> None:
    with serving(gpu, tmp_path, "zstd") as (server, control):
        for _ in range(3):
            ask(control, "extend", size=EXTENT)
        segment = Segment(control, 16 * MIB, 4)
        segment.fill("random")
        with contextlib.ExitStack() as files:
            # As whoever gets it next sees it.
            extents = gpu.folder.glob(f"vram-*-{EXTENT}-*")
            vram = [files.enter_context(path.open("rb")) for path in extents]
            assert len(vram) == 3
            for left in (2, 1):
                ask(control, "shrink")
                assert pool(control)["extents"] == left
                segment.check()
            server.kill_engine()
            wait_for(lambda: is_running(control), "an engine")
            segment.check()
            ask(control, "remove", index=0)
            ask(control, "quit")
            assert server.process.wait(PATIENCE) == 0
            for one in vram:
                one.seek(0)
                assert not any(one.read().strip(b"\0"))


def test_a_keeper_that_dies_and_one_that_is_upgraded(gpu: FakeGpu, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack, serving(gpu, tmp_path) as (server, control):
        for _ in range(2):
            ask(control, "extend", size=EXTENT)
        first = Segment(control, 16 * MIB, 5)
        first.fill("any")
        told = ask(control, "status")
        assert told["leaves"] == 3
        with contextlib.suppress(json.JSONDecodeError):
            answer(control, "upgrade")
        wait_for(lambda: is_running(control), "the upgraded one")
        first.check()
        second = Segment(control, 16 * MIB, 6)
        second.fill("any")
        figures = pool(control)
        engine = server.engine()
        # An engine without a keeper lives for those who are connected.
        held = stack.enter_context(client(first.device))
        assert held.read(0) is not None
        server.kill()
        first.model.check_all(held)
        control.unlink()
        # Whatever it is told: what is packed there is read by what packed it.
        arguments = ("--control", str(control), "--attach", str(tmp_path), "--threads", "2")
        with running(gpu, control, *arguments) as heir:
            wait_for(lambda: heir.engine() not in (0, engine) and is_running(control), "an engine of its own")
            assert ask(control, "status")["compression"] == "lz4"
            first.check()
            second.check()
            assert pool(control) == figures
            ask(control, "shrink")
            assert pool(control) == {**figures, "extents": 1, "offer": pool(control)["offer"]}
            first.check()
            second.check()
