# SPDX-License-Identifier: MIT
"""What the keeper says of a device that gets no connections, and by what it knows devices."""

from __future__ import annotations

import pytest

from tests.support.keeper_shell import Shell
from vramswap_gui.api.control import ControlVerb, EngineState
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import messages as m
from vramswap_gui.server.supervisor.keeper import BEAT_SECONDS, LATE_SECONDS, LINK_SECONDS
from vramswap_gui.units import MAX_SEGMENTS, MAX_SERIAL, SIZE_STEP

REFUSED = VramswapError(Problem.NBD_HOLDS_ON, device="/dev/nbd1")


def refuse(shell: Shell, by: type[m.Action]) -> None:
    """Have the engine's or the kernel's side of the second device's connections fail."""
    actions = shell.passes(LINK_SECONDS)
    if by is m.Reconnect:
        assert any(isinstance(action, m.Reconnect) for action in actions)
        shell.hear(m.DeviceUnlinked(1, REFUSED))
    else:
        (asked,) = (a for a in actions if isinstance(a, m.Ask) and a.question is m.Question.CONNECT)
        shell.hear(m.Answered(asked.gen, asked.seq, error=REFUSED))


@pytest.mark.parametrize("by", [m.Ask, m.Reconnect])
def test_why_a_device_gets_no_connections_is_told_until_it_has_them(by: type[m.Action]) -> None:
    """But not the first time: a second later it may have them."""
    shell = Shell(2)
    assert shell.keeper.status().trouble is None
    if by is m.Reconnect:
        shell.held = (m.Reconnect,)
    else:
        shell.silent = (m.Question.CONNECT,)
    shell.hear(m.HungUp(1, 1))
    refuse(shell, by)
    status = shell.keeper.status()
    assert (status.engine, status.trouble) == (EngineState.RESTARTING, None)
    refuse(shell, by)
    status = shell.keeper.status()
    assert (status.engine, status.trouble) == (EngineState.RESTARTING, REFUSED)
    shell.held = shell.silent = ()
    shell.passes(LINK_SECONDS * 2)
    status = shell.keeper.status()
    assert (status.engine, status.trouble) == (EngineState.RUNNING, None)


def asked(shell: Shell, question: m.Question) -> m.Ask:
    """What was asked last."""
    return [a for a in shell.ordered if isinstance(a, m.Ask) and a.question is question][-1]


def test_a_device_without_connections_waits_for_no_other_ones_for_long() -> None:
    """The kernel gave up a device's connections while another one is being made: that one's come later, and an engine
    that hangs over them, if they were asked for first, is ended as soon as over the device's own."""
    shell = Shell(2)
    shell.silent, shell.held = (m.Question.CREATE, m.Question.CONNECT), (m.Prepare,)
    shell.hear(m.Asked(7, ControlVerb.ADD, size=SIZE_STEP))
    shell.hear(m.HungUp(0, 1))
    shell.hear(m.HungUp(1, 1))
    made = asked(shell, m.Question.CREATE)
    shell.hear(m.Answered(made.gen, made.seq, fd=20))
    shell.hear(m.DevicePrepared(0))
    assert asked(shell, m.Question.CONNECT).index == 0
    shell.hear(m.DevicePrepared(2))
    shell.hear(m.DevicePrepared(1))
    first = asked(shell, m.Question.CONNECT)
    shell.hear(m.Answered(first.gen, first.seq))
    assert asked(shell, m.Question.CONNECT).index == 1
    shell.hear(m.HungUp(0, 1))
    second = asked(shell, m.Question.CONNECT)
    shell.hear(m.Answered(second.gen, second.seq))
    assert asked(shell, m.Question.CONNECT).index == 2
    assert not any(isinstance(action, m.Kill) for action in shell.passes(LATE_SECONDS - 0.1))
    assert any(isinstance(action, m.Kill) for action in shell.passes(0.2))


def test_an_engine_is_asked_for_nothing_else_before_it_has_new_connections() -> None:
    """Over which it may hang: the device has none."""
    shell = Shell(2)
    shell.held = (m.Prepare,)
    shell.hear(m.HungUp(1, 1))
    shell.hear(m.Asked(7, ControlVerb.ADD, size=SIZE_STEP))
    assert not any(isinstance(action, m.Ask) for action in shell.passes(3 * BEAT_SECONDS))
    shell.held = ()
    questions = [action.question for action in shell.hear(m.DevicePrepared(1)) if isinstance(action, m.Ask)]
    assert questions[:2] == [m.Question.CONNECT, m.Question.CREATE]


def test_no_two_devices_are_known_by_the_same_number() -> None:
    """Of which ublk keeps 16 bits, whatever came and went between."""
    shell = Shell(MAX_SEGMENTS)
    first = {segment.ident for segment in shell.keeper.segments.values()}
    shell.keeper._serials = MAX_SERIAL - 2
    for number in range(MAX_SEGMENTS):
        shell.hear(m.Asked(number, ControlVerb.REMOVE, index=3))
        shell.hear(m.Asked(number, ControlVerb.ADD, size=SIZE_STEP))
        idents = {segment.ident for segment in shell.keeper.segments.values()}
        assert len(idents) == MAX_SEGMENTS
        assert max(int(ident.rpartition("-")[2]) for ident in idents) <= MAX_SERIAL
        shell.ordered.clear()
    assert len(first & idents) == MAX_SEGMENTS - 1
