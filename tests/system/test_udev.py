# SPDX-License-Identifier: MIT
"""A real udevd beside the server, under a real kernel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system import uml

pytestmark = [pytest.mark.system, pytest.mark.timeout(8 * uml.LIMIT)]


def test_nobody_waits_for_udev(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.udev_scenario", memory=400, vram=256)
    assert result.status == 0, result.output
    assert "all done" in result.output
