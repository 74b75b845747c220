# SPDX-License-Identifier: MIT
"""A server whose keeper is gone: a new one takes over, beside the verbs. What is done next says takeover.py."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import swap_area, takeover
from vramswap_gui.helper.segments import Segments
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.steps import Goal
from vramswap_gui.helper.strays import Strays
from vramswap_gui.settings import Config

#: Seconds between two tries to have a new server take over.
_AGAIN_SECONDS: Final = 5.0


class ServerRecovery:
    """Has a new server take over the ``segments`` of one that is gone, one try at a time.

    ``verb``: held by whoever changes them. ``kernel``: its devices are real. ``fail`` hears of what goes wrong, and
    ``recovered`` is called when there is a server again that has them.
    """

    def __init__(
        self,
        server: ServerClient,
        segments: Segments,
        verb: asyncio.Lock,
        kernel: bool,
        sys: Path,
        settings: Callable[[], Config],
        fail: Callable[[VramswapError], None],
        recovered: Callable[[], None],
    ) -> None:
        self._server = server
        self._segments = segments
        self._verb = verb
        self._kernel = kernel
        self._sys = sys
        self._settings = settings
        self._fail = fail
        self._recovered = recovered
        #: The tries; done when there is a server that has them, or nothing left to have.
        self.task: asyncio.Task[None] | None = None
        #: Devices of ours that the server does not know, and since when.
        self._strays = Strays()

    def begin(self) -> None:
        """Begin, unless that is under way."""
        if not self.under_way:
            # Beside the verbs: one of them may wait for a page that nobody serves.
            self.task = asyncio.create_task(self._recover())

    @property
    def under_way(self) -> bool:
        """Whether a new server takes over, and nobody knows yet what it has."""
        return self.task is not None and not self.task.done()

    async def _recover(self) -> None:
        """Have a new server take over, as often as it takes: without one the next death of an engine is the last."""
        done = False
        while not done:
            try:
                done = await self._take_over()
            except OSError as error:
                self._fail(VramswapError(Problem.SYSTEM_REFUSED, why=os.strerror(error.errno or 0)))
            if not done:
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _take_over(self) -> bool:
        """Try it, step by step. False when it is to be tried again after a while. Raises OSError."""
        in_vain, known = False, None
        while True:
            match takeover.next_step(await self._left(known, in_vain)):
                case takeover.Step.START:
                    in_vain = not await self._start_again()
                case takeover.Step.END_STRAYS:
                    if not await self._end_strays():
                        return False
                    await self._forget()
                    return True
                case takeover.Step.ASK:
                    known = await self.known()
                    if known is None:
                        return False
                case takeover.Step.ADOPT:
                    await self._segments.know(known or {})
                    self._recovered()
                    return True
                case takeover.Step.GIVE_UP:
                    await self._give_up(known or {})
                    return not known or self._server.connected
                case takeover.Step.CLEAR:
                    return await self._clear(known or {})
                case _:
                    await self._forget()
                    return True

    async def _forget(self) -> None:
        """Nobody has any segment; unless a verb is under way, which may just have made swap of one."""
        if not self._verb.locked():
            await self._segments.know({})

    async def _left(self, known: Mapping[int, str] | None, in_vain: bool) -> takeover.Left:
        self._segments.look()
        swapped, there = self._segments.served, frozenset[str]()
        server = self._server.connected
        if not server and not swapped:
            there = await self._there()
        found = None if known is None or not server else frozenset(known.values())
        return takeover.Left(swapped, there, server, found, in_vain)

    async def _there(self) -> frozenset[str]:
        """The devices of ours, as far as they can be seen, but for those whose pages are lost."""
        found: frozenset[str] = frozenset()
        if self._kernel:
            with contextlib.suppress(VramswapError, OSError):
                found = frozenset((await self._ours()).values())
        return found - set(self._segments.lost)

    async def _ours(self) -> dict[str, str]:
        """The devices of ours by their identity. Raises VramswapError, OSError."""
        # Which takes netlink and rings with it: a helper that has nothing to do needs none of them.
        from vramswap_gui.system import devices

        return await asyncio.to_thread(devices.ours, self._sys)

    async def _start_again(self) -> bool:
        try:
            await self._server.start(self._settings())
        except VramswapError as error:
            self._fail(error)
            return False
        return True

    async def _end_strays(self) -> list[str]:
        strays = await self._server.end_strays()
        for device in strays:
            self._fail(VramswapError(Problem.PAGES_LOST, device=device))
        return strays

    async def known(self) -> Mapping[int, str] | None:
        """The devices that the server has; None if it does not say so."""
        try:
            return (await self._server.status()).devices
        except VramswapError as error:
            self._fail(error)
            return None

    async def _give_up(self, known: Mapping[int, str]) -> None:
        for device in takeover.lost(self._segments.served, known.values()):
            self._fail(VramswapError(Problem.PAGES_LOST, device=device))
        await self._segments.know(known)
        if not known:
            with contextlib.suppress(VramswapError):
                await self._server.quit()

    async def _clear(self, known: Mapping[int, str]) -> bool:
        """A server that nobody needs goes, with what another one left half made. False while a verb is under way, which
        may need it, and may wait for a page that nobody has until it is told so."""
        await self._segments.know(known)
        if self._verb.locked():
            return False
        async with self._verb:
            try:
                await self._segments.reach(Goal(end=True), self._settings())
            except VramswapError:
                return self._server.connected
        return True

    async def guard(self) -> None:
        """End devices of ours that nobody serves, and nobody will: their server died while it made them."""
        if not self._server.connected:
            await self._find_server()
            return
        if not self._kernel:
            return
        try:
            found = await self._ours()
        except (VramswapError, OSError):
            # The next look may see what this one could not.
            return
        # Without any there is nothing to ask the server for.
        served = set((await self._server.status()).devices.values()) if found else set()
        if served - {*self._segments.devices.values()} and not self._verb.locked():
            # Nobody told us when it came.
            async with self._verb:
                await self._segments.know((await self._server.status()).devices)
        for device in self._strays.judge(found, served, time.monotonic()):
            await asyncio.to_thread(swap_area.disconnect, device)

    async def _find_server(self) -> None:
        """One that somebody has started, be it systemd, and that nobody asks for anything; or what one left."""
        if self.under_way or self._verb.locked():
            return
        if await self._server.adopt() or await self._there():
            self.begin()
