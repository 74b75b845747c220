# SPDX-License-Identifier: MIT
"""UPower and logind on a private bus: python-dbusmock's, and one of our own where timing and senders matter."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final

import pytest
from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from tests.support.bus_client import connect
from tests.support.children import children
from tests.support.session_bus import CONFIG
from tests.support.sockets import accepts
from tests.support.waiting import until
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper.power_signals import PowerSignals
from vramswap_gui.system.power_supply import PowerReading

UPOWER: Final = "org.freedesktop.UPower"
MAINS: Final = "/org/freedesktop/UPower"
BATTERY: Final = "/org/freedesktop/UPower/devices/DisplayDevice"
DEVICE: Final = "org.freedesktop.UPower.Device"
#: As the mock and older versions of the daemon have it.
PROFILES: Final = "net.hadess.PowerProfiles"
LOGIND: Final = "org.freedesktop.login1"
MANAGER: Final = "org.freedesktop.login1.Manager"
MOCK: Final = "org.freedesktop.DBus.Mock"
BUS: Final = "org.freedesktop.DBus"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"

#: Debian's package python3-dbusmock is for Debian's Python.
DBUSMOCK: Final = ("/usr/bin/python3", "-m", "dbusmock", "--system")


class Machine:
    """A bus with the services that a test starts, and a connection to tell them what to say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix:path={folder}/bus"
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": self.address, "PATH": "/usr/bin:/bin"}
        self.running: list[subprocess.Popen[bytes]] = []
        (folder / "services").mkdir()
        (folder / "bus.conf").write_text(CONFIG.format(folder=folder))
        self.daemon = self.spawn("dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile")

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env=self.environment)
        self.running.append(process)
        return process

    async def connect(self) -> MessageBus:
        await until(lambda: accepts(self.folder / "bus"))
        return await connect(self.address)

    async def start(self, template: str, **parameters: object) -> subprocess.Popen[bytes]:
        """One of dbusmock's services; returns when it has its name."""
        process = self.spawn(*DBUSMOCK, "--template", template, "--parameters", json.dumps(parameters))
        name = {"upower": UPOWER, "logind": LOGIND, "power_profiles_daemon": PROFILES}[template]
        bus = await self.connect()
        while not (await call(bus, BUS, "/", BUS, "NameHasOwner", "s", name))[0]:
            assert process.poll() is None, f"dbusmock's {template} ended; is python3-dbusmock installed?"
            await asyncio.sleep(0.02)
        bus.disconnect()  # type: ignore[no-untyped-call]
        return process

    async def ping(self, name: str) -> None:
        """Returns when whoever has that name has dealt with all before it, and the bus with what came of it."""
        bus = await self.connect()
        await call(bus, name, "/", "org.freedesktop.DBus.Peer", "Ping", "")
        bus.disconnect()  # type: ignore[no-untyped-call]

    def starts_nothing(self) -> bool:
        """Whether the bus has no service that it starts, or that it started and that still runs."""
        return not children(self.daemon.pid)

    async def tell(self, service: str, path: str, method: str, signature: str, *arguments: object) -> None:
        """Have a mocked service do something."""
        bus = await self.connect()
        await call(bus, service, path, MOCK, method, signature, *arguments)
        bus.disconnect()  # type: ignore[no-untyped-call]

    async def set_mains(self, on_battery: bool) -> None:
        await self.tell(UPOWER, MAINS, "UpdateProperties", "sa{sv}", UPOWER, {"OnBattery": Variant("b", on_battery)})

    async def set_battery(self, **values: object) -> None:
        kinds: dict[type, str] = {bool: "b", float: "d"}
        wire = {name: Variant(kinds[type(value)], value) for name, value in values.items()}
        await self.tell(UPOWER, BATTERY, "UpdateProperties", "sa{sv}", DEVICE, wire)

    async def set_asleep(self, asleep: bool) -> None:
        arguments = [Variant("b", asleep)]
        await self.tell(
            LOGIND, "/org/freedesktop/login1", "EmitSignal", "sssav", MANAGER, "PrepareForSleep", "b", arguments
        )


async def call(
    bus: MessageBus, to: str, path: str, interface: str, member: str, signature: str, *body: object
) -> list[Any]:
    reply = await bus.call(
        Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=list(body))
    )
    assert reply is not None
    assert reply.message_type is MessageType.METHOD_RETURN, reply.body
    return list(reply.body)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for process in reversed(machine.running):
        process.kill()
        process.wait()


class Watch:
    """PowerSignals, and what they said at each change."""

    def __init__(self) -> None:
        self.said: list[tuple[PowerReading | None, bool]] = []
        self.signals = PowerSignals(lambda: self.said.append((self.signals.power(), self.signals.asleep)))

    @property
    def name(self) -> str:
        """What the bus calls it."""
        assert self.signals._bus is not None
        return str(self.signals._bus.name)

    async def sees(self, power: PowerReading | None, asleep: bool = False) -> None:
        await until(lambda: (self.signals.power(), self.signals.asleep) == (power, asleep))
        if self.said:
            assert self.said[-1] == (power, asleep)


@contextlib.asynccontextmanager
async def watching(machine: Machine) -> AsyncIterator[Watch]:
    watch = Watch()
    await until(lambda: accepts(machine.folder / "bus"))
    await watch.signals.connect(machine.address)
    try:
        yield watch
    finally:
        await watch.signals.close()


async def test_mains_and_battery(machine: Machine) -> None:
    await machine.start("upower", OnBattery=True)
    await machine.set_battery(IsPresent=True, Percentage=42.5)
    async with watching(machine) as watch:
        await watch.sees(PowerReading(False, 42.5))
        await machine.set_battery(Percentage=42.0, EnergyRate=11.5)
        await watch.sees(PowerReading(False, 42.0))
        await machine.set_mains(on_battery=False)
        await watch.sees(PowerReading(True, 42.0))
        # The battery is taken out.
        await machine.set_battery(IsPresent=False, Percentage=0.0)
        await watch.sees(PowerReading(True, None))
        before = len(watch.said)
        await machine.set_battery(EnergyRate=12.5)
        await machine.set_mains(on_battery=True)
        await watch.sees(PowerReading(False, None))
        assert len(watch.said) == before + 1, "what does not matter is no change"
    assert watch.signals.power() is None


async def test_a_desktop_has_mains_and_no_battery(machine: Machine) -> None:
    await machine.start("upower")
    async with watching(machine) as watch:
        await watch.sees(PowerReading(True, None))


async def test_a_service_may_come_late_and_come_back(machine: Machine) -> None:
    async with watching(machine) as watch:
        upower = await machine.start("upower", OnBattery=True)
        await watch.sees(PowerReading(False, None))
        upower.kill()
        await watch.sees(None)
        await machine.start("upower")
        await watch.sees(PowerReading(True, None))
        await machine.set_mains(on_battery=True)
        await watch.sees(PowerReading(False, None))


async def test_upower_is_started_once_and_no_more(machine: Machine) -> None:
    starts = machine.folder / "starts"
    script = machine.folder / "upowerd"
    script.write_text(f"#!/bin/sh\necho $$ >>{starts}\nexec {' '.join(DBUSMOCK)} --template upower\n")
    script.chmod(0o755)
    service = f"[D-BUS Service]\nName={UPOWER}\nExec={script}\n"
    (machine.folder / f"services/{UPOWER}.service").write_text(service)
    async with watching(machine) as watch:
        await watch.sees(PowerReading(True, None))
        for count in (1, 2):
            pids = starts.read_text().split()
            assert len(pids) == count
            os.kill(int(pids[-1]), SIGKILL)
            await watch.sees(None)
            await machine.ping(watch.name)
            await until(machine.starts_nothing, "the service's end")
            assert len(starts.read_text().split()) == count
            # Somebody else needs it.
            await machine.tell(UPOWER, MAINS, "GetCalls", "")
            await watch.sees(PowerReading(True, None))
        os.kill(int(starts.read_text().split()[-1]), SIGKILL)
        await watch.sees(None)


async def test_sleep(machine: Machine) -> None:
    # The helper starts just before the machine sleeps.
    logind = await machine.start("logind", PreparingForSleep=True)
    async with watching(machine) as watch:
        await watch.sees(None, True)
        for asleep in (False, True):
            await machine.set_asleep(asleep)
            await watch.sees(None, asleep)
        # Nobody will ever tell of the end of this sleep.
        logind.kill()
        await watch.sees(None, False)
        assert [asleep for _, asleep in watch.said] == [True, False, True, False]


async def test_the_power_mode(machine: Machine) -> None:
    daemon = await machine.start("power_profiles_daemon", ActiveProfile="power-saver")
    path = "/" + PROFILES.replace(".", "/")
    async with watching(machine) as watch:
        for number, (profile, saving) in enumerate((("", True), ("performance", False), ("power-saver", True))):
            if profile:
                values = {"ActiveProfile": Variant("s", profile)}
                await machine.tell(PROFILES, path, "UpdateProperties", "sa{sv}", PROFILES, values)
            await until(lambda: watch.signals.saving is saving)  # noqa: B023 – it is awaited here
            assert len(watch.said) == number + 1
        # The daemon ends.
        daemon.kill()
        await until(lambda: not watch.signals.saving)


class Impostor:
    """A service of our own: answers what it is told to, when it is told to."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        self.asked: list[Message] = []
        bus.add_message_handler(self._hear)

    def _hear(self, message: Message) -> bool:
        if message.message_type is MessageType.METHOD_CALL and message.member == "GetAll":
            self.asked.append(message)
            return True
        return False

    async def question(self, interface: str) -> Message:
        """The GetAll for ``interface``, when it is there."""
        await until(lambda: any(message.body == [interface] for message in self.asked))
        return next(message for message in self.asked if message.body == [interface])

    async def answer(self, interface: str, **values: Variant) -> None:
        await self.bus.send(Message.new_method_return(await self.question(interface), "a{sv}", [values]))

    def say(self, path: str, interface: str, to: str | None = None, **values: Variant) -> Any:
        return self.bus.send(signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", interface, values, [], to=to))


def signal(path: str, interface: str, member: str, signature: str, *body: object, to: str | None = None) -> Message:
    return Message(
        message_type=MessageType.SIGNAL, destination=to, path=path, interface=interface, member=member,  # type: ignore[arg-type]
        signature=signature, body=list(body),
    )  # fmt: skip


def wire(value: bool | float | str) -> Variant:
    return Variant({bool: "b", float: "d", str: "s"}[type(value)], value)


@contextlib.asynccontextmanager
async def posing(machine: Machine, *names: str) -> AsyncIterator[Impostor]:
    bus = await machine.connect()
    for name in names:
        await bus.request_name(name)
    yield Impostor(bus)
    bus.disconnect()  # type: ignore[no-untyped-call]


async def test_only_the_owner_of_the_name_is_believed(machine: Machine) -> None:
    async with posing(machine, UPOWER, LOGIND) as owner, posing(machine) as other, watching(machine) as watch:
        await owner.answer(UPOWER, OnBattery=wire(False))
        await owner.answer(DEVICE, IsPresent=wire(True), Percentage=wire(80.0))
        await owner.answer(MANAGER, PreparingForSleep=wire(False))
        await watch.sees(PowerReading(True, 80.0))
        target = owner.asked[0].sender
        sleep = ("/org/freedesktop/login1", MANAGER, "PrepareForSleep", "b", True)
        for to in (target, None):
            await other.say(MAINS, UPOWER, to, OnBattery=wire(True))
            await other.say(BATTERY, DEVICE, to, Percentage=wire(1.0))
            await other.bus.send(signal(*sleep, to=to))
            # A lie about who owns the name would make the other one believable.
            bus = "org.freedesktop.DBus"
            lie = (UPOWER, owner.bus.unique_name, other.bus.unique_name)
            await other.bus.send(signal("/org/freedesktop/DBus", bus, "NameOwnerChanged", "sss", *lie, to=to))
            await other.say(MAINS, UPOWER, to, OnBattery=wire(True))
        # Whatever the other one sent is there when it has an answer from the same bus.
        await call(other.bus, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId", "")
        await owner.say(BATTERY, DEVICE, Percentage=wire(79.0))
        await watch.sees(PowerReading(True, 79.0))
        assert watch.said == [(PowerReading(True, 80.0), False), (PowerReading(True, 79.0), False)]
        # The same from the owner is believed.
        await owner.say(MAINS, UPOWER, target, OnBattery=wire(True))
        await owner.bus.send(signal(*sleep))
        await watch.sees(PowerReading(False, 79.0), True)


async def test_a_signal_that_overtakes_the_answer_is_not_lost(machine: Machine) -> None:
    async with posing(machine, UPOWER) as owner, watching(machine) as watch:
        mains = await owner.question(UPOWER)
        await owner.answer(DEVICE, IsPresent=wire(True), Percentage=wire(50.0))
        # Both are read at once, and an answer wakes a task that runs only after the signal was handled.
        old = owner.bus.send(Message.new_method_return(mains, "a{sv}", [{"OnBattery": wire(False)}]))
        new = owner.say(MAINS, UPOWER, OnBattery=wire(True))
        await asyncio.gather(old, new)
        await watch.sees(PowerReading(False, 50.0))
        await machine.ping(watch.name)
        assert watch.signals.power() == PowerReading(False, 50.0)


async def test_a_service_that_does_not_answer_holds_nobody_up(machine: Machine) -> None:
    await machine.start("logind", PreparingForSleep=True)
    async with posing(machine, UPOWER) as owner, watching(machine) as watch:
        await owner.question(UPOWER)
        await watch.sees(None, True)


@pytest.mark.parametrize(
    ("name", "mains", "battery"),
    [
        ("mains alone", {"OnBattery": wire(False)}, {}),
        ("a type that is not UPower's", {"OnBattery": wire("no")}, {"IsPresent": wire(True), "Percentage": wire(1.0)}),
        ("half a battery", {"OnBattery": wire(False)}, {"IsPresent": wire(True)}),
    ],
)
async def test_half_of_it_is_nothing(
    name: str, mains: dict[str, Variant], battery: dict[str, Variant], machine: Machine
) -> None:
    async with posing(machine, UPOWER) as owner, watching(machine) as watch:
        await owner.answer(UPOWER, **mains)
        await owner.answer(DEVICE, **battery)
        # Through the owner's connection, and so after its answers.
        await call(owner.bus, watch.name, "/", "org.freedesktop.DBus.Peer", "Ping", "")
        assert (watch.signals.power(), watch.said) == (None, [])
        # When the rest comes, it is a whole.
        await owner.say(MAINS, UPOWER, OnBattery=wire(False))
        await owner.say(BATTERY, DEVICE, IsPresent=wire(True), Percentage=wire(9.0))
        await watch.sees(PowerReading(True, 9.0))


async def test_a_bus_that_ends_takes_all_knowledge_with_it(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    await machine.start("upower")
    await machine.start("logind", PreparingForSleep=True)
    async with watching(machine) as watch:
        await watch.sees(PowerReading(True, None), True)
        machine.daemon.kill()
        await watch.sees(None, False)
        await watch.signals.close()
    assert caplog.records == []


async def test_without_a_bus_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(VramswapError) as caught:
        await PowerSignals(lambda: None).connect(f"unix:path={tmp_path}/nothing")
    assert caught.value.code is ErrorCode.INTERNAL
    assert "No such file" in caught.value.message
    assert caught.value.remedy
