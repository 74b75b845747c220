"""Keeps the swap as the policy wants it: looks, decides, has the manager follow, and sleeps until something changes."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from vramswap_gui.contract import State, VramswapError
from vramswap_gui.helper.decide import decide
from vramswap_gui.helper.diary import Diary
from vramswap_gui.helper.manager import Manager
from vramswap_gui.helper.senses import Senses
from vramswap_gui.helper.situation import History, Plan, Running, SessionSituation, Situation, rules

#: While VRAM is lent somebody may want it back, and has to get it within two seconds.
_LENT_SECONDS: Final = 1.0
#: While memory is plentiful the kernel tells when that changes; this is for kernels that do not, and costs nothing.
_WAITING_SECONDS: Final = 10.0
#: Nothing to wait for but what is signalled; this is for a battery without a daemon that tells.
_OFF_SECONDS: Final = 60.0
#: Pages that do not fit anywhere now will not a moment later.
_RETRY_SECONDS: Final = 10.0
#: Between two segments that nobody waits for: other programs shall not notice.
_LEISURE_SECONDS: Final = 1.0


class Governor:
    """One for a manager. ``run`` it, and ``poke`` it when anything has changed."""

    def __init__(self, manager: Manager, senses: Senses, diary: Diary) -> None:
        self._manager = manager
        self._senses = senses
        self._diary = diary
        self._poked = asyncio.Event()
        self._history = History()
        self._generation = -1
        self._stalled = False
        self._later = 0.0
        manager.decided = self.poke

    def poke(self) -> None:
        """Decide again, now."""
        self._poked.set()

    async def run(self) -> None:
        """Never returns."""
        trigger = self._senses.trigger()
        if trigger is not None:
            asyncio.get_running_loop().add_reader(trigger.fileno(), self._feel)
        try:
            while True:
                self._poked.clear()
                seconds = await self._step()
                try:
                    await asyncio.wait_for(self._poked.wait(), seconds)
                except TimeoutError:
                    continue
        finally:
            if trigger is not None:
                asyncio.get_running_loop().remove_reader(trigger.fileno())
                trigger.close()

    def _feel(self) -> None:
        # The loop's own look at the trigger has taken the event.
        self._stalled = True
        self.poke()

    async def _step(self) -> float:
        """One look and what follows from it. Returns after how many seconds to look again."""
        try:
            plan = await self._plan()
            if plan is None:
                return _LENT_SECONDS
            self._history = plan.history
            if time.monotonic() >= self._later:
                await self._manager.follow(plan, self._generation, _LEISURE_SECONDS)
            self._diary.look()
        except VramswapError as error:
            self._diary.not_followed(error)
            self._later = time.monotonic() + _RETRY_SECONDS
            return _RETRY_SECONDS
        except (OSError, ValueError, KeyError) as error:
            self._diary.blind(error)
            return _OFF_SECONDS
        if self._manager.lent:
            return _LENT_SECONDS
        most = _WAITING_SECONDS if self._manager.status.state is State.WAITING else _OFF_SECONDS
        return min(most, max(_LENT_SECONDS, plan.until - time.monotonic())) if plan.until else most

    async def _plan(self) -> Plan | None:
        """What is to be so now; None while a verb is under way, which knows better."""
        manager = self._manager
        if manager.busy:
            return None
        generation = manager.generation
        config = manager.config()
        held = await manager.held()
        stalled, self._stalled = self._stalled, False
        if generation != self._generation:
            # A person's own command: what was before it is no reason to do anything.
            self._generation, self._history, self._later = generation, History(), 0.0
        lent, used = manager.lent, manager.status.used
        situation = Situation(
            self._senses.memory(manager.devices, stalled),
            self._senses.gpu(self._senses.pci(config.gpu), held, lent),
            self._senses.power(),
            SessionSituation(manager.playing, manager.asleep or self._senses.asleep(), manager.hand),
            Running(lent, used, manager.failed_at),
            self._history,
        )
        return decide(situation, rules(config), time.monotonic())
