# SPDX-License-Identifier: MIT
"""A change that is to be noticed can be made: what it takes the place of is in the code, once."""

from __future__ import annotations

import pytest

from tests import mutants
from tests.sim import mutants as simulated
from tests.support.mutation import Mutant

CHANGES = (*mutants.MUTANTS, *simulated.MUTANTS)


@pytest.mark.parametrize("mutant", CHANGES, ids=[mutant.name for mutant in CHANGES])
def test_it_can_be_made(mutant: Mutant) -> None:
    assert mutant.changed()
