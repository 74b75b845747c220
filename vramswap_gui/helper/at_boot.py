# SPDX-License-Identifier: MIT
"""Whether the helper starts with the computer, of which the settings' file and the service manager each have a word.

An administrator may change either: the file, in an editor or before the helper has ever run, and the unit, with the
program that is there for that (``systemctl disable``). Neither is to be undone behind their back, and the window shows
what the file says. So what both said last is kept, and whichever says something else since has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vramswap_gui.helper.helper_service import start_at_boot
from vramswap_gui.paths import AT_BOOT
from vramswap_gui.system import smallfile

_WORDS: Final = {True: "on", False: "off"}


class AtBoot:
    """``state``: the folder for what outlasts a start of the machine."""

    def __init__(self, state: Path) -> None:
        self._record = state / AT_BOOT

    async def choose(self, wanted: bool) -> None:
        """Somebody says so. Raises VramswapError; then it is as before."""
        await start_at_boot(wanted)
        self._remember(wanted)

    async def agree(self, file: bool, unit: bool, save: Callable[[bool], None]) -> bool:
        """What it is to be when the file and the service manager say so, which both say then; ``save``: to the file.

        Raises VramswapError; then both are asked again the next time.
        """
        wanted = agreed(self._known(), file, unit)
        if wanted is not unit:
            await start_at_boot(wanted)
        if wanted is not file:
            save(wanted)
        self._remember(wanted)
        return wanted

    def _known(self) -> bool | None:
        word = smallfile.text(self._record)
        return next((known for known, said in _WORDS.items() if said == word), None)

    def _remember(self, said: bool) -> None:
        """A full disk costs no more than that."""
        if self._known() is not said:
            with contextlib.suppress(OSError):
                self._record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                smallfile.write(self._record, f"{_WORDS[said]}\n")


def agreed(known: bool | None, file: bool, unit: bool) -> bool:
    """What counts, where both said ``known`` last; None: nobody knows, and whoever wants it has said so."""
    if known is None:
        return file or unit
    return unit if file is known else file
