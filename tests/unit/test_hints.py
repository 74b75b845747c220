# SPDX-License-Identifier: MIT
"""Each desktop is told what brings tray icons there, and gets an icon that can be seen."""

from __future__ import annotations

import pytest

from vramswap_gui.tray.hints import ink, no_tray
from vramswap_gui.tray.icons import Ink


@pytest.mark.parametrize(
    ("desktop", "said", "command"),
    [
        ("GNOME", "AppIndicator", True),
        ("ubuntu:GNOME", "AppIndicator", True),
        ("GNOME-Classic:GNOME", "AppIndicator", True),
        ("sway", "waybar", False),
        ("Hyprland", "waybar", False),
        ("XFCE", "panel", False),
        ("", "panel", False),
    ],
)
def test_the_remedy_suits_the_desktop(desktop: str, said: str, command: bool) -> None:
    hint = no_tray(desktop)
    assert said in hint.remedy
    assert bool(hint.command) is command
    assert "ends the tray" in hint.message


@pytest.mark.parametrize(
    ("chosen", "desktop", "drawn"),
    [
        (Ink.AUTOMATIC, "KDE", Ink.AUTOMATIC),
        (Ink.AUTOMATIC, "", Ink.AUTOMATIC),
        (Ink.AUTOMATIC, "sway:wlroots", Ink.LIGHT),
        (Ink.AUTOMATIC, "Hyprland", Ink.LIGHT),
        (Ink.DARK, "sway", Ink.DARK),
    ],
)
def test_bars_are_dark_unless_somebody_says_otherwise(chosen: Ink, desktop: str, drawn: Ink) -> None:
    assert ink(chosen, desktop) is drawn
