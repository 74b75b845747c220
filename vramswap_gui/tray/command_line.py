# SPDX-License-Identifier: MIT
"""``vramswapctl`` as a part of the tray: what takes long, or loads much, is done by a program of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLocale, QObject

from vramswap_gui.system import run
from vramswap_gui.system.run import Finished

_PROGRAM: Final = "vramswapctl"


class CommandLine(QObject):
    """One command at a time; another one, or :meth:`cancel`, ends the one before."""

    def __init__(self) -> None:
        super().__init__()
        self._task: asyncio.Task[None] | None = None

    def start(self, *arguments: str, done: Callable[[Finished], None]) -> None:
        """Run it; ``done`` hears how it ended, unless it was cancelled."""
        self.cancel()
        self._task = asyncio.ensure_future(self._run(arguments, done))

    def cancel(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self, arguments: tuple[str, ...], done: Callable[[Finished], None]) -> None:
        try:
            # It speaks to the person at the tray.
            finished = await run.run(_program(), *arguments, environment={"LANGUAGE": QLocale().name()})
        except OSError as error:
            finished = Finished(126, "", f"{_PROGRAM}: {error.strerror}")
        done(finished)


def _program() -> str:
    """The one of this installation, or whichever there is."""
    for beside in (Path(sys.argv[0]), Path(sys.executable)):
        if (found := beside.with_name(_PROGRAM)).is_file():
            return str(found)
    return _PROGRAM
