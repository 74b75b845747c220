# SPDX-License-Identifier: MIT
"""What is done when the server is gone, one step at a time: pure functions.

Its engine serves on, and as long as that lives nothing is lost. A new server finds it, or does not begin; so what one
that obeys does not know, nobody has any more. Before each step it is seen anew what is left, a :class:`Left`.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Left:
    """What is left: devices of ours that are swap and were not given up, and all that are there, swap or not."""

    swapped: frozenset[str]
    there: frozenset[str] = frozenset()
    #: Whether a server obeys, and the devices that it says it has (None: it was not asked).
    server: bool = False
    known: frozenset[str] | None = None
    #: None came when one was to be started.
    in_vain: bool = False


class Step(Enum):
    """What to do."""

    #: Have a server started, which takes over from an engine that lost its own.
    START = "start"
    #: Where neither server nor engine is left: have whoever waits for a page be told that it is lost.
    END_STRAYS = "end-strays"
    #: Ask a server what it has.
    ASK = "ask"
    #: Go on with what it has.
    ADOPT = "adopt"
    #: Have whoever waits for a page of what it does not have be told that it is lost.
    GIVE_UP = "give-up"
    #: Have it take back what is no swap, and end.
    CLEAR = "clear"
    #: Nothing.
    REST = "rest"


def next_step(left: Left) -> Step:
    """What to do now."""
    if not left.server:
        if not left.swapped and not left.there:
            # An engine without devices ends by itself.
            return Step.REST
        return Step.END_STRAYS if left.in_vain else Step.START
    if left.known is None:
        return Step.ASK
    if lost(left.swapped, left.known):
        return Step.GIVE_UP
    return Step.ADOPT if left.swapped else Step.CLEAR


def lost(swapped: Set[str], known: Collection[str]) -> list[str]:
    """The devices whose pages nobody has."""
    return sorted(swapped - set(known))
