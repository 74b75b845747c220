# SPDX-License-Identifier: MIT
"""The desktop that a person sits at, on the session bus: shows notifications, has our icon, tells when a game runs.

Interfaces: https://specifications.freedesktop.org/notification-spec/ and GameMode's daemon/gamemode_service.c. Either
service may be missing, end, and come back; so may the bus, and then nothing is shown and no game runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import html
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from vramswap_gui.bus.connection import PROPERTIES, Bus, BusError, Variant
from vramswap_gui.tray.bus_object import BusObject

#: A service that takes longer hangs, and nobody may wait for it.
_PATIENCE: Final = 10.0
#: The same news is no news for so long.
_QUIET_SECONDS: Final = 3600.0


class Urgency(enum.IntEnum):
    """How a notification is shown: LOW may be missed, CRITICAL stays until it was seen."""

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Button:
    """Something to do about a notification.

    ``pressed`` gets a token for the window that it may open (XDG_ACTIVATION_TOKEN), empty where the desktop has none.
    """

    label: str
    pressed: Callable[[str], None]


class Desktop:
    """A connection to the session bus. Make the services on it, then ``connect``."""

    def __init__(self) -> None:
        self._bus: Bus | None = None
        self._services: list[Service] = []
        self._objects: list[BusObject] = []

    async def connect(self, address: str = "") -> bool:
        """Reach the bus at ``address``, or the session's; whether that worked. Not reaching it is no error."""
        try:
            self._bus = bus = await Bus.connect(address or "session")
            for exported in self._objects:
                exported.serve(bus)
            for service in self._services:
                await service.follow(bus)
        except BusError:
            return False
        return True

    async def close(self) -> None:
        """Let go of the bus."""
        if self._bus is not None:
            self._bus.close()

    def add(self, service: Service) -> None:
        """Have ``service`` hear of its owner and its signals."""
        self._services.append(service)

    def export(self, *objects: BusObject) -> None:
        """Have others see these objects of ours."""
        for exported in objects:
            self._objects.append(exported)
            if self._bus is not None:
                exported.serve(self._bus)

    def withdraw(self, *objects: BusObject) -> None:
        """Nobody sees them any more."""
        for exported in objects:
            self._objects.remove(exported)
            exported.withdraw()

    async def own(self, name: str) -> None:
        """Take a name, unless somebody has it."""
        if self._bus is not None:
            with contextlib.suppress(BusError):
                await self._bus.request_name(name)

    async def disown(self, name: str) -> None:
        """Give the name back."""
        if self._bus is not None:
            with contextlib.suppress(BusError):
                await self._bus.release_name(name)

    @property
    def busy(self) -> bool:
        """Whether anything that was begun is under way."""
        return self._bus is not None and self._bus.busy

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` beside everything else; it ends with the bus at the latest."""
        if self._bus is None:
            work.close()
        else:
            self._bus.begin(work)

    async def call(
        self, to: str, path: str, interface: str, member: str, signature: str, *arguments: Any, reply: str
    ) -> list[Any] | None:
        """The answer; None when it is an error, or none comes. The bus starts a service that is called by its name."""
        if self._bus is None:
            return None
        try:
            return await self._bus.call(
                to, path, interface, member, signature, *arguments, reply=reply, deadline=_PATIENCE
            )
        except BusError:
            return None


class Service:
    """A service on the session bus. ``owner``: the unique name of who provides it, empty while nobody does."""

    name: str
    path: str
    #: Those that matter: interface, member and signature.
    signals: tuple[tuple[str, str, str], ...] = ()

    def __init__(self, desktop: Desktop) -> None:
        self.owner = ""
        self._desktop = desktop
        desktop.add(self)

    async def follow(self, bus: Bus) -> None:
        """Hear of the owner and its signals. Raises BusError."""
        peer = bus.peer(self.name, self.meet)
        for signal in self.signals:
            await peer.listen(self.path, *signal, partial(self.hear, signal[1]))
        await peer.follow()

    def meet(self, owner: str) -> None:
        """There is a new owner, or none any more."""
        self.owner = owner

    def hear(self, member: str, body: list[Any]) -> None:
        """The owner sent a signal."""


@dataclass(slots=True)
class _Shown:
    """What was said last about one kind of thing."""

    title: str
    text: str
    urgency: Urgency
    buttons: dict[str, Button]
    at: float
    token: str = ""


class Notifications(Service):
    """Shows notifications, one of each kind at a time. Where no service shows any, nothing happens."""

    name = "org.freedesktop.Notifications"
    path = "/org/freedesktop/Notifications"
    signals = ((name, "ActivationToken", "us"), (name, "ActionInvoked", "us"), (name, "NotificationClosed", "uu"))

    def __init__(self, desktop: Desktop, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(desktop)
        self._clock = clock
        self._shown: dict[str, _Shown] = {}
        #: The server's numbers of the kinds that are on the screen.
        self._numbers: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()
        self._markup: bool | None = None

    def show(
        self,
        kind: str,
        title: str,
        text: str,
        *,
        urgency: Urgency = Urgency.NORMAL,
        clicked: Button | None = None,
        button: Button | None = None,
    ) -> None:
        """Show it soon, in place of an older one of its ``kind``.

        Nothing happens if the same was said less than an hour ago. ``clicked`` is the notification itself, which is
        a button with a label only to some servers.
        """
        last, now = self._shown.get(kind), self._clock()
        if last is not None and (last.title, last.text) == (title, text) and now < last.at + _QUIET_SECONDS:
            return
        # The key is the specification's.
        given = {"default": clicked, "button": button}
        buttons = {key: button for key, button in given.items() if button is not None}
        self._shown[kind] = _Shown(title, text, urgency, buttons, now)
        self._desktop.begin(self._send(kind, self._shown[kind]))

    async def _send(self, kind: str, shown: _Shown) -> None:
        async with self._one_at_a_time:
            if self._shown[kind] is not shown:
                return
            hints = {
                "urgency": Variant("y", shown.urgency.value),
                "desktop-entry": Variant("s", "vramswap"),
            }
            actions = [word for key, button in shown.buttons.items() for word in (key, button.label)]
            text = html.escape(shown.text, quote=False) if await self._takes_markup() else shown.text
            answer = await self._call(
                "Notify", "susssasa{sv}i", "vramswap", self._numbers.get(kind, 0), "vramswap",
                shown.title, text, actions, hints, -1, reply="u",
            )  # fmt: skip
            if answer is None:
                # What nobody could see was not said.
                shown.at = float("-inf")
            else:
                self._numbers[kind] = answer[0]

    async def _takes_markup(self) -> bool:
        if self._markup is None:
            answer = await self._call("GetCapabilities", "", reply="as")
            if answer is None:
                return False
            self._markup = "body-markup" in answer[0]
        return self._markup

    async def _call(self, member: str, signature: str, *arguments: Any, reply: str) -> list[Any] | None:
        return await self._desktop.call(self.name, self.path, self.name, member, signature, *arguments, reply=reply)

    def meet(self, owner: str) -> None:
        """A new server knows nothing of what an old one showed."""
        super().meet(owner)
        self._markup = None
        self._numbers.clear()

    def hear(self, member: str, body: list[Any]) -> None:
        """Somebody pressed a button, or the notification is gone."""
        for kind, number in list(self._numbers.items()):
            shown = self._shown[kind]
            if number != body[0]:
                continue
            if member == "ActivationToken":
                shown.token = body[1]
            elif member == "ActionInvoked" and body[1] in shown.buttons:
                shown.buttons[body[1]].pressed(shown.token)
            elif member == "NotificationClosed":
                del self._numbers[kind]


class GameWatch(Service):
    """Calls ``changed`` with True when a first game runs and with False when none does. Starts no GameMode."""

    name = "com.feralinteractive.GameMode"
    path = "/com/feralinteractive/GameMode"
    signals = (
        (name, "GameRegistered", "io"),
        (name, "GameUnregistered", "io"),
        (PROPERTIES, "PropertiesChanged", "sa{sv}as"),
    )

    def __init__(self, desktop: Desktop, changed: Callable[[bool], None]) -> None:
        super().__init__(desktop)
        self._changed = changed
        self.playing = False

    def meet(self, owner: str) -> None:
        """GameMode has come or gone."""
        super().meet(owner)
        if owner:
            self._desktop.begin(self._count(owner))
        else:
            self._set(False)

    def hear(self, member: str, body: list[Any]) -> None:
        """A game came or went. How many there are is asked, because signals that were missed do not come again."""
        self._desktop.begin(self._count(self.owner))

    async def _count(self, owner: str) -> None:
        # Sent to a unique name it starts nothing, and reaches nobody else.
        answer = await self._desktop.call(
            owner, self.path, PROPERTIES, "Get", "ss", self.name, "ClientCount", reply="v"
        )
        if answer is not None and owner == self.owner and answer[0].signature == "i":
            self._set(answer[0].value > 0)

    def _set(self, playing: bool) -> None:
        if playing is not self.playing:
            self.playing = playing
            self._changed(playing)
