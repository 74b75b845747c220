# SPDX-License-Identifier: MIT
"""A change that is to be noticed can be made: what it takes the place of is in the code, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import mutants
from tests.sim import mutants as simulated

ROOT = Path(__file__).parents[2]
CHANGES = [(one.name, one.file, one.old) for one in mutants.MUTANTS] + [
    (one.name, f"{one.module.replace('.', '/')}.py", one.old) for one in simulated.MUTANTS
]


@pytest.mark.parametrize(("name", "file", "old"), CHANGES, ids=[name for name, _, _ in CHANGES])
def test_it_can_be_made(name: str, file: str, old: str) -> None:
    assert (ROOT / file).read_text(encoding="utf-8").count(old) == 1
