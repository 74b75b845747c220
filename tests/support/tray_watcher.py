# SPDX-License-Identifier: MIT
"""A StatusNotifierItem host, as far as a tray icon can tell, on a session bus of its own."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any, Final

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from tests.support.bus_client import connect
from tests.support.sockets import accepts
from tests.support.waiting import PATIENCE, wait_for

NAME: Final = "org.kde.StatusNotifierWatcher"
ITEM: Final = "org.kde.StatusNotifierItem"
MENU: Final = "com.canonical.dbusmenu"


class Watcher:
    """Has the watcher's name, notes the items, and uses them as a desktop would."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:path={folder}/session-bus"
        self._daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self.address}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._socket = folder / "session-bus"
        self._bus: MessageBus
        self.items: list[str] = []
        #: What the icon and its menu told, by name.
        self.signals: list[str] = []
        self._registered = asyncio.Event()

    async def connect(self) -> None:
        """Be on the bus, without the name yet."""
        await asyncio.to_thread(wait_for, lambda: accepts(self._socket), "the session bus")
        self._bus = await connect(self.address)
        self._bus.add_message_handler(self._answer)

    async def appear(self) -> None:
        """Take the name: now there is a host."""
        for interface in (ITEM, MENU):
            await self._bus.call(
                Message(destination="org.freedesktop.DBus", path="/org/freedesktop/DBus",
                        interface="org.freedesktop.DBus", member="AddMatch", signature="s",
                        body=[f"type='signal',interface='{interface}'"])
            )  # fmt: skip
        await self._bus.request_name(NAME)

    async def disappear(self) -> None:
        """Let the name go, as a panel that ends; its icons have to be registered with the next one."""
        self._registered.clear()
        await self._bus.release_name(NAME)

    def close(self) -> None:
        """End the bus."""
        self._bus.disconnect()  # type: ignore[no-untyped-call]
        self._daemon.terminate()
        self._daemon.wait()

    async def item(self) -> str:
        """The latest icon's bus name."""
        await asyncio.wait_for(self._registered.wait(), PATIENCE)
        return self.items[-1]

    async def call(self, path: str, interface: str, member: str, signature: str = "", *body: Any) -> list[Any]:
        """Call the latest icon."""
        answer = await self._bus.call(
            Message(destination=await self.item(), path=path, interface=interface, member=member,
                    signature=signature, body=list(body))
        )  # fmt: skip
        assert answer is not None and answer.message_type is MessageType.METHOD_RETURN, answer and answer.body
        reply: list[Any] = answer.body
        return reply

    async def property(self, name: str) -> Any:
        """One property of the latest icon."""
        (value,) = await self.call("/StatusNotifierItem", "org.freedesktop.DBus.Properties", "Get", "ss", ITEM, name)
        return value.value

    async def entries(self) -> dict[str, int]:
        """The menu's entries with their numbers, those of submenus too."""
        path = await self.property("Menu")
        _, root = await self.call(path, MENU, "GetLayout", "iias", 0, -1, [])
        found: dict[str, int] = {}

        def walk(entry: Any) -> None:
            number, properties, children = entry
            label = properties.get("label")
            if label and properties.get("visible", Variant("b", True)).value:
                found[label.value.replace("_", "")] = number
            for child in children:
                walk(child.value)

        walk(root)
        return found

    async def choose(self, label: str) -> None:
        """Click on an entry of the menu."""
        path = await self.property("Menu")
        number = (await self.entries())[label]
        await self.call(path, MENU, "Event", "isvu", number, "clicked", Variant("s", ""), 0)

    def _answer(self, message: Message) -> Message | bool:
        if message.message_type is MessageType.SIGNAL and message.interface in (ITEM, MENU):
            self.signals.append(str(message.member))
        if message.message_type is not MessageType.METHOD_CALL or message.path != "/StatusNotifierWatcher":
            return False
        if message.member == "RegisterStatusNotifierItem":
            name = str(message.body[0])
            self.items.append(message.sender if name.startswith("/") else name)
            self._registered.set()
            return Message.new_method_return(message)
        if message.member == "Get":
            value = {"IsStatusNotifierHostRegistered": Variant("b", True), "ProtocolVersion": Variant("i", 0)}
            return Message.new_method_return(message, "v", [value.get(message.body[1], Variant("as", self.items))])
        return False
