# SPDX-License-Identifier: MIT
"""Whether the tray starts at login: an entry in the user's autostart folder.

Sources: the Desktop Application Autostart, Desktop Entry and Base Directory specifications of freedesktop.org.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError

_NAME: Final = "vramswap.desktop"
#: What is taken over from the installed entry; the rest is for menus.
_KEPT: Final = ("Name", "Comment", "Exec", "TryExec", "Icon")


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the desktop looks, the first folder before the next. ``config`` is the user's own."""

    config: Path
    config_dirs: tuple[Path, ...] = ()
    data_dirs: tuple[Path, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str], home: Path) -> Folders:
        """The folders of a session."""

        def folders(name: str, usual: str) -> tuple[Path, ...]:
            paths = (Path(path) for path in (environment.get(name) or usual).split(":"))
            # The specification has relative paths passed over.
            return tuple(path for path in paths if path.is_absolute())

        return cls(
            next(iter(folders("XDG_CONFIG_HOME", "")), home / ".config"),
            folders("XDG_CONFIG_DIRS", "/etc/xdg"),
            (
                next(iter(folders("XDG_DATA_HOME", "")), home / ".local/share"),
                *folders("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
            ),
        )

    @property
    def own(self) -> Path:
        """The user's entry."""
        return self.config / "autostart" / _NAME

    @property
    def common(self) -> tuple[Path, ...]:
        """Entries for everybody, which the user's replaces."""
        return tuple(folder / "autostart" / _NAME for folder in self.config_dirs)


def is_on(folders: Folders) -> bool:
    """Whether the desktop starts the tray at login."""
    entry = next((read for path in (folders.own, *folders.common) if (read := _read(path)) is not None), None)
    if entry is None:
        return False
    return entry.get("Hidden") != "true" and entry.get("X-GNOME-Autostart-enabled") != "false"


def turn(on: bool, folders: Folders, command: Sequence[str] = ()) -> None:
    """Start it at login from now on, or no longer.

    ``command`` is what to start when no menu entry says it. Raises VramswapError when the folder cannot be written.
    """
    path = folders.own
    try:
        if on:
            _write(path, _entry(folders, command))
        elif any(common.is_file() for common in folders.common):
            # Removing the user's entry would bring everybody's back.
            _write(path, {"Hidden": "true"})
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        folder = str(path.parent)
        raise VramswapError(Problem.FILE_NOT_YOURS, path=str(path), folder=folder, why=str(error.strerror)) from None


def own_command() -> tuple[str, ...]:
    """What starts this program where it is not installed."""
    return (found,) if (found := shutil.which("vramswap")) else (sys.executable, "-P", "-m", "vramswap_gui.tray.main")


def _entry(folders: Folders, command: Sequence[str]) -> dict[str, str]:
    installed = (_read(folder / "applications" / _NAME) for folder in folders.data_dirs)
    menu = next((entry for entry in installed if entry and entry.get("Exec")), None)
    menu = menu or {"Name": "vramswap", "Exec": " ".join(_quoted(word) for word in command), "Icon": "vramswap"}
    kept = {key: menu[key] for key in _KEPT if key in menu}
    # Whoever logs in has not asked for a window, not even where no tray shows the icon.
    kept["Exec"] = f"{kept['Exec']} --background"
    return {"Type": "Application"} | kept | {"Terminal": "false", "X-GNOME-Autostart-enabled": "true"}


def _quoted(word: str) -> str:
    """A word of an Exec line. Its own escapes come on top of those that every value of an entry has."""
    word = word.replace("%", "%%")
    if re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII):
        return word
    quoted = '"' + re.sub(r'(["`$\\])', r"\\\1", word) + '"'
    return quoted.replace("\\", "\\\\")


def _read(path: Path) -> dict[str, str] | None:
    """The keys of an entry, without those for languages; None when there is no such file."""
    try:
        return dict(_keys(path.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return None


def _keys(text: str) -> Iterator[tuple[str, str]]:
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip()
        elif group == "[Desktop Entry]" and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            yield key.strip(), value.strip()


def _write(path: Path, entry: Mapping[str, str]) -> None:
    """Replace the file as a whole: it may be a link to the entry of the menu."""
    lines = ["[Desktop Entry]", *(f"{key}={value}" for key, value in entry.items())]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text("\n".join(lines) + "\n", encoding="utf-8")
    new.replace(path)
