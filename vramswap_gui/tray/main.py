# SPDX-License-Identifier: MIT
"""The command ``vramswap``: the tray. Qt is loaded when it is known what is wanted, and that it can be shown."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from vramswap_gui import __version__


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for. Ends the process after ``--help``, ``--version`` and a usage error."""
    parser = argparse.ArgumentParser(
        prog="vramswap", description="Lends an idle NVIDIA GPU's VRAM to Linux as swap, from the system tray."
    )
    parser.add_argument("--version", action="version", version=f"vramswap {__version__}")
    parser.add_argument("--show", action="store_true", help="show the window at once")
    parser.add_argument("--settings", action="store_true", help="show the settings at once")
    parser.add_argument(
        "--background", action="store_true", help="show no window, even where no tray shows the icon: for the login"
    )
    parser.add_argument("--debug", action="store_true", help="print what Qt says")
    parser.add_argument("--proc", type=Path, default=Path("/proc"), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


class _Forgetful(dict[str, Any]):
    """A cache of source that keeps none."""

    def __setitem__(self, name: str, lines: Any) -> None:
        pass


def _keep_no_source() -> None:
    """PySide reads each module that is imported, to see whether it names PySide; 4.6 MB of lines would be kept."""
    import linecache

    linecache.cache = _Forgetful()


def main() -> NoReturn:
    """The program."""
    options = parse()
    if not _has_display():
        sys.exit("vramswap: there is no display. Use `vramswapctl` on the command line instead.")
    _keep_no_source()
    try:
        from vramswap_gui.tray import application
    except ImportError as error:
        # Libraries that Qt wants come with a desktop, and not with a wheel.
        sys.exit(f"vramswap: Qt cannot be loaded: {error}. Install what it names with your package manager.")
    application.leave(application.run(options))


def _has_display() -> bool:
    """Without one Qt would end the process with an abort."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    return bool(platform or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY"))


if __name__ == "__main__":
    main()
