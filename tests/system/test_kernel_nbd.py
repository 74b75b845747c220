# SPDX-License-Identifier: MIT
"""The server under a real kernel that swaps on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.system import uml

pytestmark = [pytest.mark.system, pytest.mark.timeout(8 * uml.LIMIT)]


@pytest.mark.parametrize("boot", ["newest", "installed"], indirect=True)
def test_swap_survives_dying_engines(boot: Callable[..., uml.Result]) -> None:
    """On both kernels at every run: the driver and the swap that people have are older than the newest."""
    result = boot("tests.system.swap_scenario", "nbd", "6")
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_vram_forgets_what_the_kernel_forgets(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.discard_scenario")
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_one_program_is_told_that_its_page_is_hurt(boot: Callable[..., uml.Result]) -> None:
    result = boot("tests.system.hurt_scenario", "plain", "packed", memory=256, vram=56)
    assert result.status == 0, result.output
    assert "all done" in result.output
