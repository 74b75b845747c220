# SPDX-License-Identifier: MIT
"""The server becomes a newer one, and its keeper dies, under a real kernel with the real helper and polkitd."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system import uml

pytestmark = [pytest.mark.system, pytest.mark.timeout(8 * uml.LIMIT)]


def test_the_server_becomes_a_newer_one_and_the_keeper_may_die(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.handover_scenario", memory=416, vram=256)
    assert result.status == 0, result.output
    assert "all done" in result.output
