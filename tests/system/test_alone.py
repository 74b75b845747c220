# SPDX-License-Identifier: MIT
"""Who serves when a keeper dies, and nobody comes who could start another one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system import uml

pytestmark = [pytest.mark.system, pytest.mark.timeout(8 * uml.LIMIT)]


def test_an_engine_without_a_keeper_serves_by_itself(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.alone_scenario")
    assert result.status == 0, result.output
    assert "all done" in result.output
