#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Gives every source file the line that names its licence (https://spdx.github.io/spdx-spec, annex E).

``packaging/spdx.py`` writes it where it is missing; ``packaging/spdx.py --check`` says where that is, and exits with
status 1 if it is anywhere.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
TAG: Final = "SPDX-License-Identifier: MIT"
#: How a file's name ends → what begins a comment in it.
COMMENTS: Final = {
    ".py": "#", ".pyx": "#", ".pxd": "#", ".sh": "#", "Makefile": "#",
    ".c": "//", ".h": "//", ".cpp": "//", ".rules": "//",
}  # fmt: skip


def comment(name: str, text: str) -> str:
    """What begins a comment in a file; empty when it is no source."""
    found = next((mark for end, mark in COMMENTS.items() if name.endswith(end)), "")
    if name.endswith(".rules") and text.startswith("#"):
        # udev's, and not polkit's, which are JavaScript.
        return "#"
    return found or ("#" if text.startswith("#!") else "")


def with_tag(name: str, text: str) -> str:
    """``text`` with the line, which is the first one, or the second below the name of an interpreter."""
    mark = comment(name, text)
    if not mark or not text:
        return text
    line = f"{mark} {TAG}\n"
    head, rest = text.split("\n", 1) if text.startswith("#!") else ("", text)
    if rest.startswith(line):
        return text
    return f"{head}\n{line}{rest}" if head else line + rest


def sources() -> Iterator[Path]:
    """Every file that is kept and has text."""
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, kept.split("\0")):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            yield path


def missing() -> dict[Path, str]:
    """The files that lack the line, with their text as it should be."""
    found = {}
    for path in sources():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if (tagged := with_tag(path.name, text)) != text:
            found[path] = tagged
    return found


def main() -> int:
    wanting = missing()
    if "--check" in sys.argv[1:]:
        for path in wanting:
            print(f"{path.relative_to(ROOT)}: no “{TAG}” in its first lines; packaging/spdx.py adds it")
        return bool(wanting)
    for path, text in wanting.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
