# SPDX-License-Identifier: MIT
"""What Qt says on stderr: of use to whoever debugs, and to a user only when it is the end."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLibraryInfo, QMessageLogContext, QtMsgType, qInstallMessageHandler

#: Since Qt 6.5 it wants a library, libxcb-cursor, that few desktops bring.
_X11: Final = "platforms/libqxcb.so"
_GRAVE: Final = (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)


def install(*, debug: bool) -> None:
    """From now on say only what is grave, and end with a sentence where Qt would abort; with ``debug`` say all."""

    def hear(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
        if debug:
            print(f"{context.category}: {text}", file=sys.stderr)
        if kind is QtMsgType.QtFatalMsg and "platform plugin" in (text or ""):
            plugin = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath), _X11)
            if os.environ.get("DISPLAY") and (missing := lacking(plugin)):
                _end(f"Qt cannot be loaded: {missing}. Install what it names with your package manager.")
            _end(f"{_displays()} cannot be reached. Use `vramswapctl` on the command line instead.")
        elif kind is QtMsgType.QtFatalMsg:
            _end(f"Qt cannot go on: {text}")
        elif kind in _GRAVE and not debug:
            print(f"vramswap: Qt: {text}", file=sys.stderr)

    qInstallMessageHandler(hear)


def lacking(plugin: Path) -> str:
    """What a plugin of Qt's is not loaded for, in the words of the dynamic linker; nothing if it can be loaded."""
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return str(error)
    return ""


def _end(why: str) -> None:
    print(f"vramswap: {why}", file=sys.stderr, flush=True)
    # What Qt does after this message is an abort, with a core dump.
    os._exit(1)


def _displays() -> str:
    """The displays that the environment names, for a person."""
    if platform := os.environ.get("QT_QPA_PLATFORM"):
        return f"the display of QT_QPA_PLATFORM={platform}"
    named = [f"{name}={place}" for name in ("WAYLAND_DISPLAY", "DISPLAY") if (place := os.environ.get(name))]
    return f"the display ({', '.join(named)})"
