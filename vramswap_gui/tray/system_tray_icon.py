# SPDX-License-Identifier: MIT
"""The icon on desktops that give a program a small window of its own to draw in (XEmbed: trayer, tint2, i3bar)."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from vramswap_gui.tray import icons
from vramswap_gui.tray.icons import Ink
from vramswap_gui.tray.view_model import View


class SystemTrayIcon(QObject):
    """Qt's icon. Qt puts it into the tray again by itself when a host goes and another comes."""

    #: Somebody clicked on it; the middle of the icon on the screen.
    activated = Signal(int, int)

    def __init__(self, menu: QMenu, ink: Callable[[], Ink]) -> None:
        super().__init__()
        self._ink = ink
        self._icon = QSystemTrayIcon(self)
        self._icon.setContextMenu(menu)
        self._icon.activated.connect(self._activated)

    def register(self) -> None:
        """Nothing to do: Qt watches the host."""
        self._icon.show()

    def show_view(self, view: View) -> None:
        """Show another view."""
        icon = icons.icon(view.look, self._ink(), view.ring)
        # The host is told of each icon that is set, be it the same.
        if icon.cacheKey() != self._icon.icon().cacheKey():
            self._icon.setIcon(icon)
        self._icon.setToolTip("\n".join(filter(None, (view.tooltip_title, view.tooltip_text))))

    def geometry(self) -> QRect:
        """Where it is on the screen."""
        return self._icon.geometry()

    def close(self) -> None:
        """Take it away."""
        self._icon.hide()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            place = self._icon.geometry().center()
            self.activated.emit(place.x(), place.y())
