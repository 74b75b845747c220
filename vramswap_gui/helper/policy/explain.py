# SPDX-License-Identifier: MIT
"""Why the swap is as it is: the one author of :attr:`vramswap_gui.api.status.Status.reason`, a pure function."""

from __future__ import annotations

from dataclasses import dataclass

from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, State
from vramswap_gui.helper.policy.lending import lent, off
from vramswap_gui.helper.policy.types import Decision


@dataclass(frozen=True, slots=True)
class Facts:
    """All that there is to say something about. Sizes in bytes."""

    state: State = State.OFF
    lent: int = 0
    #: What was wanted when it was lent; 0: no more than that.
    aim: int = 0
    #: What the policy wants. None after a person's own command, until the policy has decided anew.
    decision: Decision | None = None
    #: What made somebody change something, while that is under way or has failed.
    cause: Cause = Cause.NONE
    #: What was to go from VRAM, and could not.
    refused: ReasonCode | None = None
    asleep: bool = False
    #: Whether it is off because of ``swapoff``.
    taken_down: bool = False


_UNDER_WAY = {
    State.STARTING: ReasonCode.STARTING,
    State.STOPPING: ReasonCode.STOPPING,
    State.RESIZING: ReasonCode.RESIZING,
    State.FAILED: ReasonCode.FAILED,
}


def _true(reason: Reason, lent: int) -> Reason:
    """VRAM is lent in parts that need not come to what was planned."""
    if lent and reason.code in (ReasonCode.LENT, ReasonCode.LENT_LESS):
        return Reason(reason.code, {**reason.arguments, "size": lent})
    return reason


def explain(facts: Facts) -> tuple[Reason, Cause]:
    """The reason for a person, and the cause for programs."""
    decision = facts.decision
    if facts.state is State.RESIZING and decision is not None and decision.size < facts.lent:
        return decision.reason, decision.cause
    if facts.state in _UNDER_WAY:
        return Reason.of(_UNDER_WAY[facts.state]), facts.cause
    if facts.refused is not None:
        return Reason.of(facts.refused), facts.cause
    if facts.asleep and not facts.lent:
        return Reason.of(ReasonCode.ASLEEP), Cause.SLEEP
    if decision is not None:
        return _true(decision.reason, facts.lent), decision.cause
    if facts.lent:
        return lent(facts.lent, facts.aim, Reason.of(ReasonCode.REST_USED)), Cause.NONE
    if facts.state is State.WAITING:
        return Reason.of(ReasonCode.NOTHING_LENT, why=Reason.of(ReasonCode.REST_USED)), Cause.VRAM
    return off(facts.taken_down), Cause.HAND if facts.taken_down else Cause.NONE
