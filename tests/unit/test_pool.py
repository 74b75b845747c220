# SPDX-License-Identifier: MIT
"""Packed VRAM: the decisions, as tables, and what must hold for all of them on a pool that refuses what is too much."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pool import Content, Pool
from vramswap_gui.api.control import PoolInfo
from vramswap_gui.errors import VramswapError
from vramswap_gui.helper.policy import pool as policy
from vramswap_gui.helper.policy.pool import (
    CALM_SECONDS,
    Calm,
    balance,
    calm,
    codec,
    compaction,
    extent,
    extents,
    first,
    is_calm,
    leaving,
    rotation,
)
from vramswap_gui.helper.policy.sizing import Area, Room, Steps
from vramswap_gui.helper.steps import (
    Add,
    Extend,
    Goal,
    Quit,
    Remove,
    Shrink,
    Step,
    SwapOff,
    SwapOn,
    World,
    done,
    failed,
    next_step,
)
from vramswap_gui.server.packing import PAGE
from vramswap_gui.units import GIB, MAX_EXTENTS, MAX_SEGMENTS, MIB, MIN_SIZE, SIZE_STEP

#: 7 GiB, of which 448 MiB are promised to nobody.
LAPTOP = PoolInfo(28, 256 * MIB)


def having(pool: PoolInfo, **figures: Any) -> PoolInfo:
    return replace(pool, **figures)


@pytest.mark.parametrize(
    ("aim", "largest", "each", "count"),
    [
        (7680 * MIB, 7680 * MIB, 256 * MIB, 30),
        # 256 MiB would leave 252 MiB over.
        (7676 * MIB, 7676 * MIB, 448 * MIB, 17),
        (256 * MIB, 1534 * MIB, 64 * MIB, 4),
        (64 * MIB, 8 * GIB, 64 * MIB, 1),
        (MIN_SIZE, 8 * GIB, MIN_SIZE, 1),
        (46 * GIB, 46 * GIB, 1472 * MIB, 32),
    ],
)
def test_extents(aim: int, largest: int, each: int, count: int) -> None:
    assert (extent(aim, largest), extents(aim, extent(aim, largest))) == (each, count)


@given(st.integers(8, 1 << 16), st.integers(8, 1 << 16))
def test_extents_are_no_more_than_there_can_be(aim: int, largest: int) -> None:
    aim, largest = sorted((aim * SIZE_STEP, largest * SIZE_STEP))
    each = extent(aim, largest)
    assert each * extents(aim, each) <= aim
    assert 1 <= extents(aim, each) <= MAX_EXTENTS
    assert each % (32 * MIB) == 0 or each == aim < 32 * MIB
    # Not so much that it would be worth another one.
    assert aim - each * extents(aim, each) < each
    # With a small size in mind they are small.
    if aim * MAX_EXTENTS >= largest + MAX_EXTENTS * 32 * MIB:
        assert largest // each <= MAX_EXTENTS


@pytest.mark.parametrize(
    ("name", "areas", "pool", "change"),
    [
        ("nothing is offered", [Area(0, 6 * GIB, 6 * GIB)], LAPTOP, Steps()),
        ("enough is free", [Area(0, 7 * GIB, 4 * GIB)], having(LAPTOP, offer=2 * GIB), Steps()),
        ("earned, less the margin", [Area(0, 7 * GIB, 5 * GIB)], having(LAPTOP, offer=2 * GIB),
         Steps(add=(2 * GIB - 224 * MIB,))),
        ("too little to be worth a place", [Area(0, 7 * GIB, 7 * GIB)], having(LAPTOP, offer=800 * MIB), Steps()),
        ("VRAM that came just now", [Area(0, 4 * GIB, 0)], having(LAPTOP, offer=3 * GIB),
         Steps(add=(3 * GIB - 224 * MIB,))),
        ("the reserve is touched", [Area(0, 6 * GIB, 6 * GIB), Area(1, GIB, MIB), Area(2, GIB, 0)],
         having(LAPTOP, offer=-1), Steps(remove=(2,))),
        ("the last one stays", [Area(0, 6 * GIB, 6 * GIB)], having(LAPTOP, offer=-1), Steps()),
        ("no place is left", [Area(n, GIB, GIB) for n in range(MAX_SEGMENTS)], having(LAPTOP, offer=3 * GIB), Steps()),
    ],
)  # fmt: skip
def test_balance(name: str, areas: list[Area], pool: PoolInfo, change: Steps) -> None:
    assert balance(areas, pool, MAX_SEGMENTS) == change


@pytest.mark.parametrize(
    ("name", "used", "pool", "taken"),
    [
        ("as full as the swap", 5 * GIB, having(LAPTOP, live=2 * GIB), 5 * GIB),
        ("more is earned for what is full", 7 * GIB, having(LAPTOP, live=3 * GIB, offer=3 * GIB), 3 * GIB),
        ("it is full, and no more is earned", 7 * GIB, having(LAPTOP, live=5 * GIB, offer=800 * MIB), 7 * GIB),
        ("more than the kernel knows", GIB, having(LAPTOP, live=6 * GIB), 6 * GIB),
    ],
)
def test_how_much_is_in_use(name: str, used: int, pool: PoolInfo, taken: int) -> None:
    assert policy.taken([Area(0, 7 * GIB, used)], pool, MAX_SEGMENTS) == taken


def test_growing_is_of_no_use_without_a_place_for_another_segment() -> None:
    full = [Area(n, GIB, GIB) for n in range(MAX_SEGMENTS)]
    assert policy.taken(full, having(LAPTOP, live=4 * GIB), MAX_SEGMENTS) == 4 * GIB


@pytest.mark.parametrize(
    ("size", "each", "lent"),
    [
        (7 * GIB, 256 * MIB, 7 * GIB),
        (7 * GIB + 100 * MIB, 256 * MIB, 7 * GIB),
        (256 * MIB, 256 * MIB, 256 * MIB),
        # Less than one of them is one of another size.
        (250 * MIB, 256 * MIB, 224 * MIB),
        (64 * MIB, 256 * MIB, 64 * MIB),
        (48 * MIB, 256 * MIB, 32 * MIB),
        (46 * MIB, 256 * MIB, 0),
        (MIN_SIZE, MIN_SIZE, 0),
    ],
)
def test_what_can_be_lent_of_a_size(size: int, each: int, lent: int) -> None:
    assert policy.whole(size, each, 7 * GIB) == lent
    # It is a maximum, and once it is so nothing else is wanted.
    assert lent <= size
    assert policy.whole(lent, policy.fitting(size, each, 7 * GIB), 7 * GIB) == lent or lent < 48 * MIB


def test_what_packs_pages() -> None:
    assert [codec(setting) for setting in ("auto", "off", "lz4", "zstd")] == ["lz4", "off", "lz4", "zstd"]


def carry_out(pool: Pool, goal: Goal, fails: type[Step] | None = None) -> list[Step]:
    """What is done until a goal is reached, on a server that keeps such a pool; it raises what the server refuses."""
    swapped, stuck = set(pool.segments), False
    taken: list[Step] = []
    for _ in range(200):
        world = World(True, dict.fromkeys(pool.segments, ""), frozenset(swapped), extents=pool.extents, stuck=stuck)
        step = next_step(world, goal)
        if step is None:
            return taken
        taken.append(step)
        made = None
        if fails is not None and isinstance(step, fails):
            return taken + carry_out(pool, failed(step, world, began_empty=not swapped) or Goal())
        match step:
            case Extend(size):
                pool.extend(size)
            case Shrink():
                stuck = not shrunk(pool)
            case Add(size):
                made = pool.add(size)
            case SwapOn(index):
                swapped.add(index)
            case SwapOff(index):
                swapped.discard(index)
            case Remove(index):
                del pool.segments[index]
                stuck = False
            case Quit():
                pool.extents = 0
                return taken
        goal = done(goal, step, made)
    raise AssertionError(f"it does not end: {taken[-5:]}")


def shrunk(pool: Pool) -> bool:
    try:
        pool.shrink()
    except VramswapError:
        return False
    return True


def begun(each: int, count: int) -> Pool:
    """One that was started, as helper/segments.py does it."""
    pool = Pool()
    carry_out(pool, Goal(extents=count, extent=each))
    carry_out(pool, Goal(come=first(pool.info, MAX_SEGMENTS)))
    return pool


def resize(pool: Pool, count: int) -> int:
    """As helper/segments.py does it; how many rounds it took."""
    for rounds in range(1, MAX_SEGMENTS + MAX_EXTENTS):
        leave = leaving(pool.areas, pool.info, count, least=int(rounds > 1))
        carry_out(pool, Goal(leave, extents=count, extent=pool.each))
        if pool.extents == count:
            return rounds
    raise AssertionError("it does not end")


EACH = st.sampled_from((32 * MIB, 64 * MIB, 256 * MIB))
COUNT = st.integers(2, MAX_EXTENTS)
#: How full each segment is, of what, and how much of that the kernel has forgotten.
FILL = st.lists(st.tuples(st.floats(0, 1), st.floats(1, 6), st.floats(0, 1)), min_size=4, max_size=4)


def fill(pool: Pool, filled: list[tuple[float, float, float]]) -> None:
    for index, (share, ratio, forgotten) in zip(pool.segments, filled, strict=False):
        pool.write(index, share, ratio)
        pool.segments[index].used = int(pool.segments[index].pages * (1 - forgotten))


@given(EACH, COUNT)
def test_a_start_reaches_its_goal(each: int, count: int) -> None:
    pool = begun(each, count)
    assert pool.extents == count
    assert 1 <= len(pool.segments) <= MAX_SEGMENTS // 4
    assert 0 <= pool.info.offer < SIZE_STEP


@pytest.mark.parametrize("fails", [Extend, Add, SwapOn])
def test_a_start_is_all_or_nothing(fails: type[Step]) -> None:
    pool = Pool()
    if fails is not Extend:
        carry_out(pool, Goal(extents=4, extent=64 * MIB))
    goal = Goal(come=(64 * MIB,), extents=4, extent=64 * MIB)
    assert carry_out(pool, goal, fails)[-1] == Quit()
    assert (pool.extents, pool.segments) == (0, {})


@given(EACH, COUNT, COUNT, FILL)
def test_it_grows_and_shrinks_to_any_size(
    each: int, before: int, after: int, filled: list[tuple[float, float, float]]
) -> None:
    pool = begun(each, before)
    fill(pool, filled)
    segments = len(pool.segments)
    rounds = resize(pool, after)
    assert pool.extents == after
    # At worst each segment is found out to be in the way, one after the other.
    assert rounds <= segments + 1
    if after >= before:
        assert len(pool.segments) == segments


def test_what_packs_well_makes_way_without_swapoff() -> None:
    pool = begun(256 * MIB, 28)
    for index in pool.segments:
        pool.write(index, 1.0, 4.0)
    assert carry_out(pool, Goal(leaving(pool.areas, pool.info, 8), extents=8)) == [Shrink()] * 20


def test_no_more_leave_than_need_be() -> None:
    """What is taken for in the way need not be, once the first of them are gone."""
    pool = begun(256 * MIB, 4)
    pool.segments = {0: Content(256 * MIB, 256 * MIB, 256 * MIB, 256 * MIB), 1: Content(256 * MIB)}
    steps = carry_out(pool, Goal((1, 0), extents=3, extent=256 * MIB))
    assert steps == [Shrink()]
    pool = Pool(256 * MIB, 4, {0: Content(256 * MIB), 1: Content(256 * MIB), 2: Content(256 * MIB)})
    steps = carry_out(pool, Goal((2, 1, 0), extents=2))
    assert steps == [Shrink(), SwapOff(2), Remove(2), Shrink(), Shrink(), SwapOff(1), Remove(1), Shrink()]


@given(EACH, COUNT, st.lists(FILL, min_size=1, max_size=8))
def test_what_is_offered_is_never_exceeded(
    each: int, count: int, writes: list[list[tuple[float, float, float]]]
) -> None:
    """Whatever is written, and however compressible it turns out to be: the pool refuses nothing, and comes to rest."""
    pool = begun(each, count)
    for filled in writes:
        fill(pool, filled)
        changes = 0
        while (steps := balance(pool.areas, pool.info, MAX_SEGMENTS)) != Steps():
            carry_out(pool, Goal(steps.remove, steps.add))
            changes += 1
            assert changes <= 2 * MAX_SEGMENTS
        assert 1 <= len(pool.segments) <= MAX_SEGMENTS
        assert pool.info.offer >= 0 or len(pool.segments) == 1
        assert pool.info.live <= pool.info.vram


def test_well_packed_pages_earn_what_they_are_worth() -> None:
    """7 GiB at 2.8:1 become more than 15 GiB of swap, step by step, and never more than could be held."""
    pool = begun(256 * MIB, 28)
    while True:
        for index in pool.segments:
            pool.write(index, 1.0, 2.8)
        steps = balance(pool.areas, pool.info, MAX_SEGMENTS)
        if steps == Steps():
            break
        carry_out(pool, Goal(steps.remove, steps.add))
    assert 15 * GIB < sum(area.size for area in pool.areas) < 2.8 * 7 * GIB
    # With places left for what packs better still.
    assert len(pool.segments) < MAX_SEGMENTS - 3


#: Four segments of 1 GiB, all of which was written, and takes half of that.
WRITTEN = having(LAPTOP, live=2 * GIB, pages=4 * GIB, shares=tuple((number, GIB) for number in range(4)))
PLENTY = Room(16 * GIB, 8 * GIB)


def using(*used: int) -> list[Area]:
    return [Area(number, GIB, each) for number, each in enumerate(used)]


#: One segment, all of which was written, and room for another.
ONE = having(WRITTEN, shares=((0, 4 * GIB),), offer=GIB)


def going(index: int) -> Steps:
    return Steps(remove=(index,))


@pytest.mark.parametrize(
    ("name", "areas", "pool", "room", "steps"),
    [
        ("nothing is stale", using(GIB, GIB, GIB, GIB), WRITTEN, PLENTY, Steps()),
        ("little of the VRAM is", using(GIB, GIB, GIB, 0), WRITTEN, PLENTY, Steps()),
        ("with holes it is too much", using(GIB, GIB, GIB, 0), having(WRITTEN, holes=GIB // 2), PLENTY, going(3)),
        ("little is, and the rest are holes", using(GIB, GIB, GIB, GIB - 300 * MIB), having(WRITTEN, holes=GIB),
         PLENTY, Steps()),
        ("a new one has its header", [*using(GIB, GIB, GIB), Area(3, GIB, 0)],
         having(WRITTEN, holes=GIB, shares=(*WRITTEN.shares[:3], (3, 4096))), PLENTY, Steps()),
        ("the worst goes first", using(GIB, 100 * MIB, 0, GIB), WRITTEN, PLENTY, going(2)),
        ("of several the first", using(0, 0, 0, 0), WRITTEN, PLENTY, going(0)),
        ("less than half of any is", using(*[600 * MIB] * 4), WRITTEN, PLENTY, going(0)),
        ("less than a fifth of any is", using(*[840 * MIB] * 4), having(WRITTEN, holes=GIB // 2), PLENTY, Steps()),
        ("what is stale stays, and a new one has its header", [*using(*[840 * MIB] * 4), Area(4, GIB, 0)],
         having(WRITTEN, holes=GIB // 2, shares=(*WRITTEN.shares, (4, 4096))), PLENTY, Steps()),
        ("there is no room in memory for the rest", using(GIB, 100 * MIB, 100 * MIB, GIB), WRITTEN,
         Room(16 * GIB, 100 * MIB), Steps()),
        ("other swap is no room", using(GIB, 100 * MIB, 100 * MIB, GIB), WRITTEN,
         Room(16 * GIB, 100 * MIB, swap_free=8 * GIB, zram_free=8 * GIB), Steps()),
        ("there is for another", using(GIB, 100 * MIB, 0, GIB), WRITTEN, Room(16 * GIB, 0), going(2)),
        ("the only one has a successor first", [Area(0, 4 * GIB, 0)], ONE, PLENTY, Steps(add=(GIB - 224 * MIB,))),
        ("however small", [Area(0, 4 * GIB, 0)], having(ONE, offer=240 * MIB), PLENTY, Steps(add=(16 * MIB,))),
        ("or stays", [Area(0, 4 * GIB, 0)], having(ONE, offer=239 * MIB), PLENTY, Steps()),
        ("it stays where the rest has no room", [Area(0, 4 * GIB, GIB)], ONE, Room(16 * GIB, 100 * MIB), Steps()),
        ("hardly any would be left", [Area(0, 4 * GIB, 0), Area(1, GIB, 0)], ONE, PLENTY,
         Steps(add=(GIB - 224 * MIB,))),
        ("nor is much offered", [Area(0, 4 * GIB, 0), Area(1, GIB, 0)], having(ONE, offer=GIB // 2), PLENTY, going(0)),
        ("enough would be left", [Area(0, 4 * GIB, 0), Area(1, 6 * GIB, 0)], ONE, PLENTY, going(0)),
        ("a server that does not tell", using(0, 0, 0, 0), having(WRITTEN, shares=()), PLENTY, Steps()),
    ],
)  # fmt: skip
def test_rotation(name: str, areas: list[Area], pool: PoolInfo, room: Room, steps: Steps) -> None:
    assert rotation(areas, pool, room, MAX_SEGMENTS) == steps


def test_compaction() -> None:
    areas, holes = using(GIB, GIB, GIB, GIB), having(WRITTEN, holes=GIB)
    assert compaction(areas, having(WRITTEN, holes=WRITTEN.vram // 10), None) is None
    least = compaction(areas, holes, None)
    # A sixteenth of each chunk may be left, and is not cleaned again.
    assert least is not None
    assert WRITTEN.vram // 16 < least < WRITTEN.vram // 10
    assert compaction(areas, holes, holes) is None
    assert compaction(areas, having(holes, live=GIB), holes) is not None
    # With what is stale beside them it is too much.
    some = having(WRITTEN, holes=WRITTEN.vram * 8 // 100)
    assert compaction(using(GIB, GIB, GIB, 500 * MIB), some, None) == least
    assert compaction(using(*[500 * MIB] * 4), having(WRITTEN, holes=least), None) is None


def test_it_is_calm_when_nothing_moves_for_a_while() -> None:
    areas, some = using(GIB, 0, 0, 0), WRITTEN.vram // 4096
    seen = calm(Calm(), areas, WRITTEN, False, 0.0)
    assert not is_calm(seen, 100.0)
    seen = calm(seen, areas, WRITTEN, False, 1.0)
    assert (is_calm(seen, 1.0 + CALM_SECONDS), is_calm(seen, CALM_SECONDS)) == (True, False)
    little = calm(seen, using(GIB - some, 0, 0, 0), WRITTEN, False, 2.0)
    assert little.since == 1.0
    for areas_then, pool_then, pressed in (
        (using(GIB - some - 1, 0, 0, 0), WRITTEN, False),
        (areas, having(WRITTEN, pages=4 * GIB + 2 * some), False),
        (areas, WRITTEN, True),
    ):
        moved = calm(seen, areas_then, pool_then, pressed, 30.0)
        assert not is_calm(moved, 100.0)


@given(EACH, COUNT, st.lists(FILL, min_size=1, max_size=4), st.integers(0, 16 * GIB), st.integers(0, 12))
def test_cleaning_comes_to_an_end(
    each: int, count: int, writes: list[list[tuple[float, float, float]]], available: int, holes: int
) -> None:
    """With what is earned, and comes back into swap, at once: nothing is left of which much is stale, or no room."""
    pool, room = begun(each, count), Room(16 * GIB, available)
    for filled in writes:
        fill(pool, filled)
        pool.holes = pool.info.vram * holes // 100
        for _ in range(4 * MAX_SEGMENTS):
            while (goal := balanced(pool)) != Goal():
                carry_out(pool, goal)
            steps, stored = rotation(pool.areas, pool.info, room, MAX_SEGMENTS), pool.info.pages
            if steps == Steps():
                break
            goal = Goal(steps.remove, steps.add)
            left = [pool.segments[index] for index in steps.remove]
            carry_out(pool, goal)
            for content in left:
                # More than a new one has, so that it is not the next one which goes.
                assert content.pages - content.used > PAGE
                swapped_again(pool, content)
                assert pool.info.pages < stored
        else:
            raise AssertionError("it does not end")
        assert pool.segments
        assert pool.info.offer >= 0 or len(pool.segments) == 1


@given(EACH, COUNT, st.lists(FILL, min_size=1, max_size=4))
def test_what_is_drained_is_of_use_again(each: int, count: int, writes: list[list[tuple[float, float, float]]]) -> None:
    """Also where all of it is one segment; and there is hardly less swap at any time than at the start."""
    pool = begun(each, count)
    before = least = sum(area.size for area in pool.areas)
    for filled in writes:
        fill(pool, filled)
        while (goal := balanced(pool)) != Goal():
            carry_out(pool, goal)
    for content in pool.segments.values():
        content.used = 0
    while (steps := rotation(pool.areas, pool.info, PLENTY, MAX_SEGMENTS)) != Steps():
        carry_out(pool, Goal(steps.remove, steps.add))
        while (goal := balanced(pool)) != Goal():
            carry_out(pool, goal)
        least = min(least, sum(area.size for area in pool.areas))
    info = pool.info
    none_could_come = len(pool.segments) == 1 and info.offer < MIN_SIZE + info.vram // 32 + SIZE_STEP
    assert none_could_come or policy.waste(pool.areas, info) * 10 <= info.vram
    assert none_could_come or least * 4 >= before * 3


def balanced(pool: Pool) -> Goal:
    steps = balance(pool.areas, pool.info, MAX_SEGMENTS)
    return Goal(steps.remove, steps.add)


def swapped_again(pool: Pool, home: Content) -> None:
    """Pages that came home go to whatever has room for them."""
    left = home.used
    for content in pool.segments.values():
        some = min(left, content.size - content.pages)
        ratio = home.live / home.pages
        content.pages, content.used, content.live = (
            content.pages + some, content.used + some, content.live + int(some * ratio),
        )  # fmt: skip
        left -= some
