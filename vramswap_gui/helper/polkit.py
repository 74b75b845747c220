"""Who may do what: polkit decides, and without an answer from it nothing is allowed."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from vramswap_gui.api.dbus import ACTION_CONFIGURE, ACTION_CONTROL
from vramswap_gui.errors import ErrorCode, VramswapError


class Access(enum.Enum):
    """What a caller needs for a method: nothing, or polkit's yes to an action."""

    PUBLIC = ""
    CONTROL = ACTION_CONTROL
    CONFIGURE = ACTION_CONFIGURE


@dataclass(frozen=True, slots=True)
class Verdict:
    """polkit's answer: yes; or no, which ``challenge`` says a password could turn into a yes."""

    authorized: bool
    challenge: bool


#: Asks polkit about a caller's unique bus name and an action; the last argument allows it to ask for a password.
#: Raises OSError when polkit cannot be asked.
AskPolkit = Callable[[str, str, bool], Awaitable[Verdict]]


async def require(ask: AskPolkit, access: Access | None, sender: str, interactive: bool) -> None:
    """Return when the caller may. A method that names no access is refused. Raises VramswapError."""
    if access is Access.PUBLIC:
        return
    if access is None or not sender.startswith(":"):
        raise VramswapError(ErrorCode.NOT_AUTHORIZED, "Nobody may do this.")
    try:
        verdict = await ask(sender, access.value, interactive)
        # Of a password that was asked for in vain polkit says no more than of a policy that says no.
        asked = interactive and not (verdict.authorized or verdict.challenge)
        in_vain = asked and (await ask(sender, access.value, False)).challenge
    except OSError as error:
        raise VramswapError(
            ErrorCode.AUTHORIZATION_UNAVAILABLE,
            f"polkit, which decides who may do this, does not answer ({error}).",
            "Install and start it (package polkitd, `systemctl start polkit`).",
        ) from None
    if in_vain:
        raise VramswapError(
            ErrorCode.NOT_AUTHORIZED,
            "The password was not given, or was not the right one.",
            "Nothing was changed; try again.",
        )
    if not verdict.authorized:
        remedy = (
            "Use it from your desktop session, where a password can be asked for, or as an administrator with sudo."
            if verdict.challenge
            else "Ask an administrator of this machine."
        )
        raise VramswapError(ErrorCode.NOT_AUTHORIZED, "You are not allowed to do this.", remedy)
