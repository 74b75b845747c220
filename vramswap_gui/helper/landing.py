# SPDX-License-Identifier: MIT
"""Swap files for pages that fit nowhere else: where there are any, and how they are made and removed.

What a helper that dies leaves is found by the next one: a file that is swap by its name in ``/proc/swaps``, one that
is not in the folders that were used since the machine started, which are kept in the runtime directory.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import swap_area
from vramswap_gui.helper.policy.landing import Ground
from vramswap_gui.paths import LANDING_FOLDER
from vramswap_gui.settings import LANDING_AUTO, LANDING_OFF
from vramswap_gui.system import disk, run, smallfile, swaps
from vramswap_gui.system.swaps import Swap
from vramswap_gui.system.threads import Threads

_T = TypeVar("_T")
#: A disk that is asleep takes as long to wake.
_SECONDS: Final = 10.0

#: Each file has a folder to itself (landing_file.py); the names are ours alone, wherever they are.
_FOLDER: Final = re.compile(LANDING_FOLDER + "([0-9]{1,3})")
_FILE: Final = "swap"
_RECORD: Final = "landing"


class LandingPlace:
    """``folder``: vramswap's own, for the setting ``auto``; ``runtime``: what is there lasts until the next start."""

    def __init__(self, folder: Path, runtime: Path, proc: Path, sys: Path, outside: bool) -> None:
        self._own = folder
        self._record = runtime / _RECORD
        self._proc = proc
        self._sys = sys
        #: Whether programs have to work outside of this process's mount namespace.
        self._outside = outside
        self._threads = Threads()
        #: The last question about each folder, and until when an answer is waited for.
        self._asked: dict[Path, tuple[asyncio.Future[Any], float]] = {}
        #: The file of each number.
        self.files: dict[int, Path] = {}

    def folder(self, setting: str) -> Path:
        """Where files are made."""
        return self._own if setting in (LANDING_AUTO, LANDING_OFF) else Path(setting)

    async def find(self, setting: str) -> None:
        """Look for what an earlier helper left."""
        found = {Path(area.device) for area in swaps.read(self._proc)}
        for folder in {self._own, self.folder(setting), *map(Path, self._recorded())}:
            entries = await self._in_time(folder, partial(_entries, folder))
            found.update(path / _FILE for path in entries or ())
        self.files = {}
        for path in sorted(found):
            match = _FOLDER.fullmatch(path.parent.name)
            if match and path.name == _FILE:
                # Two of one number lie in two folders.
                self.files[self._free(int(match[1]))] = path

    def areas(self, areas: Iterable[Swap]) -> dict[int, Swap]:
        """Those of all swap ``areas`` that are ours."""
        numbers = {str(path): number for number, path in self.files.items()}
        return {numbers[area.device]: area for area in areas if area.device in numbers}

    async def look(self, setting: str, lent: Collection[str]) -> Ground:
        """Where a file would be made; ``lent``: the swap that is VRAM, and no disk. Raises OSError."""
        folder = self.folder(setting)
        ours = {*lent, *map(str, self.files.values())}
        found = await self._in_time(folder, lambda: self._look(folder, ours))
        return Ground(folder, None) if found is None else found

    def _look(self, folder: Path, ours: Collection[str]) -> Ground:
        try:
            found = disk.look(folder, self._proc, self._sys)
        except OSError:
            found = None
        others = [area for area in swaps.read(self._proc) if area.device not in ours]
        return Ground(folder, found, any(disk.holds_plain_pages(area, self._proc, self._sys) for area in others))

    async def _in_time(self, folder: Path, ask: Callable[[], _T]) -> _T | None:
        """What is found in a folder; None where its disk does not answer: a network's may never.

        Nothing else waits for it then, and it is asked nothing more until it has answered.
        """
        now = asyncio.get_running_loop().time
        before, until = self._asked.get(folder, (None, 0.0))
        if before is not None:
            await asyncio.wait([before], timeout=max(0.0, until - now()))
            if not before.done():
                return None
        asking: asyncio.Future[_T] = asyncio.ensure_future(self._threads.run(ask))
        self._asked[folder] = asking, now() + _SECONDS
        await asyncio.wait([asking], timeout=_SECONDS)
        return asking.result() if asking.done() else None

    async def make(self, setting: str, size: int) -> int:
        """A file of ``size`` bytes. Returns its number. Raises VramswapError LANDING_FAILED."""
        folder, number = self.folder(setting), self._free(0)
        # By the name that /proc/swaps will have for it.
        folder = await self._in_time(folder, partial(_real, folder)) or folder
        path = folder / f"{LANDING_FOLDER}{number}" / _FILE
        self._remember(folder)
        try:
            await self._run("make", path, str(size))
        except _Failed as error:
            raise VramswapError(Problem.LANDING_FAILED, folder=str(folder), why=str(error)) from None
        self.files[number] = path
        return number

    async def use(self, number: int) -> None:
        """Swap to a file that was made: after all other swap. Raises VramswapError SWAP_REFUSED."""
        await swap_area.on_file(str(self.files[number]), self._outside, self._proc)

    async def empty(self, number: int) -> None:
        """Bring its pages to where they have room. Raises VramswapError SWAP_REFUSED; then it is still in use."""
        await swap_area.off_file(str(self.files[number]), self._outside)

    async def remove(self, number: int) -> None:
        """Remove a file that is no swap. What cannot be removed is left for the next helper; nobody waits for it."""
        path = self.files.pop(number)
        with contextlib.suppress(_Failed):
            await self._run("remove", path)

    async def _run(self, verb: str, path: Path, *arguments: str) -> None:
        command = (sys.executable, "-P", "-m", "vramswap_gui.helper.landing_file", verb, str(path), *arguments)
        if self._outside:
            # An installed package has its libraries where only the environment says.
            path_of_libraries = f"--setenv=PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
            command = (*swap_area.IN_FIRST_NAMESPACE, path_of_libraries, *command)
        done = await run.run(*command)
        if done.status:
            raise _Failed(done.complaint)

    def _free(self, number: int) -> int:
        while number in self.files:
            number += 1
        return number

    def _recorded(self) -> list[str]:
        return [line for line in smallfile.text(self._record).split("\n") if line.startswith("/")]

    def _remember(self, folder: Path) -> None:
        folders = {str(folder), *self._recorded()}
        with contextlib.suppress(OSError):
            smallfile.write(self._record, "".join(f"{line}\n" for line in sorted(folders)))


def _real(folder: Path) -> Path:
    """Without links."""
    return Path(os.path.realpath(folder))


def _entries(folder: Path) -> list[Path]:
    return smallfile.entries(_real(folder))


class _Failed(Exception):
    """A program that makes or removes a file: what it said."""
