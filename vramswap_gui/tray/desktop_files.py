# SPDX-License-Identifier: MIT
"""Applications as their desktop files name them (https://specifications.freedesktop.org/desktop-entry-spec/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from vramswap_gui.plain import plain
from vramswap_gui.system import process, smallfile
from vramswap_gui.tray.autostart import Folders

_HEAD: Final = "[Desktop Entry]"
#: Longer names are no names.
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Application:
    """What it is called in the user's language, and its icon: a name in the icon theme, or a path."""

    name: str
    icon: str


class Applications:
    """Those that are installed, read when the first one is asked for."""

    def __init__(self, folders: Sequence[Path], languages: Sequence[str]) -> None:
        """``languages``: those of the user, such as ``de_AT`` and ``de``, the best one first."""
        self._folders = folders
        self._languages = languages
        self._found: dict[str, Application] | None = None
        self._programs: dict[str, str] = {}

    @classmethod
    def of(cls, environment: Mapping[str, str], home: Path, language: str) -> Self:
        """As the XDG base directories say; ``language`` as Qt's locale has it."""
        folders = [folder / "applications" for folder in Folders.of(environment, home).data_dirs]
        return cls(folders, (language, language.partition("_")[0]))

    def find(self, identity: str, program: str) -> Application | None:
        """By the desktop file's name, or by the kernel's name of the program that it starts; None if there is none."""
        if self._found is None:
            self._found = {}
            for folder in self._folders:
                for name, program_name, entry in self._read(folder):
                    self._found.setdefault(name, entry)
                    if program_name:
                        self._programs.setdefault(program_name, name)
        key = identity if identity in self._found else self._programs.get(program, program)
        return self._found.get(key)

    def _read(self, folder: Path) -> Iterator[tuple[str, str, Application]]:
        for path in sorted(folder.rglob("*.desktop")):
            keys = _keys(smallfile.text(path))
            localised = (keys.get(f"Name[{language}]", "") for language in self._languages)
            name = next(filter(None, localised), keys.get("Name", ""))
            if name and keys.get("Type") == "Application":
                program = Path(keys.get("Exec", "").split(" ")[0]).name[: process.LONGEST]
                identity = str(path.relative_to(folder)).replace("/", "-").removesuffix(".desktop")
                yield identity, program, Application(plain(name, _LONGEST), keys.get("Icon", ""))


def _keys(text: str) -> dict[str, str]:
    """The first group's; the rest is of actions."""
    found: dict[str, str] = {}
    for line in text.partition(_HEAD)[2].splitlines():
        if line.startswith("["):
            break
        key, middle, value = line.partition("=")
        if middle:
            found.setdefault(key.strip(), value.strip())
    return found
