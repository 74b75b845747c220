# SPDX-License-Identifier: MIT
"""GameMode on a private bus, which does what Feral's daemon does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dbus_next.aio.message_bus import MessageBus
from dbus_next.message import Message
from dbus_next.signature import Variant

from tests.support.session_bus import GAMEMODE, PROPERTIES, Bus, Service
from tests.support.sockets import accepts
from tests.support.waiting import until
from vramswap_gui.tray.desktop import Desktop, GameWatch


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[Bus]:
    made = Bus(tmp_path)
    yield made
    await made.end()


class GameMode(Service):
    """Feral's daemon as far as it is watched."""

    def __init__(self, bus: MessageBus, games: int = 0) -> None:
        super().__init__(bus, "/com/feralinteractive/GameMode", GAMEMODE)
        self.games = games
        self.answers = {"Get": ("v", lambda _: [Variant("i", self.games)])}

    async def play(self, games: int) -> None:
        member = "GameRegistered" if games > self.games else "GameUnregistered"
        self.games = games
        await self.say(member, "io", 4242, f"{self.path}/Games/4242")
        await self.say(
            "PropertiesChanged", "sa{sv}as", GAMEMODE, {"ClientCount": Variant("i", games)}, [], interface=PROPERTIES
        )


async def serve(bus: Bus, games: int = 0) -> GameMode:
    made = GameMode(await bus.connect(), games)
    await made.bus.request_name(GAMEMODE)
    return made


@contextlib.asynccontextmanager
async def watching(bus: Bus) -> AsyncIterator[list[bool]]:
    desktop, said = Desktop(), list[bool]()
    GameWatch(desktop, said.append)
    await until(lambda: accepts(bus.folder / "bus"))
    assert await desktop.connect(bus.address)
    yield said
    await desktop.close()


async def test_games_come_and_go(bus: Bus) -> None:
    gamemode = await serve(bus)
    async with watching(bus) as said:
        await gamemode.play(1)
        await until(lambda: said == [True])
        await gamemode.play(2)
        await gamemode.play(1)
        await gamemode.play(0)
        await until(lambda: said == [True, False])


async def test_a_game_that_runs_already(bus: Bus) -> None:
    await serve(bus, 1)
    async with watching(bus) as said:
        await until(lambda: said == [True])


async def test_gamemode_comes_and_goes(bus: Bus) -> None:
    async with watching(bus) as said:
        gamemode = await serve(bus, 1)
        await until(lambda: said == [True])
        gamemode.end()
        await until(lambda: said == [True, False])
        again = await serve(bus)
        await again.play(1)
        await until(lambda: said == [True, False, True])


async def test_gamemode_is_never_started(bus: Bus) -> None:
    async with watching(bus) as said:
        gamemode = await serve(bus, 1)
        await until(lambda: said == [True])
        gamemode.end()
        await until(lambda: said == [True, False])
        assert not bus.started(GAMEMODE)
        # A plain call starts it, so this would have shown.
        stranger = await bus.connect()
        await stranger.call(Message(destination=GAMEMODE, path="/", interface=PROPERTIES, member="GetAll"))
        assert bus.started(GAMEMODE)


async def test_only_gamemode_is_believed(bus: Bus) -> None:
    gamemode = await serve(bus)
    async with watching(bus) as said:
        await until(lambda: gamemode.calls)
        target = gamemode.calls[0].sender
        liar = GameMode(await bus.connect(), 1)
        for to in (None, target):
            await liar.say("GameRegistered", "io", 1, "/", to=to)
            lie = (GAMEMODE, gamemode.bus.unique_name, liar.bus.unique_name)
            bus_name = "org.freedesktop.DBus"
            await liar.say("NameOwnerChanged", "sss", *lie, interface=bus_name, to=to)
        await liar.bus.introspect("org.freedesktop.DBus", "/org/freedesktop/DBus")
        await gamemode.play(1)
        await until(lambda: said)
        assert (said, liar.calls) == ([True], [])


@pytest.mark.parametrize(
    ("signature", "value"), [("v", Variant("s", "many")), ("v", Variant("u", 1)), ("i", 1), ("v", Variant("i", -1))]
)
async def test_an_answer_of_another_kind_is_no_game(signature: str, value: object, bus: Bus) -> None:
    gamemode = await serve(bus)
    gamemode.answers["Get"] = (signature, lambda _: [value])
    async with watching(bus) as said:
        await until(lambda: gamemode.calls)
        gamemode.answers["Get"] = ("v", lambda _: [Variant("i", 1)])
        await gamemode.say("GameRegistered", "io", 1, "/")
        await until(lambda: said)
        assert said == [True]


async def test_a_bus_that_ends_ends_the_game(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    await serve(bus, 1)
    async with watching(bus) as said:
        await until(lambda: said == [True])
        bus.daemon.kill()
        await until(lambda: said == [True, False])
    assert caplog.records == []
