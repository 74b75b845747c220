# SPDX-License-Identifier: MIT
"""What is known of desktops by their names: what shows their tray icons, and on what ground."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.icons import Ink
from vramswap_gui.tray.view_model import Problem

#: Words of XDG_CURRENT_DESKTOP for desktops that show tray icons with an extension of GNOME's.
_GNOME: Final = frozenset({"gnome", "ubuntu", "pop", "unity"})
#: Words of XDG_CURRENT_DESKTOP for desktops that are a compositor and whatever bar somebody chose.
_BARE: Final = frozenset({"sway", "hyprland", "wlroots", "river", "niri", "labwc", "i3"})
#: Words of XDG_CURRENT_DESKTOP for desktops whose panels find an icon by its name, and give it no ink of theirs.
_COLOURLESS: Final = frozenset({"mate", "lxqt"})
#: How the extension is called where it is installed: by Debian and Ubuntu, and by all others.
_EXTENSIONS: Final = ("ubuntu-appindicators@ubuntu.com", "appindicatorsupport@rgcjonas.gmail.com")
#: What installs a package, by os-release's names of distributions and of those that they are like.
_INSTALLERS: Final = {"debian": "apt install", "ubuntu": "apt install", "fedora": "dnf install", "arch": "pacman -S"}


def no_tray(desktop: str, extension: str = "", installer: str = "") -> Problem:
    """The hint for ``desktop``, which is as XDG_CURRENT_DESKTOP has it: names between colons.

    ``extension``: GNOME's, if it is installed; ``installer``: what begins the command that installs it.
    """
    names, command = _names(desktop), ""
    if names & _GNOME and extension:
        command = f"gnome-extensions enable {extension}"
        remedy = tr(
            "The extension “AppIndicator and KStatusNotifierItem Support” is installed and only has to be switched on,"
            " after a new login if it has just come."
        )
    elif names & _GNOME:
        command = f"sudo {installer} gnome-shell-extension-appindicator" if installer else ""
        remedy = tr("Install the extension “AppIndicator and KStatusNotifierItem Support”, then log in again.")
    elif names & _BARE:
        remedy = tr("A bar with a tray brings them, such as waybar with its module “tray”.")
    else:
        remedy = tr("Adding a “system tray” or “status tray” to the panel brings them.")
    message = tr("This desktop shows no tray icons, so there is this window instead.")
    closing = tr("Closing it leaves the swap as it is.")
    return Problem(f"{message} {closing}", remedy, command)


def extension(data_dirs: Sequence[Path]) -> str:
    """How GNOME's extension for tray icons is called, if it is in one of these folders; else empty."""
    folders = [folder / "gnome-shell/extensions" for folder in data_dirs]
    return next((name for name in _EXTENSIONS if any((folder / name).is_dir() for folder in folders)), "")


def installer() -> str:
    """What installs packages here; empty where that is not known."""
    try:
        return _installer(platform.freedesktop_os_release())
    except OSError:
        return ""


def _installer(release: Mapping[str, str]) -> str:
    names = (release.get("ID", ""), *release.get("ID_LIKE", "").split())
    return next((_INSTALLERS[name] for name in names if name in _INSTALLERS), "")


def ink(chosen: Ink, desktop: str) -> Ink:
    """What the icon is drawn with. Bars that people choose for themselves are dark, and give an icon no colour."""
    return Ink.LIGHT if chosen is Ink.AUTOMATIC and _names(desktop) & _BARE else chosen


def recolours(desktop: str) -> bool:
    """Whether the panel gives a symbolic icon its own ink; elsewhere pictures are more than the file's grey."""
    return not _names(desktop) & _COLOURLESS


def _names(desktop: str) -> set[str]:
    return {name.casefold() for name in desktop.split(":")}
