# SPDX-License-Identifier: MIT
"""Keeps the swap as the policy wants it: looks, decides, acts, and sleeps until something changes."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from vramswap_gui.api.status import State
from vramswap_gui.errors import VramswapError
from vramswap_gui.helper.event_log import EventLog
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.monitor import Monitor
from vramswap_gui.helper.policy.lending import decide, pressed
from vramswap_gui.helper.policy.types import Decision, Observation, PolicyState, Running, SessionObservation, rules
from vramswap_gui.helper.tally import Ledger

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


class Reconciler:
    """One for a lifecycle. ``run`` it, and ``poke`` it when anything has changed."""

    def __init__(self, lifecycle: Lifecycle, monitor: Monitor, events: EventLog, ledger: Ledger) -> None:
        self._lifecycle = lifecycle
        self._monitor = monitor
        self._events = events
        self._ledger = ledger
        self._poked = asyncio.Event()
        self._state = PolicyState()
        self._generation = -1
        self._stalled = False
        #: Whether the machine was about to sleep when the last step was taken, by logind.
        self._slept = False
        #: Whether the last step came to look at all.
        self._planned = False
        #: Until when what failed is not tried again; and whether nothing else is either, as it was to give VRAM back.
        self._later = 0.0
        self._stuck = False
        self._unbalanced_until = 0.0
        #: What people had asked for when the last step was taken, and who waits for the next one.
        self._answered = -1
        self._taken = asyncio.Event()
        self._tidying: asyncio.Task[None] | None = None
        lifecycle.decided = self.poke
        lifecycle.settle = self.settle

    def poke(self) -> None:
        """Decide again, now."""
        self._poked.set()

    async def run(self) -> None:
        """Never returns."""
        trigger = self._monitor.trigger()
        if trigger is not None:
            asyncio.get_running_loop().add_reader(trigger.fileno(), self._feel)
        try:
            while True:
                self._poked.clear()
                generation = self._lifecycle.generation
                seconds = await self._step()
                if self._planned:
                    self._answered = generation
                    self._taken.set()
                    self._taken = asyncio.Event()
                try:
                    await asyncio.wait_for(self._poked.wait(), seconds)
                except TimeoutError:
                    continue
        finally:
            if trigger is not None:
                asyncio.get_running_loop().remove_reader(trigger.fileno())
                trigger.close()

    async def settle(self) -> None:
        """Return when what people have asked for until now has had its effect, or failed to."""
        wanted = self._lifecycle.generation
        while self._answered < wanted:
            await self._taken.wait()

    def _feel(self) -> None:
        # The loop's own look at the trigger has taken the event.
        self._stalled = True
        self.poke()

    async def _step(self) -> float:
        """One look and what follows from it. Returns after how many seconds to look again."""
        try:
            self._ledger.look(self._lifecycle.devices)
            await self._lifecycle.guard()
            await self._rise()
            decision = await self._decide()
            if decision is None:
                return _LENT_SECONDS
            if not await self._follow(decision):
                return _LENT_SECONDS
            await self._balance()
            self._events.look()
            if self._tidying is None or self._tidying.done():
                # Beside the steps: it may take minutes, and nobody waits for it.
                self._tidying = asyncio.create_task(self._tidy())
        except VramswapError as error:
            self._events.not_followed(error)
            self._later = time.monotonic() + _RETRY_SECONDS
            return _RETRY_SECONDS
        except Exception as error:
            # Whatever it is, the next look may do better, and nobody else looks.
            self._events.blind(error)
            return _OFF_SECONDS
        if self._lifecycle.lent:
            return _LENT_SECONDS
        status = self._lifecycle.status
        # A swap file on a disk goes soon after it can.
        most = _WAITING_SECONDS if status.state is State.WAITING or any(status.landed) else _OFF_SECONDS
        return min(most, max(_LENT_SECONDS, decision.until - time.monotonic())) if decision.until else most

    async def _follow(self, decision: Decision) -> bool:
        """Do it, unless that failed a moment ago. False when more was to be lent, and could not be: what is lent may be
        wanted back meanwhile. Raises VramswapError."""
        gives_back = decision.size < self._lifecycle.lent
        if time.monotonic() < self._later and (self._stuck or not gives_back):
            return True
        try:
            await self._lifecycle.follow(decision, self._generation, _LEISURE_SECONDS)
        except VramswapError as error:
            self._stuck = gives_back or not self._lifecycle.lent
            if self._stuck:
                raise
            self._events.not_followed(error)
            self._later = time.monotonic() + _RETRY_SECONDS
            return False
        return True

    async def _rise(self) -> None:
        """The sleep is over when logind says so, whatever became of the unit that says it else."""
        slept, self._slept = self._slept, self._monitor.asleep()
        if slept and not self._slept and self._lifecycle.asleep:
            await self._lifecycle.wake()

    async def _balance(self) -> None:
        """What the policy wants does not wait for this, should it fail."""
        if time.monotonic() >= self._unbalanced_until:
            try:
                await self._lifecycle.balance()
            except VramswapError as error:
                self._events.not_followed(error)
                self._unbalanced_until = time.monotonic() + _RETRY_SECONDS

    async def _tidy(self) -> None:
        try:
            await self._lifecycle.tidy()
            self._events.look()
        except VramswapError as error:
            self._events.not_followed(error)
        except Exception as error:
            # As in a step; and nobody waits for this to see it fail.
            self._events.blind(error)

    async def _decide(self) -> Decision | None:
        """What is to be so now; None while a verb is under way, which knows better."""
        lifecycle = self._lifecycle
        self._planned = not lifecycle.busy
        if not self._planned:
            return None
        generation = lifecycle.generation
        config = lifecycle.config()
        held = await lifecycle.held()
        power = self._monitor.power()
        lifecycle.expire(power.on_ac)
        stalled, self._stalled = self._stalled, False
        if generation != self._generation:
            # A person's own command: what was before it is no reason to do anything.
            self._generation, self._state, self._later = generation, PolicyState(), 0.0
        areas = lifecycle.look()
        lent, planned = lifecycle.lent, self._state.size
        # What is planned need not be whole extents, and is lent all the same.
        size = planned if planned and lifecycle.whole(planned) == lent else lent
        observation = Observation(
            self._monitor.memory(areas, lifecycle.areas, stalled),
            await self._monitor.gpu(self._monitor.pci(config.gpu), held, lent),
            power,
            SessionObservation(
                lifecycle.playing,
                lifecycle.asleep or self._monitor.asleep(),
                lifecycle.hand,
                lifecycle.taken_down,
                lifecycle.paused_until(time.monotonic()),
                lifecycle.battery_once,
                self._monitor.program(config.make_way_for),
            ),
            Running(size, lifecycle.status.used, lifecycle.failed_at, lifecycle.taken()),
        )
        policy = rules(config)
        lifecycle.watch(pressed(observation.memory, policy))
        decision, self._state = decide(observation, self._state, policy, time.monotonic())
        return decision
