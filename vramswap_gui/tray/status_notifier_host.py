"""Who shows tray icons here, and whether the helper has come: names on the buses, watched without any timer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtDBus import QDBusConnection, QDBusServiceWatcher
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon

_WATCHER: Final = "org.kde.StatusNotifierWatcher"


class Name(QObject):
    """Follows one bus name; on a bus that is not there it has no owner and never gets one."""

    changed = Signal(bool)

    def __init__(self, bus: QDBusConnection, name: str) -> None:
        super().__init__()
        self._bus = bus
        self._name = name
        self._watcher = QDBusServiceWatcher(name, bus, QDBusServiceWatcher.WatchModeFlag.WatchForOwnerChange, self)
        self._watcher.serviceRegistered.connect(lambda _: self.changed.emit(True))
        self._watcher.serviceUnregistered.connect(lambda _: self.changed.emit(False))

    @property
    def owned(self) -> bool:
        """Whether somebody has the name now."""
        if not self._bus.isConnected():
            return False
        return bool(self._bus.interface().isServiceRegistered(self._name).value())


def watch_helper(name: str, came: Callable[[], None]) -> Name:
    """Call ``came`` whenever the helper takes its name on the system bus. Keep what is returned."""
    watched = Name(QDBusConnection.systemBus(), name)
    watched.changed.connect(lambda there: came() if there else None)
    return watched


class Hosts(QObject):
    """The tray hosts of the session: StatusNotifierItem on D-Bus (KDE, most others), XEmbed on X11."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._name = Name(QDBusConnection.sessionBus(), _WATCHER)
        self._name.changed.connect(lambda _: self.changed.emit())

    @property
    def draws_menus(self) -> bool:
        """Whether the host, not Qt, draws the menus."""
        return self._name.owned or QGuiApplication.platformName() != "xcb"

    @property
    def known(self) -> bool:
        """Whether a StatusNotifierItem host is there, so that there is no need to wait for one to come."""
        return self._name.owned

    @property
    def available(self) -> bool:
        """Whether icons are shown. On X11 the first look decides for good which kind of host Qt uses."""
        return self._name.owned or QSystemTrayIcon.isSystemTrayAvailable()
