# SPDX-License-Identifier: MIT
"""The helper on the system bus: what is asked of it, by whom, and whether that is allowed."""

from __future__ import annotations

import asyncio
import dataclasses
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from vramswap_gui.api import dbus
from vramswap_gui.api.activity import Activity
from vramswap_gui.api.dbus import BUS_NAME, ERROR_PREFIX, HELPER, OBJECT_PATH, Access, Verb
from vramswap_gui.api.status import Status, status_to_wire
from vramswap_gui.bus.connection import Bus, BusError, Peer, Variant, plain
from vramswap_gui.bus.service import Call, ServedObject
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper.event_log import EventLog
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.polkit import Caller, Polkit
from vramswap_gui.settings import SETTINGS
from vramswap_gui.units import format_size

#: Callers on whose side a game may run: in all, and of one user. The bus has us watch no more than 512 names.
_MAX_PLAYERS: Final = 128
_MAX_PLAYERS_OF_ONE: Final = 16

#: Does what a verb asks for; gets the caller and the verb's arguments, gives what the verb gives. Raises VramswapError.
Handler = Callable[..., Awaitable[Sequence[Any] | None]]


class DbusService:
    """The object at OBJECT_PATH."""

    def __init__(self, lifecycle: Lifecycle, events: EventLog, activity: Callable[[], Activity]) -> None:
        self._lifecycle = lifecycle
        self._events = events
        self._activity = activity
        self._bus: Bus | None = None
        self._polkit: Polkit | None = None
        self._shown: dict[str, Any] = status_to_wire(Status())
        self._players = Players(lifecycle.set_playing)
        self._opened = asyncio.Event()
        #: What is more than a call of the lifecycle.
        own: Mapping[str, Handler] = {
            dbus.SET_MODE.name: lambda caller, mode: self._set_mode(mode),
            dbus.WAKE.name: lambda caller: self._wake(),
            dbus.PAUSE.name: lambda caller, seconds: self._pause(seconds),
            dbus.USE_BATTERY.name: lambda caller, wanted: self._use_battery(wanted),
            dbus.SET_CONFIG.name: lambda caller, settings: lifecycle.configure(plain(settings)),
            dbus.GET_CONFIG.name: self._get_config,
            dbus.GET_ACTIVITY.name: self._get_activity,
            dbus.MAKE_WAY.name: self._make_way,
        }
        self._handlers: Mapping[str, Handler] = {
            name: own.get(name) or _of(lifecycle, verb) for name, verb in dbus.VERBS.items()
        }

    async def connect(self, address: str) -> None:
        """Take the name on the bus, or on the ``system`` bus; calls wait until :meth:`open`. Raises VramswapError."""
        try:
            self._bus = bus = await Bus.connect(address)
            self._polkit = Polkit(bus)
            served = ServedObject(bus, OBJECT_PATH, HELPER, self._answer, self._values)
            first = await bus.request_name(BUS_NAME)
        except BusError as error:
            raise VramswapError(Problem.BUS_UNUSABLE, why=str(error)) from None
        if not first:
            raise VramswapError(Problem.ANOTHER_HELPER)
        self._lifecycle.changed = lambda status: self._changed(served, status)

    def open(self) -> None:
        """Answer calls from now on, those that came before too."""
        self._opened.set()

    async def wait(self) -> None:
        """Return when the bus is gone."""
        assert self._bus is not None
        await self._bus.closed()

    async def _answer(self, call: Call) -> Sequence[Any]:
        await self._opened.wait()
        assert isinstance(call.method, Verb)
        try:
            if call.method.access is Access.PUBLIC:
                return await self._handle(call)
            return await self._obey(call, call.method)
        except VramswapError as error:
            raise _refusal(error) from None
        except BusError:
            raise
        except Exception as error:
            raise _defect(error) from None

    async def _obey(self, call: Call, verb: Verb) -> Sequence[Any]:
        """Do what not everybody may ask for. Raises VramswapError."""
        assert self._bus is not None and self._polkit is not None
        caller = Caller(call.sender, await self._bus.uid(call.sender))
        with self._events.request(verb.name, caller.uid):
            details = _details(verb, call.arguments)
            await self._polkit.require(verb.access, caller, details, interactive=call.interactive)
            return await self._handle(call, caller)

    async def _handle(self, call: Call, caller: Caller | None = None) -> Sequence[Any]:
        given = await self._handlers[call.method.name](caller, *call.arguments)
        return () if given is None else given

    async def _values(self) -> Mapping[str, Any]:
        await self._opened.wait()
        try:
            # How full the segments are changes without a word from the kernel.
            self._lifecycle.look()
            return status_to_wire(self._lifecycle.status)
        except Exception as error:
            raise _defect(error) from None

    async def _get_config(self, caller: Caller | None) -> list[Any]:
        config = self._lifecycle.config()
        return [{key: Variant(setting.signature, getattr(config, key)) for key, setting in SETTINGS.items()}]

    async def _get_activity(self, caller: Caller | None) -> list[Any]:
        found = self._activity()
        entries = [
            [entry.at, entry.event, entry.sentence, {name: _variant(value) for name, value in entry.fields.items()}]
            for entry in found.entries
        ]
        return [entries, list(dataclasses.astuple(found.today))]

    async def _set_mode(self, mode: str) -> None:
        await self._lifecycle.configure({"mode": mode})
        await self._lifecycle.settle()

    async def _wake(self) -> None:
        await self._lifecycle.wake()
        await self._lifecycle.settle()

    async def _pause(self, seconds: int) -> None:
        await self._lifecycle.pause(seconds)
        await self._lifecycle.settle()

    async def _use_battery(self, wanted: bool) -> None:
        await self._lifecycle.use_battery(wanted)
        await self._lifecycle.settle()

    async def _make_way(self, caller: Caller, wanted: bool) -> None:
        assert self._bus is not None
        if wanted:
            await self._players.add(self._bus, caller)
        else:
            self._players.remove(caller.name)

    def _changed(self, served: ServedObject, status: Status) -> None:
        wire = status_to_wire(status)
        changes = {name: value for name, value in wire.items() if value != self._shown[name]}
        if changes:
            self._shown = wire
            served.changed(changes)


def _of(lifecycle: Lifecycle, verb: Verb) -> Handler:
    """The method of the lifecycle that is called as the verb is."""
    method: Callable[..., Awaitable[None]] = getattr(lifecycle, verb.attribute)
    return lambda caller, *arguments: method(*arguments)


class Players:
    """The callers on whose side a game runs. Who leaves the bus plays no more."""

    def __init__(self, changed: Callable[[bool], None]) -> None:
        self._changed = changed
        self._peers: dict[str, Peer] = {}
        self._coming: set[str] = set()
        self._users: Counter[int] = Counter()
        self._uids: dict[str, int] = {}

    async def add(self, bus: Bus, caller: Caller) -> None:
        """Somebody plays. Raises VramswapError, and BusError when the bus cannot tell of their end."""
        uid = -1 if caller.uid is None else caller.uid
        if caller.name in self._uids:
            return
        if len(self._uids) >= _MAX_PLAYERS or self._users[uid] >= _MAX_PLAYERS_OF_ONE:
            raise VramswapError(Problem.TOO_MANY_GAMES, mine=self._users[uid], all=len(self._uids))
        self._uids[caller.name] = uid
        self._users[uid] += 1
        peer = bus.peer(caller.name, lambda owner: None if owner else self.remove(caller.name))
        try:
            await peer.follow()
        except BaseException:
            peer.stop()
            self.remove(caller.name)
            raise
        if caller.name not in self._uids or not peer.owner:
            # It left, or changed its mind, while the bus was asked.
            peer.stop()
            self.remove(caller.name)
            return
        self._peers[caller.name] = peer
        self._changed(True)

    def remove(self, name: str) -> None:
        """Somebody plays no more, if they did."""
        uid = self._uids.pop(name, None)
        if uid is None:
            return
        self._users[uid] -= 1
        if not self._users[uid]:
            del self._users[uid]
        peer = self._peers.pop(name, None)
        if peer is not None:
            peer.stop()
            self._changed(bool(self._peers))


def _variant(value: str | int) -> Variant:
    return Variant("s", value) if isinstance(value, str) else Variant("x", value)


def _details(verb: Verb, arguments: Sequence[Any]) -> dict[str, str]:
    """What polkit has an agent show to the person whom it asks for a password."""
    shown = {argument.name: _shown(value) for argument, value in zip(verb.takes, arguments, strict=True)}
    return shown | {"polkit.message": verb.question, "polkit.gettext_domain": "vramswap"} if verb.question else shown


def _shown(value: Any) -> str:
    """An argument for a person, in a line that no caller can make long."""
    if isinstance(value, dict):
        text = ", ".join(f"{key} = {inner.value}" for key, inner in value.items())
    elif isinstance(value, int) and not isinstance(value, bool):
        text = format_size(value) if value else "automatic"
    else:
        text = str(value)
    return "".join(character if character.isprintable() else "?" for character in text[:100])


def _defect(error: Exception) -> BusError:
    traceback.print_exc()
    return _refusal(VramswapError(Problem.DEFECT, program="vramswap-helper", what=type(error).__name__))


def _refusal(error: VramswapError) -> BusError:
    return BusError(ERROR_PREFIX + error.code, dbus.error_text(error))
