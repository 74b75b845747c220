"""The settings window and the check of the computer, by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from tests.integration.test_tray_panel import Wordy, settle
from tests.tray_scenes import CHECKS
from vramswap_gui.settings import SETTINGS, Config
from vramswap_gui.tray import icons
from vramswap_gui.tray.doctor_page import DoctorPage
from vramswap_gui.tray.model import Problem
from vramswap_gui.tray.settings_window import SettingsWindow
from vramswap_gui.units import GIB, MIB

CONTROLS = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit)


@pytest.fixture(scope="module")
def application() -> Iterator[QApplication]:
    yield QApplication.instance() or QApplication(["tests", "-platform", "offscreen"])  # type: ignore[misc]


@pytest.fixture
def window(application: QApplication) -> Iterator[SettingsWindow]:
    made = SettingsWindow(icons.application_icon())
    made.show_config(Config(size=4 * GIB, headroom=700 * MIB))
    made.show()
    settle()
    yield made
    made.deleteLater()
    settle()


@pytest.fixture
def doctor(application: QApplication) -> Iterator[DoctorPage]:
    made = DoctorPage(icons.application_icon())
    made.show()
    made.show_checks(CHECKS)
    settle()
    yield made
    made.deleteLater()
    settle()


def find(window: SettingsWindow, key: str, kind: type[QWidget]) -> QWidget:
    """The control of a setting."""
    found = window.rows[key].editor.findChild(kind)
    assert isinstance(found, kind)
    return found


def nameless(window: QWidget) -> list[QWidget]:
    return [
        widget
        for widget in window.findChildren(QWidget)
        if isinstance(widget, CONTROLS)
        and widget.isVisible()
        and not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()))
        and not isinstance(widget.parent(), QAbstractSpinBox)
    ]


def test_every_setting_has_a_row_and_every_control_a_name(window: SettingsWindow) -> None:
    assert set(window.rows) == set(SETTINGS)
    assert nameless(window) == []


def test_what_is_shown_is_what_is_in_force(window: SettingsWindow) -> None:
    assert window.changes() == {}
    assert not window.apply.isEnabled()
    # 700 MiB are no round number of hundredths of a GiB, and stay what they are.
    assert window.rows["headroom"].value == 700 * MIB


def test_changes_are_applied_together_and_say_what_they_take(window: SettingsWindow) -> None:
    mode = find(window, "mode", QComboBox)
    assert isinstance(mode, QComboBox)
    mode.setCurrentIndex(mode.findData("always"))
    assert window.changes() == {"mode": "always"}
    # Nobody's password is needed for one's own switch.
    assert not window.hint.isVisible()
    QTest.keyClick(find(window, "only_on_ac", QAbstractButton), Qt.Key.Key_Space)
    assert window.hint.isVisible()
    automatic = find(window, "size", QCheckBox)
    QTest.keyClick(automatic, Qt.Key.Key_Space)
    applied = QSignalSpy(window.applied)
    QTest.mouseClick(window.apply, Qt.MouseButton.LeftButton)
    assert [applied.at(0)] == [[{"mode": "always", "only_on_ac": False, "size": 0}]]
    window.show_config(Config(mode="always", only_on_ac=False, size=0, headroom=700 * MIB))
    assert window.changes() == {}
    assert not window.apply.isEnabled()


def test_what_was_refused_stays_entered(window: SettingsWindow) -> None:
    QTest.keyClick(find(window, "at_boot", QAbstractButton), Qt.Key.Key_Space)
    window.show_problem(Problem("You are not allowed to do this.", "Ask an administrator."))
    window.show_config(Config(size=4 * GIB, headroom=700 * MIB))
    assert window.problem.isVisible()
    assert window.changes() == {"at_boot": True}
    QTest.mouseClick(window.revert, Qt.MouseButton.LeftButton)
    assert window.changes() == {}
    assert not window.problem.isVisible()


def test_each_row_goes_back_to_its_default(window: SettingsWindow) -> None:
    row = window.rows["headroom"]
    assert row.reset.isEnabled()
    QTest.mouseClick(row.reset, Qt.MouseButton.LeftButton)
    assert row.value == SETTINGS["headroom"].default
    assert not row.reset.isEnabled()
    assert window.changes() == {"headroom": SETTINGS["headroom"].default}


def test_whatever_can_be_entered_is_valid(window: SettingsWindow) -> None:
    for key, row in window.rows.items():
        for value in (SETTINGS[key].default, SETTINGS[key].minimum, SETTINGS[key].maximum):
            if value is not None:
                row.editor.show_value(value)
                assert SETTINGS[key].check(row.value) == value
    size = window.rows["size"].editor
    field = size.findChild(QAbstractSpinBox)
    assert field is not None
    size.findChild(QCheckBox).setChecked(False)  # type: ignore[union-attr]
    for hundredths in range(2, 400, 7):
        field.setProperty("value", hundredths / 100)
        assert SETTINGS["size"].check(size.value())


def test_long_words_fit(application: QApplication) -> None:
    wordy = Wordy()
    application.installTranslator(wordy)
    try:
        window = SettingsWindow(icons.application_icon())
        window.show_config(Config())
        window.show()
        settle()
        for widget in window.findChildren(QLabel):
            if widget.isVisible() and widget.wordWrap():
                assert widget.width() <= window.width()
        window.deleteLater()
    finally:
        application.removeTranslator(wordy)
        settle()


def test_the_check_says_first_what_is_missing(doctor: DoctorPage) -> None:
    assert nameless(doctor) == []
    assert doctor.summary.text() == "One thing is missing before VRAM can be lent."
    names = [label.text() for label in doctor.findChildren(QLabel) if label.text() in {c.name for c in CHECKS}]
    assert names[0] == "NBD driver"
    copy = next(b for b in doctor.findChildren(QPushButton) if "NBD driver" in b.accessibleName())
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "Install linux-modules-extra-$(uname -r)."
    doctor.show_checks(CHECKS[:2])
    settle()
    assert doctor.summary.text() == "Everything that is needed is there."
    assert not [b for b in doctor.findChildren(QPushButton) if b.isVisible() and "NBD" in b.accessibleName()]
