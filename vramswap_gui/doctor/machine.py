# SPDX-License-Identifier: MIT
"""What a check is, and where it looks."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vramswap_gui.forms import Phrase, Sentence, word
from vramswap_gui.system import process, smallfile


class Verdict(enum.StrEnum):
    """``WARNING``: it works, with a limit that a user should know."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was looked at, what was found, and what to do about it.

    Commands in ``remedy`` stand between backticks.
    """

    name: Phrase
    verdict: Verdict
    found: Sentence
    remedy: Sentence = field(default_factory=lambda: Phrase(""))

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``, in English."""
        name, found, remedy = map(word, (self.name, self.found, self.remedy))
        return {"name": name, "verdict": self.verdict.value, "found": found, "remedy": remedy}


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look; tests put fixtures there."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    load: Callable[[str], object] = ctypes.CDLL

    @property
    def root(self) -> Path:
        """The folder that ``proc`` is in, with all that is neither the kernel's nor a device's."""
        return self.proc.parent

    def text(self, path: str) -> str:
        """What a file below the root says; nothing when it is not there."""
        return smallfile.text(self.root / path)

    def has(self, path: str) -> bool:
        """Whether there is something below the root."""
        try:
            return (self.root / path).exists()
        except OSError:
            return False

    def running(self) -> Iterator[str]:
        """The kernel's names of the programs that run, at most 15 characters of each."""
        return (smallfile.text(folder / "comm") for folder in process.folders(self.proc))
