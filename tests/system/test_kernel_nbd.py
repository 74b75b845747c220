"""The server under a real kernel that swaps on it."""

from __future__ import annotations

import pytest

from tests.system import uml

pytestmark = [pytest.mark.system, pytest.mark.timeout(2 * uml.LIMIT)]


def test_swap_survives_dying_engines() -> None:
    result = uml.run("tests.system.nbd_scenario", "10")
    assert result.status == 0, result.output
    assert "all done" in result.output
