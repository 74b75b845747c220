"""What only the helper can say: whether it answers, and what is wrong with the settings."""

from __future__ import annotations

from vramswap_gui.api.status import Status
from vramswap_gui.doctor.machine import Check, Verdict
from vramswap_gui.errors import ErrorCode, VramswapError


def helper(found: Status | VramswapError) -> Check:
    """Whether the helper answers: with its status, or an error instead."""
    if isinstance(found, VramswapError):
        return Check("Helper", Verdict.FAILED, found.message, found.remedy)
    return Check("Helper", Verdict.OK, f"version {found.version}, {found.state}")


def settings(found: Status) -> Check:
    """Whether the file with the settings is in order."""
    code, message, remedy = found.error
    if code == ErrorCode.CONFIG_INVALID:
        return Check("Settings", Verdict.WARNING, message.rstrip("."), remedy)
    return Check("Settings", Verdict.OK, "in order")
