# SPDX-License-Identifier: MIT
"""A segment that is replaced: the next one gets its number, and is not taken for the one that leaves."""

from __future__ import annotations

from vramswap_gui.helper.steps import Add, Goal, Remove, Step, SwapOff, SwapOn, World, done, next_step


def test_a_number_may_come_again() -> None:
    goal, devices, swapped = Goal(leave=(0,), come=(128,)), {0: "/dev/nbd0"}, {0}
    taken: list[Step] = []
    while (step := next_step(World(True, devices, frozenset(swapped)), goal)) is not None:
        taken.append(step)
        assert len(taken) < 9
        match step:
            case SwapOff(index):
                swapped.remove(index)
            case SwapOn(index):
                swapped.add(index)
            case Remove(index):
                del devices[index]
            case Add():
                devices[0] = "/dev/nbd0"
        goal = done(goal, step, 0 if isinstance(step, Add) else None)
    assert taken == [SwapOff(0), Remove(0), Add(128), SwapOn(0)]
