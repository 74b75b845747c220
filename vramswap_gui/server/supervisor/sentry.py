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
from typing import NoReturn

from vramswap_gui.server.memlock import require_resident
from vramswap_gui.system import nbd, process

#: What the last keeper of all writes when it ends in good order.
_FAREWELL = b"."


def start() -> int:
    """Start it; returns the end of the pipe to hold, which is not inherited over execve(2). Raises OSError."""
    watched, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(held)
        _watch(watched)
    os.close(watched)
    return held


def dismiss(held: int) -> None:
    """It is not needed any more."""
    with contextlib.suppress(OSError):
        os.write(held, _FAREWELL)


def _watch(watched: int) -> NoReturn:
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        process.call_it("vramswap-sentry")
        os.closerange(3, watched)
        os.closerange(watched + 1, 1 << 16)
        require_resident()
        control = nbd.NbdControl()
        # Whatever is imported or looked up the first time is so before it is needed.
        nbd.ours()
        if os.read(watched, 1) != _FAREWELL:
            control.disconnect_ours()
        status = 0
    finally:
        os._exit(status)
