"""The desktop that a person sits at, on the session bus: shows notifications, and tells when a game runs.

Interfaces: https://specifications.freedesktop.org/notification-spec/ and GameMode's daemon/gamemode_service.c. Either
service may be missing, end, and come back; so may the bus, and then nothing is shown and no game runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import html
import os
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageType
from dbus_next.errors import AuthError, DBusError
from dbus_next.message import Message
from dbus_next.signature import Variant

_BUS: Final = "org.freedesktop.DBus"
_BUS_PATH: Final = "/org/freedesktop/DBus"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_OWNER_CHANGED: Final = (_BUS, "NameOwnerChanged", "sss")
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
        self._bus: MessageBus | None = None
        self._end: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._services: list[_Service] = []

    async def connect(self, address: str = "") -> bool:
        """Reach the bus at ``address``, or the session's; whether that worked. Not reaching it is no error."""
        try:
            bus = await MessageBus(address or _session_address()).connect()
        except (OSError, DBusError, AuthError, EOFError, ValueError):
            return False
        self._bus = bus
        bus.add_message_handler(self._hear)
        self._end = asyncio.create_task(_end_of(bus))
        self._end.add_done_callback(lambda _: self._forget())
        for service in self._services:
            await self._follow(service)
        return True

    async def close(self) -> None:
        """Let go of the bus."""
        if self._bus is not None and self._end is not None:
            self._bus.disconnect()  # type: ignore[no-untyped-call]
            await asyncio.wait([self._end])

    def add(self, service: _Service) -> None:
        """Have ``service`` hear of its owner and its signals."""
        self._services.append(service)

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` beside everything else; it ends with the bus at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def call(
        self, to: str, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> Message | None:
        """The answer; None when it is an error, or none comes. The bus starts a service that is called by its name."""
        if self._bus is None:
            return None
        message = Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=body)
        try:
            answer = await asyncio.wait_for(self._bus.call(message), _PATIENCE)
        except (OSError, EOFError, DBusError, TimeoutError):
            return None
        return None if answer is None or answer.message_type is MessageType.ERROR else answer

    async def _follow(self, service: _Service) -> None:
        for rule in (
            f"sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg0='{service.name}'",
            f"sender='{service.name}',path='{service.path}'",
        ):
            await self.call(_BUS, _BUS_PATH, _BUS, "AddMatch", "s", [f"type='signal',{rule}"])
        answer = await self.call(_BUS, _BUS_PATH, _BUS, "GetNameOwner", "s", [service.name])
        # What NameOwnerChanged told meanwhile is newer.
        if answer is not None and not service.owner:
            service.meet(answer.body[0])

    def _hear(self, message: Message) -> bool:
        """Every message comes here. Anybody may send this process a signal; only the owner speaks for a service."""
        if message.message_type is MessageType.SIGNAL:
            kind = (message.interface, message.member, message.signature)
            for service in self._services:
                if kind == _OWNER_CHANGED and message.sender == _BUS and message.body[0] == service.name:
                    service.meet(message.body[2])
                elif message.sender == service.owner and message.path == service.path:
                    service.hear(message)
        return False

    def _forget(self) -> None:
        self._bus = None
        for task in self._tasks:
            task.cancel()
        for service in self._services:
            service.meet("")


class _Service:
    """A service on the session bus. ``owner``: the unique name of who provides it, empty while nobody does."""

    name: str
    path: str

    def __init__(self, desktop: Desktop) -> None:
        self.owner = ""
        self._desktop = desktop
        desktop.add(self)

    def meet(self, owner: str) -> None:
        """There is a new owner, or none any more."""
        self.owner = owner

    def hear(self, message: Message) -> None:
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


class Notifications(_Service):
    """Shows notifications, one of each kind at a time. Where no service shows any, nothing happens."""

    name = "org.freedesktop.Notifications"
    path = "/org/freedesktop/Notifications"

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
                "Notify",
                "susssasa{sv}i",
                ["vramswap", self._numbers.get(kind, 0), "vramswap", shown.title, text, actions, hints, -1],
            )
            if answer is None:
                # What nobody could see was not said.
                shown.at = float("-inf")
            elif answer.signature == "u" and answer.sender == self.owner:
                self._numbers[kind] = answer.body[0]

    async def _takes_markup(self) -> bool:
        if self._markup is None:
            answer = await self._call("GetCapabilities", "", [])
            if answer is None or answer.signature != "as":
                return False
            self._markup = "body-markup" in answer.body[0]
        return self._markup

    async def _call(self, member: str, signature: str, body: list[Any]) -> Message | None:
        return await self._desktop.call(self.name, self.path, self.name, member, signature, body)

    def meet(self, owner: str) -> None:
        """A new server knows nothing of what an old one showed."""
        super().meet(owner)
        self._markup = None
        self._numbers.clear()

    def hear(self, message: Message) -> None:
        """Somebody pressed a button, or the notification is gone."""
        signal = (message.interface, message.member, message.signature)
        for kind, number in list(self._numbers.items()) if message.body else ():
            shown = self._shown[kind]
            if number != message.body[0]:
                continue
            if signal == (self.name, "ActivationToken", "us"):
                shown.token = message.body[1]
            elif signal == (self.name, "ActionInvoked", "us") and message.body[1] in shown.buttons:
                shown.buttons[message.body[1]].pressed(shown.token)
            elif signal == (self.name, "NotificationClosed", "uu"):
                del self._numbers[kind]


class GameWatch(_Service):
    """Calls ``changed`` with True when a first game runs and with False when none does. Starts no GameMode."""

    name = "com.feralinteractive.GameMode"
    path = "/com/feralinteractive/GameMode"

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

    def hear(self, message: Message) -> None:
        """A game came or went. How many there are is asked, because signals that were missed do not come again."""
        if message.member in ("GameRegistered", "GameUnregistered", "PropertiesChanged"):
            self._desktop.begin(self._count(self.owner))

    async def _count(self, owner: str) -> None:
        # Sent to a unique name it starts nothing, and reaches nobody else.
        answer = await self._desktop.call(owner, self.path, _PROPERTIES, "Get", "ss", [self.name, "ClientCount"])
        if answer is not None and owner == self.owner and answer.signature == "v" and answer.body[0].signature == "i":
            self._set(answer.body[0].value > 0)

    def _set(self, playing: bool) -> None:
        if playing is not self.playing:
            self.playing = playing
            self._changed(playing)


def _session_address() -> str:
    """Where sd-bus(3) looks for it."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    return os.environ.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path={runtime}/bus"


async def _end_of(bus: MessageBus) -> None:
    with contextlib.suppress(EOFError, OSError):
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
