# SPDX-License-Identifier: MIT
"""Who shows tray icons here, and whether the helper has come: names on the buses, watched without any timer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

from vramswap_gui.api.dbus import BUS_NAME
from vramswap_gui.bus.connection import Bus, BusError
from vramswap_gui.tray.desktop import Desktop, Service
from vramswap_gui.tray.status_notifier_item import WATCHER, WATCHER_PATH


async def watch_helper(came: Callable[[], None]) -> None:
    """Call ``came`` whenever the helper takes its name on the system bus; until that bus ends, or this is cancelled."""
    with contextlib.suppress(BusError):
        bus = await Bus.connect("system")
        try:
            await bus.peer(BUS_NAME, lambda owner: came() if owner else None).follow()
            await bus.closed()
        finally:
            bus.close()


class _Watcher(Service):
    """The service at which icons are registered."""

    name = WATCHER
    path = WATCHER_PATH

    def __init__(self, desktop: Desktop, changed: Callable[[], None]) -> None:
        super().__init__(desktop)
        self._changed = changed

    def meet(self, owner: str) -> None:
        super().meet(owner)
        self._changed()


class Hosts(QObject):
    """The tray hosts of the session: StatusNotifierItem on D-Bus (nearly all), XEmbed on X11. Known once ``desktop``
    is connected.
    """

    changed = Signal()

    def __init__(self, desktop: Desktop) -> None:
        super().__init__()
        self._watcher = _Watcher(desktop, self.changed.emit)

    @property
    def notifier(self) -> bool:
        """Whether there is a host that draws icon and menu itself."""
        return bool(self._watcher.owner)

    @property
    def embeds(self) -> bool:
        """Whether only a host in which a program draws for itself can be here, which X11 alone has."""
        return not self.notifier and QGuiApplication.platformName() == "xcb"

    @property
    def available(self) -> bool:
        """Whether icons are shown."""
        return self.notifier or (self.embeds and QSystemTrayIcon.isSystemTrayAvailable())
