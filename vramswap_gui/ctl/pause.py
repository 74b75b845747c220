# SPDX-License-Identifier: MIT
"""VRAM that is no swap for the time of a measurement, whatever lends it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Final

from vramswap_gui.api.dbus import LONGEST_PAUSE
from vramswap_gui.api.status import Cause, Status
from vramswap_gui.client import Client
from vramswap_gui.ctl.output import explain
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.units import MIB

#: Seconds, several times what a measurement takes, and how many of them have to be left when it begins.
_PAUSE, _LEAST = 120, 60
#: Bytes of pages that come home in a second, at the least.
_PACE: Final = 32 * MIB


@contextlib.asynccontextmanager
async def paused(client: Client) -> AsyncIterator[None]:
    """Inside, all pages are home and none leaves for VRAM. Raises VramswapError, also afterwards where that was not so.

    Afterwards the pause is as it was before. If this program should be killed, it ends by itself, no earlier than that.
    """
    used = (await client.refresh()).used
    pause = _Pause(client)
    try:
        # One question, which may be for a password, is for the way home, too.
        status = await pause.last(_PAUSE + used // _PACE)
        _require_away(status)
        if status.paused_until - time.time() < _LEAST:
            await pause.last(_PAUSE)
        yield
        _require_away(await client.refresh())
    finally:
        await pause.end()


def _require_away(status: Status) -> None:
    if not status.paused_until:
        # Turning it off ends a pause as well, and brings nothing back.
        off = not status.segments and status.cause is Cause.HAND
        raise VramswapError(Problem.BENCH_TURNED_OFF if off else Problem.BENCH_PAUSE_ENDED)
    if status.segments:
        raise status.error or VramswapError(Problem.CANCELLED)


class _Pause:
    """Ours, in the place of one that somebody else has set, which is so again when ours is over.

    There is but one, and it does not tell whose it is: ours is the one that ends when ours would.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        #: When somebody else's ends; 0 where there is none.
        self._theirs = 0
        #: When ours may end: nobody tells when a request was obeyed nor, where it failed, whether it was.
        self._ours: list[range] = []

    async def last(self, seconds: int) -> Status:
        """Have the pause last so many seconds from now on at the least, and pages be home. Raises VramswapError."""
        until = (await self._client.refresh()).paused_until
        if not self._is_ours(until):
            self._theirs = until
        begun = round(time.time())
        left = min(self._theirs - begun, LONGEST_PAUSE)
        try:
            # Theirs may have had no effect yet, and is theirs all the same.
            await self._client.pause(max(seconds, left))
        finally:
            if left < seconds:
                self._ours.append(range(begun + seconds, round(time.time()) + seconds + 1))
        status = await self._client.refresh()
        # Somebody else may have set another one while pages came home.
        until = status.paused_until
        # A helper that begins anew reckons it once more, and may come to the second before or after.
        self._ours = [range(until - 1, until + 2)] if self._is_ours(until) else []
        return status

    async def end(self) -> None:
        """What is measured is worth no less where that fails."""
        try:
            # What is not ours is left alone: it was refused, or somebody else has ended it, or set another one.
            if self._is_ours((await self._client.refresh()).paused_until):
                await self._client.pause(max(0, self._theirs - round(time.time())))
        except VramswapError as error:
            explain(VramswapError(Problem.BENCH_STAYS_PAUSED, why=error))

    def _is_ours(self, until: int) -> bool:
        return any(until in ends for ends in self._ours)
