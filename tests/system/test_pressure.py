"""Swap under pressure on a real kernel: by the command line, by need, and with an engine that stalls."""

from __future__ import annotations

import pytest

from tests.system import uml

pytestmark = [pytest.mark.system, pytest.mark.timeout(2 * uml.LIMIT)]


def test_the_whole_way_under_pressure_leaves_nothing() -> None:
    # The helper, polkit and the larger swap need more memory than the server alone.
    result = uml.run("tests.system.pressure_scenario", memory=512)
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_a_stalled_engine_is_replaced() -> None:
    # What is written is in the guest's memory twice: as it should be, and in VRAM.
    result = uml.run("tests.system.stall_scenario", memory=384)
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_swap_comes_and_goes_with_the_need() -> None:
    # Short is less than 12 % of memory, and the server has to start within that.
    result = uml.run("tests.system.demand_scenario", memory=1400)
    assert result.status == 0, result.output
    assert "all done" in result.output
