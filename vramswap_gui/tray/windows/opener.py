"""The windows besides the panel: built when somebody opens them, and gone when they are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from vramswap_gui.system.gpu import cards
from vramswap_gui.tray import icons
from vramswap_gui.tray.controller import Controller
from vramswap_gui.tray.preferences import Preferences

if TYPE_CHECKING:
    from vramswap_gui.tray.windows.doctor import DoctorPage
    from vramswap_gui.tray.windows.settings import SettingsWindow


class Windows(QObject):
    """Opens them, and keeps them at one with the controller."""

    #: The user's own preferences are others.
    preferred = Signal()

    def __init__(self, controller: Controller, preferences: Preferences) -> None:
        super().__init__()
        self._controller = controller
        self._preferences = preferences
        self.settings: SettingsWindow | None = None
        self.doctor: DoctorPage | None = None
        controller.configured.connect(lambda config: self.settings and self.settings.show_config(config))
        controller.refused.connect(lambda problem: self.settings and self.settings.show_problem(problem))
        controller.checked.connect(lambda checks: self.doctor and self.doctor.show_checks(checks))

    def open_settings(self) -> None:
        """Show the settings, in front."""
        if self.settings is None:
            from vramswap_gui.tray.windows.settings import SettingsWindow

            self.settings = SettingsWindow(icons.application_icon(), self._preferences, cards())
            self.settings.applied.connect(self._controller.save_settings)
            self.settings.preferred.connect(self.preferred)
            self.settings.closed.connect(self._settings_closed)
            self._controller.load_settings()
        _bring_up(self.settings)

    def open_doctor(self) -> None:
        """Show what the program needs of this computer, in front."""
        if self.doctor is None:
            from vramswap_gui.tray.windows.doctor import DoctorPage

            self.doctor = DoctorPage(icons.application_icon())
            self.doctor.again.connect(self._controller.check)
            self.doctor.closed.connect(self._doctor_closed)
            self._controller.check()
        _bring_up(self.doctor)

    def close(self) -> None:
        """Close all of them."""
        if self.settings is not None:
            self.settings.discard()
        if self.doctor is not None:
            self.doctor.close()

    def _settings_closed(self) -> None:
        _drop(self.settings)
        self.settings = None

    def _doctor_closed(self) -> None:
        _drop(self.doctor)
        self.doctor = None


def _bring_up(window: QWidget) -> None:
    window.show()
    window.raise_()
    window.activateWindow()


def _drop(window: QWidget | None) -> None:
    if window is not None:
        window.deleteLater()
