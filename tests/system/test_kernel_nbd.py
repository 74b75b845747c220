"""The server under a real kernel that swaps on it."""

from __future__ import annotations

import pytest

from tests.system import uml


@pytest.mark.system
@pytest.mark.timeout(600)
def test_swap_survives_dying_engines() -> None:
    result = uml.run("tests.system.nbd_scenario", "10", timeout=540)
    assert result.status == 0, result.output
    assert "all done" in result.output
