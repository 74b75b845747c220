# SPDX-License-Identifier: MIT
"""What the keeper does about an engine that the kernel's driver found late."""

from __future__ import annotations

import pytest

from tests.support.keeper_shell import Shell
from vramswap_gui.api.control import ControlVerb
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import messages as m
from vramswap_gui.server.supervisor.keeper import BEAT_SECONDS, LATE_SECONDS, LINK_SECONDS, TORN_SECONDS
from vramswap_gui.server.supervisor.recovery import LONGEST
from vramswap_gui.server.supervisor.state import Link, Stage
from vramswap_gui.units import SIZE_STEP


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
