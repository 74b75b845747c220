# SPDX-License-Identifier: MIT
"""What VRAM was good for today, counted look by look; and what a helper that takes over knows of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.api.activity import Today
from vramswap_gui.helper import tally
from vramswap_gui.helper.tally import Ledger, Tally
from vramswap_gui.system.vmstat import Moved
from vramswap_gui.units import MIB

A, B = "/dev/nbd0", "/dev/nbd1"


def test_what_was_counted_before_the_first_look_is_not_ours() -> None:
    first = Tally().add("mon", 10.0, {A: Moved(5 * MIB, 7 * MIB)})
    assert first.today == Today()
    second = first.add("mon", 11.0, {A: Moved(6 * MIB, 10 * MIB), B: Moved(MIB, MIB)})
    assert second.today == Today(3 * MIB, MIB, 1)


def test_a_device_that_comes_back_goes_on_counting_or_begins_anew() -> None:
    on = Tally().add("mon", 0.0, {A: Moved(0, 0)}).add("mon", 1.0, {A: Moved(0, 8)})
    off = on.add("mon", 2.0, {})
    assert off.today == Today(8, 0, 1)
    again = off.add("mon", 50.0, {A: Moved(0, 9)})
    assert again.today == Today(9, 0, 1)
    assert off.add("mon", 50.0, {A: Moved(0, 2)}).add("mon", 51.0, {A: Moved(0, 4)}).today == Today(10, 0, 2)


def test_a_day_begins_with_nothing_and_time_in_which_nobody_looked_is_not_counted() -> None:
    evening = Tally().add("mon", 0.0, {A: Moved(0, 0)}).add("mon", 1.0, {A: Moved(4, 4)})
    assert evening.add("tue", 2.0, {A: Moved(5, 6)}).today == Today(2, 1, 1)
    assert evening.add("mon", 100.0, {A: Moved(4, 4)}).today == Today(4, 4, 1)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=20))
def test_it_is_never_more_than_was_moved(steps: list[tuple[int, int]]) -> None:
    counted, came, went = Tally(), 0, 0
    for number, (read, written) in enumerate(steps):
        came, went = came + read, went + written
        counted = counted.add("mon", float(number), {A: Moved(came, went)})
    first = steps[0] if steps else (0, 0)
    assert counted.today == Today(went - first[1], came - first[0], max(0, len(steps) - 1))
    # Nothing is lost to a helper that takes over, not even what was moved in between.
    later = Tally.from_text(counted.as_text()).add("mon", 1000.0, {A: Moved(came + 5, went + 7)})
    assert later.today.paged_out == counted.today.paged_out + (7 if steps else 0)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "{}", '{"day": 1}', '{"counters": {"a": 1}}', "[" * 5000])
def test_what_is_no_tally_is_none(text: str) -> None:
    assert Tally.from_text(text) == Tally()


def stat(folder: Path, written: int) -> None:
    """``/sys/block/nbd0/stat`` with so many sectors written."""
    (folder / "block/nbd0").mkdir(parents=True, exist_ok=True)
    (folder / "block/nbd0/stat").write_text(f"1 0 0 0 1 0 {written} 0 0 0 0\n")


def test_the_ledger_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "_day", lambda: "mon")
    stat(tmp_path, 100)
    ledger = Ledger(tmp_path, tmp_path)
    ledger.look(())
    assert not (tmp_path / "today").exists(), "nothing lent, nothing done"
    ledger.look({A})
    stat(tmp_path, 108)
    ledger.look({A})
    assert ledger.today.paged_out == 4096
    ledger.look(())
    assert Ledger(tmp_path, tmp_path).today.paged_out == 4096
    monkeypatch.setattr(tally, "_day", lambda: "tue")
    assert Ledger(tmp_path, tmp_path).today == ledger.today == Today()
