# SPDX-License-Identifier: MIT
"""Who may do what: polkit decides, and without an answer from it nothing is allowed but to root.

Interface: https://www.freedesktop.org/software/polkit/docs/latest/eggdbus-interface-org.freedesktop.PolicyKit1.Authority.html
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vramswap_gui.api.dbus import Access
from vramswap_gui.bus.connection import ANSWER_DEADLINE, DISCONNECTED, NO_REPLY, Bus, BusError, Variant
from vramswap_gui.errors import Problem, VramswapError

_POLKIT: Final = "org.freedesktop.PolicyKit1"
_PATH: Final = "/org/freedesktop/PolicyKit1/Authority"
_AUTHORITY: Final = "org.freedesktop.PolicyKit1.Authority"
_ALLOW_INTERACTION: Final = 1
#: Seconds for a person to find the password. Nobody shall answer a question that is long forgotten.
_QUESTION_DEADLINE: Final = 300.0
#: Everybody may leave questions unanswered, and others want to be asked too.
_MAX_QUESTIONS: Final = 32
_MAX_QUESTIONS_OF_ONE: Final = 4


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a unique name on the bus, and its user as the bus knows it; None when it is gone already."""

    name: str
    uid: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """polkit's answer: yes; or no, which ``challenge`` says a password could turn into a yes."""

    authorized: bool
    challenge: bool


class Polkit:
    """Asks polkit on a connection to its bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._numbers = itertools.count(1)
        #: User → the questions for a password that are open.
        self._questions: Counter[int] = Counter()

    async def require(
        self, access: Access | None, caller: Caller, details: Mapping[str, str], *, interactive: bool
    ) -> None:
        """Return when the caller may. Raises VramswapError.

        What names no access is for nobody but root, whom polkit always allows everything and need not be there for.
        ``details``: what a person sees who is asked for a password; ``interactive``: whether one may be asked.
        """
        if access is Access.PUBLIC or caller.uid == 0:
            return
        if access is None or access is Access.ROOT or caller.uid is None or not caller.name.startswith(":"):
            raise VramswapError(Problem.ROOT_ALONE)
        try:
            verdict, asked = await self._decide(caller, caller.uid, access, details, interactive)
        except BusError as error:
            raise VramswapError(Problem.POLKIT_SILENT, why=str(error)) from None
        if verdict.authorized:
            return
        if not verdict.challenge:
            raise VramswapError(Problem.NOT_ALLOWED)
        raise VramswapError(Problem.PASSWORD_WRONG if asked else Problem.PASSWORD_NEEDED)

    async def _decide(
        self, caller: Caller, uid: int, access: Access, details: Mapping[str, str], interactive: bool
    ) -> tuple[Verdict, bool]:
        """The verdict, and whether a person was asked. Raises BusError."""
        with self._question(uid, interactive) as asks:
            verdict = await self._persistently(caller, access.value, details, asks)
            if not asks or verdict.authorized or verdict.challenge:
                return verdict, False
        # Of a password that was asked for in vain polkit says no more than of a policy that says no.
        return await self._persistently(caller, access.value, details, False), True

    @contextlib.contextmanager
    def _question(self, uid: int, interactive: bool) -> Iterator[bool]:
        """Whether there may be one more question to this user."""
        asks = interactive and self._questions.total() < _MAX_QUESTIONS and self._questions[uid] < _MAX_QUESTIONS_OF_ONE
        self._questions[uid] += asks
        try:
            yield asks
        finally:
            self._questions[uid] -= asks
            if not self._questions[uid]:
                del self._questions[uid]

    async def _persistently(self, caller: Caller, action: str, details: Mapping[str, str], asks: bool) -> Verdict:
        """The verdict; a polkitd that ends while it is asked is asked once more, because the bus starts a new one."""
        try:
            return await self._ask(caller, action, details, asks)
        except BusError as error:
            if error.name != NO_REPLY or not self._bus.connected:
                raise
        return await self._ask(caller, action, details, asks)

    async def _ask(self, caller: Caller, action: str, details: Mapping[str, str], asks: bool) -> Verdict:
        """``CheckAuthorization``. A question that nobody waits for any more is taken back. Raises BusError."""
        subject = ["system-bus-name", {"name": Variant("s", caller.name)}]
        question = str(next(self._numbers)) if asks else ""
        check = self._bus.call(
            _POLKIT, _PATH, _AUTHORITY, "CheckAuthorization", "(sa{sv})sa{ss}us",
            subject, action, dict(details), _ALLOW_INTERACTION * asks, question,
            reply="(bba{ss})", deadline=_QUESTION_DEADLINE if asks else ANSWER_DEADLINE,
        )  # fmt: skip
        if not asks:
            ((authorized, challenge, _),) = await check
            return Verdict(authorized, challenge)
        return await self._until_left(caller, check, question)

    async def _until_left(self, caller: Caller, check: Any, question: str) -> Verdict:
        asking = asyncio.ensure_future(check)
        left = asyncio.Event()
        leaving = asyncio.ensure_future(left.wait())
        peer = self._bus.peer(caller.name, lambda owner: None if owner else left.set())
        try:
            await peer.follow()
            if not peer.owner:
                left.set()
            await asyncio.wait([asking, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise BusError(DISCONNECTED, "the caller is gone")
            ((authorized, challenge, _),) = asking.result()
            return Verdict(authorized, challenge)
        except BaseException:
            self._bus.begin(self._take_back(question))
            raise
        finally:
            peer.stop()
            asking.cancel()
            leaving.cancel()

    async def _take_back(self, question: str) -> None:
        with contextlib.suppress(BusError):
            await self._bus.call(_POLKIT, _PATH, _AUTHORITY, "CancelCheckAuthorization", "s", question, start=False)
