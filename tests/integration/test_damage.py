# SPDX-License-Identifier: MIT
"""What is damaged stays the only damage, and an engine that dies or fails between two steps leaves nothing behind."""

from __future__ import annotations

import pytest

from tests.support.alone import said
from tests.support.damage import CASES
from tests.support.fakegpu import FakeGpu


@pytest.mark.parametrize("case", CASES)
def test_damage(gpu: FakeGpu, case: str) -> None:
    """A case of tests/support/damage.py."""
    assert said(gpu, "-m", "tests.support.damage", case) == "done\n"
