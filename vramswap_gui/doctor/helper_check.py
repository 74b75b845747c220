"""What only the helper can say: whether it answers, and what is wrong with the settings."""

from __future__ import annotations

from vramswap_gui.api.status import Status
from vramswap_gui.doctor.machine import Check, Verdict
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.forms import say


def helper(found: Status | VramswapError) -> Check:
    """Whether the helper answers: with its status, or an error instead."""
    if isinstance(found, VramswapError):
        return Check(say("Helper"), Verdict.FAILED, found, found.advice)
    answered = say("version {version:text}, {state:text}", version=found.version, state=found.state.value)
    return Check(say("Helper"), Verdict.OK, answered)


def settings(found: Status) -> Check:
    """Whether the file with the settings is in order."""
    error = found.error
    if error is not None and error.code is ErrorCode.CONFIG_INVALID:
        return Check(say("Settings"), Verdict.WARNING, error, error.advice)
    return Check(say("Settings"), Verdict.OK, say("in order"))
