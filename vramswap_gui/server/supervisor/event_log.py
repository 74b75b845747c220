# SPDX-License-Identifier: MIT
"""What the keeper tells the journal: after the fact, when nobody waits for it any more, and without waiting itself.

An engine that is replaced is told of when the next one serves. Without a journal nothing is told: stderr may be a file,
and a file's memory may be in the swap that is served here.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from vramswap_gui import __version__
from vramswap_gui.errors import VramswapError
from vramswap_gui.system.journald import Event, Journal
from vramswap_gui.units import format_size


class ServerEventLog:
    """The one of a keeper. Its first line has everything in memory that the later ones need."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        #: The version of the program that left what this one has; empty when there was none, or it did not say.
        self.before = ""

    def started(self, card: dict[str, Any]) -> None:
        """``card`` is ready to be lent from."""
        sentence = f"vramswap {__version__} has {card['name']}, {format_size(card['total'])}, to lend from."
        self._journal.tell(Event.STARTED, sentence, {"version": __version__, "gpu": card["pci"], "size": card["total"]})

    def upgraded(self, engine: int, devices: int) -> None:
        """The process ``engine`` of this version took over from one of another."""
        before = f" after {self.before}" if self.before else ""
        sentence = f"The server is vramswap {__version__} now{before}; it serves {devices} devices as before."
        self._journal.tell(Event.UPGRADED, sentence, {"version": __version__, "from": self.before, "engine": engine})

    def attached(self, device: str, size: int) -> None:
        """A device was made."""
        sentence = f"{device} is {format_size(size)} of VRAM."
        self._journal.tell(Event.ATTACHED, sentence, {"device": device, "size": size})

    def detached(self, device: str, size: int) -> None:
        """A device was wiped and is no more."""
        sentence = f"{device} is gone, its {format_size(size)} of VRAM wiped and free."
        self._journal.tell(Event.DETACHED, sentence, {"device": device, "size": size})

    def replaced(self, status: int, seconds: float, engine: int) -> None:
        """An engine ended with a wait ``status``; the process ``engine`` serves since, after ``seconds``."""
        code = os.waitstatus_to_exitcode(status)
        sentence = f"The engine {how(code)}. Process {engine} serves in its place, after {seconds:.2f} s."
        ended = {"signal": -code} if code < 0 else {"exit_status": code}
        self._journal.tell(Event.ENGINE, sentence, {"engine": engine, "seconds": f"{seconds:.3f}"} | ended)

    def late(self, device: str, seconds: float, engine: int) -> None:
        """The process ``engine`` was late with ``device``, and serves it over other connections after ``seconds``."""
        served = f"process {engine} serves them again after {seconds:.1f} s"
        sentence = f"The engine was late with pages of {device}, as when memory is very short; {served}."
        fields = {"device": device, "engine": engine, "seconds": f"{seconds:.3f}"}
        self._journal.tell(Event.LATE, sentence, fields, like=device)

    def damaged(self, mended: int, lost: int) -> None:
        """So many pages were right when they were read once more, and so many were not, since the last time."""
        sentence = f"{lost} pages came back damaged from VRAM and are lost, {mended} were right the second time."
        self._journal.tell(Event.DAMAGED, sentence, {"mended": mended, "lost": lost}, like=f"{bool(lost)}")

    def lost(self, error: VramswapError) -> None:
        """The GPU was given up."""
        self._journal.tell(Event.LOST, error.message, {"error": error.code, "remedy": error.remedy})

    def unwiped(self, size: int) -> None:
        """No engine could be started to wipe ``size`` bytes, which the driver has back now."""
        sentence = f"{format_size(size)} of VRAM were given back unwiped: no engine could be started to wipe them."
        self._journal.tell(Event.FAILED, sentence, {"size": size})

    def ended(self) -> None:
        """Nothing is served any more."""
        self._journal.tell(Event.ENDED, "The server ends; nothing of it is in VRAM.")


def how(code: int) -> str:
    """What became of a process, by its exit status or, negative, its signal."""
    if code >= 0:
        return f"ended with status {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
