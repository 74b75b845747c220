# SPDX-License-Identifier: MIT
"""Nothing is lost, whatever dies when: see the simulator in this folder."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

import pytest

from tests.sim.run import Simulation, try_seed
from tests.sim.server import Faults
from tests.sim.world import Broken

#: In parts, so that all cores have something to do. More of them: ``make sim SEEDS=n``.
PARTS: Final = 8
SEEDS: Final = 100
#: So much of a broken seed's history is shown.
SHOWN: Final = 80
#: With nothing wrong but that memory is short.
SHORT_SEEDS: Final = 60


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


def test_no_engine_is_ended_for_what_the_next_one_suffers_too() -> None:
    """Memory is short, and whoever is new waits for it."""
    faults = {**{fault.name: 0.0 for fault in fields(Faults)}, "short": 1.0}
    assert [broken for seed in range(SHORT_SEEDS) if (broken := try_seed(seed, **faults))] == []


def test_a_seed_is_the_same_each_time() -> None:
    """Otherwise none that fails could be looked at."""
    histories = []
    for _ in range(2):
        simulation = Simulation(7, keep_history=True)
        simulation.run()
        histories.append(simulation.world.history)
    assert histories[0] == histories[1]
