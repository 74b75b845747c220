# SPDX-License-Identifier: MIT
"""Where each program begins. Loading one takes longer than it takes somebody to change their mind."""

from __future__ import annotations

# Each module that is loaded before the signal is seen to is one more that can be interrupted.
import signal
from importlib import import_module


def start(module: str) -> object:
    """Run a program's ``main``. Ctrl-C ends it without a word, until it says itself what is to be done then."""
    # One that was started with the signal ignored, in the background of a shell, goes on ignoring it.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from vramswap_gui import streams

    streams.prepare()
    try:
        status: object = import_module(module).main()
    except SystemExit as ended:
        # After --help and an error of usage.
        status = ended.code
    except OSError as error:
        # argparse passes over an answer that cannot be written, but not in Debian 12.
        if not streams.is_of_an_answer(error):
            raise
        status = None
    return streams.finish(status)


def tray() -> object:
    """``vramswap``."""
    return start("vramswap_gui.tray.main")


def ctl() -> object:
    """``vramswapctl``."""
    return start("vramswap_gui.ctl.main")


def helper() -> object:
    """``vramswap-helper``."""
    return start("vramswap_gui.helper.main")


def server() -> object:
    """``vramswap-server``."""
    return start("vramswap_gui.server.main")
