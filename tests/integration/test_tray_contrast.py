# SPDX-License-Identifier: MIT
"""What the windows say can be read in every colour scheme, and after a change of it while they are open.

Measured in the pictures, as WCAG 2.1 reckons: 4.5 for text (1.4.3), 3 for what has to be seen to be used (1.4.11).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from PySide6.QtCore import QPoint, QRect, QSettings, Qt
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtWidgets import QApplication, QCheckBox, QLabel, QProxyStyle, QSlider, QWidget

from tests.support.scenes import CHECKS, NOT_ALLOWED, SCENES, contrast
from tests.support.widgets import settle
from vramswap_gui.settings import Config
from vramswap_gui.tray import icons
from vramswap_gui.tray.autostart import Folders
from vramswap_gui.tray.preferences import Preferences
from vramswap_gui.tray.scheme import agree
from vramswap_gui.tray.view_model import Problem, problem, view
from vramswap_gui.tray.widgets import colours
from vramswap_gui.tray.widgets.colours import DRAWING, TEXT
from vramswap_gui.tray.widgets.switch import Switch
from vramswap_gui.tray.windows.doctor import DoctorPage
from vramswap_gui.tray.windows.panel import Panel
from vramswap_gui.tray.windows.settings import SettingsWindow


def adwaita_dark() -> QPalette:
    """As Qt has it on GNOME when that is dark."""
    palette = QPalette(QColor("#353535"), QColor("#242424"))
    palette.setColor(QPalette.ColorRole.Base, QColor("#1d1d1d"))
    palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(255, 255, 255, 90))
    return palette


PALETTES: Final[dict[str, Callable[[], QPalette]]] = {
    "light": lambda: QPalette(QColor("#efefef")),
    "white": lambda: QPalette(QColor("#ffffff"), QColor("#ffffff")),
    "dark": lambda: QPalette(QColor("#3a3a3a"), QColor("#2d2d2d")),
    "adwaita-dark": adwaita_dark,
    "high-contrast": contrast,
}


class TwoFaced(QProxyStyle):
    """A style that has dark colours where the desktop is dark."""

    def standardPalette(self) -> QPalette:
        return adwaita_dark()


def test_a_dark_desktop_with_light_colours_gets_dark_ones(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = TwoFaced()
    monkeypatch.setattr(application, "style", lambda: style)
    application.setPalette(QPalette())
    light = application.palette().window().color()
    assert not colours.is_dark(application.palette())
    agree(application, Qt.ColorScheme.Dark)
    assert application.palette().window().color() == adwaita_dark().window().color()
    agree(application, Qt.ColorScheme.Light)
    assert application.palette().window().color() == light


def panel(scene: str) -> Panel:
    shown = SCENES[scene]
    made = Panel(icons.application_icon())
    made.resize(made.width(), 1300)
    made.show()
    made.show_view(
        view(shown.status, shown.error, shown.machine, shown.config),
        hint=shown.hint or HINT,
    )
    return made


def settings() -> SettingsWindow:
    nobody = Preferences(QSettings("/nonexistent", QSettings.Format.IniFormat), Folders(Path("/nonexistent")))
    made = SettingsWindow(icons.application_icon(), nobody)
    made.resize(made.width(), 1500)
    made.show_config(Config())
    made.show_problem(problem(NOT_ALLOWED))
    made.show()
    return made


def doctor() -> DoctorPage:
    made = DoctorPage(icons.application_icon())
    made.resize(made.width(), 1200)
    made.show()
    made.show_checks(CHECKS)
    return made


HINT: Final = Problem("A hint.", "To do.", "a-command")

WINDOWS: Final[dict[str, Callable[[], QWidget]]] = {
    **{f"panel-{scene}": lambda scene=scene: panel(scene) for scene in ("on", "off", "busy-stopping", "wont-fit")},  # type: ignore[misc]
    "settings": settings,
    "doctor": doctor,
}


def measured(picture: QImage, area: QRect) -> float:
    """The highest contrast in ``area`` to what most of it is."""
    area = area.intersected(picture.rect())
    found = Counter(
        picture.pixel(x, y) for x in range(area.left(), area.right() + 1) for y in range(area.top(), area.bottom() + 1)
    )
    ground = QColor(found.most_common(1)[0][0])
    return max(colours.contrast(QColor(pixel), ground) for pixel in found)


def area_of(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def faint(window: QWidget) -> list[str]:
    """What cannot be read, or seen to be something to click on."""
    settle()
    picture = window.grab().toImage()
    wrong = []
    for kind, needed in ((QLabel, TEXT), (QCheckBox, DRAWING), (QSlider, DRAWING)):
        for widget in window.findChildren(kind):
            # What takes no input at the moment may look like it.
            usable = widget.isEnabled() and not getattr(widget, "held", False)
            if widget.isVisible() and usable and (not isinstance(widget, QLabel) or widget.text()):
                seen = measured(picture, area_of(widget, window))
                if seen < needed:
                    wrong.append(f"{seen:.2f} {widget!r} {getattr(widget, 'text', str)()}")
    return wrong


@pytest.mark.parametrize("scheme", PALETTES)
@pytest.mark.parametrize("name", WINDOWS)
def test_all_can_be_read(name: str, scheme: str, application: QApplication) -> None:
    application.setPalette(PALETTES[scheme]())
    window = WINDOWS[name]()
    assert faint(window) == []


@pytest.mark.parametrize("name", WINDOWS)
def test_a_change_of_colours_reaches_an_open_window(name: str, application: QApplication) -> None:
    application.setPalette(PALETTES["light"]())
    window = WINDOWS[name]()
    for scheme in ("adwaita-dark", "light", "high-contrast", "dark"):
        application.setPalette(PALETTES[scheme]())
        assert faint(window) == [], scheme
        picture = window.grab().toImage()
        corners = [(2, 2), (2, picture.height() - 3), (picture.width() // 2, 4)]
        expected = application.palette().window().color()
        assert all(picture.pixelColor(x, y) == expected for x, y in corners), scheme


@pytest.mark.parametrize("accent", ["#308cc6", "#f8e45c", "#777777", "#000000", "#ffffff", "#3584e4"])
@pytest.mark.parametrize("scheme", PALETTES)
def test_any_accent_is_made_to_be_seen(scheme: str, accent: str, application: QApplication) -> None:
    palette = PALETTES[scheme]()
    palette.setColor(QPalette.ColorRole.Highlight, QColor(accent))
    window = palette.window().color()
    assert colours.contrast(colours.accent(palette), window) >= DRAWING
    assert colours.contrast(colours.edge(palette), window) >= DRAWING
    assert colours.contrast(colours.muted_colour(palette), window) >= TEXT
    switch = Switch()
    switch.setPalette(palette)
    for on in (False, True):
        switch.setChecked(on)
        picture = switch.grab().toImage()
        width, middle = picture.width(), picture.height() // 2
        track, knob = (picture.pixelColor(x, middle) for x in (width // 4, width * 3 // 4)[:: 1 if on else -1])
        assert colours.contrast(track, knob) >= DRAWING, on
