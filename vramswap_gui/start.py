# SPDX-License-Identifier: MIT
"""Where each program begins. Loading one takes longer than it takes somebody to change their mind."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from importlib import import_module
from typing import Any


def start(module: str) -> Any:
    """Run a program's ``main``. Ctrl-C ends it without a word, until it says itself what is to be done then."""
    # One that was started with the signal ignored, in the background of a shell, goes on ignoring it.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return import_module(module).main()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Inside, Ctrl-C is a KeyboardInterrupt: there may be something to clean up."""
    before = signal.getsignal(signal.SIGINT)
    try:
        if before is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def tray() -> Any:
    """``vramswap``."""
    return start("vramswap_gui.tray.main")


def ctl() -> Any:
    """``vramswapctl``."""
    return start("vramswap_gui.ctl.main")


def helper() -> Any:
    """``vramswap-helper``."""
    return start("vramswap_gui.helper.main")


def server() -> Any:
    """``vramswap-server``."""
    return start("vramswap_gui.server.main")
