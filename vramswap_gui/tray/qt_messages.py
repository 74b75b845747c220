# SPDX-License-Identifier: MIT
"""What Qt says on stderr: of use to whoever debugs, and to a user only when it is the end."""

from __future__ import annotations

import os
import sys
from typing import Final

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_GRAVE: Final = (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)


def install(*, debug: bool) -> None:
    """From now on say only what is grave, and end with a sentence where Qt would abort; with ``debug`` say all."""

    def hear(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
        if debug:
            print(f"{context.category}: {text}", file=sys.stderr)
        if kind is QtMsgType.QtFatalMsg and "platform plugin" in (text or ""):
            _end(f"{_displays()} cannot be reached. Use `vramswapctl` on the command line instead.")
        elif kind is QtMsgType.QtFatalMsg:
            _end(f"Qt cannot go on: {text}")
        elif kind in _GRAVE and not debug:
            print(f"vramswap: Qt: {text}", file=sys.stderr)

    qInstallMessageHandler(hear)


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
