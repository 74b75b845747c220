# SPDX-License-Identifier: MIT
"""Each desktop is told what brings tray icons there, and gets an icon that can be seen."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from vramswap_gui.tray import hints
from vramswap_gui.tray.icons import Ink


@pytest.mark.parametrize(
    ("desktop", "said", "command"),
    [
        ("GNOME", "Install the extension", True),
        ("ubuntu:GNOME", "Install the extension", True),
        ("GNOME-Classic:GNOME", "Install the extension", True),
        ("sway", "waybar", False),
        ("Hyprland", "waybar", False),
        ("XFCE", "panel", False),
        ("", "panel", False),
    ],
)
def test_the_remedy_suits_the_desktop(desktop: str, said: str, command: bool) -> None:
    hint = hints.no_tray(desktop, installer="apt install")
    assert said in hint.remedy
    assert bool(hint.command) is command
    assert "leaves the swap" in hint.message


def test_an_extension_that_is_installed_is_to_be_switched_on(tmp_path: Path) -> None:
    assert hints.extension([tmp_path]) == ""
    name = "appindicatorsupport@rgcjonas.gmail.com"
    (tmp_path / "gnome-shell/extensions" / name).mkdir(parents=True)
    hint = hints.no_tray("GNOME", hints.extension([tmp_path / "none", tmp_path]), "apt install")
    assert hint.command == f"gnome-extensions enable {name}" and "switched on" in hint.remedy
    assert hints.no_tray("KDE", name).command == ""


@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "debian"}, "sudo apt install gnome-shell-extension-appindicator"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "sudo apt install gnome-shell-extension-appindicator"),
        ({"ID": "fedora"}, "sudo dnf install gnome-shell-extension-appindicator"),
        ({"ID": "endeavouros", "ID_LIKE": "arch"}, "sudo pacman -S gnome-shell-extension-appindicator"),
        ({"ID": "nixos"}, ""),
        (None, ""),
    ],
)
def test_the_command_is_the_distributions(
    release: dict[str, str] | None, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def known() -> dict[str, str]:
        if release is None:
            raise OSError("there is no os-release")
        return release

    monkeypatch.setattr(platform, "freedesktop_os_release", known)
    assert hints.no_tray("GNOME", installer=hints.installer()).command == command


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
    assert hints.ink(chosen, desktop) is drawn


def test_panels_that_give_an_icon_no_ink() -> None:
    found = {name: hints.recolours(name) for name in ("KDE", "ubuntu:GNOME", "XFCE", "MATE", "LXQt", "")}
    assert {name for name, so in found.items() if not so} == {"MATE", "LXQt"}
