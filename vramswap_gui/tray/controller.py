# SPDX-License-Identifier: MIT
"""Between the helper's client and what is on the screen: keeps the status, asks, and shows what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer, Signal

from vramswap_gui.api.reasons import Reason
from vramswap_gui.api.status import Mode, State, Status
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.errors import Problem as Failure
from vramswap_gui.paths import STATE
from vramswap_gui.settings import LANDING_OFF, PERSONAL, Config, Value
from vramswap_gui.system.threads import Threads
from vramswap_gui.tray.helper_client import Client
from vramswap_gui.tray.i18n import worded
from vramswap_gui.tray.preferences import Preferences
from vramswap_gui.tray.readings import Machine, Reader
from vramswap_gui.tray.timers import repeating, single
from vramswap_gui.tray.view_model import Problem, View, problem, view

_READ_MS: Final = 1000
_RETRY_MS: Final = 3000
_SHOW_MS: Final = 40
#: Of the readings, a second apart, every so many-th also has what changes slowly or costs more.
_PROGRAMS_READS: Final = 3
_ACTIVITY_READS: Final = 10


class Controller(QObject):
    """Owns the client. Runs no timer unless :meth:`watch` says that somebody looks."""

    changed = Signal(View)
    #: The settings in force.
    configured = Signal(Config)
    #: The status before (None at first) and now, and whether a person had asked for it.
    heard = Signal(object, object, bool)
    #: What the computer has of what is needed: a tuple of system.checks.Check.
    checked = Signal(tuple)
    #: They were not changed, and why.
    refused = Signal(Problem)
    #: Something failed; the text is for a notification when no window shows it.
    failed = Signal(str)

    def __init__(self, make_client: Callable[[], Client], reader: Reader, preferences: Preferences) -> None:
        super().__init__()
        self._preferences = preferences
        self._config: Config | None = None
        self._make_client = make_client
        self._reader = reader
        self._client: Client | None = None
        self._status: Status | None = None
        self._error: VramswapError | None = None
        self._pending: State | None = None
        #: As many pages are known to be lost.
        self._damage_read = 0
        self._machine = Machine(vram=preferences.vram)
        self._tasks: set[asyncio.Task[None]] = set()
        self._connecting = asyncio.Lock()
        self._threads = Threads()
        self._reading: set[str] = set()
        self._watched = False
        self._playing = False
        self._curious = False
        self._reads = 0
        self._closed = False
        self._read_timer = repeating(self, _READ_MS, self._read)
        self._show_timer = single(self, _SHOW_MS, self._show)
        self._retry_timer = repeating(self, _RETRY_MS, self.connect_soon)

    # What is shown

    @property
    def view(self) -> View:
        """What to show now."""
        machine = dataclasses.replace(self._machine, now=time.time())
        if not self._watched:
            # Nobody reads these meanwhile, and what the helper says is newer than what was read last.
            gpu = machine.gpu and dataclasses.replace(machine.gpu, watts=None)
            machine = dataclasses.replace(machine, memory=None, gpu=gpu)
        return view(self._shown(), self._error, machine, self._config)

    def _shown(self) -> Status | None:
        """The status without damage that is no news, and with what was just asked for taken as under way."""
        status = self._status
        if status is not None and status.damaged[1] <= self._damage_read:
            status = dataclasses.replace(status, damaged=(status.damaged[0], 0))
        if status is None or self._pending is None or status.state.busy:
            return status
        return dataclasses.replace(status, state=self._pending, reason=Reason(), error=None)

    def _show(self) -> None:
        if not self._closed:
            self._time()
            self.changed.emit(self.view)

    # What a person does

    def toggle(self, on: bool) -> None:
        """Turn the swap on or off."""
        state = State.STARTING if on else State.STOPPING
        self._ask(state, lambda client: client.start() if on else client.stop())

    def cancel(self) -> None:
        """Stop what takes so long; what was asked for before answers that it was cancelled."""
        if self._client is not None:
            self._spawn(self._client.cancel())

    def resize(self, size: int) -> None:
        """Want another size; 0 is automatic."""
        on = self._status is not None and bool(self._status.segments)
        self._ask(State.RESIZING if on else None, lambda client: client.resize(size))

    def set_mode(self, mode: str) -> None:
        """Want VRAM to be lent at other times."""
        self._ask(None, lambda client: client.set_mode(Mode(mode)))

    def pause(self, seconds: int) -> None:
        """Have nothing lent for so long; 0 ends the pause."""
        on = self._status is not None and bool(self._status.segments)
        self._ask(State.STOPPING if on and seconds else None, lambda client: client.pause(seconds))

    def use_battery(self, wanted: bool) -> None:
        """Have VRAM lent on battery too, this once."""
        self._ask(None, lambda client: client.use_battery(wanted))

    def decide_landing(self, allowed: bool) -> None:
        """Whether pages that fit nowhere else may be written to the disk."""
        folder = str(STATE) if allowed else LANDING_OFF
        self._ask(None, lambda client: client.set_config({"landing": folder}))

    def make_way(self, playing: bool) -> None:
        """Somebody began, or stopped, to play."""
        self._playing = playing
        if self._client is not None:
            self._spawn(self._client.make_way(playing))

    def load_settings(self) -> None:
        """Tell the settings in force."""
        self._settle(lambda client: _nothing())

    def save_settings(self, values: Mapping[str, Value]) -> None:
        """Change settings, and tell what is in force then."""

        async def save(client: Client) -> None:
            common = {key: value for key, value in values.items() if key not in PERSONAL}
            # The one that may ask for a password first: without it nothing is changed.
            if common:
                await client.set_config(common)
            if "mode" in values:
                await client.set_mode(Mode(str(values["mode"])))
            if "size" in values:
                await client.resize(int(values["size"]))

        self._settle(save)

    def check(self) -> None:
        """Check this computer, and tell what was found."""

        async def look() -> None:
            error: VramswapError | None = None
            try:
                await self._connect()
            except VramswapError as failure:
                error = failure
            status = self._status or Status()
            self.checked.emit(await self._threads.run(lambda: _look(status, error)))

        self._spawn(look())

    def _settle(self, work: Callable[[Client], Awaitable[None]]) -> None:
        """Do ``work`` with the helper, which the bus starts if need be, and tell the settings in force then."""

        async def settle() -> None:
            try:
                client = await self._connect()
                try:
                    await work(client)
                except VramswapError as error:
                    self.refused.emit(problem(error))
                await self._learn(client)
            except VramswapError as error:
                self.refused.emit(problem(error))

        self._spawn(settle())

    def dismiss(self) -> None:
        """The problem has been read: what became of a request, or damage, which is news again when there is more."""
        if self._status is None:
            return
        if self._error is None:
            self._damage_read = self._status.damaged[1]
        self._error = None
        self._show()

    def watch(self, watched: bool) -> None:
        """Whether somebody looks: only then the machine is read and a missing helper is looked for again."""
        if watched != self._watched:
            self._watched = watched
            self._show()
            if watched:
                self._reads = 0
                self._read()
                if self._client is None:
                    self.connect_soon()
                else:
                    self._spawn(self._learn(self._client))

    def watch_swapped(self, watched: bool) -> None:
        """Whether somebody wants to know whose memory is in swap: a look at every process."""
        self._curious = watched
        if watched:
            self._reads = 0
            self._read()
        else:
            self._machine = dataclasses.replace(self._machine, swapped=None)

    def glance(self) -> None:
        """Somebody looks for a moment, at the menu: have the numbers of now."""
        if self._watched:
            return
        self._read_power()
        if self._client is not None:
            self._spawn(self._refresh(self._client))

    # The helper

    def connect_soon(self) -> None:
        """Look for the helper, unless it is there."""
        if not self._closed and self._client is None and not self._connecting.locked():
            self._spawn(self._begin())

    async def _begin(self) -> None:
        await self._learn(await self._connect())

    async def close(self) -> None:
        """End everything that runs."""
        self._closed = True
        self._threads.close()
        for timer in (self._read_timer, self._retry_timer, self._show_timer):
            timer.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            with contextlib.suppress(VramswapError):
                await self._client.close()

    async def _connect(self) -> Client:
        async with self._connecting:
            if self._client is not None:
                return self._client
            client = self._make_client()
            client.subscribe(lambda status: self._got(client, status))
            client.on_lost(lambda error: self._lost(client, error))
            try:
                await client.connect()
            except BaseException:
                with contextlib.suppress(VramswapError):
                    await client.close()
                raise
            self._client = client
            self._status = client.status
            self._error = None
            self.heard.emit(None, client.status, False)
            self._show()
            if self._playing:
                await client.make_way(True)
            if self._watched:
                self._read()
            return client

    def _got(self, client: Client, status: Status) -> None:
        if client is not self._client:
            return
        before = self._status
        self._status = status
        # A server that was started anew counts anew.
        self._damage_read = min(self._damage_read, status.damaged[1])
        self.heard.emit(before, status, self._pending is not None)
        self._show()
        if self._watched and before is not None and (before.size, before.state) != (status.size, status.state):
            self._reads = 0
            self._read()

    def _lost(self, client: Client, error: VramswapError) -> None:
        if client is not self._client:
            return
        self._client = None
        self._status = None
        self._pending = None
        self._error = error
        self._spawn(client.close())
        self._show()

    def _ask(self, state: State | None, verb: Callable[[Client], Awaitable[None]]) -> None:
        client = self._client
        if client is None or self._pending is not None:
            # Nothing is done, but the control that was clicked has to go back.
            self._show()
            return
        self._error = None
        self._pending = state
        self._spawn(self._do(verb, client))
        self._show()

    async def _do(self, verb: Callable[[Client], Awaitable[None]], client: Client) -> None:
        try:
            await verb(client)
            if client is self._client:
                self._status = client.status
        finally:
            self._pending = None
            self._show()

    async def _learn(self, client: Client) -> None:
        """Which settings are in force, which others may have changed."""
        config = await client.get_config()
        changed, self._config = config != self._config, config
        self.configured.emit(config)
        if changed:
            self._show()

    async def _remember_activity(self, client: Client) -> None:
        """What happened lately. A helper of an earlier version has no answer, and nobody misses it."""
        with contextlib.suppress(VramswapError):
            activity = await client.get_activity()
            if activity != self._machine.activity:
                self._machine = dataclasses.replace(self._machine, activity=activity)
                self._show_timer.start()

    async def _refresh(self, client: Client) -> None:
        await client.refresh()
        self._got(client, client.status)

    # The machine

    def _read(self) -> None:
        status = self._status or Status()
        # Apart from each other, because a driver in trouble may keep the one who asks waiting for ever.
        self._read_part("memory", self._reader.read_memory)
        devices = [segment.device for segment in status.segments]
        self._read_part("history", lambda: self._reader.read_history(devices))
        self._read_power()
        if self._curious and self._reads % _PROGRAMS_READS == 0:
            self._read_part("swapped", self._reader.read_swapped)
        if self._client is not None and self._reads % _ACTIVITY_READS == 0:
            self._spawn(self._remember_activity(self._client))
        self._reads += 1
        self._read_part("gpu", lambda: self._reader.read_gpu(status.gpu_pci, bool(status.segments)))

    def _read_power(self) -> None:
        pci = self._status.gpu_pci if self._status else ""
        self._read_part("power", lambda: self._reader.read_power(pci))

    def _read_part(self, name: str, read: Callable[[], object]) -> None:
        if name not in self._reading and not self._closed:
            self._reading.add(name)
            self._spawn(self._note_part(name, read))

    async def _note_part(self, name: str, read: Callable[[], object]) -> None:
        try:
            found: Any = await self._threads.run(read)
        finally:
            self._reading.discard(name)
        if found != getattr(self._machine, name):
            self._machine = dataclasses.replace(self._machine, **{name: found})
            self._remember()
            # The other parts come at almost the same time, and each view costs as much as all of them together.
            self._show_timer.start()

    def _remember(self) -> None:
        """A GPU that sleeps does not say how much memory it has, and the slider needs it."""
        total = self._machine.gpu.total if self._machine.gpu else 0
        if total and total != self._machine.vram:
            self._machine = dataclasses.replace(self._machine, vram=total)
            self._preferences.vram = total

    # Tasks and timers

    def _time(self) -> None:
        _run(self._read_timer, self._watched)
        _run(self._retry_timer, self._watched and self._client is None)

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.ensure_future(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before it began has never come to its work.
        task.add_done_callback(lambda _: work.close())

    async def _guard(self, work: Coroutine[Any, Any, object]) -> None:
        """Whatever goes wrong becomes something to read on the screen."""
        try:
            await work
        except VramswapError as error:
            self._fail(error)
        except Exception as error:
            self._fail(VramswapError(Failure.DEFECT, program="vramswap", what=f"{type(error).__name__}: {error}"))

    def _fail(self, error: VramswapError) -> None:
        again = self._error == error
        self._error = error
        self._show()
        # A helper that is not there is shown by the icon; it is no news at every look.
        if not again and error.code is not ErrorCode.HELPER_UNAVAILABLE:
            self.failed.emit(worded(error))


def _look(status: Status, error: VramswapError | None) -> object:
    # Loaded when it is first needed: a hidden tray has no use for it.
    from vramswap_gui.doctor import helper_check
    from vramswap_gui.doctor.checks import look

    if error is not None:
        return (*look(), helper_check.helper(error))
    return (*look(simulated=status.simulated), *(check(status) for check in helper_check.ALL))


async def _nothing() -> None:
    """No change."""


def _run(timer: QTimer, wanted: bool) -> None:
    if wanted and not timer.isActive():
        timer.start()
    elif not wanted:
        timer.stop()
