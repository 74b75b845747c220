# SPDX-License-Identifier: MIT
"""What the keeper does about an engine that the kernel's driver found late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vramswap_gui.api.control import ControlVerb
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import messages as m
from vramswap_gui.server.supervisor.keeper import BEAT_SECONDS, LATE_SECONDS, LINK_SECONDS, TORN_SECONDS, Keeper
from vramswap_gui.server.supervisor.recovery import LONGEST
from vramswap_gui.server.supervisor.state import Link, Stage
from vramswap_gui.units import SIZE_STEP


class Shell:
    """Carries out what a keeper orders at once and without a fault, but for what a test holds back."""

    def __init__(self, devices: int, compression: str = "") -> None:
        self.now = 100.0
        self.keeper = Keeper("token", "1", "kernel", compression=compression)
        self.held: tuple[type, ...] = ()
        self.silent: tuple[m.Question, ...] = ()
        self.ordered: list[m.Action] = []
        self.hear(m.Started(None))
        for number in range(devices):
            self.hear(m.Asked(number, ControlVerb.ADD, size=SIZE_STEP))
        self.ordered.clear()

    def hear(self, event: m.Event) -> list[m.Action]:
        """What a keeper orders after an event, and all that follows of it."""
        before = len(self.ordered)
        waiting: list[m.Event] = [event]
        while waiting:
            for action in self.keeper.handle(waiting.pop(0), self.now):
                self.ordered.append(action)
                if not isinstance(action, self.held) and getattr(action, "question", None) not in self.silent:
                    waiting += self._carry_out(action)
        return self.ordered[before:]

    def _carry_out(self, action: m.Action) -> Iterator[m.Event]:
        if isinstance(action, m.Fork):
            yield m.EngineReady(action.gen, 1000 + action.gen, {"uuid": "GPU"})
        elif isinstance(action, m.Kill):
            yield m.EngineReaped(action.gen, 9)
        elif isinstance(action, m.Prepare):
            yield m.DevicePrepared(action.index)
        elif isinstance(action, m.Attach | m.Reconnect):
            yield m.DeviceLinked(action.index, f"/dev/nbd{action.index}")
        elif isinstance(action, m.Detach):
            yield m.DeviceDetached(action.index)
        elif isinstance(action, m.Ask):
            fd = 10 + action.index if action.question is m.Question.CREATE else -1
            yield m.Answered(action.gen, action.seq, fd=fd)

    def passes(self, seconds: float) -> list[m.Action]:
        """Time, with a look whenever the keeper wants one."""
        before, until = len(self.ordered), self.now + seconds
        while (at := self.keeper.deadline()) is not None and at <= until:
            assert at > self.now or self.hear(m.Tick()), "a look is wanted of which nothing follows"
            self.now = max(self.now, at)
            self.hear(m.Tick())
        self.now = until
        return self.ordered[before:]


def questions(actions: list[m.Action]) -> list[m.Question]:
    return [action.question for action in actions if isinstance(action, m.Ask)]


def killed(actions: list[m.Action]) -> list[m.Action]:
    return [action for action in actions if isinstance(action, m.Kill)]


def told(actions: list[m.Action]) -> list[tuple[str, tuple[object, ...]]]:
    return [(action.what, action.details) for action in actions if isinstance(action, m.Tell)]


def test_connections_that_the_kernel_gave_up_are_replaced() -> None:
    shell = Shell(2)
    actions = shell.hear(m.HungUp(0, 1)) + shell.passes(TORN_SECONDS * 2)
    assert questions(actions) == [m.Question.CONNECT]
    assert not killed(actions)
    assert all(segment.link is Link.UP for segment in shell.keeper.segments.values())
    ((what, (device, seconds, pid)),) = told(actions)
    assert (what, device, pid) == ("late", "/dev/nbd0", 1001) and seconds == pytest.approx(TORN_SECONDS)
    assert not told(shell.passes(LINK_SECONDS))


def test_what_ended_before_says_nothing_of_new_connections() -> None:
    """A device is to go whose connections are being replaced, and the last of them ends meanwhile."""
    shell = Shell(1)
    shell.held = (m.Detach,)
    shell.hear(m.HungUp(0, 1))
    shell.hear(m.Asked(9, ControlVerb.REMOVE, index=0))
    shell.hear(m.HungUp(0, 1))
    assert m.Reconnect(0, 1) in shell.passes(TORN_SECONDS * 2)
    assert shell.keeper.segments[0].stage is Stage.DETACHING
    assert m.DropEnds(0) not in shell.passes(LINK_SECONDS * 2)


def test_what_ended_with_an_engine_says_nothing_of_the_next_one() -> None:
    shell = Shell(1)
    shell.held = (m.Detach,)
    shell.hear(m.Asked(9, ControlVerb.REMOVE, index=0))
    shell.hear(m.HungUp(0, 1))
    assert m.Reconnect(0, 2) in shell.hear(m.EngineReaped(1, 9))
    assert m.DropEnds(0) not in shell.passes(LINK_SECONDS * 2)
    shell.hear(m.DetachFailed(0, VramswapError(Problem.SERVER_BUSY)))
    assert m.DropEnds(0) not in shell.passes(LINK_SECONDS * 2)


@pytest.mark.parametrize("first", [m.Question.CREATE, m.Question.DROP, m.Question.COMPACT, m.Question.INFO])
def test_nothing_else_is_asked_before_it_has_new_connections(first: m.Question) -> None:
    """What takes long is waited for by whoever waits for a page of the device."""
    shell = Shell(2, "lz4" if first is m.Question.COMPACT else "")
    if first is m.Question.COMPACT:
        shell.hear(m.Asked(8, ControlVerb.EXTEND, size=SIZE_STEP))
    shell.ordered.clear()
    shell.hear(m.HungUp(0, 1))
    if first is m.Question.CREATE:
        shell.hear(m.Asked(9, ControlVerb.ADD, size=SIZE_STEP))
    elif first is m.Question.DROP:
        shell.hear(m.Asked(9, ControlVerb.REMOVE, index=1))
    elif first is m.Question.COMPACT:
        shell.hear(m.Asked(9, ControlVerb.COMPACT, size=0))
    else:
        shell.now += BEAT_SECONDS
    assert questions(shell.ordered) == []
    assert questions(shell.passes(TORN_SECONDS * 2))[:2] == [m.Question.CONNECT, first]


def test_no_other_program_takes_over_while_connections_are_to_be_replaced() -> None:
    """It could ask nothing of the engine that was late, and would end it before there is another."""
    shell = Shell(1)
    shell.hear(m.HungUp(0, 1))
    actions = shell.hear(m.Asked(9, ControlVerb.UPGRADE))
    assert [action.error.problem for action in actions if isinstance(action, m.Reply) and action.error] == [
        Problem.SERVER_BUSY
    ]
    shell.passes(TORN_SECONDS * 2)
    assert [action for action in shell.hear(m.Asked(10, ControlVerb.UPGRADE)) if isinstance(action, m.Exec)]


def test_one_that_is_late_all_the_time_is_ended_however_long_it_is_waited_for() -> None:
    """Those before it were late too, so it may take its time over each new connection."""
    shell = Shell(1)
    shell.silent = (m.Question.INFO,)
    while len(killed(shell.ordered)) < 3:
        shell.passes(BEAT_SECONDS)
    gen, shell.silent = max(shell.keeper.engines), (m.Question.CONNECT,)
    began = shell.now
    while not killed(shell.hear(m.HungUp(0, gen))):
        shell.now += TORN_SECONDS * 2
        connect = next(action for action in shell.hear(m.Tick()) if isinstance(action, m.Ask))
        shell.now += shell.keeper.patience(LATE_SECONDS) * 0.9
        shell.hear(m.Answered(gen, connect.seq))
        assert shell.keeper.segments[0].link is Link.UP
        shell.now += 3.0
        assert shell.now < began + LONGEST * 1.5


def test_a_device_that_is_to_go_is_tried_again_as_soon_as_any() -> None:
    """Whoever opened it waits for a page."""
    shell = Shell(1)
    shell.held = (m.Detach, m.Reconnect)
    shell.hear(m.Asked(9, ControlVerb.REMOVE, index=0))
    shell.hear(m.EngineReaped(1, 9))
    shell.passes(BEAT_SECONDS * 0.9)
    shell.hear(m.DeviceUnlinked(0, VramswapError(Problem.SERVER_BUSY)))
    assert m.Reconnect(0, 2) in shell.passes(LINK_SECONDS + 0.1)


def test_devices_get_their_connections_before_anything_is_wiped() -> None:
    """The last engine may have ended because it hung over that."""
    shell = Shell(2)
    shell.silent = (m.Question.DROP,)
    shell.hear(m.Asked(9, ControlVerb.REMOVE, index=1))
    asked = questions(shell.hear(m.EngineReaped(1, 9)))
    assert asked == [m.Question.ADOPT, m.Question.ADOPT, m.Question.CONNECT, m.Question.DROP]
