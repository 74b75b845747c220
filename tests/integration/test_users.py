# SPDX-License-Identifier: MIT
"""Two people at one machine: what each sees, may do and is told. The real polkitd decides."""

from __future__ import annotations

import gettext
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import Variant

from tests.demo.stack import BIN, FIRST_SIZE, ROOT, Stack
from tests.support.bus_client import connect
from tests.support.waiting import until, wait_for
from vramswap_gui.api.dbus import BUS_NAME, INTERFACE, OBJECT_PATH, RESIZE

#: Users of every Debian: one whom a rule allows to control, one who is asked for a password, one who may not.
FIRST, SECOND, THIRD = "daemon", "games", "mail"
RULES: Final = f"""
polkit.addRule(function(action, subject) {{
    if (action.id == "org.vramswap.control" && subject.user == "{FIRST}") return polkit.Result.YES;
    if (subject.user == "{THIRD}") return polkit.Result.NO;
}});
"""
POLKIT: Final = "org.freedesktop.PolicyKit1"
AUTHORITY: Final = "/org/freedesktop/PolicyKit1/Authority"

#: Asks for a password a hundred times, and waits for ever.
FLOOD: Final = f"""
import asyncio
from dbus_next.aio.message_bus import MessageBus
from dbus_next.constants import BusType, MessageFlag
from dbus_next.message import Message

async def main():
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    flags = MessageFlag.ALLOW_INTERACTIVE_AUTHORIZATION
    call = ("{BUS_NAME}", "{OBJECT_PATH}", "{INTERFACE}", "Start")
    await asyncio.gather(*(bus.call(Message(*call, flags=flags)) for _ in range(100)))

asyncio.run(main())
"""


@pytest.fixture
def shared(make_stack: Callable[..., Stack]) -> Stack:
    """A stack for the three of them."""
    return make_stack(RULES)


def start(
    stack: Stack, user: str, *arguments: str, program: str = "vramswapctl", stderr: int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """A program of a user, which begins when it gets a line. The checkout may lie where only root can read."""
    command = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--inh-caps", "+dac_override",
               "--ambient-caps", "+dac_override",
               "sh", "-c", 'read -r _; exec "$0" "$@"', str(BIN / program)]  # fmt: skip
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*command, *arguments], env=stack.environment, cwd="/", text=True, stdin=pipe, stdout=pipe, stderr=stderr
    )


def ctl(stack: Stack, user: str, *arguments: str) -> str:
    """What a command of a user prints, which must succeed."""
    process = start(stack, user, *arguments)
    begin(process)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, ""), (arguments, err)
    return out


def begin(*processes: subprocess.Popen[str]) -> None:
    """Give each its line."""
    for process in processes:
        print(file=process.stdin, flush=True)


def told(*processes: subprocess.Popen[str]) -> Iterator[str]:
    """The one line that each of some commands ends with, which are refused."""
    begin(*processes)
    for process in processes:
        out, err = process.communicate()
        assert (process.returncode, out, err.count("\n")) == (1, "", 1), (process.args, err)
        yield err.removeprefix("vramswapctl: ")


def test_the_second_sees_everything_and_changes_nothing(shared: Stack) -> None:
    with start(shared, SECOND, "watch") as watch:
        begin(watch)
        assert watch.stdout
        assert watch.stdout.readline().endswith("  off\n")
        ctl(shared, FIRST, "on")
        while "  on: 256 MiB of VRAM" not in watch.stdout.readline():
            assert watch.poll() is None
        watch.terminate()
    before = json.loads(ctl(shared, SECOND, "status", "--json"))
    assert (before["state"], before["size"], before["error"]) == ("on", FIRST_SIZE, None)
    commands = (("off",), ("size", "512M"), ("config", "maximum", "1G"))
    for line in told(*(start(shared, SECOND, *command) for command in commands)):
        assert line.startswith("You are not allowed to do this. Use it from your desktop session") and "sudo" in line
    (line,) = told(start(shared, THIRD, "off"))
    assert line == "You are not allowed to do this. Ask an administrator of this machine.\n"
    assert json.loads(ctl(shared, FIRST, "status", "--json")) == before
    assert ctl(shared, FIRST, "off") == "off\n"


def started_at(pid: int) -> int:
    """A process's start time as the kernel counts it (proc_pid_stat(5), field 22)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


class Agent:
    """What a desktop registers with polkit to ask people for passwords; here for single processes, as root may."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus = bus
        #: What polkit asks, each to be answered.
        self.asked: list[Message] = []
        #: The cookies of the questions that it took back.
        self.cancelled: list[str] = []
        #: Who it may be to polkit: whoever registered it (polkit 122), or whoever it asks (126).
        self._users = {os.getuid()}
        bus.add_message_handler(self._hear)

    def _hear(self, message: Message) -> bool | Message:
        if message.message_type is MessageType.METHOD_CALL and message.member == "CancelAuthentication":
            self.cancelled.append(message.body[0])
            return Message.new_method_return(message)
        if message.message_type is not MessageType.METHOD_CALL or message.member != "BeginAuthentication":
            return False
        self.asked.append(message)
        return True

    async def _ask(self, member: str, signature: str, *body: Any) -> Message:
        reply = await self.bus.call(
            Message(POLKIT, AUTHORITY, f"{POLKIT}.Authority", member, signature=signature, body=list(body))
        )
        assert reply is not None
        return reply

    async def serve(self, pid: int, locale: str = "C") -> None:
        """Be the one who is asked when ``pid`` needs a password."""
        subject = ["unix-process", {"pid": Variant("u", pid), "start-time": Variant("t", started_at(pid))}]
        reply = await self._ask("RegisterAuthenticationAgent", "(sa{sv})ss", subject, locale, "/agent")
        assert reply.message_type is MessageType.METHOD_RETURN, reply.body
        self._users.add(user_of(pid))

    async def cancel(self) -> None:
        """The person closes the dialog."""
        await until(lambda: self.asked)
        await self.bus.send(Message.new_error(self.asked.pop(), f"{POLKIT}.Error.Cancelled", "dismissed"))

    async def agree(self) -> None:
        """The password is right: what polkit-agent-helper-1 says when PAM has checked it."""
        await until(lambda: self.asked)
        question = self.asked.pop()
        *_, cookie, identities = question.body
        answers = [
            await self._ask("AuthenticationAgentResponse2", "us(sa{sv})", user, cookie, identities[0])
            for user in self._users
        ]
        assert MessageType.METHOD_RETURN in [answer.message_type for answer in answers], answers
        await self.bus.send(Message.new_method_return(question))


async def test_the_second_is_asked_and_keeps_nobody_waiting(shared: Stack) -> None:
    bus = await connect(shared.environment["DBUS_SYSTEM_BUS_ADDRESS"])
    agent = Agent(bus)
    ctl(shared, FIRST, "on")
    first, again = start(shared, SECOND, "off"), start(shared, SECOND, "off")
    for process in (first, again):
        await agent.serve(process.pid)
    begin(first)
    await until(lambda: agent.asked)
    assert agent.asked[0].body[:2] == ["org.vramswap.control", "Authentication is required to turn VRAM swap off"]
    # While the dialog is open the first user goes on.
    assert "on: 512 MiB of VRAM" in ctl(shared, FIRST, "size", "512M")
    await agent.cancel()
    out, err = first.communicate()
    assert (first.returncode, out) == (1, "")
    assert err.startswith("vramswapctl: The password was not given, or was not the right one. Nothing was changed")
    assert shared.fake.devices()
    begin(again)
    await agent.agree()
    assert again.communicate()[0] == "off\n"
    bus.disconnect()  # type: ignore[no-untyped-call]


async def test_the_question_says_what_is_asked(shared: Stack) -> None:
    bus = await connect(shared.environment["DBUS_SYSTEM_BUS_ADDRESS"])
    agent = Agent(bus)
    for command, words in {
        ("on",): "Authentication is required to turn VRAM swap on",
        ("size", "512M"): "Authentication is required to change the size of VRAM swap to 512 MiB",
        ("size", "auto"): "Authentication is required to change the size of VRAM swap to automatic",
        ("mode", "always"): "Authentication is required to set when VRAM becomes swap: always",
        ("config", "battery_floor", "15"): (
            "Authentication is required to change the settings of VRAM swap (battery_floor = 15)"
        ),
    }.items():
        process = start(shared, SECOND, *command)
        await agent.serve(process.pid)
        begin(process)
        await until(lambda: agent.asked)
        assert agent.asked[0].body[1] == words
        await agent.cancel()
        process.communicate()
    bus.disconnect()  # type: ignore[no-untyped-call]


@pytest.fixture
def german(make_stack: Callable[..., Stack]) -> Stack:
    """The three of them, on a machine that speaks German too."""
    stack = make_stack(RULES, start=False)
    language = stack.folder / "de_DE.UTF-8"
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", str(language)], check=True, capture_output=True)
    subprocess.run(
        [sys.executable, "packaging/catalogues.py", str(stack.folder / "share/locale")], check=True, cwd=ROOT
    )
    stack.locale = stack.folder / "share/locale"
    stack.start(LOCPATH=str(stack.folder))
    return stack


async def test_the_question_is_in_the_language_of_who_is_asked(german: Stack) -> None:
    bus = await connect(german.environment["DBUS_SYSTEM_BUS_ADDRESS"])
    agent = Agent(bus)
    process = start(german, SECOND, "size", "512M")
    await agent.serve(process.pid, "de_DE.UTF-8")
    begin(process)
    await until(lambda: agent.asked)
    catalogue = gettext.translation("vramswap", german.locale, ["de"])
    words = catalogue.gettext(RESIZE.question)
    assert words.startswith("Zum ")
    assert agent.asked[0].body[1] == words.replace("$(size)", "512 MiB")
    await agent.cancel()
    process.communicate()
    bus.disconnect()  # type: ignore[no-untyped-call]


async def test_a_question_goes_away_with_who_asked(shared: Stack) -> None:
    bus = await connect(shared.environment["DBUS_SYSTEM_BUS_ADDRESS"])
    agent = Agent(bus)
    process = start(shared, SECOND, "off")
    await agent.serve(process.pid)
    begin(process)
    await until(lambda: agent.asked)
    process.kill()
    process.communicate()
    # Nothing is left on the screen that nobody waits for.
    await until(lambda: agent.cancelled)
    assert set(agent.cancelled) == {agent.asked[0].body[4]}
    bus.disconnect()  # type: ignore[no-untyped-call]


async def test_questions_without_end_keep_nobody_out(shared: Stack) -> None:
    bus = await connect(shared.environment["DBUS_SYSTEM_BUS_ADDRESS"])
    agent = Agent(bus)
    flood = start(shared, SECOND, "-c", FLOOD, program="python")
    try:
        await agent.serve(flood.pid)
        begin(flood)
        await until(lambda: len(agent.asked) == 4)
        ctl(shared, FIRST, "on")
        ctl(shared, FIRST, "off")
        assert len(agent.asked) == 4
    finally:
        flood.kill()
        flood.communicate()
    bus.disconnect()  # type: ignore[no-untyped-call]


def test_of_two_at_once_the_later_one_comes_second(shared: Stack) -> None:
    ctl(shared, FIRST, "on")
    shared.fake.hold("swapoff")
    terminal, theirs = os.openpty()
    first, second = start(shared, FIRST, "off"), start(shared, "root", "size", "512M", stderr=theirs)
    os.close(theirs)
    begin(first)
    wait_for(lambda: json.loads(ctl(shared, SECOND, "status", "--json"))["state"] == "stopping", "the swap to go off")
    begin(second)
    # It is told what it waits for.
    assert b"stopping: Bringing pages home." in os.read(terminal, 1000)
    shared.fake.hold("swapoff", False)
    assert first.communicate()[0] == "off\n" and first.returncode == 0
    assert second.communicate()[0] == "The size is 512 MiB from the next start on.\n"
    assert shared.fake.devices() == []
    os.close(terminal)
