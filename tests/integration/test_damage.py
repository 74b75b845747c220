# SPDX-License-Identifier: MIT
"""What is damaged stays the only damage, and an engine that dies or fails between two steps leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.damage import CASES
from tests.support.fakegpu import FakeGpu
from tests.support.waiting import PATIENCE


@pytest.mark.parametrize("case", CASES)
def test_damage(gpu: FakeGpu, case: str) -> None:
    """A case of tests/support/damage.py."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.damage", case], env=os.environ | gpu.env(),
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
