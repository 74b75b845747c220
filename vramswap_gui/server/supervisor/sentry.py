# SPDX-License-Identifier: MIT
"""The last one: a process that does nothing until keeper and engine are both gone, and then has the kernel let go.

VRAM lives as long as one of them holds it. When both are dead its pages are certainly lost, and whoever waits for one
is to be told, or it waits for ever: be it a program, the helper, or systemd. So none of those can be who tells. This
process is locked in memory, has everything that it needs, holds nothing of the GPU's, and waits for the end of a pipe
whose other end keepers and engines hold, and nobody else.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

from vramswap_gui.server.memlock import require_resident
from vramswap_gui.server.messages import Transport
from vramswap_gui.system import nbd, process, ublk

#: What the last keeper of all writes when it ends in good order.
_FAREWELL = b"."


def start(transport: Transport) -> int:
    """Start it; returns the end of the pipe to hold, which is not inherited over execve(2). Raises OSError."""
    watched, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(held)
        _watch(watched, transport)
    os.close(watched)
    return held


def dismiss(held: int) -> None:
    """It is not needed any more."""
    with contextlib.suppress(OSError):
        os.write(held, _FAREWELL)


def _by_nbd() -> Callable[[], object]:
    control = nbd.NbdControl()
    nbd.ours()
    return control.disconnect_ours


def _by_ublk() -> Callable[[], object]:
    """These are not disconnected: they get somebody who refuses what is asked for."""
    ublk.UblkControl().close()
    return lambda: ublk.refuse([info.number for info in ublk.ours().values()], lambda: None)


#: What prepares it: whatever is imported or looked up the first time is so before it is needed.
_DISCONNECT: Final[Mapping[Transport, Callable[[], Callable[[], object]]]] = {
    Transport.NBD: _by_nbd,
    Transport.UBLK: _by_ublk,
}


def _watch(watched: int, transport: Transport) -> NoReturn:
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        process.call_it("vramswap-sentry")
        process.close_all_but(watched)
        require_resident()
        disconnect = _DISCONNECT[transport]()
        if os.read(watched, 1) != _FAREWELL:
            disconnect()
        status = 0
    finally:
        os._exit(status)
