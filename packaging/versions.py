# SPDX-License-Identifier: MIT
"""Checks that all files that name the version of vramswap name the same one; ends with status 1 if they do not.

Usage: versions.py [--released]. With it the changelog and the metainfo have to name that version too.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

#: File → the place in it. pyproject.toml has the version from the package itself.
PLACES: Final = {
    "vramswap_gui/__init__.py": r'^__version__ = "(.*)"$',
    "packaging/rpm/vramswap.spec": r"^Version: +(.*)$",
    "packaging/arch/PKGBUILD": r"^pkgver=(.*)$",
}
RELEASED: Final = {
    "CHANGELOG.md": r"^## \[(\d.*?)\]",
    "resources/org.vramswap.vramswap.metainfo.xml": r'<release version="(.*?)"',
}


def named(file: str, place: str) -> str:
    """The version that a file names first, or ``none``."""
    found = re.search(place, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else "none"


def main() -> int:
    """Print what each says if they disagree."""
    places = PLACES | (RELEASED if "--released" in sys.argv[1:] else {})
    found = {file: named(file, place) for file, place in places.items()}
    if len(set(found.values())) == 1:
        return 0
    for file, version in found.items():
        print(f"versions.py: {file} says {version}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
