# SPDX-License-Identifier: MIT
"""What is known of desktops by their names: what shows their tray icons, and on what ground."""

from __future__ import annotations

from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.icons import Ink
from vramswap_gui.tray.view_model import Problem

#: Words of XDG_CURRENT_DESKTOP for desktops that are a compositor and whatever bar somebody chose.
_BARE = frozenset({"sway", "hyprland", "wlroots", "river", "niri", "labwc", "i3"})


def no_tray(desktop: str) -> Problem:
    """The hint for ``desktop``, which is as XDG_CURRENT_DESKTOP has it: names between colons."""
    names = _names(desktop)
    if names & {"gnome", "ubuntu", "pop", "unity"}:
        command = "sudo apt install gnome-shell-extension-appindicator"
        remedy = tr("The extension “AppIndicator and KStatusNotifierItem Support” brings them at the next login.")
    elif names & _BARE:
        command = ""
        remedy = tr("A bar with a tray brings them, such as waybar with its module “tray”.")
    else:
        command = ""
        remedy = tr("Adding a “system tray” or “status tray” to the panel brings them.")
    message = tr("This desktop shows no tray icons, so there is this window instead.")
    closing = tr("Closing it ends the tray; the swap stays as it is.")
    return Problem(f"{message} {closing}", remedy, command)


def ink(chosen: Ink, desktop: str) -> Ink:
    """What the icon is drawn with. Bars that people choose for themselves are dark, and give an icon no colour."""
    return Ink.LIGHT if chosen is Ink.AUTOMATIC and _names(desktop) & _BARE else chosen


def _names(desktop: str) -> set[str]:
    return {name.casefold() for name in desktop.split(":")}
