# SPDX-License-Identifier: MIT
"""Long tests begin at once, in as many processes as there are cores."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.order import spread


def test_each_share_begins_with_some_of_the_long_ones() -> None:
    found = spread("ABCDE", "0123456789", 3, 8)
    assert ("".join(found[:5]), "".join(found[5:10]), "".join(found[10:])) == ("ACE01", "BD234", "56789")
    assert spread("AB", "012", 1, 8) == list("AB012")


def test_those_that_wait_for_a_core_keep_no_process() -> None:
    assert "".join(spread("ABCD", "01234567", 4, 2)) == "AC0BD1234567"


def test_those_that_need_the_same_thing_follow_each_other() -> None:
    assert "".join(spread(["A", "bbb", "C", "D"], "0123456789", 3, 8)) == "AC012bbbD3456789"
    assert spread("", "012", 3, 8) == list("012")


@given(st.integers(0, 20), st.integers(0, 60), st.integers(1, 8), st.integers(1, 8))
def test_none_is_lost_or_comes_twice(long: int, others: int, processes: int, cores: int) -> None:
    everything = list(range(long + others))
    chains = [everything[begin : begin + 2] for begin in range(0, long - long % 2, 2)]
    assert sorted(spread(chains, everything[long - long % 2 :], processes, cores)) == everything
