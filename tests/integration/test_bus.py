# SPDX-License-Identifier: MIT
"""A connection to a bus: deadlines, owners of names, and who is believed. On the reference bus and on dbus-broker."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from tests.support import raw_bus
from tests.support.buses import KINDS, PlainBus
from tests.support.raw_bus import RawClient
from tests.support.waiting import PATIENCE, until
from vramswap_gui.api.declaration import Argument, Interface, Method, Property, Signal
from vramswap_gui.bus import connection
from vramswap_gui.bus.connection import Bus, BusError
from vramswap_gui.bus.service import Call, ServedObject

NAME: Final = "org.example.Service"
PATH: Final = "/org/example/Service"
INTERFACE: Final = Interface(
    "org.example.Interface",
    {
        "Echo": Method("Echo", "Says it again.", (Argument("text", "s"),), (Argument("again", "s", "The same."),)),
        "Wait": Method("Wait", "Never ends."),
        "Many": Method("Many", "A long answer.", (), (Argument("bytes", "ay"),)),
        "Break": Method("Break", "Has a defect."),
    },
    {"Text": Property("Text", "s", "text", "A <text>.")},
    {"Said": Signal("Said", "A word.", (Argument("word", "s"),))},
)


@pytest.fixture(params=KINDS)
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PlainBus]:
    made = PlainBus(request.param, tmp_path)
    yield made
    made.end()


@pytest.fixture
async def connect(plain: PlainBus) -> AsyncIterator[Callable[[], Awaitable[Bus]]]:
    """Makes connections that end with the test."""
    made: list[Bus] = []

    async def connect() -> Bus:
        made.append(await Bus.connect(plain.address))
        return made[-1]

    yield connect
    for bus in made:
        bus.close()


Connect = Callable[[], Awaitable[Bus]]


async def answer(call: Call) -> list[Any]:
    match call.method.name:
        case "Wait":
            await asyncio.Event().wait()
        case "Many":
            return [bytes(100 << 10)]
        case "Break":
            raise KeyError("defect")
    return list(call.arguments)


async def values() -> dict[str, Any]:
    return {"Text": "a\0b"}


async def serve(connect: Connect) -> ServedObject:
    bus = await connect()
    served = ServedObject(bus, PATH, INTERFACE, answer, values)
    assert await bus.request_name(NAME)
    return served


async def ask(bus: Bus, member: str, signature: str = "", *arguments: Any, **options: Any) -> list[Any]:
    return await bus.call(NAME, PATH, INTERFACE.name, member, signature, *arguments, **options)


async def failure(call: Awaitable[Any]) -> str:
    with pytest.raises(BusError) as caught:
        await call
    assert str(caught.value)
    return caught.value.name.removeprefix("org.freedesktop.DBus.Error.")


async def test_calls_are_answered_and_errors_are_typed(connect: Connect) -> None:
    await serve(connect)
    bus = await connect()
    assert await ask(bus, "Echo", "s", "hällo", reply="s") == ["hällo"]
    # Whatever a text holds, it reaches its reader, and the connection stays.
    assert await ask(bus, "Echo", "s", "\0 \udcff", reply="s") == ["\\x00 \\udcff"]
    assert await failure(ask(bus, "Echo", "s", "x", reply="u")) == "InconsistentMessage"
    assert await failure(ask(bus, "Echo", "i", 1)) == "InvalidArgs"
    assert await failure(ask(bus, "Shout")) == "UnknownMethod"
    assert await failure(ask(bus, "Many", reply="ay")) == "InconsistentMessage"
    assert await failure(ask(bus, "Wait", deadline=0.1)) == "Timeout"
    assert await failure(ask(bus, "Break")) == "Failed"
    assert await failure(bus.call(NAME, "/elsewhere", INTERFACE.name, "Echo", "s", "x")) == "UnknownObject"
    assert await failure(bus.call("org.example.Nobody", PATH, INTERFACE.name, "Echo")) == "ServiceUnknown"
    assert await failure(bus.call(bus.name, PATH, INTERFACE.name, "Echo")) == "UnknownObject"
    assert bus.connected


async def test_properties_and_the_declaration_are_read(connect: Connect) -> None:
    await serve(connect)
    bus = await connect()
    get = (NAME, PATH, connection.PROPERTIES)
    (everything,) = await bus.call(*get, "GetAll", "s", INTERFACE.name, reply="a{sv}")
    assert connection.plain(everything) == {"Text": "a\\x00b"}
    (text,) = await bus.call(*get, "Get", "ss", INTERFACE.name, "Text", reply="v")
    assert text.value == "a\\x00b"
    assert await failure(bus.call(*get, "Get", "ss", INTERFACE.name, "Nothing", reply="v")) == "UnknownProperty"
    assert await failure(bus.call(*get, "GetAll", "s", "org.example.Other", reply="a{sv}")) == "UnknownInterface"
    value = connection.Variant("s", "x")
    assert await failure(bus.call(*get, "Set", "ssv", INTERFACE.name, "Text", value)) == "PropertyReadOnly"
    introspect = ("org.freedesktop.DBus.Introspectable", "Introspect")
    (xml,) = await bus.call(NAME, PATH, *introspect, reply="s")
    assert 'value="A &lt;text&gt;."' in xml
    (xml,) = await bus.call(NAME, "/org", *introspect, reply="s")
    assert '<node name="example"/>' in xml
    await bus.call(NAME, PATH, connection.PEER, "Ping")


async def test_a_connection_has_several_objects_and_they_come_and_go(connect: Connect) -> None:
    service = (await serve(connect))._bus
    bus = await connect()

    async def other() -> dict[str, str]:
        return {"Text": "other"}

    beside = ServedObject(service, PATH + "/Other", INTERFACE, answer, other)

    async def text(path: str) -> Any:
        (value,) = await bus.call(
            NAME, path, connection.PROPERTIES, "Get", "ss", INTERFACE.name, "Text", reply="v"
        )  # fmt: skip
        return value.value

    async def nodes(path: str) -> list[str]:
        (xml,) = await bus.call(NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect", reply="s")
        return [str(node.get("name")) for node in ElementTree.fromstring(xml).findall("node")]

    ServedObject(service, "/elsewhere", INTERFACE, answer, values)
    assert [await text(PATH), await text(PATH + "/Other")] == ["a\\x00b", "other"]
    assert (await nodes("/"), await nodes("/org/example")) == (["elsewhere", "org"], ["Service"])
    beside.withdraw()
    assert await failure(text(PATH + "/Other")) == "UnknownObject"
    assert await text(PATH) == "a\\x00b"
    await service.release_name(NAME)
    assert await failure(text(PATH)) == "ServiceUnknown"


async def test_a_declared_signal_is_sent_with_its_type(connect: Connect) -> None:
    served, bus = await serve(connect), await connect()
    watched = Watched(bus)
    await watched.begin()
    served.emit("Said", "word")
    await until(lambda: watched.heard == ["word"])


async def test_what_a_bus_does_not_take_yet_waits(connect: Connect) -> None:
    """More than a socket holds."""
    served, bus = await serve(connect), await connect()
    watched = Watched(bus)
    await watched.begin()
    words = [f"{number} {'x' * 1000}" for number in range(2000)]
    for word in words:
        served.emit("Said", word)
    await until(lambda: len(watched.heard) == len(words))
    assert watched.heard == words


async def test_what_is_answered_at_once_may_be_asked_for_many_times(connect: Connect) -> None:
    """A host that draws icons asks for every property by itself, and all at the same time."""
    await serve(connect)
    bus = await connect()
    # A bus lets nobody wait for more answers than 128.
    texts = [str(number) for number in range(100)]
    answers = await asyncio.gather(*(ask(bus, "Echo", "s", text, reply="s") for text in texts))
    assert [text for (text,) in answers] == texts


async def test_one_caller_keeps_the_others_not_out(connect: Connect) -> None:
    await serve(connect)
    greedy, other = await connect(), await connect()
    waiting = [asyncio.ensure_future(ask(greedy, "Wait", deadline=None)) for _ in range(40)]
    await until(lambda: sum(task.done() for task in waiting) == 24)
    for task in waiting:
        if task.done():
            with pytest.raises(BusError, match="Too many calls"):
                task.result()
    assert await ask(other, "Echo", "s", "x", reply="s") == ["x"]
    for task in waiting:
        task.cancel()


class Watched:
    """What somebody hears who follows the service."""

    def __init__(self, bus: Bus) -> None:
        self.owners: list[str] = []
        self.heard: list[str] = []
        self.peer = bus.peer(NAME, self.owners.append)

    async def begin(self) -> None:
        await self.peer.listen(PATH, INTERFACE.name, "Said", "s", lambda body: self.heard.append(body[0]))
        await self.peer.follow()


async def test_only_the_owner_is_heard_and_only_the_bus_says_who_that_is(plain: PlainBus, connect: Connect) -> None:
    watcher, first, second = await connect(), await connect(), await connect()
    watched = Watched(watcher)
    await watched.begin()
    assert (watched.peer.owner, watched.owners) == ("", [])
    await first.request_name(NAME)
    await until(lambda: watched.owners == [first.name])
    stranger = RawClient(str(plain.path))
    said = raw_bus.string("lie")
    stranger.send(raw_bus.signal(watcher.name, PATH, INTERFACE.name, "Said", "s", said))
    lie = raw_bus.strings(NAME, first.name, stranger.name)
    stranger.send(raw_bus.signal(watcher.name, raw_bus.BUS_PATH, raw_bus.BUS, "NameOwnerChanged", "sss", lie))
    stranger.send(raw_bus.signal(watcher.name, PATH, INTERFACE.name, "Said", "s", said))
    # What the stranger sent is there when the bus answers it, and before what comes later.
    stranger.send(raw_bus.call(raw_bus.BUS, raw_bus.BUS_PATH, raw_bus.BUS, "GetId", serial=20))
    stranger.answer(20)
    first.emit(PATH, INTERFACE.name, "Said", "s", "truth")
    await until(lambda: watched.heard)
    first.emit(PATH, INTERFACE.name, "Said", "i", 1)
    first.emit("/elsewhere", INTERFACE.name, "Said", "s", "elsewhere")
    assert (watched.heard, watched.owners) == (["truth"], [first.name])
    first.close()
    await until(lambda: watched.owners == [first.name, ""])
    await second.request_name(NAME)
    await until(lambda: watched.owners[2:] == [second.name])
    second.emit(PATH, INTERFACE.name, "Said", "s", "of the new one")
    await until(lambda: watched.heard == ["truth", "of the new one"])
    stranger.close()
    watched.peer.stop()
    second.close()
    await watcher.ask_bus("GetId", reply="s")
    assert len(watched.owners) == 3


async def test_what_is_not_followed_any_more_costs_nothing(connect: Connect) -> None:
    """The reference bus has a connection watch 512 things, unless its configuration says otherwise."""
    watcher = await connect()
    for _ in range(600):
        other = await connect()
        left = asyncio.Event()
        peer = watcher.peer(other.name, lambda owner, left=left: left.set() if not owner else None)  # type: ignore[misc]
        await peer.follow()
        assert peer.owner == other.name
        other.close()
        await left.wait()
        peer.stop()
    assert (watcher._peers, watcher._rules) == ({}, {})


async def test_who_is_gone_already_has_no_owner(connect: Connect) -> None:
    watcher, other = await connect(), await connect()
    other.close()
    await asyncio.sleep(0)
    peer = watcher.peer(other.name)
    await peer.follow()
    await until(lambda: not peer.owner)


async def test_a_service_that_ends_answers_nobody(connect: Connect) -> None:
    served = await serve(connect)
    bus = await connect()
    waiting = asyncio.ensure_future(ask(bus, "Wait", deadline=None))
    await until(lambda: served._pending)
    served._bus.close()
    assert await failure(waiting) == "NoReply"


async def test_the_end_of_the_bus_ends_all_that_waits(plain: PlainBus, connect: Connect) -> None:
    served = await serve(connect)
    bus = await connect()
    watched = Watched(bus)
    await watched.begin()
    closed: list[bool] = []
    bus.on_closed(lambda: closed.append(True))
    waiting = asyncio.ensure_future(ask(bus, "Wait", deadline=None))
    await until(lambda: served._pending)
    plain.process.terminate()
    assert await failure(waiting) == "Disconnected"
    await bus.closed()
    await until(lambda: closed)
    assert not bus.connected
    assert watched.owners[-1] == ""
    assert await failure(ask(bus, "Echo", "s", "x")) == "Disconnected"
    bus.emit(PATH, INTERFACE.name, "Said", "s", "to nobody")
    bus.close()


async def greet(path: Path, behave: Callable[[socket.socket], Awaitable[None]]) -> tuple[str, str]:
    """What is said of a bus that behaves in its own way."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.setblocking(False)

        async def accept() -> None:
            end, _ = await loop.sock_accept(listener)
            with end:
                end.setblocking(False)
                await behave(end)

        accepting = asyncio.ensure_future(accept())
        with pytest.raises(BusError) as caught:
            await Bus.connect(f"unix:path={path}")
        accepting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await accepting
    return caught.value.name.rpartition(".")[2], str(caught.value)


async def say(end: socket.socket, *lines: bytes) -> None:
    loop = asyncio.get_running_loop()
    for line in lines:
        await loop.sock_recv(end, 1000)
        await loop.sock_sendall(end, line)
    await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((), "ended the connection|reset|pipe"),
        ((b"OK 123\r\n",), "ended the connection|reset|pipe"),
        ((b"REJECTED KERBEROS\r\n",), "authentication failed"),
        ((b"NONSENSE\r\n",), "NONSENSE"),
        ((b"x" * 5000,), "ended the connection"),
        ((b"OK 123\r\n", b"l\2\1\1nonsense that is no message"), "no D-Bus message|bytes|answer"),
        ((b"OK 123\r\n", b"HTTP/1.0 400 Bad Request\r\n"), "no D-Bus message"),
    ],
)
async def test_what_is_no_bus_is_said_to_be_none(
    tmp_path: Path, lines: tuple[bytes, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_GREETING_DEADLINE", PATIENCE)
    name, text = await greet(tmp_path / "socket", lambda end: say(end, *lines))
    assert name == "Disconnected"
    assert any(word in text for word in words.split("|")), text


async def test_a_bus_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_GREETING_DEADLINE", 0.3)
    name, text = await greet(tmp_path / "socket", lambda end: asyncio.sleep(PATIENCE))
    assert (name, text) == ("Disconnected", "it does not answer")


async def test_a_bus_that_accepts_nobody_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_GREETING_DEADLINE", 0.3)
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        listener.bind(str(tmp_path / "socket"))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(str(tmp_path / "socket"))
        assert await failure(Bus.connect(f"unix:path={tmp_path}/socket")) == "Disconnected"


@pytest.mark.parametrize("address", ["", "nonsense", "unix:", "tcp:host=localhost,port=1", "unix:path=/nowhere/at/all"])
async def test_an_address_that_leads_nowhere(address: str) -> None:
    assert await failure(Bus.connect(address)) == "Disconnected"


async def test_the_first_address_that_can_be_reached_is_taken(plain: PlainBus) -> None:
    bus = await Bus.connect(f"tcp:host=localhost;unix:path=/nowhere;{plain.address},guid=00")
    assert bus.name.startswith(":")
    bus.close()
