# SPDX-License-Identifier: MIT
"""The helper, as tray and command line see it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from vramswap_gui.api import dbus
from vramswap_gui.api.activity import Activity
from vramswap_gui.api.activity import from_wire as activity_from_wire
from vramswap_gui.api.dbus import BUS_NAME, ERROR_PREFIX, INTERFACE, OBJECT_PATH, Verb
from vramswap_gui.api.status import Mode, Status, status_from_wire
from vramswap_gui.bus import connection
from vramswap_gui.bus.connection import ANSWER_DEADLINE, PEER, PROPERTIES, Bus, BusError, Variant, plain
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.settings import Config, config_of_another, setting

_LOG: Final = logging.getLogger("client")


class Client:
    """A connection to the helper. Every failure is a VramswapError.

    ``patience``: seconds in which the helper has to say something, if only that it is alive.
    """

    def __init__(self, patience: float = ANSWER_DEADLINE) -> None:
        self._patience = patience
        self._bus: Bus | None = None
        self._listeners: list[Callable[[Status], None]] = []
        self._mourners: list[Callable[[VramswapError], None]] = []
        self.status = Status()

    def subscribe(self, callback: Callable[[Status], None]) -> None:
        """Have ``callback`` called with every new status."""
        self._listeners.append(callback)

    def on_lost(self, callback: Callable[[VramswapError], None]) -> None:
        """Have ``callback`` called when the helper or the bus is gone; :meth:`connect` may be called again."""
        self._mourners.append(callback)

    async def connect(self) -> Status:
        """Reach the helper, which the bus starts if need be, and follow its status."""
        if self._bus is None or not self._bus.connected:
            try:
                self._bus = bus = await Bus.connect("system")
            except BusError as error:
                raise VramswapError(Problem.BUS_UNREACHABLE, why=str(error)) from None
            bus.on_closed(lambda: self._bus_gone(bus))
            try:
                helper = bus.peer(BUS_NAME, self._helper_changed)
                await helper.listen(OBJECT_PATH, PROPERTIES, "PropertiesChanged", "sa{sv}as", self._heard)
                await helper.follow()
            except BusError as error:
                await self.close()
                raise _error(error) from None
        return await self.refresh()

    async def refresh(self) -> Status:
        """Ask for the whole status anew: how full segments are changes without a signal."""
        (wire,) = await self._call(PROPERTIES, "GetAll", "s", INTERFACE, reply="a{sv}")
        try:
            self.status = status_from_wire(plain(wire), self.status)
        except (ValueError, TypeError):
            raise VramswapError(Problem.OTHER_VERSION) from None
        return self.status

    async def start(self) -> None:
        """Turn the swap on; returns when it is."""
        await self.do(dbus.START)

    async def stop(self) -> None:
        """Turn the swap off; returns when every page is home."""
        await self.do(dbus.STOP)

    async def cancel(self) -> None:
        """Stop bringing pages home: what is under way fails with CANCELLED, and the swap stays on."""
        await self.do(dbus.CANCEL)

    async def sleep(self) -> None:
        """Before the machine sleeps: off, and not on again before :meth:`wake`."""
        await self.do(dbus.SLEEP)

    async def resize(self, size: int) -> None:
        """Set the size in bytes, 0 for automatic; returns when it is so."""
        await self.do(dbus.RESIZE, size)

    async def set_mode(self, mode: Mode) -> None:
        """Set when VRAM is lent by itself; returns when that has had its effect."""
        await self.do(dbus.SET_MODE, mode.value)

    async def pause(self, seconds: int) -> None:
        """Lend nothing for so long; 0 ends the pause."""
        await self.do(dbus.PAUSE, seconds)

    async def use_battery(self, wanted: bool) -> None:
        """Lend on battery too, until mains power is back."""
        await self.do(dbus.USE_BATTERY, wanted)

    async def make_way(self, wanted: bool) -> None:
        """Ask for all VRAM to be given back while a game runs here; forgotten when this client is gone."""
        await self.do(dbus.MAKE_WAY, wanted)

    async def get_activity(self) -> Activity:
        """What happened lately, and what VRAM was good for today."""
        entries, today = await self.do(dbus.GET_ACTIVITY)
        try:
            return activity_from_wire([[*entry, plain(fields)] for *entry, fields in entries], today)
        except (ValueError, TypeError):
            raise VramswapError(Problem.OTHER_VERSION) from None

    async def get_config(self) -> Config:
        """The settings in force."""
        (wire,) = await self.do(dbus.GET_CONFIG)
        return config_of_another(plain(wire))

    async def set_config(self, values: Mapping[str, object]) -> None:
        """Change settings, for everyone on this machine."""
        wire = {key: Variant(setting(key).signature, setting(key).check(value)) for key, value in values.items()}
        await self.do(dbus.SET_CONFIG, wire)

    async def close(self) -> None:
        """Let go of the bus."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()

    async def do(self, verb: Verb, *arguments: Any) -> list[Any]:
        """Ask for a verb, and what it gives. It takes as long as it takes, if only the helper is alive meanwhile."""
        asking = asyncio.ensure_future(
            self._call(INTERFACE, verb.name, verb.signature, *arguments, reply=verb.reply, endless=True)
        )
        try:
            while True:
                done, _ = await asyncio.wait([asking], timeout=self._patience)
                if done:
                    return asking.result()
                await self._call(PEER, "Ping", "")
        finally:
            asking.cancel()

    async def _call(
        self, interface: str, member: str, signature: str, *arguments: Any, reply: str = "", endless: bool = False
    ) -> list[Any]:
        if self._bus is None:
            raise VramswapError(Problem.NOT_CONNECTED)
        _LOG.debug("%s %s", member, arguments)
        try:
            answer = await self._bus.call(
                BUS_NAME, OBJECT_PATH, interface, member, signature, *arguments,
                reply=reply, deadline=None if endless else self._patience, interactive=True,
            )  # fmt: skip
        except BusError as error:
            raise _error(error) from None
        _LOG.debug("%s answered %s", member, answer)
        return answer

    def _helper_changed(self, owner: str) -> None:
        if not owner and self._bus is not None and self._bus.connected:
            self._mourn(Problem.HELPER_GONE)

    def _heard(self, body: list[Any]) -> None:
        interface, changes, _ = body
        if interface != INTERFACE:
            return
        try:
            self.status = status_from_wire(plain(changes), self.status)
        except (ValueError, TypeError):
            # Of another version. The next question about the status says so.
            return
        for listener in list(self._listeners):
            listener(self.status)

    def _bus_gone(self, bus: Bus) -> None:
        if self._bus is bus:
            self._bus = None
            self._mourn(Problem.BUS_LOST)

    def _mourn(self, problem: Problem) -> None:
        for mourner in list(self._mourners):
            mourner(VramswapError(problem))


#: What the bus says of a call that came to nothing.
_PROBLEMS: Final = {
    connection.INCONSISTENT: Problem.OTHER_VERSION,
    # It has no such verb, or one that takes something else.
    connection.UNKNOWN_METHOD: Problem.OTHER_VERSION,
    connection.INVALID_ARGS: Problem.OTHER_VERSION,
    connection.SERVICE_UNKNOWN: Problem.HELPER_MISSING,
    connection.NAME_HAS_NO_OWNER: Problem.HELPER_MISSING,
    connection.TIMED_OUT: Problem.HELPER_HANGS,
    connection.NO_REPLY: Problem.HELPER_ENDED,
    connection.DISCONNECTED: Problem.BUS_LOST,
}


def _error(error: BusError) -> VramswapError:
    if error.name.startswith(ERROR_PREFIX):
        return dbus.error_from(error.name.removeprefix(ERROR_PREFIX), error.text)
    problem = _PROBLEMS.get(error.name)
    if problem is not None:
        return VramswapError(problem)
    return VramswapError(Problem.HELPER_SILENT, why=str(error).rstrip("."))
