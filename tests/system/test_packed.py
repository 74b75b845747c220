# SPDX-License-Identifier: MIT
"""Packed pages under a real kernel's swap, with the real helper: more is earned than is lent, and none is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system import uml
from tests.system.soak import MEMORY

pytestmark = [pytest.mark.system, pytest.mark.timeout(8 * uml.LIMIT)]


def test_packed_pages_earn_swap_and_outlive_who_has_them(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.packed_scenario", memory=416, vram=256)
    assert result.status == 0, result.output
    assert result.output.count("pages wrong: 0") == 2
    assert "all done" in result.output


@pytest.mark.release
def test_vram_that_is_full_loses_nothing_and_has_room_again(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.full_scenario", memory=512, vram=128)
    assert result.status == 0, result.output
    assert result.output.count("pages wrong: 0") == 3
    assert "all done" in result.output


@pytest.mark.release
def test_whoever_dies_beside_any_verb(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.soak_scenario", "6", "5", "nbd", "lz4", memory=MEMORY + 64, vram=256, limit=1800)
    assert result.status == 0, result.output
    assert "all done" in result.output


@pytest.mark.release
def test_vram_is_of_use_again_after_large_programs(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.cycles_scenario", "3", memory=416, vram=256, limit=1800)
    assert result.status == 0, result.output
    assert result.output.count("pages wrong: 0") == 4
    assert "all done" in result.output
