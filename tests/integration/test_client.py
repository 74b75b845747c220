# SPDX-License-Identifier: MIT
"""The helper's client: whom it believes, how long it waits, and what it makes of a helper of another version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support import raw_bus
from tests.support.buses import PlainBus
from tests.support.raw_bus import RawClient
from tests.support.waiting import PATIENCE, until
from vramswap_gui.api.dbus import BUS_NAME, HELPER, INTERFACE, OBJECT_PATH
from vramswap_gui.api.status import State, Status, status_to_wire
from vramswap_gui.bus.connection import PROPERTIES, Bus, BusError, Variant
from vramswap_gui.bus.service import Call, ServedObject
from vramswap_gui.client import Client
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.helper import dbus_service
from vramswap_gui.settings import Config
from vramswap_gui.units import GIB

#: Seconds in which somebody who hangs would have to say something, and the bus has to bring it.
SOON: Final = 2.0


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlainBus]:
    made = PlainBus("dbus-daemon", tmp_path)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", made.address)
    yield made
    made.end()


class Helper:
    """One that a test tells what to say."""

    def __init__(self) -> None:
        self.bus: Bus
        self.served: ServedObject
        self.status: dict[str, Any] = status_to_wire(Status(version="1"))
        #: What a verb is refused with.
        self.error: BusError | None = None
        #: What a verb waits for.
        self.work = asyncio.Event()
        #: What it gives then.
        self.gives: list[Any] = []

    async def begin(self, address: str) -> None:
        self.bus = await Bus.connect(address)
        self.served = ServedObject(self.bus, OBJECT_PATH, HELPER, self._answer, self._values)
        assert await self.bus.request_name(BUS_NAME)

    async def _answer(self, call: Call) -> list[Any]:
        if self.error is not None:
            raise self.error
        await self.work.wait()
        return self.gives

    async def _values(self) -> dict[str, Any]:
        return self.status


@pytest.fixture
async def helper(plain: PlainBus) -> AsyncIterator[Helper]:
    made = Helper()
    await made.begin(plain.address)
    yield made
    made.bus.close()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client(PATIENCE)
    yield made
    await made.close()


async def failure(call: Any) -> VramswapError:
    with pytest.raises(VramswapError) as caught:
        await call
    return caught.value


async def test_only_the_helper_tells_the_status(plain: PlainBus, helper: Helper, client: Client) -> None:
    await client.connect()
    heard: list[State] = []
    client.subscribe(lambda status: heard.append(status.state))
    liar = RawClient(str(plain.path))
    assert client._bus is not None
    body = raw_bus.padded(raw_bus.string(INTERFACE), 4)
    entry = raw_bus.string("State") + raw_bus.signature("s")
    entry = raw_bus.padded(entry, 4) + raw_bus.string("on")
    body += len(entry).to_bytes(4, "little")
    body = raw_bus.padded(raw_bus.padded(body, 8) + entry, 4) + bytes(4)
    liar.send(raw_bus.signal(client._bus.name, OBJECT_PATH, PROPERTIES, "PropertiesChanged", "sa{sv}as", body))
    liar.send(raw_bus.call(raw_bus.BUS, raw_bus.BUS_PATH, raw_bus.BUS, "GetId", serial=20))
    liar.answer(20)
    helper.served.changed({"State": "starting"})
    await until(lambda: heard)
    # The same from the helper is believed.
    assert heard == [State.STARTING]
    helper.served.changed({"State": "on"})
    await until(lambda: heard == [State.STARTING, State.ON])
    liar.close()


async def test_an_error_arrives_as_it_was_raised(helper: Helper, client: Client) -> None:
    await client.connect()
    for sent in (
        VramswapError(Problem.PAGES_DO_NOT_FIT, used=3 << 30, room=2 << 30, missing=1 << 30),
        VramswapError(Problem.SWAP_REFUSED, program="swapoff", device="/dev/nbd0\udcff", why="no\0"),
        VramswapError(Problem.GPU_GONE_BECAUSE, why=VramswapError(Problem.GPU_UNKNOWN, given="7", known="–")),
    ):
        helper.error = dbus_service._refusal(sent)
        error = await failure(client.stop())
        assert (error.code, error.problem) == (sent.code, sent.problem)
        assert (error, error.message, error.remedy) == (sent, sent.message, sent.remedy)
    # Of a version that has it in other words.
    for more in ('{"problem": "from-the-future", "arguments": {}}', "{", "[]", "7", "[" * 100_000, '{"problem": []}'):
        helper.error = BusError("org.vramswap.Error.Busy", f"In two\nsentences.\n{more}"[:60_000])
        error = await failure(client.stop())
        assert (error.code, error.message, error.remedy) == (ErrorCode.BUSY, "In two", "sentences.")


async def test_a_verb_takes_as_long_as_it_takes(helper: Helper, client: Client) -> None:
    await client.connect()
    client._patience = SOON
    stopping = asyncio.ensure_future(client.stop())
    await asyncio.wait([stopping], timeout=2.5 * SOON)
    assert not stopping.done()
    helper.work.set()
    await stopping


async def test_a_helper_that_hangs_is_not_waited_for(helper: Helper, client: Client) -> None:
    await client.connect()
    client._patience = SOON
    helper.bus.serve(OBJECT_PATH, lambda message: None)
    for call in (client.stop(), client.refresh(), client.get_config()):
        error = await failure(call)
        assert error.code is ErrorCode.HELPER_UNAVAILABLE
        assert "it hangs" in error.message


async def test_a_helper_that_ends_is_told(helper: Helper, client: Client) -> None:
    await client.connect()
    lost: list[VramswapError] = []
    client.on_lost(lost.append)
    stopping = asyncio.ensure_future(client.stop())
    await until(lambda: helper.served._pending)
    helper.bus.close()
    assert "ended before the work was done" in (await failure(stopping)).message
    await until(lambda: lost)
    assert [error.code for error in lost] == [ErrorCode.HELPER_UNAVAILABLE]
    again = Helper()
    assert client._bus is not None
    await again.begin("system")
    assert (await client.connect()).version == "1"
    again.bus.close()


async def test_a_status_of_another_version(helper: Helper, client: Client) -> None:
    await client.connect()
    heard: list[Status] = []
    client.subscribe(heard.append)
    helper.served.changed({"State": "dreaming"})
    helper.served.changed({"Reason": ["from-the-future", {}]})
    await until(lambda: heard)
    assert [status.state for status in heard] == [State.OFF]
    helper.status["State"] = "dreaming"
    error = await failure(client.refresh())
    assert (error.code, "log out" in error.remedy) == (ErrorCode.INTERNAL, True)


async def test_what_only_a_newer_helper_knows(helper: Helper, client: Client) -> None:
    """It says nothing here, and all else is understood."""
    helper.status |= {"Cause": "whim", "Landing": "cloud", "Wanted": GIB}
    assert (await client.connect()) == Status(version="1", wanted=GIB)
    helper.work.set()
    helper.gives = [{"size": Variant("t", GIB), "mode": Variant("s", "sometimes"), "shine": Variant("s", "bright")}]
    assert await client.get_config() == Config(size=GIB)


async def test_without_a_bus_or_a_helper_it_says_so(plain: PlainBus, client: Client) -> None:
    error = await failure(client.connect())
    assert "is not installed, or cannot be started" in error.message
    plain.end()
    error = await failure(Client().connect())
    assert "The system bus cannot be reached" in error.message
    assert "no connection" in (await failure(Client().start())).message
