# SPDX-License-Identifier: MIT
"""What a user chooses for themselves alone: kept in their home, without the helper and without anybody's leave."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSettings

from vramswap_gui.settings import Group, Kind, Setting, Value
from vramswap_gui.tray import autostart
from vramswap_gui.tray.icons import Ink

#: Declared as the helper's settings are, so that they have the same rows.
OWN: Final[Mapping[str, Setting]] = {
    setting.key: setting
    for setting in (
        Setting(
            "autostart", Kind.SWITCH, False, Group.SWAP, "Start at login",
            "Show the icon in the tray as soon as you log in.",
        ),
        Setting(
            "notifications", Kind.SWITCH, True, Group.SWAP, "Notifications",
            "Say what you should know while no window is open: trouble, and VRAM that is given back.",
        ),
        Setting(
            "icon", Kind.CHOICE, Ink.AUTOMATIC.value, Group.SWAP, "Tray icon",
            "Choose a colour where the panel does not give the icon its own.",
            choices={Ink.AUTOMATIC.value: "Automatic", Ink.LIGHT.value: "Light", Ink.DARK.value: "Dark"},
        ),
    )
}  # fmt: skip


class Preferences:
    """Reads and writes them. What another part of the program has written is seen at once."""

    def __init__(self, store: QSettings | None = None, folders: autostart.Folders | None = None) -> None:
        self._store = store or QSettings("vramswap", "vramswap")
        self._folders = folders or autostart.Folders.of(os.environ, Path.home())

    @property
    def notifications(self) -> bool:
        """Whether notifications are wanted."""
        return bool(self._store.value("notifications", OWN["notifications"].default, type=bool))

    @property
    def ink(self) -> Ink:
        """What the tray icon is drawn with."""
        try:
            return Ink(str(self._store.value("icon", Ink.AUTOMATIC.value)))
        except ValueError:
            return Ink.AUTOMATIC

    @property
    def welcomed(self) -> bool:
        """Whether this is not the first start."""
        return bool(self._store.value("welcomed", False, type=bool))

    @welcomed.setter
    def welcomed(self, welcomed: bool) -> None:
        self._store.setValue("welcomed", welcomed)

    @property
    def without_tray(self) -> bool:
        """Whether it was read, and dismissed, that this desktop shows no icons."""
        return bool(self._store.value("without_tray", False, type=bool))

    @without_tray.setter
    def without_tray(self, read: bool) -> None:
        self._store.setValue("without_tray", read)

    @property
    def vram(self) -> int:
        """Bytes of memory that the GPU had when it was last awake; 0 when that is not known."""
        # As text, because Qt's own integer ends at 2 GiB.
        text = str(self._store.value("vram", "0"))
        return int(text) if text.isdecimal() else 0

    @vram.setter
    def vram(self, size: int) -> None:
        self._store.setValue("vram", str(size))

    def read(self) -> dict[str, Value]:
        """The values of :data:`OWN`."""
        return {
            "autostart": autostart.is_on(self._folders),
            "notifications": self.notifications,
            "icon": self.ink.value,
        }

    def write(self, values: Mapping[str, Value]) -> None:
        """Change some of them. Raises VramswapError; then the rest may be changed."""
        if "notifications" in values:
            self._store.setValue("notifications", bool(values["notifications"]))
        if "icon" in values:
            self._store.setValue("icon", str(values["icon"]))
        if "autostart" in values:
            autostart.turn(bool(values["autostart"]), self._folders, autostart.own_command())
