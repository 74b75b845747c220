# SPDX-License-Identifier: MIT
"""What the keeper says of a device that gets no connections, and by what it knows devices."""

from __future__ import annotations

import pytest

from tests.support.keeper_shell import Shell
from vramswap_gui.api.control import ControlVerb, EngineState
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import messages as m
from vramswap_gui.server.supervisor.keeper import LINK_SECONDS
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
