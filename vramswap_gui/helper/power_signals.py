"""What UPower tells of mains and battery, and logind of sleep, as it happens: nobody has to look.

Interfaces: https://upower.freedesktop.org/docs/ and org.freedesktop.login1(5). Besides the service, the only module of
the helper that knows dbus-next.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import BusType, MessageFlag, MessageType
from dbus_next.errors import AuthError, DBusError
from dbus_next.message import Message

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.system.power_supply import PowerReading

_BUS: Final = "org.freedesktop.DBus"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_UPOWER: Final = "org.freedesktop.UPower"
_LOGIND: Final = "org.freedesktop.login1"
#: PowerSignals: interface, member and signature.
_OWNER_CHANGED: Final = (_BUS, "NameOwnerChanged", "sss")
_CHANGED: Final = (_PROPERTIES, "PropertiesChanged", "sa{sv}as")
_SLEEP: Final = ("org.freedesktop.login1.Manager", "PrepareForSleep", "b")


@dataclass(eq=False, slots=True)
class _Object:
    """An object on the bus, and what it told so far."""

    service: str
    path: str
    interface: str
    #: The properties of interest and their signatures.
    properties: Mapping[str, str]
    #: The signal that tells of changes.
    signal: tuple[str, str, str] = _CHANGED
    values: dict[str, Any] = field(default_factory=dict)

    def pick(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The properties of interest, as far as they have the type that they should have."""
        return {
            name: properties[name].value
            for name, signature in self.properties.items()
            if name in properties and properties[name].signature == signature
        }


class PowerSignals:
    """Follows UPower and logind on a connection of its own. Either may be missing, end, and come back.

    ``changed`` is called after :meth:`power` or :attr:`asleep` have changed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._bus: MessageBus | None = None
        self._end: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._mains = _Object(_UPOWER, "/org/freedesktop/UPower", _UPOWER, {"OnBattery": "b"})
        #: All batteries together; it is not present where there is none.
        self._battery = _Object(
            _UPOWER, "/org/freedesktop/UPower/devices/DisplayDevice",
            "org.freedesktop.UPower.Device", {"IsPresent": "b", "Percentage": "d"},
        )  # fmt: skip
        self._sleep = _Object(_LOGIND, "/org/freedesktop/login1", _SLEEP[0], {"PreparingForSleep": "b"}, _SLEEP)
        self._objects = (self._mains, self._battery, self._sleep)
        #: Service → the unique name of its owner, empty while there is none; no entry before anything is known.
        self._owners: dict[str, str] = {}

    def power(self) -> PowerReading | None:
        """Mains and battery by UPower; None where UPower is not there, or has not told everything yet."""
        on_battery = self._mains.values.get("OnBattery")
        present, percent = self._battery.values.get("IsPresent"), self._battery.values.get("Percentage")
        if on_battery is None or present is None or percent is None:
            return None
        return PowerReading(not on_battery, percent if present else None)

    @property
    def asleep(self) -> bool:
        """By logind: true from just before the machine sleeps until it is awake again."""
        return bool(self._sleep.values.get("PreparingForSleep"))

    async def connect(self, address: str) -> None:
        """Begin to follow both on the bus at ``address``, or the ``system`` bus. Raises VramswapError.

        What they have to tell comes later, each with a call of ``changed``.
        """
        try:
            bus = MessageBus(bus_type=BusType.SYSTEM) if address == "system" else MessageBus(address)
            await bus.connect()
        except (OSError, DBusError, AuthError, EOFError, ValueError) as error:
            raise VramswapError(
                ErrorCode.INTERNAL,
                f"The bus cannot be used: {getattr(error, 'strerror', None) or error}.",
                "vramswap needs D-Bus: start the service dbus.",
            ) from None
        self._bus = bus
        bus.add_message_handler(self._hear)
        self._end = asyncio.create_task(_end_of(bus))
        self._end.add_done_callback(lambda _: self._forget())
        for service in (_UPOWER, _LOGIND):
            self._begin(self._follow(bus, service))

    async def close(self) -> None:
        """Let go of the bus. Nothing is known afterwards."""
        if self._bus is not None and self._end is not None:
            self._bus.disconnect()  # type: ignore[no-untyped-call]
            await self._end

    async def _follow(self, bus: MessageBus, service: str) -> None:
        owner_changed = f"sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg0='{service}'"
        rules = [owner_changed] + [
            f"sender='{service}',path='{item.path}',interface='{item.signal[0]}',member='{item.signal[1]}'"
            for item in self._objects
            if item.service == service
        ]
        for rule in rules:
            await _ask_bus(bus, "AddMatch", "s", f"type='signal',{rule}")
        if service == _UPOWER:
            # Nobody may have needed it yet. Once is enough: should it end, that is for others to see to.
            await _ask_bus(bus, "StartServiceByName", "su", service, 0)
        answer = await _ask_bus(bus, "GetNameOwner", "s", service)
        # What NameOwnerChanged told meanwhile is newer.
        if service not in self._owners:
            self._meet(bus, service, answer[0] if answer else "")

    def _meet(self, bus: MessageBus, service: str, owner: str) -> None:
        """A service has a new owner or none; what the old one told is void."""
        with self._noticing():
            self._owners[service] = owner
            for item in self._objects:
                if item.service == service:
                    item.values = {}
                    if owner:
                        self._begin(self._load(bus, item, owner))

    async def _load(self, bus: MessageBus, item: _Object, owner: str) -> None:
        # Sent to a unique name it starts no service, and reaches nobody else.
        body = await _call(bus, owner, item.path, _PROPERTIES, "GetAll", "s", [item.interface], "a{sv}")
        if body and self._owners.get(item.service) == owner:
            with self._noticing():
                # A signal that was handled before this answer is as new as the answer, or newer.
                item.values = item.pick(body[0]) | item.values

    def _hear(self, message: Message) -> bool:
        """Every message comes here. Anybody may send this process a signal; only the owner speaks for a service."""
        if message.message_type is not MessageType.SIGNAL or self._bus is None:
            return False
        kind = (message.interface, message.member, message.signature)
        if kind == _OWNER_CHANGED and message.sender == _BUS and message.body[0] in (_UPOWER, _LOGIND):
            self._meet(self._bus, message.body[0], message.body[2])
        for item in self._objects:
            if (kind, message.path, message.sender) == (item.signal, item.path, self._owners.get(item.service, "")):
                with self._noticing():
                    if kind == _SLEEP:
                        item.values = {"PreparingForSleep": message.body[0]}
                    elif message.body[0] == item.interface:
                        item.values |= item.pick(message.body[1])
        return False

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        before = self.power(), self.asleep
        yield
        if (self.power(), self.asleep) != before:
            self._changed()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _forget(self) -> None:
        """The bus is gone."""
        self._bus = None
        for task in self._tasks:
            task.cancel()
        with self._noticing():
            self._owners = {}
            for item in self._objects:
                item.values = {}


async def _ask_bus(bus: MessageBus, member: str, signature: str, *arguments: object) -> list[Any]:
    return await _call(bus, _BUS, "/org/freedesktop/DBus", _BUS, member, signature, list(arguments))


async def _call(
    bus: MessageBus, to: str, path: str, interface: str, member: str, signature: str, body: list[Any], reply: str = ""
) -> list[Any]:
    """The answer; empty when it is an error, or not of the type ``reply``, or when there is none."""
    message = Message(
        destination=to, path=path, interface=interface, member=member,
        signature=signature, body=body, flags=MessageFlag.NO_AUTOSTART,
    )  # fmt: skip
    try:
        answer = await bus.call(message)
    except (OSError, EOFError, DBusError):
        return []
    if answer is None or answer.message_type is MessageType.ERROR or (reply and answer.signature != reply):
        return []
    return list(answer.body)


async def _end_of(bus: MessageBus) -> None:
    with contextlib.suppress(EOFError, OSError):
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
