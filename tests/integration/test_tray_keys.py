# SPDX-License-Identifier: MIT
"""Access keys, in every language: one that two things have only moves from one to the other, and does neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QSettings, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMenu, QWidget

from tests.support.scenes import CHECKS, SCENES
from tests.support.widgets import settle
from vramswap_gui.settings import Config
from vramswap_gui.tray import i18n, icons
from vramswap_gui.tray.autostart import Folders
from vramswap_gui.tray.preferences import Preferences
from vramswap_gui.tray.tray_menu import TrayMenu
from vramswap_gui.tray.view_model import Offer, view
from vramswap_gui.tray.windows.doctor import DoctorPage
from vramswap_gui.tray.windows.measure import MeasurePage
from vramswap_gui.tray.windows.panel import Panel
from vramswap_gui.tray.windows.report import ReportPage
from vramswap_gui.tray.windows.settings import SettingsWindow


@pytest.fixture(params=["en_US", "de_DE", "fr_FR"])
def language(request: pytest.FixtureRequest, application: QApplication) -> Iterator[str]:
    before = QLocale()
    installed = i18n.install(application, QLocale(request.param))
    yield request.param
    for translator in installed:
        application.removeTranslator(translator)
    QLocale.setDefault(before)


def twice(texts: list[str]) -> list[str]:
    """The keys that more than one of these has."""
    keys = Counter(key for text in texts if (key := QKeySequence.mnemonic(text).toString()))
    return [key for key, count in keys.items() if count > 1]


def in_window(window: QWidget) -> list[str]:
    buttons = [button.text() for button in window.findChildren(QAbstractButton) if button.isVisible()]
    labels = [label.text() for label in window.findChildren(QLabel) if label.isVisible() and label.buddy()]
    return buttons + labels


def in_menu(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if isinstance(action, QAction) and action.isVisible()]


def test_a_key_has_one_meaning_in_every_state(language: str) -> None:
    panel, menu = Panel(icons.application_icon()), TrayMenu(own_drawing=False)
    panel.show()
    found = {}
    for name, scene in SCENES.items():
        shown = view(scene.status, scene.error, scene.machine, scene.config)
        panel.show_view(shown, hint=scene.hint)
        menu.show_view(shown)
        settle()
        more = panel.more.menu()
        for where, texts in (
            ("panel", in_window(panel)), ("menu", in_menu(menu.menu)), ("sizes", in_menu(menu.sizes)),
            ("more", in_menu(more)),
        ):  # fmt: skip
            if keys := twice(texts):
                found[f"{name}: {where}"] = (keys, [text for text in texts if "&" in text])
    assert not found


def test_a_key_has_one_meaning_in_every_window(language: str, tmp_path: Path) -> None:
    icon = icons.application_icon()
    settings = SettingsWindow(
        icon, Preferences(QSettings(str(tmp_path / "own"), QSettings.Format.IniFormat), Folders(tmp_path))
    )
    settings.show_config(Config())
    settings.advanced.open(True)
    doctor, measure = DoctorPage(icon), MeasurePage(icon, tmp_path)
    doctor.show_checks(CHECKS)
    for window in (settings, doctor, measure, ReportPage(icon)):
        window.show()
        settle()
        texts = in_window(window)
        assert not twice(texts), [text for text in texts if "&" in text]


def test_lend_now_has_its_key(language: str) -> None:
    panel = Panel(icons.application_icon())
    views = (view(scene.status, scene.error, scene.machine, scene.config) for scene in SCENES.values())
    panel.show_view(next(shown for shown in views if shown.offer is Offer.LEND), hint=None)
    panel.show()
    panel.activateWindow()
    QTest.qWaitForWindowActive(panel)
    asked = QSignalSpy(panel.toggled)
    lend = i18n.tr("&Lend now")
    QTest.keyClick(panel, ord(lend[lend.index("&") + 1].upper()), Qt.KeyboardModifier.AltModifier)
    # The button goes down and up again first.
    assert asked.count() or asked.wait(30_000)
