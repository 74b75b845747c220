# SPDX-License-Identifier: MIT
"""Nothing is lost, whatever dies when: see the simulator in this folder."""

from __future__ import annotations

from typing import Final

import pytest

from tests.sim.run import Simulation
from tests.sim.world import Broken

#: In parts, so that all cores have something to do. More of them: ``make sim SEEDS=n``.
PARTS: Final = 8
SEEDS: Final = 150
#: So much of a broken seed's history is shown.
SHOWN: Final = 80


@pytest.mark.parametrize("part", range(PARTS))
def test_no_law_is_broken(part: int) -> None:
    for seed in range(part * SEEDS, (part + 1) * SEEDS):
        try:
            Simulation(seed).run()
        except Broken as broken:
            again = Simulation(seed, keep_history=True)
            with pytest.raises(Broken):
                again.run()
            history = "\n".join((again.world.history or [])[-SHOWN:])
            pytest.fail(f"seed {seed}: {broken}\n{history}", pytrace=False)


def test_a_seed_is_the_same_each_time() -> None:
    """Otherwise none that fails could be looked at."""
    histories = []
    for _ in range(2):
        simulation = Simulation(7, keep_history=True)
        simulation.run()
        histories.append(simulation.world.history)
    assert histories[0] == histories[1]
