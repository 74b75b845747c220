# SPDX-License-Identifier: MIT
"""What the pool offers: never more than it can hold, whatever comes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.server.packing import PAGE, Compression, Packing, Stock, extent, shift
from vramswap_gui.units import GIB, MIB, SIZE_STEP

THREADS = 8
RECORD = PAGE + 16


@pytest.mark.parametrize("size", [2 * MIB, 32 * MIB, GIB, 24 * GIB])
def test_one_extent_for_pages_of_any_kind(size: int) -> None:
    found = extent(size, 0, THREADS)
    assert found > size * RECORD // PAGE * 16 // 15
    assert found < 1.08 * size + 200 * MIB
    assert found % (1 << shift(found)) == 0
    assert extent(size, GIB, THREADS) == GIB


@pytest.mark.parametrize("size", [16 * MIB, 100 * MIB, 256 * MIB, GIB, 40 * GIB])
def test_chunks_are_neither_few_nor_many(size: int) -> None:
    assert 2 * MIB <= 1 << shift(size) <= 32 * MIB
    assert size >> shift(size) >= 8


def test_what_does_it() -> None:
    assert Packing().codec == ""
    assert Packing(Compression.ZSTD).codec == "zstd"


@st.composite
def stocks(draw: st.DrawFn) -> Stock:
    size = draw(st.sampled_from([32 * MIB, 256 * MIB, 770 * MIB]))
    announced = draw(st.integers(0, 1 << 22))
    stored = draw(st.integers(0, announced))
    live = draw(st.integers(0, stored * RECORD))
    return Stock(draw(st.integers(0, 32)), size, live, announced, stored)


@given(stocks())
def test_what_is_offered_fits_with_all_that_may_come(stock: Stock) -> None:
    offer = stock.offer(THREADS)
    assert offer % SIZE_STEP == 0
    if offer >= 0:
        come = stock.announced - stock.stored + offer // PAGE
        # Of each chunk a sixteenth may be lost, and a sixteenth of all is kept.
        assert stock.live + come * RECORD < stock.extents * stock.size * 14 // 16


@given(stocks(), st.integers(0, 1000))
def test_what_is_taken_is_offered_no_more(stock: Stock, steps: int) -> None:
    size = min(steps * SIZE_STEP, max(0, stock.offer(THREADS)))
    after = replace(stock, announced=stock.announced + size // PAGE)
    assert abs(after.offer(THREADS) - (stock.offer(THREADS) - size)) <= SIZE_STEP


@given(stocks(), st.integers(0, RECORD))
def test_pages_that_get_smaller_earn_room(stock: Stock, length: int) -> None:
    if stock.stored < stock.announced:
        after = replace(stock, stored=stock.stored + 1, live=stock.live + length)
        assert after.offer(THREADS) >= stock.offer(THREADS)


def test_seven_gibibytes_become_fifteen() -> None:
    """At 2.8 to one, step by step, if another one comes when an eighth of the VRAM is free in those that are there."""
    announced = stored = 0
    offers = []
    while True:
        stock = Stock(28, 256 * MIB, int(stored * PAGE / 2.8), announced, stored)
        offer = stock.offer(THREADS)
        if offer < GIB // 2:
            break
        offers.append(offer)
        announced += offer // PAGE
        stored = announced - 7 * GIB // 8 // PAGE
    assert offers[0] > 6 * GIB
    assert len(offers) <= 12
    full = Stock(28, 256 * MIB, int(announced * PAGE / 2.8), announced, announced)
    assert full.offer(THREADS) > 0
    assert announced * PAGE > 14 * GIB
