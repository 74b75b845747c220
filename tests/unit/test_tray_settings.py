# SPDX-License-Identifier: MIT
"""What a user chooses for themselves: the entry that starts the tray at login, and what is kept in the home."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from vramswap_gui.errors import VramswapError
from vramswap_gui.tray import autostart
from vramswap_gui.tray.autostart import Folders
from vramswap_gui.tray.preferences import OWN, Preferences

ROOT = Path(__file__).parents[2]
COMMAND = ("/opt/my programs/vramswap", "--say", 'a "b" $c `d` \\e 100%')


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "config", (tmp_path / "xdg",), (tmp_path / "local", tmp_path / "share"))


def install(folders: Folders) -> None:
    """As a package does it."""
    menu = folders.data_dirs[-1] / "applications"
    menu.mkdir(parents=True)
    shutil.copy(ROOT / "vramswap.desktop", menu)


def for_everybody(folders: Folders, text: str = "[Desktop Entry]\nType=Application\nExec=vramswap\n") -> None:
    (common,) = folders.common
    common.parent.mkdir(parents=True)
    common.write_text(text)


def test_folders_of_a_session() -> None:
    home = Path("/home/me")
    usual = Folders.of({}, home)
    assert usual.own == home / ".config/autostart/vramswap.desktop"
    assert usual.common == (Path("/etc/xdg/autostart/vramswap.desktop"),)
    assert usual.data_dirs == (home / ".local/share", Path("/usr/local/share"), Path("/usr/share"))
    other = Folders.of({"XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d", "XDG_DATA_DIRS": "/e:f:/g"}, home)
    assert other.own == Path("/c/autostart/vramswap.desktop")
    assert other.data_dirs == (Path("/d"), Path("/e"), Path("/g"))
    assert Folders.of({"XDG_CONFIG_HOME": "here"}, home).config == home / ".config"


def test_on_and_off(folders: Folders) -> None:
    install(folders)
    assert not autostart.is_on(folders)
    autostart.turn(True, folders)
    assert autostart.is_on(folders)
    entry = folders.own.read_text()
    assert "\nExec=vramswap --background\n" in entry
    assert "Categories" not in entry
    subprocess.run(["desktop-file-validate", folders.own], check=True)
    assert [path.name for path in folders.own.parent.iterdir()] == [folders.own.name]
    autostart.turn(False, folders)
    assert not folders.own.exists()
    autostart.turn(False, folders)
    assert not autostart.is_on(folders)


def test_a_program_that_is_not_installed_starts_as_it_was_started(folders: Folders) -> None:
    autostart.turn(True, folders, COMMAND)
    subprocess.run(["desktop-file-validate", folders.own], check=True)
    line = next(line for line in folders.own.read_text().splitlines() if line.startswith("Exec="))
    # First the escapes of any value, then those of a quoted word, which are the shell's, and the field codes.
    value = line.removeprefix("Exec=").replace("\\\\", "\\")
    words = subprocess.run(["sh", "-c", f"printf '%s\\0' {value}"], capture_output=True, text=True, check=True).stdout
    assert tuple(word.replace("%%", "%") for word in words.split("\0")[:-1]) == (*COMMAND, "--background")


def test_what_starts_for_everybody_is_hidden_and_shown_again(folders: Folders) -> None:
    for_everybody(folders)
    assert autostart.is_on(folders)
    autostart.turn(False, folders)
    assert not autostart.is_on(folders)
    assert folders.own.is_file()
    autostart.turn(True, folders, COMMAND)
    assert autostart.is_on(folders)


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_an_entry_that_somebody_turned_off(folders: Folders, line: str) -> None:
    for_everybody(folders, f"# Hidden=false\n[Desktop Entry]\nExec=vramswap\n{line}\n\n[Desktop Action x]\nHidden=no\n")
    assert not autostart.is_on(folders)


def test_a_link_to_the_menu_is_replaced(folders: Folders) -> None:
    install(folders)
    menu = folders.data_dirs[-1] / "applications/vramswap.desktop"
    before = menu.read_text()
    folders.own.parent.mkdir(parents=True)
    folders.own.symlink_to(menu)
    assert autostart.is_on(folders)
    autostart.turn(True, folders)
    assert not folders.own.is_symlink()
    assert menu.read_text() == before


def test_a_folder_that_cannot_be_made_is_named(folders: Folders) -> None:
    folders.config.write_text("a file")
    with pytest.raises(VramswapError, match="cannot be written: Not a directory") as caught:
        autostart.turn(True, folders)
    assert str(folders.own.parent) in caught.value.remedy


def test_preferences_are_kept(tmp_path: Path, folders: Folders) -> None:
    def again() -> Preferences:
        return Preferences(QSettings(str(tmp_path / "kept.conf"), QSettings.Format.IniFormat), folders)

    first = again()
    assert first.read() == {key: setting.default for key, setting in OWN.items()}
    assert not first.welcomed
    first.write({"notifications": False, "autostart": True, "icon": "light"})
    first.welcomed = True
    assert again().read() == {"notifications": False, "autostart": True, "icon": "light"}
    assert again().welcomed
    again().write({"notifications": True})
    assert first.notifications
    assert first.read()["autostart"]
