# SPDX-License-Identifier: MIT
"""What is free beyond the kernel's watermarks, from its own words and from anybody's."""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.system import zoneinfo

PAGE = mmap.PAGESIZE
#: As kernel 6.12 prints it, shortened.
LAPTOP = """Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 583784
  pages free     2816
        boost    0
        min      11
        low      14
        high     17
        protection: (0, 1740, 15740, 15740, 15740)
Node 0, zone    DMA32
  pages free     400000
        min      1850
        low      2312
        high     2774
        protection: (0, 0, 13999, 13999, 13999)
      nr_free_pages 400000
  pagesets
    cpu: 0
              count:    200
              high:     2774
Node 0, zone   Normal
  pages free     90000
        min      14884
        low      18605
        high     22326
        protection: (0, 0, 0, 0, 0)
Node 0, zone  Movable
  pages free     0
        boost    0
        min      32
        low      32
        high     32
        protection: (0, 0, 0, 0, 0)
"""


def spare(content: bytes | None) -> int:
    with tempfile.TemporaryDirectory() as folder:
        if content is not None:
            (Path(folder) / "zoneinfo").write_bytes(content)
        return zoneinfo.spare(Path(folder))


def test_each_zone_counts_beyond_its_own_mark() -> None:
    assert spare(LAPTOP.encode()) == (400000 - 2312 - 13999 + 90000 - 18605) * PAGE


@pytest.mark.parametrize(
    "content", [None, b"", b"zone", b"Node 0, zone Normal\n pages free 9\n", b"\xff\x00zone \n low"]
)
def test_what_is_not_known_is_nothing(content: bytes | None) -> None:
    assert spare(content) == 0


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: (LAPTOP[:300] + text).encode()))
def test_anything_may_stand_there(content: bytes) -> None:
    assert spare(content) >= 0


def test_this_machine_has_some() -> None:
    assert zoneinfo.spare() >= 0


@pytest.mark.parametrize(
    ("free", "short"), [(90000, False), (14884, False), (13025, False), (13024, True), (0, True)]
)  # fmt: skip
def test_who_asks_has_to_wait_an_eighth_below_min(tmp_path: Path, free: int, short: bool) -> None:
    # A zone without memory has a watermark all the same.
    content = LAPTOP.replace("400000", "9000").replace("90000", str(free))
    content = content.replace("free     0\n", "free     0\n        managed  0\n")
    (tmp_path / "zoneinfo").write_text(content)
    assert zoneinfo.is_short(tmp_path) is short


def test_one_zone_that_has_some_is_enough(tmp_path: Path) -> None:
    (tmp_path / "zoneinfo").write_text(LAPTOP.replace("90000", "0"))
    assert not zoneinfo.is_short(tmp_path)


def test_what_is_not_known_counts_as_short(tmp_path: Path) -> None:
    assert zoneinfo.is_short(tmp_path)
