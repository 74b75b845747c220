# SPDX-License-Identifier: MIT
"""Notifications on a private bus, with a server that does what servers do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dbus_next.aio.message_bus import MessageBus

from tests.support.session_bus import NOTIFICATIONS, Bus, Service
from tests.support.sockets import accepts
from tests.support.waiting import until
from vramswap_gui.tray import desktop as module
from vramswap_gui.tray.desktop import Button, Desktop, Notifications, Urgency


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    made = Bus(tmp_path)
    yield made
    await made.end()


class Server(Service):
    """A notification server. ``screen``: number → what Notify was called with."""

    def __init__(self, bus: MessageBus) -> None:
        super().__init__(bus, "/org/freedesktop/Notifications", NOTIFICATIONS)
        self.screen: dict[int, list[Any]] = {}
        self.capabilities = ["body", "actions"]
        self.first = 7
        self.answers = {
            "GetCapabilities": ("as", lambda _: [self.capabilities]),
            "Notify": ("u", lambda message: [self._notify(message.body)]),
        }

    def _notify(self, body: list[Any]) -> int:
        number: int = body[1] or self.first + len(self.screen)
        self.screen[number] = body
        return number

    @property
    def shown(self) -> list[tuple[int, str, str]]:
        return [(number, body[3], body[4]) for number, body in self.screen.items()]


async def show_for(bus: Bus) -> Server:
    made = Server(await bus.connect())
    await made.bus.request_name(NOTIFICATIONS)
    return made


class Told:
    """Notifications with a clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.desktop = Desktop()
        self.notifications = Notifications(self.desktop, lambda: self.now)
        self.show = self.notifications.show

    async def settle(self) -> None:
        """All that was to be shown has been shown, or could not be."""
        await until(lambda: not self.desktop.busy)


@pytest.fixture
async def told(bus: Bus) -> AsyncIterator[Told]:
    made = Told()
    await until(lambda: accepts(bus.folder / "bus"))
    assert await made.desktop.connect(bus.address)
    yield made
    await made.desktop.close()


async def test_a_notification_has_all_that_it_needs(bus: Bus, told: Told) -> None:
    server = await show_for(bus)
    button = Button("Use it", lambda token: None)
    told.show("a", "Title", "Text & <more>", urgency=Urgency.CRITICAL, clicked=Button("Show", print), button=button)
    await told.settle()
    name, replaces, icon, title, text, actions, hints, expires = server.screen[7]
    assert (name, replaces, icon, title, text, expires) == ("vramswap", 0, "vramswap", "Title", "Text & <more>", -1)
    assert actions == ["default", "Show", "button", "Use it"]
    assert {key: (value.signature, value.value) for key, value in hints.items()} == {
        "urgency": ("y", 2),
        "desktop-entry": ("s", "vramswap"),
    }


async def test_markup_is_kept_out_of_a_server_that_reads_it(bus: Bus, told: Told) -> None:
    server = await show_for(bus)
    server.capabilities.append("body-markup")
    told.show("a", "A & B", "Text & <more>")
    await told.settle()
    assert server.shown == [(7, "A & B", "Text &amp; &lt;more&gt;")]


async def test_one_of_a_kind(bus: Bus, told: Told) -> None:
    server = await show_for(bus)
    told.show("a", "First", "x")
    # Before the first one has its number.
    told.show("a", "Second", "x")
    told.show("b", "Other", "x")
    await told.settle()
    assert server.shown == [(7, "Second", "x"), (8, "Other", "x")]
    assert sum(call.member == "Notify" for call in server.calls) == 2
    told.show("a", "Third", "x")
    await told.settle()
    assert server.shown == [(7, "Third", "x"), (8, "Other", "x")]


async def test_the_same_is_said_once_an_hour(bus: Bus, told: Told) -> None:
    server = await show_for(bus)

    async def calls(*words: str) -> int:
        told.show(*words)
        await told.settle()
        return sum(call.member == "Notify" for call in server.calls)

    assert await calls("a", "T", "x") == 1
    told.now += 3599
    assert await calls("a", "T", "x") == 1
    assert await calls("b", "T", "x") == 2
    assert await calls("a", "T", "y") == 3
    assert await calls("a", "T", "x") == 4
    told.now += 3601
    assert await calls("a", "T", "x") == 5


async def test_buttons_and_the_token_for_the_window(bus: Bus, told: Told) -> None:
    server, pressed = await show_for(bus), list[str]()
    clicked, button = Button("", lambda token: pressed.append(f"click {token}")), Button("B", pressed.append)
    told.show("a", "T", "x", clicked=clicked, button=button)
    told.show("b", "T", "x")
    await told.settle()
    for number, key in ((8, "button"), (9, "button"), (7, "no such key")):
        await server.say("ActionInvoked", "us", number, key)
    await server.say("ActivationToken", "us", 7, "a-token")
    await server.say("ActionInvoked", "us", 7, "default")
    await server.say("ActionInvoked", "us", 7, "button")
    await until(lambda: len(pressed) >= 2)
    assert pressed == ["click a-token", "a-token"]


async def test_only_the_server_presses_buttons(bus: Bus, told: Told) -> None:
    server, pressed = await show_for(bus), list[str]()
    told.show("a", "T", "x", button=Button("B", pressed.append))
    await told.settle()
    other = Service(await bus.connect(), server.path, server.interface)
    for to in (None, server.calls[-1].sender):
        await other.say("ActivationToken", "us", 7, "a lie", to=to)
        await other.say("ActionInvoked", "us", 7, "button", to=to)
    await other.bus.introspect("org.freedesktop.DBus", "/org/freedesktop/DBus")
    await server.say("ActionInvoked", "us", 7, "button")
    await until(lambda: pressed)
    assert pressed == [""]


@pytest.mark.parametrize("how", ["closed", "server ended"])
async def test_what_is_gone_is_not_replaced(how: str, bus: Bus, told: Told) -> None:
    server = await show_for(bus)
    told.show("a", "T", "x")
    await told.settle()
    if how == "closed":
        await server.say("NotificationClosed", "uu", 7, 2)
    else:
        server.end()
        await until(lambda: not told.notifications.owner)
        server = await show_for(bus)
    await until(lambda: not told.notifications._numbers)
    told.show("a", "T", "y")
    await told.settle()
    # A number of an old server may be that of somebody else's notification now.
    assert [body[1] for body in server.screen.values() if body[4] == "y"] == [0]


async def test_without_a_server_nothing_happens(bus: Bus, told: Told, caplog: pytest.LogCaptureFixture) -> None:
    told.show("a", "T", "x")
    await told.settle()
    # The usual way to have one, which does not work here.
    assert bus.started(NOTIFICATIONS)
    server = await show_for(bus)
    # Nobody saw it, so it is said again.
    told.show("a", "T", "x")
    await told.settle()
    assert server.shown == [(7, "T", "x")]
    assert caplog.records == []


async def test_a_server_that_hangs_holds_nobody_up(
    bus: Bus, told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    other = await bus.connect()
    await other.request_name(NOTIFICATIONS)
    other.add_message_handler(lambda message: message.path == Notifications.path)
    told.show("a", "T", "x")
    await told.settle()
    assert caplog.records == []


async def test_without_a_bus_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    told = Told()
    assert not await told.desktop.connect()
    told.show("a", "T", "x")
    await told.settle()
    await told.desktop.close()


async def test_the_session_s_bus_is_found(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(bus.folder))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    await until(lambda: accepts(bus.folder / "bus"))
    by_folder = Desktop()
    assert await by_folder.connect()
    await by_folder.close()
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    by_address = Desktop()
    assert await by_address.connect()
    await by_address.close()
