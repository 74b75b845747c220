"""Each desktop is told what brings tray icons there."""

from __future__ import annotations

import pytest

from vramswap_gui.tray.hints import no_tray


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
