# SPDX-License-Identifier: MIT
"""How much VRAM is to be lent now, and why, as a pure function. Sizes in bytes, times in seconds.

:func:`decide` looks at an :class:`Observation` and answers with a :class:`Decision`. It remembers nothing: what it has
to know of earlier decisions is the :class:`PolicyState` that goes in and comes out anew.

It never flaps. VRAM is given back at once, and lent again only when nobody else has wanted it for a while, a while that
doubles with each time that it was taken back within the hour. There are at most ``PolicyConfig.raises`` raises an
hour, and between two of them at most six reductions: each way to reduce takes at least a quarter, or happens once.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from vramswap_gui.api.limits import Limits, Vram, limits
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, Mode, State
from vramswap_gui.helper.policy.types import Decision, Memory, Observation, PolicyConfig, PolicyState
from vramswap_gui.units import MAX_SEGMENTS, MIN_SIZE, SIZE_STEP, round_down, round_up

_HOUR: Final = 3600.0
#: The pause before lending again doubles up to so many times the first.
_LONGEST_CALM: Final = 16
#: A battery that went below the floor has to be so many per cent above it; its charge is no exact figure.
_BATTERY_BAND: Final = 5


@dataclass(frozen=True, slots=True)
class _Veto:
    """Nothing may be lent. ``after`` says afterwards why lending waits a little longer; None: it does not."""

    state: State
    reason: Reason
    cause: Cause
    urgent: bool = False
    after: Reason | None = None
    until: float | None = None


def decide(
    observation: Observation, state: PolicyState, config: PolicyConfig, now: float
) -> tuple[Decision, PolicyState]:
    """What to do at ``now``, seconds of a clock that never goes back, and what the next decision has to know."""
    view = _View(observation, config, now, _observe(observation, state, config, now))
    veto = view.veto()
    if veto is not None:
        return view.decision(0, veto.state, veto.reason, veto.cause, veto.until, veto.urgent, veto.after)
    base, supply = view.base(), view.supply()
    if supply is not None and supply < max(base, min(view.goal, state.size or 0)):
        size = base
        if supply < base:
            # A program that goes on allocating shall not meet a swapoff at every step.
            quarter = max(state.peak, base) // 4
            size = view.floor(min(supply, base - max(quarter, 1)))
        return view.lend(size, view.others(), None, urgent=True, denied=Reason.of(ReasonCode.VRAM_TAKEN))
    quiet_end = view.quiet_end() if base else None
    if quiet_end is not None and quiet_end <= now:
        return view.lend(0, None, None)
    want = view.want(base)
    hindrance, until = view.hindrance(base)
    if want > base and hindrance is None:
        return view.lend(min(want, view.reach()), None if want <= view.reach() else view.others(), None)
    if want <= base and view.goal:
        # What hinders for a while only is of no interest to somebody who has enough.
        hindrance, until = (view.others() if view.reach() <= base < view.goal else None), None
    return view.lend(base, hindrance, min((end for end in (until, quiet_end) if end is not None), default=None))


def off(taken_down: bool = False) -> Reason:
    """Why nothing is lent that nobody wants; ``taken_down``: because of ``swapoff``."""
    return Reason.of(ReasonCode.TAKEN_DOWN if taken_down else ReasonCode.OFF)


def lent(size: int, goal: int, hindrance: Reason) -> Reason:
    """Why so much is lent, and no more because of a ``hindrance``."""
    if size >= goal:
        return Reason.of(ReasonCode.LENT, size=size)
    return Reason.of(ReasonCode.LENT_LESS, size=size, goal=goal, why=hindrance)


def _observe(observation: Observation, old: PolicyState, rules: PolicyConfig, now: float) -> PolicyState:
    """The state with what this observation shows written in."""
    gpu, power = observation.gpu, observation.power
    clients = None if gpu.runtime.asleep else gpu.other_clients
    arrived = clients is not None and old.clients is not None and clients > old.clients
    works = not gpu.runtime.asleep and (gpu.utilisation or 0) >= rules.busy
    failed = observation.running.failed_at
    denied = (old.denied_at, old.denied_by)
    if failed is not None and (old.denied_at is None or failed > old.denied_at):
        denied = (failed, Reason.of(ReasonCode.LENDING_FAILED))
    low = old.low_battery
    if power.on_ac or power.battery_percent is None or power.battery_percent >= rules.battery_floor + _BATTERY_BAND:
        low = False
    elif power.battery_percent < rules.battery_floor:
        low = True
    home = observation.memory.available - observation.running.used
    calm = home * 100 >= observation.memory.total * rules.plenty and not pressed(observation.memory, rules)
    return dataclasses.replace(
        old,
        raises=tuple(at for at in old.raises if now < at + _HOUR),
        yields=tuple(at for at in old.yields if now < at + _HOUR),
        clients=clients,
        active_at=now if works or arrived else old.active_at,
        denied_at=denied[0],
        denied_by=denied[1],
        quiet_since=(now if old.quiet_since is None else old.quiet_since) if calm else None,
        low_battery=low,
    )


def pressed(memory: Memory, rules: PolicyConfig) -> bool:
    """Whether tasks wait for memory."""
    some, full = memory.psi_some_avg10 or 0.0, memory.psi_full_avg10 or 0.0
    return memory.stalled or some >= rules.start_some or full >= rules.start_full


def _short(memory: Memory, rules: PolicyConfig) -> bool:
    """Whether programs are about to be short of memory."""
    if memory.available * 100 < memory.total * rules.start_available:
        return True
    if memory.available * 100 >= memory.total * rules.plenty:
        # Pressure with plenty available is that of a control group with a limit of its own.
        return False
    swap = memory.other_swap_used + memory.other_swap_free
    return pressed(memory, rules) or (swap > 0 and memory.other_swap_used * 100 >= swap * rules.start_other_swap)


@dataclass(frozen=True)
class _View:
    """An observation with what follows from it."""

    observation: Observation
    rules: PolicyConfig
    now: float
    state: PolicyState

    @cached_property
    def limits(self) -> Limits | None:
        """Those of the card; None while it was never asked."""
        gpu, rules, lent = self.observation.gpu, self.rules, self.observation.running.size
        if gpu.total is None:
            return None
        vram = Vram(gpu.total, gpu.free, lent, gpu.display_attached, max(0, gpu.used_by_us - lent))
        return limits(vram, rules.headroom, rules.maximum, rules.display_headroom)

    @cached_property
    def goal(self) -> int:
        """The most that is lent when nobody else uses the GPU; 0 when that is too little to be of use."""
        wishes = [size for size in (self.rules.size, self.rules.maximum) if size]
        if self.limits is not None:
            wishes.append(self.limits.largest)
        goal = round_down(max(0, min(wishes or [self.rules.segment])), SIZE_STEP)
        return goal if goal >= MIN_SIZE else 0

    def _unit(self) -> int:
        return max(
            SIZE_STEP, min(self.goal, max(self.rules.segment, round_up(-(-self.goal // MAX_SEGMENTS), SIZE_STEP)))
        )

    def floor(self, size: int) -> int:
        """The largest possible size that is not above ``size``."""
        size = self.goal if size >= self.goal else round_down(max(0, size), self._unit())
        return size if size >= MIN_SIZE else 0

    def _ceil(self, size: int) -> int:
        return min(self.goal, round_up(size, self._unit()))

    def _active(self) -> bool:
        """Whether others were at work on the GPU just now."""
        return self.state.active_at is not None and self.now < self.state.active_at + self.rules.calm

    def supply(self) -> int | None:
        """What can be lent beside what others use; less than nothing if they use the headroom. None: not known."""
        gpu = self.observation.gpu
        if gpu.free is None or gpu.total is None or self.limits is None:
            return None
        kept = max(self.limits.headroom, gpu.total // 4) if self._active() else self.limits.headroom
        return self.observation.running.size + gpu.free - kept

    def reach(self) -> int:
        """The size that could be had now."""
        supply = self.supply()
        return self.floor(self.goal if supply is None else min(self.goal, supply))

    def base(self) -> int:
        """What counts as lent: what was planned, unless that has become impossible."""
        running, planned, supply = self.observation.running, self.state.size, self.supply()
        if planned is not None and running.size < planned:
            failed = running.failed_at is not None and running.failed_at >= max(self.state.raises, default=0.0)
            if failed or (supply is not None and supply < planned):
                planned = None
        if planned is None:
            planned = running.size
        return min(planned, self.goal)

    def veto(self) -> _Veto | None:
        """Why nothing may be lent, if so."""
        session = self.observation.session
        if session.asleep:
            return _Veto(State.OFF, Reason.of(ReasonCode.ASLEEP), Cause.SLEEP, urgent=True)
        if session.hand is False:
            return _Veto(State.OFF, off(session.taken_down), Cause.HAND)
        if not session.hand and self.rules.mode is Mode.OFF:
            return _Veto(State.OFF, off(), Cause.HAND)
        # Whoever turns it on by hand has seen the battery.
        return self._of_session() or (None if session.hand else self._of_power())

    def _of_session(self) -> _Veto | None:
        """What people have it make way for."""
        session = self.observation.session
        if session.paused_until is not None and self.now < session.paused_until:
            return _Veto(State.OFF, Reason.of(ReasonCode.PAUSED), Cause.PAUSE, urgent=True, until=session.paused_until)
        if self.rules.pause_for_games and session.game_mode:
            reason, after = Reason.of(ReasonCode.GAME), Reason.of(ReasonCode.GAME_RAN)
            return _Veto(State.WAITING, reason, Cause.GAME, urgent=True, after=after)
        if session.program:
            reason = Reason.of(ReasonCode.PROGRAM, program=session.program)
            after = Reason.of(ReasonCode.PROGRAM_RAN, program=session.program)
            return _Veto(State.WAITING, reason, Cause.PROGRAM, urgent=True, after=after)
        return None

    def _of_power(self) -> _Veto | None:
        power, rules = self.observation.power, self.rules
        if rules.only_on_ac and power.on_ac is False and not self.observation.session.battery_once:
            reason, after = Reason.of(ReasonCode.ON_BATTERY), Reason.of(ReasonCode.WAS_ON_BATTERY)
            return _Veto(State.OFF, reason, Cause.BATTERY, after=after)
        if rules.pause_in_power_saver and power.saving:
            reason, after = Reason.of(ReasonCode.POWER_SAVER), Reason.of(ReasonCode.WAS_SAVING_POWER)
            return _Veto(State.OFF, reason, Cause.PROFILE, after=after)
        if self.state.low_battery:
            level, floor = power.battery_percent or 0.0, rules.battery_floor
            reason = Reason.of(ReasonCode.BATTERY_LOW, level=round(level), floor=floor)
            if level >= floor:
                code = ReasonCode.BATTERY_NEAR_FLOOR
                reason = Reason.of(code, level=round(level), band=_BATTERY_BAND, floor=floor)
            return _Veto(State.OFF, reason, Cause.BATTERY, after=Reason.of(ReasonCode.BATTERY_WAS_LOW))
        return None

    def _always(self) -> bool:
        return self.rules.mode is Mode.ALWAYS or bool(self.observation.session.hand)

    def quiet_end(self) -> float | None:
        """When everything is to be released, unless memory gets short before."""
        if self._always() or self.state.quiet_since is None:
            return None
        return self.state.quiet_since + self.rules.quiet

    def want(self, base: int) -> int:
        """What would be good to have."""
        if self._always():
            return self.goal
        if base == 0:
            return self._ceil(self.goal // 4) if _short(self.observation.memory, self.rules) else 0
        taken = self.observation.running.taken
        if taken * 100 <= base * self.rules.grow_used or self.state.quiet_since is not None:
            return base
        return self._ceil(max(base + self.goal // 4, 2 * taken))

    def others(self) -> Reason:
        """What others do with the GPU."""
        gpu = self.observation.gpu
        many = (gpu.other_clients or 0) > 1
        if self._active():
            return Reason.of(ReasonCode.OTHER_PROGRAMS_ACTIVE if many else ReasonCode.OTHER_PROGRAM_ACTIVE)
        if not gpu.used_by_others or gpu.used_by_others < 0:
            return Reason.of(ReasonCode.REST_USED)
        code = ReasonCode.OTHER_PROGRAMS_USE if many else ReasonCode.OTHER_PROGRAM_USES
        return Reason.of(code, used=gpu.used_by_others)

    def hindrance(self, base: int) -> tuple[Reason | None, float | None]:
        """Why not more than ``base`` is lent, and until when; None if nothing is in the way."""
        history, rules = self.state, self.rules
        if self.goal == 0:
            return Reason.of(ReasonCode.NO_VRAM_TO_SPARE), None
        pause = rules.calm * min(2 ** max(0, len(history.yields) - 1), _LONGEST_CALM)
        if history.active_at is not None and self.now < history.active_at + pause:
            others = self.others()
            if not self._active():
                others = Reason.of(ReasonCode.UNTIL_NOW, why=others)
            return others, history.active_at + pause
        if self.reach() <= base:
            return self.others(), None
        if history.denied_at is not None and self.now < history.denied_at + pause:
            what = history.denied_by or Reason.of(ReasonCode.LENDING_FAILED)
            return Reason.of(ReasonCode.A_MOMENT_AGO, what=what), history.denied_at + pause
        if len(history.raises) >= rules.raises:
            return Reason.of(ReasonCode.CHANGED_TOO_OFTEN), history.raises[0] + _HOUR
        return None, None

    def lend(
        self,
        size: int,
        hindrance: Reason | None,
        until: float | None,
        urgent: bool = False,
        denied: Reason | None = None,
    ) -> tuple[Decision, PolicyState]:
        """To lend ``size``, with the reason."""
        memory, rules = self.observation.memory, self.rules
        cause = Cause.VRAM if hindrance else Cause.MEMORY
        if size:
            reason = lent(size, self.goal, hindrance or Reason.of(ReasonCode.ENOUGH))
            if size >= self.goal:
                cause = Cause.NONE
        elif self._always():
            reason = Reason.of(ReasonCode.NOTHING_LENT, why=hindrance or self.others())
        elif hindrance and _short(memory, rules):
            reason = Reason.of(ReasonCode.SHORT_BUT, why=hindrance)
        else:
            cause = Cause.MEMORY
            plenty = memory.available * 100 >= memory.total * rules.plenty
            reason = Reason.of(ReasonCode.MEMORY_PLENTIFUL if plenty else ReasonCode.MEMORY_NOT_SHORT)
            if self.observation.session.taken_down:
                reason = Reason.of(ReasonCode.TAKEN_DOWN_FOR_NOW)
        return self.decision(size, State.ON if size else State.WAITING, reason, cause, until, urgent, denied)

    def decision(
        self,
        size: int,
        state: State,
        reason: Reason,
        cause: Cause,
        until: float | None = None,
        urgent: bool = False,
        denied: Reason | None = None,
    ) -> tuple[Decision, PolicyState]:
        """The decision, and what the next one has to know of it."""
        old, running = self.state, self.observation.running
        before = running.size if old.size is None else old.size
        new = dataclasses.replace(old, size=size, peak=max(old.peak, before) if size else 0)
        if denied:
            new = dataclasses.replace(new, denied_at=self.now, denied_by=denied)
        if size > before:
            new = dataclasses.replace(new, peak=size, raises=(*old.raises, self.now), falling=False, urgent=False)
        elif size < before:
            yields = (*old.yields, self.now) if denied and not old.falling else old.yields
            new = dataclasses.replace(new, yields=yields, falling=bool(denied), urgent=urgent)
        hurry = running.size > size and (urgent or new.urgent)
        return Decision(size, state, reason, cause, until, hurry), new
