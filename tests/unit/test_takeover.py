# SPDX-License-Identifier: MIT
"""What is done when the server is gone, and which devices a helper goes on with."""

from __future__ import annotations

import pytest

from vramswap_gui.helper.steps import Disconnect, Goal, Remove, SwapOff, World, next_step, numbered
from vramswap_gui.helper.takeover import Left, Step, lost
from vramswap_gui.helper.takeover import next_step as next_recovery

SWAP = frozenset({"/dev/nbd0"})
HALF_MADE = frozenset({"/dev/nbd1"})


@pytest.mark.parametrize(
    ("left", "step"),
    [
        # An engine without devices ends by itself, and needs no server for that.
        (Left(frozenset()), Step.REST),
        (Left(SWAP), Step.START),
        (Left(frozenset(), HALF_MADE), Step.START),
        (Left(SWAP, in_vain=True), Step.END_STRAYS),
        (Left(SWAP, server=True), Step.ASK),
        (Left(SWAP, server=True, known=SWAP | HALF_MADE), Step.ADOPT),
        (Left(SWAP, server=True, known=HALF_MADE), Step.GIVE_UP),
        (Left(frozenset(), server=True, known=HALF_MADE), Step.CLEAR),
        (Left(frozenset(), server=True, known=frozenset()), Step.CLEAR),
    ],
)
def test_the_next_step(left: Left, step: Step) -> None:
    assert next_recovery(left) is step


def test_what_no_server_has_is_lost() -> None:
    assert lost({"/dev/nbd2", "/dev/nbd0", "/dev/nbd1"}, ["/dev/nbd1"]) == ["/dev/nbd0", "/dev/nbd2"]


def test_lost_swap_has_a_number_that_no_server_gives_and_is_turned_off_as_well() -> None:
    devices = numbered({0: "/dev/nbd3"}, ["/dev/nbd0", "/dev/nbd3"])
    assert devices == {0: "/dev/nbd3", -1: "/dev/nbd0"}
    goal = Goal(leave=tuple(sorted(devices, reverse=True)))
    assert next_step(World(True, {-1: "/dev/nbd0"}, frozenset({-1})), goal) == SwapOff(-1)
    # No server is asked for what it does not have.
    assert next_step(World(True, {-1: "/dev/nbd0"}, frozenset()), goal) == Disconnect(-1)
    assert next_step(World(True, {0: "/dev/nbd3"}, frozenset()), goal) == Remove(0)
