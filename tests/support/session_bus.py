# SPDX-License-Identifier: MIT
"""A session bus for tests, and services on it that do what a test tells them."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageType
from dbus_next.message import Message

from tests.support.bus_client import connect
from tests.support.sockets import accepts
from tests.support.waiting import until

NOTIFICATIONS: Final = "org.freedesktop.Notifications"
GAMEMODE: Final = "com.feralinteractive.GameMode"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"

CONFIG: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""


class Bus:
    """A dbus-daemon. Asked to start a service it fails, and leaves a file with the service's name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix:path={folder}/bus"
        (folder / "services").mkdir()
        for name in (GAMEMODE, NOTIFICATIONS):
            (folder / f"services/{name}.service").write_text(
                f"[D-BUS Service]\nName={name}\nExec=/bin/sh -c 'touch {folder}/{name}; exit 1'\n"
            )
        (folder / "bus.conf").write_text(CONFIG.format(folder=folder))
        self.connections: list[MessageBus] = []
        self.daemon = subprocess.Popen(["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile"])

    async def connect(self) -> MessageBus:
        await until(lambda: accepts(self.folder / "bus"))
        self.connections.append(await connect(self.address))
        return self.connections[-1]

    async def end(self) -> None:
        """The daemon and every connection to it."""
        self.daemon.kill()
        self.daemon.wait()
        for connection in self.connections:
            with contextlib.suppress(EOFError, OSError):
                await connection.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def started(self, name: str) -> bool:
        """Whether anybody had the service started."""
        return (self.folder / name).exists()


class Service:
    """Answers calls with ``answers``: a member's name → signature and values, or what makes them of the message."""

    def __init__(self, bus: MessageBus, path: str, interface: str) -> None:
        self.bus = bus
        self.path = path
        self.interface = interface
        self.calls: list[Message] = []
        self.answers: dict[str, tuple[str, Callable[[Message], list[Any]]]] = {}
        bus.add_message_handler(self._hear)

    def _hear(self, message: Message) -> bool | Message:
        if message.message_type is not MessageType.METHOD_CALL or message.path != self.path:
            return False
        self.calls.append(message)
        if message.member not in self.answers:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "no such thing")
        signature, answer = self.answers[message.member]
        return Message.new_method_return(message, signature, answer(message))

    async def say(self, member: str, signature: str, *body: object, interface: str = "", to: str | None = None) -> None:
        await self.bus.send(
            Message(
                message_type=MessageType.SIGNAL, path=self.path, interface=interface or self.interface,
                member=member, signature=signature, body=list(body), destination=to,  # type: ignore[arg-type]
            )
        )  # fmt: skip

    def end(self) -> None:
        """As a service that crashes."""
        self.bus.disconnect()  # type: ignore[no-untyped-call]
