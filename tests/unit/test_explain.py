# SPDX-License-Identifier: MIT
"""Why the swap is as it is, as a table: what is so, and what a person and a program are told."""

from __future__ import annotations

from typing import Final

import pytest

from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, State
from vramswap_gui.forms import word
from vramswap_gui.helper.policy.explain import Facts, explain
from vramswap_gui.helper.policy.types import Decision
from vramswap_gui.units import GIB, MIB

SHRINK: Final = Decision(GIB, State.ON, Reason.of(ReasonCode.REST_USED), Cause.VRAM, None, urgent=True)
GAME: Final = Decision(0, State.WAITING, Reason.of(ReasonCode.GAME), Cause.GAME, None, urgent=True)
ROUNDED: Final = Decision(
    2 * GIB + MIB, State.ON, Reason.of(ReasonCode.LENT, size=2 * GIB + MIB), Cause.NONE, None, urgent=False
)
LENT: Final = 2 * GIB
REST: Final = "1 GiB of 2 GiB: other programs use the rest of the VRAM."


@pytest.mark.parametrize(
    ("facts", "words", "cause"),
    [
        (Facts(), "Off.", Cause.NONE),
        (Facts(taken_down=True), "Somebody turned it off with swapoff.", Cause.HAND),
        (Facts(asleep=True, taken_down=True), "Off while the machine sleeps.", Cause.SLEEP),
        (Facts(State.STARTING, decision=GAME), "Reserving VRAM.", Cause.NONE),
        (Facts(State.STOPPING, LENT, cause=Cause.BATTERY), "Bringing pages home.", Cause.BATTERY),
        (Facts(State.RESIZING, LENT), "Changing the size.", Cause.NONE),
        (Facts(State.RESIZING, LENT, decision=SHRINK), "other programs use the rest of the VRAM", Cause.VRAM),
        (Facts(State.RESIZING, GIB // 2, decision=SHRINK), "Changing the size.", Cause.NONE),
        (Facts(State.FAILED, LENT, decision=SHRINK), "It failed.", Cause.NONE),
        (Facts(State.ON, LENT), "2 GiB of VRAM are lent as swap.", Cause.NONE),
        (Facts(State.ON, GIB, aim=LENT), REST, Cause.NONE),
        (Facts(State.ON, GIB, aim=LENT, decision=SHRINK), "other programs use the rest of the VRAM", Cause.VRAM),
        (Facts(State.ON, LENT, decision=ROUNDED), "2 GiB of VRAM are lent as swap.", Cause.NONE),
        (Facts(State.ON, LENT, cause=Cause.SLEEP, refused=ReasonCode.KEEPS_AWAKE, decision=GAME),
         "Pages in VRAM keep the machine from going to sleep.", Cause.SLEEP),
        (Facts(State.ON, LENT, cause=Cause.GAME, refused=ReasonCode.STUCK), "VRAM cannot be given back.", Cause.GAME),
        # Asleep it is only once all is home.
        (Facts(State.ON, LENT, asleep=True), "2 GiB of VRAM are lent as swap.", Cause.NONE),
        (Facts(State.WAITING, decision=GAME), "A game is running and has all of the VRAM.", Cause.GAME),
        (Facts(State.WAITING), "Nothing can be lent: other programs use the rest of the VRAM.", Cause.VRAM),
    ],
)  # fmt: skip
def test_why(facts: Facts, words: str, cause: Cause) -> None:
    reason, because = explain(facts)
    assert (word(reason), because) == (words, cause)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("lent", [0, LENT])
@pytest.mark.parametrize("decision", [None, SHRINK, GAME])
def test_there_is_always_a_reason(state: State, lent: int, decision: Decision | None) -> None:
    assert word(explain(Facts(state, lent, decision=decision))[0])
