# SPDX-License-Identifier: MIT
"""Changes of the product that are to be noticed, and how they are tried one after the other: ``make mutants``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """``old`` in a file becomes ``new``; one of ``tests`` notices, or, where there are none, the simulator."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ()

    def changed(self) -> str:
        """The file's text with it."""
        source = (ROOT / self.file).read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise SystemExit(f"“{self.name}”: its text stands {source.count(self.old)} times in {self.file}")
        return source.replace(self.old, self.new)


def main(mutants: Sequence[Mutant], hunt: Callable[[Mutant], str], most: int = 0) -> int:
    """Try each; ``hunt`` says how it was found, nothing when it was not. ``most``: so many at a time (0: all cores)."""
    parser = argparse.ArgumentParser(description="Break the product, and see whether that is noticed.")
    parser.add_argument("name", nargs="?", default="", help="only those whose names have this in them")
    name = parser.parse_args().name
    wanted = [mutant for mutant in mutants if name in mutant.name]
    missed = 0
    with ThreadPoolExecutor(most or os.cpu_count()) as pool:
        for mutant, found in zip(wanted, pool.map(hunt, wanted), strict=True):
            missed += not found
            print(f"{found or 'NOT FOUND':>9}  {mutant.name}", flush=True)
    print(f"{len(wanted) - missed} of {len(wanted)} found")
    return int(missed > 0)
