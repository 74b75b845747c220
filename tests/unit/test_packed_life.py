# SPDX-License-Identifier: MIT
"""The life of swap whose pages are packed, on a server that keeps a pool and refuses what it cannot hold."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.pool import Pool
from vramswap_gui.api.control import ControlVerb
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, State
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.helper import swap_area
from vramswap_gui.helper.config_file import ConfigFile
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.policy.types import Decision
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.server.packing import PAGE
from vramswap_gui.settings import Config
from vramswap_gui.system import gpu
from vramswap_gui.units import GIB, KIB, MIB, MIN_SIZE

TOTAL = 8 * GIB
#: What is lent of it: all but the headroom.
LENT = TOTAL - 512 * MIB


class Server(ServerClient):
    """One in this process. ``card``: bytes of VRAM that it can have."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "devices")
        self.pool_of = Pool()
        self.running = False
        self.packs = ""
        self.card = TOTAL
        self.asked: list[str] = []

    @property
    def connected(self) -> bool:
        return self.running

    async def adopt(self) -> bool:
        return self.running

    async def start(self, config: Config) -> None:
        if not self.running:
            self.running, self.packs = True, config.compression

    async def quit(self) -> None:
        if self.running:
            assert not self.pool_of.segments
            self.running, self.pool_of = False, Pool()

    async def _ask(self, verb: ControlVerb, **arguments: int) -> Mapping[str, Any]:
        if not self.running:
            raise VramswapError(Problem.SERVER_NOT_RUNNING)
        pool = self.pool_of
        if verb is not ControlVerb.STATUS:
            self.asked.append(verb.value)
        match verb:
            case ControlVerb.EXTEND:
                if pool.info.vram + arguments["size"] > self.card:
                    raise VramswapError(Problem.NO_VRAM_FREE, free=0, kept=0)
                return {"index": pool.extend(arguments["size"]), **arguments}
            case ControlVerb.SHRINK:
                pool.shrink()
                return {}
            case ControlVerb.ADD:
                index = pool.add(arguments["size"])
                return {"index": index, "device": f"/dev/nbd{index}", **arguments}
            case ControlVerb.REMOVE:
                del pool.segments[arguments["index"]]
                return {}
            case ControlVerb.COMPACT:
                pool.holes = min(pool.holes, arguments["size"])
                return {}
        info = pool.info
        card = {"pci": "0000:01:00.0", "total": TOTAL, "free": TOTAL - info.vram}
        segments = [{"index": i, "size": c.size, "device": f"/dev/nbd{i}"} for i, c in pool.segments.items()]
        figures = {
            name: getattr(info, name) for name in ("extents", "size", "live", "pages", "offer", "holes", "shares")
        }
        return {"engine": "running", "gpu": card, "segments": segments, "compression": self.packs, "pool": figures}


class Machine:
    """The swap that the kernel knows, and its memory."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.proc = folder / "proc"
        self.proc.mkdir()
        self.server = server
        self.priorities: dict[str, int] = {}
        self.emptied: list[str] = []
        self.memory(16 * GIB)
        self.show()

    def memory(self, available: int) -> None:
        (self.proc / "meminfo").write_text(f"MemTotal: {16 * GIB // KIB} kB\nMemAvailable: {available // KIB} kB\n")

    def show(self) -> None:
        lines = ["Filename Type Size Used Priority"]
        for index, content in self.server.pool_of.segments.items():
            device = f"/dev/nbd{index}"
            if device in self.priorities:
                size = content.size // KIB - 4
                used = min(content.used // KIB, size)
                lines.append(f"{device} partition {size} {used} {self.priorities[device]}")
        (self.proc / "swaps").write_text("\n".join(lines) + "\n")

    async def on(self, device: str, priority: int, by_systemd: bool, proc: Path) -> None:
        self.priorities[device] = priority
        self.show()

    async def off(self, device: str) -> None:
        del self.priorities[device]
        self.emptied.append(device)
        self.show()

    def write(self, share: float, ratio: float, *segments: int) -> None:
        """Have pages go to these segments, or to all."""
        for index in segments or self.server.pool_of.segments:
            self.server.pool_of.write(index, share, ratio)
        self.show()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    (tmp_path / "run").mkdir()
    return Server(tmp_path / "run")


@pytest.fixture
def machine(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path, server)
    monkeypatch.setattr(swap_area, "on", machine.on)
    monkeypatch.setattr(swap_area, "off", machine.off)
    monkeypatch.setattr(gpu, "require", lambda *_: None)
    return machine


def made(machine: Machine, tmp_path: Path) -> Lifecycle:
    config = tmp_path / "config.toml"
    if not config.exists():
        config.write_text('mode = "always"\ncompression = "lz4"\nlanding = "off"\n')
    run = tmp_path / "run"
    return Lifecycle(machine.server, ConfigFile(config), run, "devices", machine.proc, tmp_path, tmp_path / "state")


@pytest.fixture
async def life(machine: Machine, tmp_path: Path) -> Lifecycle:
    """One with all VRAM lent."""
    lifecycle = made(machine, tmp_path)
    await lifecycle.start()
    return lifecycle


def wanting(size: int) -> Decision:
    reason = Reason.of(ReasonCode.LENT, size=size)
    return Decision(size, State.ON if size else State.WAITING, reason, Cause.VRAM, None, urgent=True)


async def look(life: Lifecycle) -> None:
    """As a step of the policy does."""
    await life.held()
    life.look()


async def earn(life: Lifecycle, machine: Machine) -> None:
    """Have pages that get small bring more swap."""
    machine.write(0.8, 3.0)
    await look(life)
    await life.balance()


async def test_all_that_is_offered_is_swap(life: Lifecycle, server: Server) -> None:
    status = life.status
    assert (status.state, status.compression, status.lent) == (State.ON, "lz4", LENT)
    # Each has its header.
    assert (status.packed[0], status.packed[2]) == (LENT, len(status.segments) * PAGE)
    # Beside the reserve.
    assert status.size == Pool(server.pool_of.each, server.pool_of.extents).info.offer
    assert 1 <= len(status.segments) <= 4
    assert status.reason == Reason.of(ReasonCode.LENT, size=LENT)
    assert server.pool_of.info.offer == 0


async def test_no_extent_too_many_is_begun_and_none_is_left(machine: Machine, tmp_path: Path) -> None:
    machine.server.card = GIB
    lifecycle = made(machine, tmp_path)
    with pytest.raises(VramswapError):
        await lifecycle.start()
    assert (lifecycle.status.state, lifecycle.lent) == (State.FAILED, 0)
    assert not machine.server.running


async def test_what_is_written_meanwhile_does_not_cost_what_is_still_earned(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, before = machine.server.pool_of, life.status.size
    asked: list[int] = []
    add = pool.add

    def beside(size: int) -> int:
        if not asked:
            machine.write(0.8, 2.0)
        asked.append(size)
        return add(size)

    machine.write(0.8, 3.0)
    await look(life)
    monkeypatch.setattr(pool, "add", beside)
    await life.balance()
    assert asked[0] > asked[1] == life.status.size - before


async def test_capacity_is_earned_and_shown(life: Lifecycle, machine: Machine) -> None:
    before = life.status.size
    machine.write(0.3, 3.0)
    await look(life)
    await life.balance()
    assert life.status.size == before
    machine.write(0.8, 3.0)
    await look(life)
    assert life.taken() == life.status.packed[1]
    await life.balance()
    assert life.status.size > before + LENT // 4
    assert life.status.lent == LENT
    assert life.status.ratio == pytest.approx(3.0, abs=0.02)
    assert machine.server.pool_of.info.offer >= 0
    # The new one is empty, and so is the rest of the others: no more before that is used.
    earned = life.status.size
    await look(life)
    await life.balance()
    assert life.status.size == earned


async def test_what_is_not_earned_any_more_goes_and_does_not_come_back_at_once(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await earn(life, machine)
    (newest,) = {segment.device for segment in life.status.segments if not segment.used}
    machine.write(0.9, 1.4, *range(len(life.status.segments) - 1))
    await look(life)
    assert machine.server.pool_of.info.offer < 0
    await life.balance()
    assert machine.emptied == [newest]
    assert (life.status.state, life.status.lent) == (State.ON, LENT)
    assert machine.server.pool_of.info.offer > 0
    machine.write(0.9, 3.0)
    await look(life)
    segments = life.status.segments
    await life.balance()
    assert life.status.segments == segments
    monkeypatch.setattr("vramswap_gui.helper.lifecycle._STEADY_SECONDS", 0.0)
    life._steady_until = 0.0
    await life.balance()
    assert len(life.status.segments) == len(segments) + 1


async def test_pages_that_fit_nowhere_stay_when_their_segment_should_go(life: Lifecycle, machine: Machine) -> None:
    await earn(life, machine)
    machine.write(1.0, 1.2)
    machine.memory(0)
    await look(life)
    with pytest.raises(VramswapError) as caught:
        await life.balance()
    assert caught.value.code is ErrorCode.WONT_FIT
    assert (machine.emptied, life.status.state) == ([], State.ON)


async def test_vram_is_given_back_without_swapoff_where_the_rest_can_hold_it(life: Lifecycle, machine: Machine) -> None:
    machine.write(1.0, 4.0)
    await look(life)
    await life.follow(wanting(4 * GIB), life.generation, 0)
    assert (life.lent, machine.emptied) == (4 * GIB, [])


async def test_and_with_it_where_the_rest_cannot(life: Lifecycle, machine: Machine) -> None:
    machine.write(0.5, 1.0)
    await look(life)
    await life.follow(wanting(2 * GIB), life.generation, 0)
    assert life.lent == 2 * GIB
    assert machine.emptied
    assert life.status.segments


async def test_a_segment_may_have_more_in_vram_than_could_be_known(life: Lifecycle, machine: Machine) -> None:
    """What the kernel has forgotten takes VRAM too, until its segment is gone."""
    machine.write(0.9, 1.0)
    for content in machine.server.pool_of.segments.values():
        content.used = 0
    machine.show()
    await look(life)
    await life.follow(wanting(4 * GIB), life.generation, 0)
    assert life.lent == 4 * GIB
    assert 2 <= len(machine.emptied) < 4


async def test_segments_that_are_larger_than_what_is_left_are_replaced(life: Lifecycle, machine: Machine) -> None:
    await life.follow(wanting(GIB), life.generation, 0)
    assert (life.lent, len(machine.emptied)) == (GIB, 4)
    assert life.status.size == Pool(machine.server.pool_of.each, machine.server.pool_of.extents).info.offer


async def test_a_shrink_that_is_refused_changes_nothing(life: Lifecycle, machine: Machine, tmp_path: Path) -> None:
    machine.write(1.0, 1.0)
    machine.memory(GIB)
    await look(life)
    before = life.status
    with pytest.raises(VramswapError) as caught:
        await life.resize(GIB)
    assert caught.value.code is ErrorCode.WONT_FIT
    assert (life.status.segments, life.status.packed) == (before.segments, before.packed)
    assert "size" not in (tmp_path / "config.toml").read_text()


async def test_the_slider_has_vram_come_and_go(life: Lifecycle, machine: Machine) -> None:
    await life.resize(3 * GIB)
    assert (life.lent, life.status.wanted) == (3 * GIB, 3 * GIB)
    small = life.status.size
    await life.resize(0)
    assert life.lent == LENT
    await life.balance()
    assert life.status.size > small + 3 * GIB
    # In between there is no whole number of extents, and that is no reason to try again and again.
    await life.resize(3 * GIB + 100 * MIB)
    asked = list(machine.server.asked)
    assert life.lent == life.whole(3 * GIB + 100 * MIB) == 3 * GIB
    await life.follow(wanting(3 * GIB + 100 * MIB), life.generation, 0)
    assert machine.server.asked == asked
    assert life.status.reason.code is ReasonCode.LENT


def drain(machine: Machine, share: float, *segments: int) -> None:
    """Have programs end whose pages these segments have, and the kernel forget so much without a word."""
    for index in segments:
        content = machine.server.pool_of.segments[index]
        content.used = int(content.pages * (1 - share))
    machine.show()


async def rest(life: Lifecycle, monkeypatch: pytest.MonkeyPatch, pressed: bool = False) -> None:
    """Let time go by in which nobody moves anything."""
    monkeypatch.setattr("vramswap_gui.helper.policy.pool.CALM_SECONDS", 0.0)
    for _ in range(2):
        await look(life)
        life.watch(pressed)


async def test_what_the_kernel_has_forgotten_is_forgotten_when_there_is_time(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write(0.9, 1.2)
    drain(machine, 0.9, 1, 2)
    await look(life)
    await life.tidy()
    # Somebody waits for memory.
    await rest(life, monkeypatch, pressed=True)
    await life.tidy()
    assert machine.emptied == []
    swap = sum(segment.size for segment in life.status.segments)
    for gone in (["/dev/nbd1"], ["/dev/nbd1", "/dev/nbd2"]):
        # Hardly any swap would be left: another segment comes first.
        await rest(life, monkeypatch)
        await life.tidy()
        assert machine.emptied == gone[:-1]
        await rest(life, monkeypatch)
        await life.tidy()
        assert (machine.emptied, life.stale) == (gone, gone[-1])
        assert (life.status.state, life.status.lent) == (State.ON, LENT)
        assert sum(segment.size for segment in life.status.segments) >= LENT // 2
    # It comes again as it is earned, and stays.
    await look(life)
    await life.balance()
    segments = life.status.segments
    assert sum(segment.size for segment in segments) >= swap
    await rest(life, monkeypatch)
    await life.tidy()
    assert life.status.segments == segments


async def test_whatever_is_asked_for_comes_before_that(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write(0.9, 1.2)
    drain(machine, 0.9, 1)
    began = asyncio.Event()

    async def off(device: str) -> None:
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(swap_area, "off", off)
    # Another one comes first.
    await rest(life, monkeypatch)
    await life.tidy()
    await rest(life, monkeypatch)
    tidying = asyncio.create_task(life.tidy())
    await began.wait()
    segments = life.status.segments
    assert not life.busy
    # Nobody waits for more swap.
    await life.balance()
    assert not tidying.done()
    await life.pause(0)
    await tidying
    assert life.status.segments == segments


async def test_pages_without_room_in_memory_are_not_moved_for_that(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.write(0.9, 1.2)
    drain(machine, 0.9, 1)
    machine.memory(0)
    await rest(life, monkeypatch)
    await life.tidy()
    assert machine.emptied == []
    # One in which there is nothing else needs none.
    drain(machine, 1.0, 2)
    for _ in range(2):
        await rest(life, monkeypatch)
        await life.tidy()
    assert machine.emptied == ["/dev/nbd2"]


async def test_pages_whose_room_others_took_meanwhile_stay(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what is decided and what is done minutes can go by in which the server does not answer."""
    await earn(life, machine)
    assert len(life.status.segments) > 1

    async def off(device: str) -> None:
        await machine.off(device)
        machine.memory(0)

    monkeypatch.setattr(swap_area, "off", off)
    with pytest.raises(VramswapError) as caught:
        await life.stop()
    assert caught.value.code is ErrorCode.WONT_FIT
    assert len(machine.emptied) == 1
    assert (life.status.state, machine.server.running) == (State.ON, True)


async def test_room_that_others_took_meanwhile_is_made_anew(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a computer sleeps nobody asks a second time."""
    await earn(life, machine)
    asked: list[str] = []

    async def make_room(leave: Collection[int], config: Config) -> None:
        asked.append(config.landing)
        machine.memory(16 * GIB)

    async def off(device: str) -> None:
        await machine.off(device)
        machine.memory(0 if len(asked) == 1 else 16 * GIB)

    monkeypatch.setattr(life._segments, "make_room", make_room)
    monkeypatch.setattr(swap_area, "off", off)
    await life.sleep()
    assert (life.lent, machine.server.running, asked) == (0, False, ["off", "off"])


async def test_holes_are_cleaned_when_there_is_time(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = machine.server.pool_of
    machine.write(0.9, 2.0)
    pool.holes = LENT // 4
    await look(life)
    await life.tidy()
    assert "compact" not in machine.server.asked
    await rest(life, monkeypatch)
    await life.tidy()
    assert pool.holes == LENT * 7 // 100
    pool.holes = LENT // 11
    await rest(life, monkeypatch)
    await life.tidy()
    assert machine.server.asked.count("compact") == 1


async def test_less_than_one_extent_is_another_extent(life: Lifecycle, machine: Machine, tmp_path: Path) -> None:
    machine.write(0.5, 2.0)
    await look(life)
    await life.resize(200 * MIB)
    assert 160 * MIB <= life.lent <= 200 * MIB
    assert life.status.reason == Reason.of(ReasonCode.LENT, size=life.lent)
    assert (life.status.state, life.status.wanted, len(machine.emptied)) == (State.ON, 200 * MIB, 4)
    asked = list(machine.server.asked)
    await life.follow(wanting(200 * MIB), life.generation, 0)
    assert machine.server.asked == asked
    assert life.status.reason == Reason.of(ReasonCode.LENT, size=life.lent)
    with pytest.raises(VramswapError) as caught:
        await life.resize(32 * MIB)
    assert caught.value.problem is Problem.TOO_LITTLE_TO_PACK
    assert (life.status.state, life.status.wanted) == (State.ON, 200 * MIB)
    assert 160 * MIB <= life.lent <= 200 * MIB
    # Somebody else needs nearly all of it.
    await life.follow(wanting(MIN_SIZE), life.generation, 0)
    assert (life.lent, machine.server.running) == (0, False)


async def test_pages_without_room_stay_where_less_than_an_extent_is_wanted(life: Lifecycle, machine: Machine) -> None:
    machine.write(0.9, 2.0)
    machine.memory(0)
    await look(life)
    with pytest.raises(VramswapError) as caught:
        await life.resize(200 * MIB)
    assert caught.value.code is ErrorCode.WONT_FIT
    assert (life.lent, machine.emptied) == (LENT, [])


async def test_off_leaves_nothing(life: Lifecycle, machine: Machine) -> None:
    machine.write(0.5, 2.0)
    await life.stop()
    assert (life.lent, machine.server.running, machine.priorities) == (0, False, {})
    assert life.status.packed == (0, 0, 0)


async def test_another_helper_takes_over_what_there_is(life: Lifecycle, machine: Machine, tmp_path: Path) -> None:
    machine.write(0.8, 3.0)
    await look(life)
    machine.server.asked.clear()
    after = made(machine, tmp_path)
    await after.adopt()
    assert (after.status.state, after.lent) == (State.ON, LENT)
    assert after.status.segments == life.status.segments
    assert machine.server.asked == []
    await look(after)
    await after.balance()
    assert machine.server.asked == ["add"]


async def test_another_helper_ends_extents_without_segments(machine: Machine, tmp_path: Path) -> None:
    """The one before died between the two."""
    machine.server.running, machine.server.packs = True, "lz4"
    machine.server.pool_of.extend(256 * MIB)
    lifecycle = made(machine, tmp_path)
    await lifecycle.adopt()
    assert not machine.server.running
    assert lifecycle.lent == 0


async def test_another_server_takes_over_what_there_is(life: Lifecycle, machine: Machine) -> None:
    machine.write(0.8, 3.0)
    await look(life)
    segments = life.status.segments
    machine.server.running = False
    machine.server.lost()
    assert (life.status.state, life.lent) == (State.FAILED, LENT)
    assert life._recovery.task is not None
    await life._recovery.task
    assert (life.status.state, life.lent, life.status.segments) == (State.ON, LENT, segments)
    await life.balance()
    assert len(life.status.segments) == len(segments) + 1


@pytest.mark.parametrize("verb", ["extend", "shrink"])
async def test_a_server_that_says_what_is_not_so_is_not_asked_for_ever(
    life: Lifecycle, machine: Machine, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """What it tells of the pool may be of an engine that is no more."""
    await life.resize(4 * GIB)
    machine.server.asked.clear()
    monkeypatch.setattr(machine.server.pool_of, verb, lambda *_: 0)
    with pytest.raises(VramswapError) as caught:
        await life.resize(6 * GIB if verb == "extend" else 2 * GIB)
    assert caught.value.problem is Problem.SERVER_BUSY
    assert machine.server.asked == [verb]
    assert (life.status.state, life.lent) == (State.ON, 4 * GIB)


async def test_an_extent_that_came_unheard_is_given_back_too(life: Lifecycle, machine: Machine) -> None:
    """The server that was asked for it died before it could say so, and the next one goes on with it."""
    await life.resize(4 * GIB)
    machine.server.asked.clear()
    less = 4 * GIB - machine.server.pool_of.each
    machine.server.pool_of.extend(machine.server.pool_of.each)
    # Others who ask the server know better by then; nobody has to.
    await life._segments.resize(life._segments.resized(less), less, Config())
    assert life.lent == less


async def test_what_the_setting_says_counts_at_the_next_start(life: Lifecycle, machine: Machine) -> None:
    await life.configure({"compression": "off"})
    await earn(life, machine)
    assert life.status.compression == "lz4"
    assert machine.server.asked[-1] == "add"
