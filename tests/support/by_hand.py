# SPDX-License-Identifier: MIT
"""What the tests that are run by hand share: programs that they need, and machines that take long to make."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path


def need(target: str, programs: Iterable[str | Path], packages: str) -> None:
    """Raises SystemExit where one of the programs, or files, that ``make target`` needs is missing."""
    for program in programs:
        if shutil.which(program) is None and not Path(program).is_file():
            raise SystemExit(f"{target}: {program} is missing; run: apt-get install {packages}")


def stamp(made: Path) -> Path:
    """Where it stands what something was made of."""
    return made.with_suffix(".stamp")


def once(target: str, made: Path, ingredients: str, make: Callable[[], None]) -> None:
    """``make`` it unless that was done with the same ingredients."""
    now = hashlib.sha256(ingredients.encode()).hexdigest()
    if stamp(made).is_file() and stamp(made).read_text() == now:
        return
    print(f"{target}: making {'/'.join(made.parts[-2:])}", flush=True)
    stamp(made).unlink(missing_ok=True)
    make()
    stamp(made).write_text(now)
