# SPDX-License-Identifier: MIT
"""The decisions about sizes, as tables, and what must hold for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.api.limits import Vram
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper.policy import limits
from vramswap_gui.helper.policy.sizing import (
    Area,
    Room,
    most_segments,
    reshape,
    shortfall,
    split,
    target,
)
from vramswap_gui.settings import Config
from vramswap_gui.units import GIB, MAX_SEGMENTS, MIB, MIN_SIZE, SIZE_STEP

LAPTOP = Vram(total=8 * GIB, free=8 * GIB, ours=0)


@pytest.mark.parametrize(
    ("name", "config", "vram", "size"),
    [
        ("all but the headroom", Config(), LAPTOP, 8 * GIB - 512 * MIB),
        ("what was asked for", Config(size=2 * GIB), LAPTOP, 2 * GIB),
        ("no more than an administrator allows", Config(maximum=GIB), LAPTOP, GIB),
        ("less while a game runs", Config(size=6 * GIB), Vram(8 * GIB, 3 * GIB, 0), 3 * GIB - 512 * MIB),
        ("less on a card with a display", Config(), Vram(8 * GIB, 8 * GIB, 0, display=True), 7 * GIB),
        ("what we hold counts as free", Config(size=6 * GIB), Vram(8 * GIB, 3 * GIB, 4 * GIB), 6 * GIB),
        ("a screen plugged in since", Config(size=7680 * MIB), Vram(8 * GIB, 8 * GIB, 0, display=True), 7 * GIB),
        ("a driver that leaves less", Config(size=7680 * MIB), Vram(8180 * MIB, 8180 * MIB, 0), 7668 * MIB),
        ("whole steps", Config(headroom=0), Vram(GIB + 5, GIB + 5, 0), GIB),
    ],
)
def test_target(name: str, config: Config, vram: Vram, size: int) -> None:
    assert target(config, vram) == size


@pytest.mark.parametrize(
    ("name", "config", "vram", "code", "words"),
    [
        ("all is taken", Config(size=GIB), Vram(8 * GIB, 100 * MIB, 0), ErrorCode.OUT_OF_VRAM, "Only 100 MiB"),
        ("above the limit", Config(size=2 * GIB, maximum=GIB), LAPTOP, ErrorCode.INVALID_ARGUMENT, "1 GiB"),
    ],
)
def test_target_refused(name: str, config: Config, vram: Vram, code: ErrorCode, words: str) -> None:
    with pytest.raises(VramswapError) as caught:
        target(config, vram)
    assert caught.value.code is code
    assert words in str(caught.value)
    assert caught.value.remedy


@given(st.integers(MIN_SIZE // SIZE_STEP, 1 << 16), st.integers(1, MAX_SEGMENTS))
def test_split_is_whole_and_within_the_limit(steps: int, segments: int) -> None:
    size = steps * SIZE_STEP
    sizes = split(size, segments)
    assert sum(sizes) == size
    assert 1 <= len(sizes) <= segments
    assert all(part % SIZE_STEP == 0 and part >= MIN_SIZE for part in sizes)


AREA = st.tuples(st.integers(8, 512), st.integers(0, 512)).map(lambda a: (a[0] * SIZE_STEP, min(a) * SIZE_STEP))


@given(st.lists(AREA, max_size=MAX_SEGMENTS), st.integers(8, 8192))
def test_reshape_gets_there(found: list[tuple[int, int]], steps: int) -> None:
    areas = [Area(index, size, used) for index, (size, used) in enumerate(found)]
    size = steps * SIZE_STEP
    plan = reshape(areas, size)
    kept = [area for area in areas if area.index not in plan.remove]
    have = sum(area.size for area in kept) + sum(plan.add)
    assert size - MIN_SIZE < have <= size
    assert len(kept) + len(plan.add) <= MAX_SEGMENTS
    assert len(set(plan.remove)) == len(plan.remove)
    if sum(area.size for area in areas) == size:
        assert plan == reshape((), 0)


@pytest.mark.parametrize(
    ("name", "areas", "size", "remove", "add"),
    [
        ("grow adds", [Area(0, GIB, 0)], 2 * GIB, (), (512 * MIB, 512 * MIB)),
        ("the last goes first", [Area(0, GIB, 0), Area(1, GIB, 0)], GIB, (1,), ()),
        ("the emptiest goes first", [Area(0, GIB, 5), Area(1, GIB, 9)], GIB, (0,), ()),
        ("what is too large is replaced", [Area(0, GIB, 0)], 512 * MIB, (0,), (512 * MIB,)),
        ("slivers are left", [Area(0, GIB, 0)], GIB + 2 * MIB, (), ()),
        ("a fresh start", [], 64 * MIB, (), (64 * MIB,)),
    ],
)
def test_reshape(name: str, areas: list[Area], size: int, remove: tuple[int, ...], add: tuple[int, ...]) -> None:
    plan = reshape(areas, size)
    assert (plan.remove, plan.add) == (remove, add)


@pytest.mark.parametrize(
    ("name", "used", "room", "fits"),
    [
        ("nothing to move", 0, Room(16 * GIB, 0, 0), True),
        ("plenty of memory", 2 * GIB, Room(16 * GIB, 8 * GIB, 0), True),
        ("into the margin", 2 * GIB, Room(16 * GIB, 2 * GIB + 100 * MIB, 0), False),
        ("other swap takes it", 2 * GIB, Room(16 * GIB, 0, 4 * GIB), True),
        ("both together", 2 * GIB, Room(16 * GIB, 2 * GIB, GIB), True),
        ("nowhere", 1, Room(16 * GIB, 0, 0), False),
    ],
)
def test_room(name: str, used: int, room: Room, fits: bool) -> None:
    short = shortfall(used, room)
    assert (short is None) is fits
    if short is not None:
        assert short.refusal().code is ErrorCode.WONT_FIT
        assert short.missing == used - short.room > 0


@pytest.mark.parametrize(("others", "most"), [(0, 16), (7, 16), (8, 15), (20, 3), (22, 1), (40, 1)])
def test_the_kernel_has_room_for_so_many(others: int, most: int) -> None:
    assert most_segments(others) == most


@given(st.lists(AREA, max_size=MAX_SEGMENTS), st.integers(8, 8192), st.integers(1, MAX_SEGMENTS))
def test_reshape_keeps_within_what_the_kernel_has_room_for(found: list[tuple[int, int]], steps: int, most: int) -> None:
    areas = [Area(index, size, used) for index, (size, used) in enumerate(found)]
    size = steps * SIZE_STEP
    plan = reshape(areas, size, most)
    kept = [area for area in areas if area.index not in plan.remove]
    assert size - MIN_SIZE < sum(area.size for area in kept) + sum(plan.add) <= size
    assert len(plan.add) <= most
    assert not plan.add or len(kept) + len(plan.add) <= most


def test_the_slider_ends_where_the_card_does() -> None:
    assert limits.of(Config(), Vram(8 * GIB, GIB, 0)).largest == 8 * GIB - 512 * MIB
    assert limits.of(Config(), Vram(8 * GIB, GIB, 0, display=True)).largest == 7 * GIB
    assert limits.of(Config(maximum=GIB), LAPTOP).largest == GIB
