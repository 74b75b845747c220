# SPDX-License-Identifier: MIT
"""The life of the swap: from nothing to segments in use, and back with every page safe."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from vramswap_gui import __version__
from vramswap_gui.api.control import GpuInfo
from vramswap_gui.api.dbus import LONGEST_PAUSE
from vramswap_gui.api.limits import Vram
from vramswap_gui.api.reasons import ReasonCode
from vramswap_gui.api.status import Cause, Mode, State, Status
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.helper.at_boot import AtBoot
from vramswap_gui.helper.config_file import ConfigFile, changed
from vramswap_gui.helper.helper_service import is_at_boot
from vramswap_gui.helper.landing import LandingPlace
from vramswap_gui.helper.policy import landing, limits, pool, sizing
from vramswap_gui.helper.policy.explain import Facts, explain
from vramswap_gui.helper.policy.types import Decision
from vramswap_gui.helper.recovery import ServerRecovery
from vramswap_gui.helper.runtime_state import RuntimeState, boot_time
from vramswap_gui.helper.segments import Segments
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.steps import Goal
from vramswap_gui.paths import STATE
from vramswap_gui.settings import LANDING_OFF, Config
from vramswap_gui.system import gpu, ours
from vramswap_gui.system.swaps import Swap

#: Disks fill, and are mounted, without a word.
_GROUND_SECONDS: Final = 60.0
#: What packed pages have earned, and lost again, is not earned anew at once.
_STEADY_SECONDS: Final = 60.0
#: Whoever turns one segment off with ``swapoff`` may be about to turn off the next one: longer than one takes.
_TAKEN_SECONDS: Final = 30.0
#: How often it is tried at once to have what is earned, while others write.
_TRIES: Final = 3
#: A clock that is set right goes less wrong meanwhile.
_CLOCK_SECONDS: Final = 5.0


async def _nothing() -> None:
    """What there is to wait for without a policy."""


class Lifecycle:
    """Owns the swap. Verbs run one after the other; ``changed`` hears of every new status."""

    def __init__(
        self,
        server: ServerClient,
        config: ConfigFile,
        folder: Path,
        attach: str,
        proc: Path = Path("/proc"),
        sys: Path = Path("/sys"),
        state: Path = STATE,
    ) -> None:
        self._server = server
        self._file = config
        self._folder = folder
        self._runtime = RuntimeState(folder)
        self._attach = attach
        self._proc = proc
        self._sys = sys
        #: The card as it was when it was last asked.
        self._vram_seen: Vram | None = None
        self._verb = asyncio.Lock()
        self._at_boot = AtBoot(state)
        #: What the file said of it when that was last looked at.
        self._at_boot_seen: bool | None = None
        self._place = LandingPlace(state, folder, proc, sys, server.by_systemd)
        self._segments = Segments(server, attach == "kernel", proc, sys, folder, self._moved, self._place)
        #: A swap file that is not needed any more is being emptied; whatever is asked for comes first.
        self._tidying = False
        #: Nobody has moved pages for a while.
        self._calm = False
        #: The device that goes, or went last, because much of what it has is stale.
        self.stale = ""
        #: The setting of which the status says what it comes to, and when to look again.
        self._ground: tuple[str, float] = ("", 0.0)
        #: Until when no more swap is earned; and until when there is none besides, as somebody turned some of it off.
        self._steady_until = self._taken_until = float("-inf")
        #: What was wanted when VRAM was lent, what the policy wants since, what made somebody change something, and
        #: what could not be done of it: of these the status says why it is as it is (explain.py).
        self._aim = 0
        self._decision: Decision | None = None
        self._cause = Cause.NONE
        self._refused: ReasonCode | None = None
        self._recovery = ServerRecovery(
            server, self._segments, self._verb, attach == "kernel", sys, self._settings, self._fail, self._recovered
        )
        self.playing = False
        #: Whether it is off because somebody used ``swapoff``.
        self.taken_down = False
        #: Counts what people ask for: a decision that was made before it is void.
        self.generation = 0
        #: When lending was last tried by the policy, and failed.
        self.failed_at: float | None = None
        #: Called when there is something to decide anew.
        self.decided: Callable[[], None] = lambda: None
        #: Returns when the policy has done what people asked for.
        self.settle: Callable[[], Awaitable[None]] = _nothing
        self._status = Status(version=__version__)
        self.changed: Callable[[Status], None] = lambda status: None
        server.lost = self._server_lost

    @property
    def status(self) -> Status:
        """The state of things at the last :meth:`look`, or after the last step of a verb."""
        return self._status

    def look(self) -> tuple[Swap, ...]:
        """Have the status be of now, with the use of each segment as the kernel counts it; also all swap areas.

        Raises OSError.
        """
        areas = self._segments.look()
        self._moved()
        return areas

    def config(self) -> Config:
        """The settings in force, also when somebody edited the file. Raises VramswapError CONFIG_INVALID."""
        config = self._file.load()
        changes: dict[str, Any] = {"mode": Mode(config.mode), "wanted": config.size}
        # What is wrong with the file is an error beside the state: the last good settings are in force.
        if self._file.trouble is None and self._is_config_broken():
            changes["error"] = None
            if self._status.state is State.FAILED:
                changes["state"] = State.OFF
        self._set(**changes)
        return config

    def _is_config_broken(self) -> bool:
        return self._status.error is not None and self._status.error.code is ErrorCode.CONFIG_INVALID

    @property
    def hand(self) -> bool | None:
        """What a person said last, on or off; None while the mode decides."""
        return self._runtime.hand

    @property
    def asleep(self) -> bool:
        """Whether the machine sleeps, or is about to."""
        return self._runtime.asleep

    @property
    def battery_once(self) -> bool:
        """Whether VRAM is lent on battery too until mains power is back."""
        return self._runtime.battery_once

    @property
    def busy(self) -> bool:
        """Whether a verb is under way."""
        return self._verb.locked() and not self._tidying

    @property
    def devices(self) -> frozenset[str]:
        """The devices of the segments."""
        return frozenset(self._segments.devices.values())

    @property
    def areas(self) -> frozenset[str]:
        """The names of all swap that is ours: of the segments, and of the files for what fits nowhere else."""
        return self.devices | {str(path) for path in self._place.files.values()}

    @property
    def lent(self) -> int:
        """Bytes of VRAM that are swap."""
        return self._segments.vram

    def taken(self) -> int | None:
        """Where pages are packed: how much of what is lent is in use."""
        return self._segments.taken()

    def whole(self, size: int) -> int:
        """What of ``size`` bytes can be lent."""
        return self._segments.whole(size)

    async def held(self) -> GpuInfo | None:
        """What the server says of the GPU; None while none runs. Raises VramswapError while the GPU does not serve."""
        try:
            found = await self._server.gpu()
        except VramswapError as error:
            self._fail(error)
            raise
        self._set(damaged=self._server.damaged, no_room=self._server.no_room)
        return found

    async def adopt(self) -> None:
        """Take over what an earlier helper left: swap in use stays, a half-made segment goes."""
        async with self._changing():
            config = Config()
            try:
                config = self._file.load()
            except VramswapError as error:
                self._fail(error)
            simulated = () if self._attach == "kernel" else ("kernel",)
            self._set(mode=Mode(config.mode), wanted=config.size, simulated=simulated)
            left = self.paused_until(time.time())
            self._set(paused_until=round(left or 0), battery_once=self._runtime.battery_once)
            await self._place.find(config.landing)
            # Of segments nothing is known yet; a file that is no swap goes.
            await self._segments.reach(Goal(), config)
            await self._judge_ground()
            # Without a server there may still be swap of ours, served by an engine that outlived its keeper.
            left = await self._segments.find()
            known = await self._recovery.known() if await self._server.adopt() else None
            if known is None:
                if left or self._server.connected:
                    self._server_lost()
                return
            # What is swap besides was lost with an earlier server.
            await self._segments.know(known)
            try:
                await self._segments.reach(Goal(), config)
            except VramswapError as error:
                self._fail(error)
                return
            if not self._segments.devices:
                await self._taken_down()
                return
            with contextlib.suppress(VramswapError):
                await self._vram(config)
            self._aim = config.size or self.lent
            if self.hand is None and config.mode == Mode.OFF:
                # Whoever turned it on, it was not this mode.
                self._runtime.hand = True
            self._rest()

    async def start(self) -> None:
        """Turn the swap on. Raises VramswapError; then it is off and the machine as it was."""
        async with self._changing():
            if self.asleep:
                raise VramswapError(Problem.GOING_TO_SLEEP)
            await self._start()
            self._end_pause()
            self._by_hand(True)

    async def _start(self, most: int | None = None) -> None:
        """``most``: lend no more than so many bytes, however much there is."""
        config = self._file.load()
        await self._segments.reach(Goal(), config)
        if self._segments.devices:
            if not self._server.connected:
                raise VramswapError(Problem.KEEPER_ENDED)
            return
        self._set(state=State.STARTING, error=None)
        try:
            gpu.require(config.gpu, self._sys, self._proc)
            await self._server.start(config)
            await self._segments.know((await self._server.status()).devices)
            # What an earlier one left half made.
            await self._segments.reach(Goal(), config)
            vram = await self._vram(config)
            self._aim = sizing.target(config, vram)
            size = self._aim if most is None else min(self._aim, most)
            await self._segments.begin(size, pool.extent(self._aim, limits.of(config, vram).largest), config)
        except VramswapError as error:
            await self._undo(config)
            self._fail(error)
            raise
        if config.size:
            self._aim = min(config.size, limits.of(config, vram).largest)
        self._rest()

    async def stop(self) -> None:
        """Turn the swap off, pages first. Raises VramswapError; then what is still in use goes on serving."""
        async with self._changing():
            await self._stop()
            self._end_pause()
            self._by_hand(False)

    async def _stop(self, pause: float = 0, cause: Cause = Cause.HAND) -> None:
        areas = self._segments.areas()
        if areas:
            await self._segments.make_room([area.index for area in areas], self._settings())
            self._cause = cause
            self._set(state=State.STOPPING)
        async with self._resting():
            # The last one has the fewest pages, and while it goes the kernel may use the others.
            last_first = tuple(sorted(self._segments.devices, reverse=True))
            await self._segments.reach(Goal(leave=last_first, end=True), self._settings(), pause)
        self._set(state=State.OFF, error=None, segments=())

    async def upgrade(self) -> None:
        """Have a running server become the version that is installed now, with the swap on. Raises VramswapError."""
        async with self._changing():
            if self._server.connected:
                try:
                    await self._server.upgrade()
                finally:
                    self._rest()

    async def sleep(self) -> None:
        """Before the machine sleeps, which powers the GPU down: off until :meth:`wake`.

        Raises VramswapError; then the machine must not sleep, or it would hang on the first page it wants back.
        """
        async with self._changing():
            try:
                if self._segments.areas():
                    await self._stop(cause=Cause.SLEEP)
                else:
                    # No page is on the GPU, so whatever else is broken is no reason to stay awake.
                    with contextlib.suppress(VramswapError):
                        await self._stop(cause=Cause.SLEEP)
            except VramswapError as error:
                self._refuse(ReasonCode.KEEPS_AWAKE, Cause.SLEEP, error)
                raise
            self._runtime.fall_asleep()
            self._set()

    async def wake(self) -> None:
        """After the sleep. Whether it is on again is for the policy to decide, which knows the battery, and how much is
        of use."""
        async with self._changing():
            if not self.asleep:
                return
            self._runtime.wake()
            self._set()
            self._by_hand(self.hand)

    async def pause(self, seconds: int) -> None:
        """Lend nothing for so long, by the policy; 0 ends the pause. Raises VramswapError."""
        if seconds > LONGEST_PAUSE:
            raise VramswapError(Problem.PAUSE_TOO_LONG, longest=LONGEST_PAUSE)
        async with self._changing():
            if seconds:
                self._runtime.paused_until = boot_time() + seconds
                self._set(paused_until=round(time.time()) + seconds)
            else:
                self._end_pause()
            self._by_hand(self.hand)

    def paused_until(self, now: float) -> float | None:
        """When the pause ends, on the clock that shows ``now``; None while there is none."""
        until = self._runtime.paused_until
        return None if until is None else now + until - boot_time()

    async def use_battery(self, wanted: bool) -> None:
        """Have the policy lend on battery too, until :meth:`expire` hears of mains power."""
        async with self._changing():
            self._runtime.battery_once = wanted
            self._set(battery_once=wanted)
            self._by_hand(self.hand)

    def expire(self, on_ac: bool | None) -> None:
        """End what was wanted for a while only."""
        now = time.time()
        until = self.paused_until(now)
        if until is not None and until <= now:
            self._end_pause()
        elif until is not None and abs(until - self._status.paused_until) >= _CLOCK_SECONDS:
            # Somebody set the clock, by which people are told of it.
            self._set(paused_until=round(until))
        if on_ac and self._runtime.battery_once:
            self._runtime.battery_once = False
            self._set(battery_once=False)

    def _end_pause(self) -> None:
        self._runtime.paused_until = None
        self._set(paused_until=0)

    async def cancel(self) -> None:
        """Have the segment that is being emptied stay, if there is one; what waits for it fails with CANCELLED."""
        self._segments.cancel()

    async def resize(self, size: int) -> None:
        """Keep ``size`` (0: automatic) and, when the swap is on, bring it there. Raises VramswapError."""
        async with self._changing():
            config = changed(self._file.load(), {"size": size})
            await self._segments.reach(Goal(), config)
            if self._segments.devices:
                vram = await self._vram(config)
                limits.require_possible(config, vram)
                goal = sizing.target(config, vram)
                if config.mode == Mode.ON_DEMAND and not self.hand:
                    # A larger limit is no need for more.
                    goal = min(goal, self.lent)
                first = self._segments.resized(goal)
                await self._segments.make_room(first.leave, config)
                self._set(state=State.RESIZING)
                async with self._resting():
                    try:
                        await self._segments.resize(first, goal, config)
                    except VramswapError:
                        # What was refused a moment ago is not tried again at once, nor is it the setting.
                        self.failed_at = time.monotonic()
                        raise
                    self._file.save(config)
                    self._set(wanted=config.size)
                    self._aim = config.size or goal
            else:
                if self._vram_seen is not None:
                    limits.require_possible(config, self._vram_seen)
                self._file.save(config)
                self._set(wanted=config.size)
            self._by_hand(self.hand)

    def set_playing(self, playing: bool) -> None:
        """Whether somebody plays a game, who then wants the VRAM."""
        self.playing = playing
        self.decided()

    async def configure(self, values: dict[str, object]) -> None:
        """Change settings for everyone; those about a start are in force at the next one. Raises VramswapError."""
        async with self._changing():
            before = self._file.load()
            config = changed(before, values)
            if config.gpu != before.gpu:
                gpu.require(config.gpu, self._sys, self._proc)
            self._file.save(config)
            if "at_boot" in values:
                # Also what the file says already: somebody may have told the service manager otherwise.
                try:
                    await self._at_boot.choose(config.at_boot)
                except VramswapError:
                    # All or nothing.
                    self._file.save(before)
                    raise
            self._set(mode=Mode(config.mode), wanted=config.size)
            if "mode" in values:
                self._end_pause()
            if config.gpu != before.gpu:
                self._vram_seen = None
                self._set(maximum=0)
            elif self._vram_seen is not None:
                self._set(maximum=limits.of(config, self._vram_seen).largest)
            if self._is_config_broken():
                self._set(state=State.OFF, error=None)
            self._by_hand(None if "mode" in values else self.hand)

    async def agree_at_boot(self) -> None:
        """Have settings and service manager say the same of a start with the computer: after a start of the helper, and
        when somebody edited the file. Raises VramswapError."""
        while self._new_at_boot() is not None:
            generation = self.generation
            # No verb waits for this: while the machine starts it may take its time.
            unit = await is_at_boot()
            if unit is None:
                return
            async with self._exclusively():
                config = self._new_at_boot()
                if config is None or generation != self.generation:
                    # Somebody has changed settings meanwhile, of which the answer may know nothing.
                    continue
                save = functools.partial(self._save_at_boot, config)
                self._at_boot_seen = await self._at_boot.agree(config.at_boot, unit, save)

    def _save_at_boot(self, before: Config, said: bool) -> None:
        self._file.save(dataclasses.replace(before, at_boot=said))

    def _new_at_boot(self) -> Config | None:
        """The settings, when they say something of a start with the computer that has not been looked at."""
        try:
            config = self._file.load()
        except VramswapError:
            # The policy tells of it.
            return None
        return None if config.at_boot is self._at_boot_seen else config

    def _by_hand(self, hand: bool | None) -> None:
        """A person asked for something: what they said last, and a decision anew."""
        self.taken_down = False
        self._taken_until = float("-inf")
        self._decision = None
        self.generation += 1
        self.failed_at = None
        self.decided()
        # The last of it, as it may fail.
        self._runtime.hand = hand

    async def follow(self, decision: Decision, generation: int, pause: float) -> None:
        """Bring the swap where the policy wants it, unless a person asked for something since ``generation``.

        ``pause``: seconds between two segments that nobody waits for. Raises VramswapError; then it is as it was, or
        on the way.
        """
        wanted = self.whole(decision.size) if decision.size else 0
        if self._tidying and wanted == self.lent:
            self._followed(decision)
            return
        async with self._exclusively():
            if generation != self.generation or self._recovery.under_way:
                return
            if self.asleep and wanted > self.lent:
                # It was decided before the machine was to sleep.
                return
            if self._segments.devices and not self._server.connected:
                return
            if self._segments.devices and not self.lent:
                await self._segments.reach(Goal(), Config())
                await self._taken_down()
                return
            if self._segments.unused:
                # Whoever made it came to no end. Or somebody turns off one after the other.
                if self._segments.taken_down:
                    self._taken_until = time.monotonic() + _TAKEN_SECONDS
                await self._segments.reach(Goal(), Config())
            self._decision, self._cause = decision, decision.cause
            try:
                if wanted > self.lent and time.monotonic() >= self._taken_until:
                    await self._grow(decision.size)
                elif wanted < self.lent:
                    await self._shrink(decision, wanted, pause)
            except VramswapError as error:
                self._not_followed(decision, error)
                raise
            self._followed(decision)

    async def _taken_down(self) -> None:
        """Somebody ran ``swapoff``, and does not want it back at once: on demand, when memory is short; else never."""
        await self._server.quit()
        self._by_hand(None if self._status.mode is Mode.ON_DEMAND and not self.hand else False)
        self.taken_down = True
        self._set(state=State.OFF)

    async def _grow(self, size: int) -> None:
        if not self._segments.devices:
            await self._start(size)
            return
        config = self._file.load()
        size = min(size, sizing.target(config, await self._vram(config)))
        self._set(state=State.RESIZING)
        async with self._resting():
            await self._segments.resize(self._segments.resized(size), size, config)

    async def _shrink(self, decision: Decision, wanted: int, pause: float) -> None:
        try:
            await self._give_back(decision, wanted, pause)
        except VramswapError as error:
            if error.code is ErrorCode.WONT_FIT:
                # Who wants the VRAM is helped by each part of it.
                await self._segments.reach(self._segments.possible(decision.size), self._settings())
            raise

    async def _give_back(self, decision: Decision, wanted: int, pause: float) -> None:
        if not wanted:
            await self._stop(0 if decision.urgent else pause, decision.cause)
            return
        goal = self._segments.resized(decision.size)
        await self._segments.make_room(goal.leave, self._settings())
        self._set(state=State.RESIZING)
        async with self._resting():
            await self._segments.resize(goal, decision.size, self._file.load())

    async def balance(self) -> None:
        """Where pages are packed: have as much swap as they have earned. Raises VramswapError."""
        if self.busy or not self._server.connected:
            return
        goal = self._earned()
        if goal == Goal() or (self._tidying and not goal.leave):
            return
        async with self._exclusively():
            for _ in range(_TRIES):
                try:
                    await self._balance(self._earned(), self._settings())
                    return
                except VramswapError as error:
                    if error.problem is not Problem.NOT_EARNED:
                        raise
                # More was written since the server told what it can hold: above all when swap gets full soon.
                await self._server.status()

    async def _balance(self, goal: Goal, config: Config) -> None:
        if goal.leave:
            self.stale = ""
            await self._segments.make_room(goal.leave, config)
            self._steady_until = time.monotonic() + _STEADY_SECONDS
            self._set(state=State.RESIZING)
        await self._segments.reach(goal, config)

    def _earned(self) -> Goal:
        goal = self._segments.balanced()
        return Goal() if goal.come and self._steady else goal

    @property
    def _steady(self) -> bool:
        """Whether no more swap is earned for now, as some was just forfeited."""
        return time.monotonic() < max(self._steady_until, self._taken_until)

    def _not_followed(self, decision: Decision, error: VramswapError) -> None:
        self._decision = None
        if error.code is ErrorCode.CANCELLED:
            self._by_hand(True)
            self._set()
        elif decision.size > self.lent:
            self.failed_at = time.monotonic()
            if error.code is ErrorCode.OUT_OF_VRAM and not self._segments.devices:
                # Nothing is broken: others were faster.
                self._set(state=State.WAITING, error=None)
        else:
            self._refuse(ReasonCode.STUCK, decision.cause, error)

    def _followed(self, decision: Decision) -> None:
        """All is as the policy wants it."""
        self._refused = None
        if self._segments.devices:
            self._rest()
        elif self._status.state is not State.FAILED:
            self._set(state=decision.state)
        elif self._lacked_memory and decision.reason.code not in (ReasonCode.SHORT_BUT, ReasonCode.NOTHING_LENT):
            # For what nobody wants any more.
            self._set(state=decision.state, error=None)

    @property
    def _lacked_memory(self) -> bool:
        """Whether the last start was refused for want of memory."""
        return self._status.error is not None and self._status.error.problem is Problem.MEMORY_SHORT

    def watch(self, pressed: bool) -> None:
        """Have :meth:`tidy` know whether anybody moves pages, or waits for memory."""
        self._calm = self._segments.watch(pressed, time.monotonic())

    async def tidy(self) -> None:
        """Swap files that are not needed any more go, and VRAM that holds what nobody wants is cleaned, unless there is
        something else to do. Raises VramswapError."""
        await self._judge_ground()
        if self._verb.locked():
            return
        # From here on nobody comes between what is seen and what is done about it.
        goal = Goal(clear=self._segments.spare_files())
        if self._calm and not goal.clear and self.lent and self._server.connected and not self._steady:
            # Never while what goes could not come again, or there were hardly any swap left.
            goal = self._segments.rotated()
            if goal == Goal():
                await self._segments.compact()
        if goal == Goal():
            return
        async with self._verb:
            self._tidying = True
            try:
                self.stale = next((self._segments.devices[index] for index in goal.leave), "")
                # On a disk pages would be farther away than they are.
                await self._segments.reach(goal, dataclasses.replace(self._settings(), landing=LANDING_OFF))
            except VramswapError as error:
                # It is tried again, as long as it makes sense.
                if error.code is not ErrorCode.CANCELLED:
                    raise
            finally:
                self._tidying = False

    async def _judge_ground(self) -> None:
        """Have the status say what is done with pages that fit nowhere else."""
        setting, now = self._settings().landing, time.monotonic()
        if self._ground[0] != setting or now >= self._ground[1]:
            self._ground = setting, now + _GROUND_SECONDS
            ground = await self._place.look(setting, self.devices)
            self._set(landing=landing.verdict(setting, ground))

    def _settings(self) -> Config:
        """The settings for what must be possible whatever is wrong with them."""
        try:
            return self._file.load()
        except VramswapError:
            return Config(landing=LANDING_OFF)

    async def _undo(self, config: Config) -> None:
        """After a start that failed: whatever it made goes again, as far as that is safe."""
        with contextlib.suppress(VramswapError):
            await self._segments.reach(
                Goal(leave=tuple(sorted(self._segments.devices, reverse=True)), end=True), config
            )

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """A person's verb: what the policy wanted before is void, and no other verb is under way."""
        async with self._exclusively():
            self._decision = self._refused = None
            self._cause = Cause.NONE
            self.taken_down = False
            self._segments.look()
            yield

    @contextlib.asynccontextmanager
    async def _exclusively(self) -> AsyncIterator[None]:
        """One verb at a time. Whatever becomes of it, the status says what is so, and the next one is possible.

        A system that is out of something (OSError) is an error like others: raises VramswapError.
        """
        if self._tidying:
            self._segments.cancel()
        async with self._verb:
            try:
                yield
            except OSError as error:
                why = f"{os.strerror(error.errno or 0)} {error.filename or ''}".rstrip()
                raise VramswapError(Problem.SYSTEM_REFUSED, why=why) from error
            finally:
                if self._status.state.busy:
                    self._rest()
                if self._status.state.busy:
                    self._set(state=State.OFF)

    @contextlib.asynccontextmanager
    async def _resting(self) -> AsyncIterator[None]:
        """Whatever happens inside, the status afterwards says what is so."""
        try:
            yield
        finally:
            self._rest()

    def _rest(self) -> None:
        self._moved()
        lost = self._segments.lost
        if lost and self._server.connected:
            # However well the others are served.
            self._fail(VramswapError(Problem.PAGES_LOST, device=lost[0]))
        elif self.lent and self._server.connected:
            self.taken_down = False
            self._set(state=State.ON, error=None)
        elif self.lent:
            self._server_lost()

    def _server_lost(self) -> None:
        """The server's keeper is gone. Its engine serves on as long as it lives; a new keeper takes over from it."""
        self._moved()
        self._fail(VramswapError(Problem.KEEPER_ENDED))
        self._recovery.begin()

    def _recovered(self) -> None:
        self._rest()
        self.decided()

    async def guard(self) -> None:
        """Have a server taken over that nobody told us of, and end devices that none will serve any more."""
        await self._recovery.guard()

    def _fail(self, error: VramswapError) -> None:
        self._set(state=State.FAILED, error=error)

    def _refuse(self, reason: ReasonCode, cause: Cause, error: VramswapError) -> None:
        """Pages that were to go stay where they are."""
        self._refused, self._cause = reason, cause
        self._set(error=error)

    async def _vram(self, config: Config) -> Vram:
        found = await self._server.status()
        ours = found.pool.vram if found.compression else sum(segment.size for segment in found.segments)
        return self._note_gpu(config, found.gpu, ours)

    def _note_gpu(self, config: Config, card: GpuInfo, ours: int) -> Vram:
        vram = Vram(card.total, card.free, ours, gpu.display_attached(card.pci, self._sys))
        simulated = (("gpu",) if card.simulated else ()) + (() if self._attach == "kernel" else ("kernel",))
        most = limits.of(config, vram).largest
        self._vram_seen = vram
        self._segments.largest = most
        self._set(gpu_name=card.name, gpu_pci=card.pci, simulated=simulated, maximum=most)
        return vram

    def _moved(self) -> None:
        """Segments came, went or filled."""
        ours.record(self.devices, self._folder)
        self._set(
            segments=self._segments.shown(), packed=self._segments.packed(), bytes_left=self._segments.bytes_left,
            landed=self._segments.landed(),
        )  # fmt: skip

    def _set(self, **changes: Any) -> None:
        """Show what has changed, and why all is as it is now."""
        transport, why = self._server.transport
        status = dataclasses.replace(
            self._status, **changes, server_version=self._server.version, transport=transport, transport_reason=why,
            compression=self._server.compression,
        )  # fmt: skip
        if status.error is None and self._file.trouble is not None:
            status = dataclasses.replace(status, error=self._file.trouble)
        facts = Facts(
            status.state, self.lent, self.whole(self._aim), self._decision, self._cause, self._refused, self.asleep,
            self.taken_down,
        )  # fmt: skip
        reason, cause = explain(facts)
        status = dataclasses.replace(status, reason=reason, cause=cause)
        if status != self._status:
            self._status = status
            self.changed(status)
