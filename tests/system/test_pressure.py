# SPDX-License-Identifier: MIT
"""Swap under pressure on a real kernel: by command, by need, with a stalled engine, onto a disk, measured."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system import uml

pytestmark = [pytest.mark.system, pytest.mark.timeout(8 * uml.LIMIT)]


def test_the_whole_way_under_pressure_leaves_nothing(boot: Callable[..., uml.Result]) -> None:
    # The helper, polkit and the larger swap need more memory than the server alone.
    result = boot("tests.system.pressure_scenario", memory=512)
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_a_stalled_engine_is_replaced(boot: Callable[..., uml.Result]) -> None:
    # What is written is in the guest's memory twice: as it should be, and in VRAM.
    result = boot("tests.system.stall_scenario", memory=384)
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_swap_comes_and_goes_with_the_need(boot: Callable[..., uml.Result]) -> None:
    # Short is less than 12 % of memory, and the server has to start within that.
    result = boot("tests.system.demand_scenario", memory=1700)
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_a_start_with_no_memory_left_costs_nobody_anything(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.short_scenario", memory=384, disk=512)
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_a_measurement_under_pressure_leaves_nothing(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.bench_scenario", memory=480, vram=160, disk=128)
    assert result.status == 0, result.output
    assert "all done" in result.output


@pytest.mark.parametrize(
    "kind", ["btrfs", *(pytest.param(kind, marks=pytest.mark.release) for kind in ("ext4", "xfs"))]
)
def test_pages_that_fit_nowhere_else_land_on_a_disk(kind: str, boot: Callable[..., uml.Result]) -> None:
    """On the file system that asks most of a swap file; the others, where a file is one as it is, before a release."""
    # No more: a guest's program has a mapping of the host's for each page, of which there are 65,530 at most.
    result = boot("tests.system.landing_scenario", kind, memory=464, vram=160, disk=4096)
    assert result.status == 0, result.output
    assert "all done" in result.output
