# SPDX-License-Identifier: MIT
"""What the helper asks polkit, and when it asks no more; the holds of callers. polkit is a test's own where timing
matters.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support import raw_bus
from tests.support.buses import KINDS, PlainBus
from tests.support.raw_bus import RawClient
from tests.support.waiting import PATIENCE, until
from vramswap_gui.api.dbus import VERBS, Access
from vramswap_gui.api.declaration import Argument, Interface, Method
from vramswap_gui.bus.connection import Bus
from vramswap_gui.bus.service import Call, ServedObject
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper import dbus_service, polkit
from vramswap_gui.helper.dbus_service import Players
from vramswap_gui.helper.polkit import Caller, Polkit

NAME: Final = "org.freedesktop.PolicyKit1"
PATH: Final = "/org/freedesktop/PolicyKit1/Authority"
AUTHORITY: Final = Interface(
    "org.freedesktop.PolicyKit1.Authority",
    {
        "CheckAuthorization": Method(
            "CheckAuthorization", "",
            tuple(Argument(f"a{number}", kind) for number, kind in enumerate(("(sa{sv})", "s", "a{ss}", "u", "s"))),
            (Argument("result", "(bba{ss})"),),
        ),
        "CancelCheckAuthorization": Method("CancelCheckAuthorization", "", (Argument("id", "s"),)),
    },
)  # fmt: skip


@pytest.fixture(params=KINDS)
def plain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PlainBus]:
    made = PlainBus(request.param, tmp_path)
    yield made
    made.end()


class Authority:
    """A polkit that answers what it is told to, when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.cancelled: list[str] = []
        #: Authorized, and challenge; None: the person does not come.
        self.verdict: tuple[bool, bool] | None = (True, False)
        #: What the answer is if nobody may be asked.
        self.silent: tuple[bool, bool] = (False, True)
        self.bus: Bus

    async def answer(self, call: Call) -> list[Any]:
        if call.method.name == "CancelCheckAuthorization":
            self.cancelled.append(call.arguments[0])
            return []
        self.asked.append(call.arguments)
        interactive = call.arguments[3] == 1
        verdict = self.verdict if interactive else self.silent
        if verdict is None:
            await asyncio.Event().wait()
            raise AssertionError
        return [[*verdict, {}]]

    async def begin(self, address: str) -> None:
        self.bus = await Bus.connect(address)

        async def values() -> dict[str, Any]:
            return {}

        ServedObject(self.bus, PATH, AUTHORITY, self.answer, values)
        await self.bus.request_name(NAME)


@pytest.fixture
async def authority(plain: PlainBus) -> AsyncIterator[Authority]:
    made = Authority()
    await made.begin(plain.address)
    yield made
    made.bus.close()


@pytest.fixture
async def bus(plain: PlainBus) -> AsyncIterator[Bus]:
    """The helper's connection."""
    made = await Bus.connect(plain.address)
    yield made
    made.close()


@pytest.fixture
async def other(plain: PlainBus) -> AsyncIterator[Bus]:
    """A caller's."""
    made = await Bus.connect(plain.address)
    yield made
    made.close()


async def refused(call: Any) -> VramswapError:
    with pytest.raises(VramswapError) as caught:
        await call
    return caught.value


async def test_who_may_what(bus: Bus, other: Bus, authority: Authority) -> None:
    """For every access and every kind of caller; what is not allowed here is refused."""
    cases = itertools.product(
        [*Access, None], [0, 1000, None], [(True, False), (False, True), (False, False)], [False, True]
    )
    for access, uid, verdict, interactive in cases:
        authority.asked.clear()
        authority.verdict = authority.silent = verdict
        may = Polkit(bus).require(access, Caller(other.name, uid), {}, interactive=interactive)
        asks = uid == 1000 and access in (Access.CONTROL, Access.CONFIGURE)
        if access is Access.PUBLIC or uid == 0 or (asks and verdict[0]):
            await may
        else:
            assert (await refused(may)).code is ErrorCode.NOT_AUTHORIZED
        assert bool(authority.asked) is asks


async def test_a_well_known_name_is_nobody(bus: Bus, authority: Authority) -> None:
    error = await refused(Polkit(bus).require(Access.CONTROL, Caller("org.example.Name", 1000), {}, interactive=True))
    assert error.code is ErrorCode.NOT_AUTHORIZED
    assert authority.asked == []


async def test_what_polkit_is_asked(bus: Bus, other: Bus, authority: Authority) -> None:
    details = {"polkit.message": "Really?", "size": "1 GiB"}
    await Polkit(bus).require(Access.CONTROL, Caller(other.name, 1000), details, interactive=True)
    ((subject, action, told, flags, question),) = authority.asked
    assert (subject[0], subject[1]["name"].value) == ("system-bus-name", other.name)
    assert (action, told, flags, bool(question)) == ("org.vramswap.control", details, 1, True)


async def test_a_password_given_in_vain_is_told_apart_from_a_no(bus: Bus, other: Bus, authority: Authority) -> None:
    authority.verdict = (False, False)
    caller = Caller(other.name, 1000)
    error = await refused(Polkit(bus).require(Access.CONTROL, caller, {}, interactive=True))
    assert "password was not given" in error.message
    authority.silent = (False, False)
    error = await refused(Polkit(bus).require(Access.CONTROL, caller, {}, interactive=True))
    assert "not allowed" in error.message


async def test_a_question_ends_with_its_caller(bus: Bus, other: Bus, authority: Authority) -> None:
    authority.verdict = None
    asking = asyncio.ensure_future(Polkit(bus).require(Access.CONTROL, Caller(other.name, 1000), {}, interactive=True))
    await until(lambda: authority.asked)
    other.close()
    assert (await refused(asking)).code is ErrorCode.AUTHORIZATION_UNAVAILABLE
    await until(lambda: authority.cancelled == [authority.asked[0][4]])
    await until(lambda: not bus._rules)


async def test_a_question_ends_with_its_time(
    bus: Bus, other: Bus, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polkit, "_QUESTION_DEADLINE", 0.2)
    authority.verdict = None
    asking = Polkit(bus).require(Access.CONTROL, Caller(other.name, 1000), {}, interactive=True)
    assert (await refused(asking)).code is ErrorCode.AUTHORIZATION_UNAVAILABLE
    # The time may be up before the question is there.
    await until(lambda: authority.asked and authority.cancelled == [authority.asked[0][4]])


async def test_a_polkit_that_is_replaced_is_asked_again(
    plain: PlainBus, bus: Bus, other: Bus, authority: Authority
) -> None:
    authority.verdict = None
    asking = asyncio.ensure_future(Polkit(bus).require(Access.CONTROL, Caller(other.name, 1000), {}, interactive=True))
    await until(lambda: authority.asked)
    new = Authority()
    queued = asyncio.ensure_future(new.begin(plain.address))
    authority.bus.close()
    await queued
    await asyncio.wait([asking], timeout=PATIENCE)
    # Whether the new one was there in time is the bus's affair.
    if new.asked:
        assert asking.exception() is None
    else:
        assert isinstance(asking.exception(), VramswapError)
    new.bus.close()


async def test_one_user_leaves_room_for_the_questions_of_others(bus: Bus, other: Bus, authority: Authority) -> None:
    authority.verdict = None
    asked = Polkit(bus)
    caller = Caller(other.name, 1000)
    waiting = [asyncio.ensure_future(asked.require(Access.CONTROL, caller, {}, interactive=True)) for _ in range(10)]
    await until(lambda: sum(task.done() for task in waiting) == 6)
    assert sum(question[3] for question in authority.asked) == 4
    second = asyncio.ensure_future(asked.require(Access.CONTROL, Caller(bus.name, 1001), {}, interactive=True))
    await until(lambda: sum(question[3] for question in authority.asked) == 5)
    for task in (*waiting, second):
        task.cancel()
    await asyncio.gather(*waiting, second, return_exceptions=True)
    # Nobody waits for these any more.
    await until(lambda: len(authority.cancelled) == 5)
    assert not asked._questions


async def test_without_polkit_it_says_so(bus: Bus, other: Bus) -> None:
    error = await refused(Polkit(bus).require(Access.CONTROL, Caller(other.name, 1000), {}, interactive=True))
    assert error.code is ErrorCode.AUTHORIZATION_UNAVAILABLE
    await Polkit(bus).require(Access.CONTROL, Caller(other.name, 0), {}, interactive=True)


# Those who play


async def test_a_hold_goes_with_its_owner_and_with_nobody_else(plain: PlainBus, bus: Bus, other: Bus) -> None:
    said: list[bool] = []
    players = Players(said.append)
    await players.add(bus, Caller(other.name, 1000))
    await players.add(bus, Caller(other.name, 1000))
    assert said == [True]
    # Everybody may say that somebody else has left.
    liar = RawClient(str(plain.path))
    lie = raw_bus.strings(other.name, other.name, "")
    liar.send(raw_bus.signal(bus.name, raw_bus.BUS_PATH, raw_bus.BUS, "NameOwnerChanged", "sss", lie))
    liar.send(raw_bus.call(raw_bus.BUS, raw_bus.BUS_PATH, raw_bus.BUS, "GetId", serial=20))
    liar.answer(20)
    await bus.ask_bus("GetId", reply="s")
    assert said == [True]
    liar.close()
    other.close()
    await until(lambda: said == [True, False])
    await until(lambda: not bus._rules and not bus._peers)


async def test_who_is_gone_before_the_hold_holds_nothing(bus: Bus, other: Bus) -> None:
    said: list[bool] = []
    players = Players(said.append)
    other.close()
    await players.add(bus, Caller(other.name, 1000))
    assert said == []
    await players.add(bus, Caller(":9.999", 1000))
    assert (said, players._uids, dict(players._users)) == ([], {}, {})


async def test_one_user_holds_only_so_many(plain: PlainBus, bus: Bus) -> None:
    players = Players(lambda playing: None)
    callers = [await Bus.connect(plain.address) for _ in range(dbus_service._MAX_PLAYERS_OF_ONE + 1)]
    for caller in callers[:-1]:
        await players.add(bus, Caller(caller.name, 1000))
    error = await refused(players.add(bus, Caller(callers[-1].name, 1000)))
    assert error.code is ErrorCode.BUSY
    await players.add(bus, Caller(callers[-1].name, 1001))
    players.remove(callers[0].name)
    callers.append(await Bus.connect(plain.address))
    await players.add(bus, Caller(callers[-1].name, 1000))
    for caller in callers:
        caller.close()


async def test_after_hundreds_of_holds_the_next_one_still_goes_with_its_owner(plain: PlainBus, bus: Bus) -> None:
    said: list[bool] = []
    players = Players(said.append)
    for _ in range(600):
        caller = await Bus.connect(plain.address)
        await players.add(bus, Caller(caller.name, 1000))
        before = len(said)
        caller.close()
        await until(lambda before=before: len(said) > before)  # type: ignore[misc]
    assert said == [True, False] * 600


def test_every_verb_says_who_may() -> None:
    assert {name for name, verb in VERBS.items() if verb.access is Access.PUBLIC} == {"GetActivity", "GetConfig"}
    assert {name for name, verb in VERBS.items() if verb.access is Access.ROOT} == {"Sleep", "Wake"}
    for verb in VERBS.values():
        assert verb.access is not None, verb.name
        # A person who is asked is told for what.
        assert bool(verb.question) is (verb.access in (Access.CONTROL, Access.CONFIGURE)), verb.name
