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
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from vramswap_gui.errors import VramswapError
from vramswap_gui.server import ipc, lock
from vramswap_gui.server.memlock import require_resident
from vramswap_gui.system import nbd, process, ublk

#: What the last keeper of all writes when it ends in good order.
_FAREWELL = b"."
#: Seconds between two looks whether somebody else serves.
_POLL: Final = 0.1


def start(folder: Path, disown: Callable[[], None]) -> int:
    """Start it for the servers of a folder; returns the end of the pipe to hold, which is not inherited over execve(2).

    ``disown`` has it let go of what it shares with its keeper. Raises OSError.
    """
    watched, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(held)
        disown()
        _watch(watched, folder)
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

    def end() -> None:
        ublk.sweep()
        ublk.refuse([info.number for info in ublk.ours().values()], lambda: None)

    return end


#: What prepares it: whatever is imported or looked up the first time is so before it is needed. By both of the kernel's
#: drivers, as servers that come after may have devices of the other kind, and the sentry stays the same.
_DISCONNECT: Final = (_by_nbd, _by_ublk)


def _prepared() -> list[Callable[[], object]]:
    ways = []
    for prepare in _DISCONNECT:
        # A driver that is not there has no devices.
        with contextlib.suppress(VramswapError):
            ways.append(prepare())
    return ways


def somebody_serves(folder: Path) -> bool:
    """Whether an engine lives that never held this pipe: one whose keeper began when ours was gone, and has a sentry of
    its own. Waits while there is such a keeper alone."""
    with contextlib.suppress(OSError):
        while not (engines := ipc.engines(folder)) and lock.is_held(folder):
            time.sleep(_POLL)
        return bool(engines)
    return False


def _watch(watched: int, folder: Path) -> NoReturn:
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        process.call_it("vramswap-sentry")
        process.close_all_but(watched)
        require_resident()
        ways = _prepared()
        ipc.engines(folder)
        if os.read(watched, 1) != _FAREWELL and not somebody_serves(folder):
            for disconnect in ways:
                disconnect()
        status = 0
    finally:
        os._exit(status)
