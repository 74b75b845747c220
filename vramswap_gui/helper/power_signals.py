# SPDX-License-Identifier: MIT
"""What UPower tells of mains and battery, logind of sleep, and power-profiles-daemon of the power mode, as it happens.

Nobody has to look. Interfaces: https://upower.freedesktop.org/docs/, org.freedesktop.login1(5) and
https://upower.pages.freedesktop.org/power-profiles-daemon/. tuned offers the last one's too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from vramswap_gui.bus.connection import PROPERTIES, Bus, BusError, Peer, Variant
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.system.power_supply import PowerReading

_UPOWER: Final = "org.freedesktop.UPower"
_LOGIND: Final = "org.freedesktop.login1"
#: Its name, and the one that it had before version 0.20. Each has an interface of the same name.
_PROFILES: Final = ("org.freedesktop.UPower.PowerProfiles", "net.hadess.PowerProfiles")
_MANAGER: Final = "org.freedesktop.login1.Manager"
#: Signals: interface, member and signature.
_CHANGED: Final = (PROPERTIES, "PropertiesChanged", "sa{sv}as")
_SLEEP: Final = (_MANAGER, "PrepareForSleep", "b")


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

    def pick(self, properties: Mapping[str, Variant]) -> dict[str, Any]:
        """The properties of interest, as far as they have the type that they should have."""
        return {
            name: properties[name].value
            for name, signature in self.properties.items()
            if name in properties and properties[name].signature == signature
        }


class PowerSignals:
    """Follows them on a connection of its own. Any may be missing, end, and come back.

    ``changed`` is called after :meth:`power`, :attr:`asleep` or :attr:`saving` have changed.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._bus: Bus | None = None
        self._mains = _Object(_UPOWER, "/org/freedesktop/UPower", _UPOWER, {"OnBattery": "b"})
        #: All batteries together; it is not present where there is none.
        self._battery = _Object(
            _UPOWER, "/org/freedesktop/UPower/devices/DisplayDevice",
            "org.freedesktop.UPower.Device", {"IsPresent": "b", "Percentage": "d"},
        )  # fmt: skip
        self._sleep = _Object(_LOGIND, "/org/freedesktop/login1", _MANAGER, {"PreparingForSleep": "b"}, _SLEEP)
        self._profiles = tuple(
            _Object(name, "/" + name.replace(".", "/"), name, {"ActiveProfile": "s"}) for name in _PROFILES
        )
        self._objects = (self._mains, self._battery, self._sleep, *self._profiles)
        self._peers: dict[str, Peer] = {}

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

    @property
    def saving(self) -> bool:
        """Whether the power mode is the one that saves power."""
        return any(profile.values.get("ActiveProfile") == "power-saver" for profile in self._profiles)

    async def connect(self, address: str) -> None:
        """Begin to follow them on the bus at ``address``, or the ``system`` bus. Raises VramswapError.

        What they have to tell comes later, each with a call of ``changed``.
        """
        try:
            self._bus = bus = await Bus.connect(address)
        except BusError as error:
            raise VramswapError(Problem.BUS_UNUSABLE, why=str(error)) from None
        for service in (_UPOWER, _LOGIND, *_PROFILES):
            bus.begin(self._follow(bus, service))

    async def close(self) -> None:
        """Let go of the bus. Nothing is known afterwards."""
        if self._bus is not None:
            self._bus.close()

    async def _follow(self, bus: Bus, service: str) -> None:
        if service == _UPOWER:
            # Nobody may have needed it yet. Once is enough: should it end, that is for others to see to.
            with contextlib.suppress(BusError):
                await bus.ask_bus("StartServiceByName", "su", service, 0, reply="u")
        peer = self._peers[service] = bus.peer(service, partial(self._meet, bus, service))
        with contextlib.suppress(BusError):
            for item in self._objects:
                if item.service == service:
                    await peer.listen(item.path, *item.signal, partial(self._hear, item))
            await peer.follow()

    def _meet(self, bus: Bus, service: str, owner: str) -> None:
        """A service has a new owner or none; what the old one told is void."""
        with self._noticing():
            for item in self._objects:
                if item.service == service:
                    item.values = {}
                    if owner:
                        bus.begin(self._load(item, owner))

    async def _load(self, item: _Object, owner: str) -> None:
        peer = self._peers[item.service]
        try:
            (properties,) = await peer.call(item.path, PROPERTIES, "GetAll", "s", item.interface, reply="a{sv}")
        except BusError:
            return
        if peer.owner == owner:
            with self._noticing():
                # A signal that was handled before this answer is as new as the answer, or newer.
                item.values = item.pick(properties) | item.values

    def _hear(self, item: _Object, body: list[Any]) -> None:
        with self._noticing():
            if item.signal == _SLEEP:
                item.values = {"PreparingForSleep": body[0]}
            elif body[0] == item.interface:
                item.values |= item.pick(body[1])

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        before = self.power(), self.asleep, self.saving
        yield
        if (self.power(), self.asleep, self.saving) != before:
            self._changed()
