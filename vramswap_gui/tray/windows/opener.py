# SPDX-License-Identifier: MIT
"""The windows besides the panel: built when somebody opens them, and gone when they are closed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from vramswap_gui.system.gpu import cards
from vramswap_gui.tray import icons
from vramswap_gui.tray.controller import Controller
from vramswap_gui.tray.preferences import Preferences

if TYPE_CHECKING:
    from vramswap_gui.tray.windows.doctor import DoctorPage
    from vramswap_gui.tray.windows.measure import MeasurePage
    from vramswap_gui.tray.windows.report import ReportPage
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
        self.measure: MeasurePage | None = None
        self.report: ReportPage | None = None
        self.about: QMessageBox | None = None
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

    def open_measure(self) -> None:
        """Offer to measure VRAM and the disk, in front."""
        if self.measure is None:
            from vramswap_gui.tray.windows.measure import MeasurePage

            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            self.measure = MeasurePage(icons.application_icon(), cache / "vramswap")
            self.measure.closed.connect(self._measure_closed)
        _bring_up(self.measure)

    def open_report(self) -> None:
        """Show what somebody needs who is to help, in front."""
        if self.report is None:
            from vramswap_gui.tray.windows.report import ReportPage

            self.report = ReportPage(icons.application_icon())
            self.report.closed.connect(self._report_closed)
            self.report.begin()
        _bring_up(self.report)

    def open_about(self) -> None:
        """Show what this is, in front."""
        if self.about is None:
            from vramswap_gui.tray.windows.about import about

            self.about = about(icons.application_icon())
            self.about.finished.connect(self._about_closed)
        _bring_up(self.about)

    def close(self) -> None:
        """Close all of them."""
        if self.settings is not None:
            self.settings.discard()
        for window in (self.doctor, self.measure, self.report, self.about):
            if window is not None:
                window.close()

    def _settings_closed(self) -> None:
        _drop(self.settings)
        self.settings = None

    def _measure_closed(self) -> None:
        _drop(self.measure)
        self.measure = None

    def _report_closed(self) -> None:
        _drop(self.report)
        self.report = None

    def _about_closed(self) -> None:
        _drop(self.about)
        self.about = None

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
