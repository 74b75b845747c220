# SPDX-License-Identifier: MIT
"""Lays out all that is installed besides the programs below a folder, as it lies below /usr.

Usage: stage.py FOLDER DATE. Needs nothing but the standard library. The list is packaging/files.txt.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import manual

ROOT: Final = Path(__file__).parents[1]
LIST: Final = Path(__file__).with_name("files.txt")


def listed() -> Iterator[tuple[Path, str]]:
    """Each file of the list, and its path below /usr."""
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            source, folder = line.split()
            yield ROOT / source, f"{folder}/{Path(source).name}"


def stage(folder: Path, date: str) -> None:
    """Write all files below ``folder``; the man pages bear ``date`` (YYYY-MM-DD)."""
    for source, target in listed():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / target)
        if os.access(source, os.X_OK):
            (folder / target).chmod(0o755)
    manual.write(folder, date)


if __name__ == "__main__":
    stage(Path(sys.argv[1]), sys.argv[2])
