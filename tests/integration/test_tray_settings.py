# SPDX-License-Identifier: MIT
"""The settings window and the check of the computer, by themselves."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QWidget,
)

from tests.support import tray_app
from tests.support.scenes import ACTIVITY, CHECKS, NO_GPU_CHECK, NOT_ALLOWED, ON
from tests.support.widgets import Wordy, settle
from vramswap_gui import errors
from vramswap_gui.doctor.checks import Check, Verdict
from vramswap_gui.errors import VramswapError
from vramswap_gui.forms import Sentence, say, word
from vramswap_gui.paths import STATE
from vramswap_gui.settings import PERSONAL, SETTINGS, Config, Value
from vramswap_gui.system.gpu import Card
from vramswap_gui.tray import icons
from vramswap_gui.tray.autostart import Folders
from vramswap_gui.tray.controller import Controller
from vramswap_gui.tray.preferences import OWN, Preferences
from vramswap_gui.tray.readings import GpuView, Machine, MemoryView, Reader, SwapView
from vramswap_gui.tray.view_model import Problem
from vramswap_gui.tray.windows.doctor import DoctorPage
from vramswap_gui.tray.windows.settings import SettingsWindow
from vramswap_gui.tray.windows.settings_rows import Lock
from vramswap_gui.units import GIB, MIB

CONTROLS = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit)


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    """Those of somebody who has chosen nothing."""
    store = QSettings(str(tmp_path / "kept.conf"), QSettings.Format.IniFormat)
    return Preferences(store, Folders(tmp_path / "config", (), ()))


@pytest.fixture
def window(application: QApplication, preferences: Preferences) -> SettingsWindow:
    made = SettingsWindow(icons.application_icon(), preferences)
    made.show_config(Config(size=4 * GIB, headroom=700 * MIB))
    made.show()
    settle()
    return made


@pytest.fixture
def doctor(application: QApplication) -> DoctorPage:
    made = DoctorPage(icons.application_icon())
    made.show()
    made.show_checks(CHECKS)
    settle()
    return made


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
    assert set(window.own_rows) == set(OWN)
    assert nameless(window) == []
    assert {key for key, row in window.rows.items() if row.findChildren(Lock)} == set(SETTINGS) - PERSONAL


def test_nothing_is_offered_before_it_is_known(application: QApplication, preferences: Preferences) -> None:
    window = SettingsWindow(icons.application_icon(), preferences)
    window.show()
    window.show_problem(Problem("The helper does not answer."))
    settle()
    assert not any(row.isEnabled() for row in window.rows.values())
    assert all(row.isEnabled() for row in window.own_rows.values())
    config = Config(mode="always", size=2 * GIB, priority=500, gpu="1", only_on_ac=False)
    window.show_config(config)
    assert window.changes() == {}
    assert {key: row.value for key, row in window.rows.items()} == dataclasses.asdict(config)
    assert all(row.isEnabled() for row in window.rows.values())


def test_what_is_shown_is_what_is_in_force(window: SettingsWindow) -> None:
    assert window.changes() == {}
    assert not window.apply.isEnabled()
    # No round numbers of hundredths of a GiB, one of them half-way between two: they stay what they are.
    for size in (700 * MIB, 640 * MIB, 636 * MIB):
        window.show_config(Config(size=size, headroom=size))
        assert (window.rows["headroom"].value, window.rows["size"].value) == (size, size)
        assert window.changes() == {}


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
    # Until that is answered there is nothing to apply again; no control loses the focus meanwhile.
    assert not window.apply.isEnabled()
    assert all(row.isEnabled() for row in window.rows.values())
    assert window.focusWidget() not in window.buttons.buttons()
    window.show_config(Config(mode="always", only_on_ac=False, size=0, headroom=700 * MIB))
    assert window.changes() == {}
    assert not window.apply.isEnabled()


def test_what_was_refused_stays_entered(window: SettingsWindow) -> None:
    QTest.keyClick(find(window, "at_boot", QAbstractButton), Qt.Key.Key_Space)
    QTest.mouseClick(window.apply, Qt.MouseButton.LeftButton)
    window.show_problem(Problem("You are not allowed to do this.", "Ask an administrator."))
    window.show_config(Config(size=4 * GIB, headroom=700 * MIB))
    assert window.problem.isVisible()
    assert window.changes() == {"at_boot": True}
    QTest.mouseClick(window.revert, Qt.MouseButton.LeftButton)
    assert window.changes() == {}
    assert not window.problem.isVisible()


def test_what_was_entered_is_not_lost_by_closing(window: SettingsWindow) -> None:
    asked: list[dict[str, Value]] = []
    window.applied.connect(asked.append)
    closed: list[bool] = []
    window.closed.connect(lambda: closed.append(True))
    window.rows["headroom"].editor.show_value(GIB)
    choices = QMessageBox.StandardButton
    for answer, visible in ((choices.Cancel, True), (choices.Apply, True), (choices.Apply, False)):
        window.close()
        assert window.isVisible()
        window.question.button(answer).click()
        if answer == choices.Apply:
            assert asked.pop() == {"headroom": GIB}
            if visible:
                window.show_problem(Problem("You are not allowed to do this."))
            else:
                window.show_config(Config(headroom=GIB))
        assert window.isVisible() is visible
    assert closed == [True]


@pytest.mark.parametrize("end", ["in force", "refused", "more entered"])
def test_closing_while_it_is_applied_asks_nothing(end: str, window: SettingsWindow) -> None:
    """It closes once all is in force, and stays where something is not."""
    window.rows["headroom"].editor.show_value(GIB)
    QTest.mouseClick(window.apply, Qt.MouseButton.LeftButton)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.isVisible()
    assert not window.findChildren(QMessageBox)
    if end == "refused":
        window.show_problem(Problem("You are not allowed to do this."))
        window.show_config(Config())
    elif end == "more entered":
        window.rows["size"].editor.show_value(2 * GIB)
        window.show_config(Config(headroom=GIB))
    else:
        window.show_config(Config(headroom=GIB))
    assert window.isVisible() is (end != "in force")
    assert bool(window.findChildren(QMessageBox)) is (end == "more entered")


def test_what_was_entered_can_be_thrown_away(window: SettingsWindow) -> None:
    window.rows["headroom"].editor.show_value(GIB)
    window.close()
    window.question.button(QMessageBox.StandardButton.Discard).click()
    assert not window.isVisible() and window.changes() == {}


def test_own_preferences_ask_nobody(window: SettingsWindow, preferences: Preferences) -> None:
    applied = QSignalSpy(window.applied)
    preferred = QSignalSpy(window.preferred)
    for key in ("autostart", "notifications"):
        switch = window.own_rows[key].editor.findChild(QAbstractButton)
        assert isinstance(switch, QAbstractButton)
        QTest.keyClick(switch, Qt.Key.Key_Space)
    window.own_rows["icon"].editor.show_value("dark")
    assert preferences.read() == {"autostart": False, "notifications": True, "icon": "automatic"}
    assert not window.hint.isVisible()
    QTest.mouseClick(window.apply, Qt.MouseButton.LeftButton)
    assert preferences.read() == {"autostart": True, "notifications": False, "icon": "dark"}
    assert preferred.count() == 1
    assert applied.count() == 0
    assert not window.apply.isEnabled()


def test_a_home_that_cannot_be_written_is_said(window: SettingsWindow, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file")
    window.own_rows["autostart"].editor.show_value(True)
    QTest.mouseClick(window.apply, Qt.MouseButton.LeftButton)
    assert "cannot be written" in window.problem.text.text()
    assert window.own_rows["autostart"].changed
    assert window.apply.isEnabled()


def test_the_wheel_changes_nothing(window: SettingsWindow) -> None:
    for key, row in window.rows.items():
        for control in row.editor.findChildren(QWidget):
            if isinstance(control, QAbstractSpinBox | QComboBox):
                place = QPointF(control.rect().center())
                event = QWheelEvent(
                    place, QPointF(control.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, -120),
                    Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
                )  # fmt: skip
                QApplication.sendEvent(control, event)
                assert not row.changed, key


def test_each_row_goes_back_to_its_default(window: SettingsWindow) -> None:
    row = window.rows["headroom"]
    assert row.reset.isVisible() and not window.rows["at_boot"].reset.isVisible()
    QTest.mouseClick(row.reset, Qt.MouseButton.LeftButton)
    assert row.value == SETTINGS["headroom"].default
    assert not row.reset.isVisible()
    assert window.changes() == {"headroom": SETTINGS["headroom"].default}


def test_minutes_are_entered_and_seconds_kept(window: SettingsWindow) -> None:
    field = find(window, "release_after", QAbstractSpinBox)
    assert isinstance(field, QDoubleSpinBox)
    assert (field.text(), window.rows["release_after"].value) == ("10 min", 600)
    # No whole minutes, and nothing is rounded that nobody touched.
    window.show_config(Config(size=4 * GIB, headroom=700 * MIB, release_after=1001))
    assert window.changes() == {}
    field.setValue(2.5)
    assert window.changes() == {"release_after": 150}


def test_the_gpu_is_chosen_from_those_found(application: QApplication, preferences: Preferences) -> None:
    found = (Card("0000:00:00.0"), Card("0000:01:00.0", name="NVIDIA GeForce RTX 4070"))
    window = SettingsWindow(icons.application_icon(), preferences, found)
    window.show_config(Config())
    box = find(window, "gpu", QComboBox)
    assert isinstance(box, QComboBox)
    assert [box.itemText(at) for at in range(box.count())] == [
        "The first one", "0000:00:00.0", "NVIDIA GeForce RTX 4070 (0000:01:00.0)",
    ]  # fmt: skip
    box.setCurrentIndex(2)
    assert window.changes() == {"gpu": "0000:01:00.0"}
    # What was set in other words stays what it is.
    window.show_config(Config(gpu="GPU-1c2d"))
    window.rows["gpu"].revert()
    assert (box.currentText(), window.changes()) == ("GPU-1c2d", {})


def test_advanced_settings_open_on_demand(window: SettingsWindow) -> None:
    assert not window.rows["priority"].isVisible()
    window.advanced.heading.setFocus()
    QTest.keyClick(window.advanced.heading, Qt.Key.Key_Space)
    assert window.rows["priority"].isVisible()


def test_whatever_can_be_entered_is_valid(window: SettingsWindow) -> None:
    for key, row in window.rows.items():
        row.editor.show_value(SETTINGS[key].default)
        for automatic in row.editor.findChildren(QCheckBox):
            if automatic.text():
                automatic.setChecked(False)
                assert SETTINGS[key].check(row.value) == 4 * GIB
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


def test_long_words_fit(application: QApplication, preferences: Preferences) -> None:
    wordy = Wordy()
    application.installTranslator(wordy)
    try:
        window = SettingsWindow(icons.application_icon(), preferences)
        window.show_config(Config())
        window.show()
        settle()
        for widget in window.findChildren(QLabel):
            if widget.isVisible() and widget.wordWrap():
                assert widget.width() <= window.width()
    finally:
        application.removeTranslator(wordy)
        settle()


def test_the_check_says_first_what_is_missing(doctor: DoctorPage) -> None:
    assert nameless(doctor) == []
    assert doctor.summary.text() == "2 things are missing before VRAM can be lent."
    names = [label.text() for label in doctor.findChildren(QLabel) if label.text() in {str(c.name) for c in CHECKS}]
    assert names[:4] == ["Kernel module nbd", "Helper", "Before sleep", "zswap"]
    copy = next(b for b in doctor.findChildren(QPushButton) if "Before sleep" in b.accessibleName())
    QTest.mouseClick(copy, Qt.MouseButton.LeftButton)
    command = "sudo systemctl enable vramswap-sleep.service"
    assert QApplication.clipboard().text() == command
    shown = next(label for label in doctor.findChildren(QLabel) if label.text() == command)
    assert shown.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard
    QTest.mouseClick(doctor.copy_all, Qt.MouseButton.LeftButton)
    for check in CHECKS:
        assert f"{check.name}: {word(check.found)}\n" in QApplication.clipboard().text()
        assert word(check.remedy) in QApplication.clipboard().text()


def test_what_is_fine_is_folded(doctor: DoctorPage) -> None:
    fine = next(label for label in doctor.findChildren(QLabel) if label.text() == "580.95.05")
    assert not fine.isVisible() and doctor.rest.heading.text() == "3 checks are fine"
    doctor.rest.heading.click()
    assert fine.isVisible()


def test_without_a_gpu_one_sentence_is_enough(doctor: DoctorPage) -> None:
    none = NO_GPU_CHECK
    doctor.show_checks((none, *CHECKS[1:]))
    settle()
    assert doctor.summary.text() == "This computer has no NVIDIA GPU."
    read = [label.text() for label in doctor.findChildren(QLabel) if label.isVisible()]
    assert "Kernel module nbd" not in read and "NVIDIA GPU" in read
    assert doctor.rest.heading.text() == f"{len(CHECKS) - 1} more checks"


@pytest.mark.parametrize(
    "found",
    [say("none on the PCI bus: {why:said}", why=say("bbswitch has switched the GPU off")),
     VramswapError(errors.Problem.GPU_OTHER_DRIVER, pci="0000:01:00.0", driver="nouveau", known="one")],
)  # fmt: skip
def test_a_gpu_that_only_cannot_be_used_is_not_missing(doctor: DoctorPage, found: Sentence) -> None:
    doctor.show_checks((Check(say("NVIDIA GPU"), Verdict.FAILED, found), *CHECKS[1:]))
    settle()
    assert doctor.summary.text().endswith("missing before VRAM can be lent.")
    read = [label.text() for label in doctor.findChildren(QLabel) if label.isVisible()]
    assert "Kernel module nbd" in read and "NVIDIA GPU" in read


def test_the_check_is_done_again(doctor: DoctorPage) -> None:
    again = QSignalSpy(doctor.again)
    QTest.mouseClick(doctor.repeat, Qt.MouseButton.LeftButton)
    assert (again.count(), doctor.summary.text(), doctor.repeat.isEnabled()) == (1, "Checking…", False)
    doctor.show_checks(CHECKS[:2])
    settle()
    assert doctor.repeat.isEnabled()
    assert doctor.summary.text() == "Everything that is needed is there."
    assert not [b for b in doctor.findChildren(QPushButton) if b.isVisible() and "Before" in b.accessibleName()]
    doctor.show_checks(CHECKS[:1] + CHECKS[4:5])
    assert doctor.summary.text().startswith("Everything that is needed is there, and")


@pytest.fixture
async def controller(
    application: QApplication, preferences: Preferences, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Controller]:
    """One whose helper notes what it is asked for."""
    monkeypatch.setattr(tray_app, "NOTED", tray_app.Noted())
    made = Controller(tray_app.NotingClient, Reader(), preferences)
    yield made
    await made.close()


class Answers:
    """What the controller tells."""

    def __init__(self, controller: Controller) -> None:
        self.configs: list[Config] = []
        self.problems: list[Problem] = []
        self.checks: list[tuple[Check, ...]] = []
        controller.configured.connect(self.configs.append)
        controller.refused.connect(self.problems.append)
        controller.checked.connect(self.checks.append)


async def done(controller: Controller) -> None:
    """Until nothing is under way any more."""
    while controller._tasks:
        await asyncio.wait(controller._tasks)


async def test_what_happened_tells_its_day_once_that_is_over(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller._status, controller._machine = ON, dataclasses.replace(Machine(), activity=ACTIVITY)
    last = max(entry.at for entry in ACTIVITY.entries)
    monkeypatch.setattr("vramswap_gui.tray.controller.time.time", lambda: float(last + 60))
    assert "Nov" not in controller.view.happened[0].when
    monkeypatch.setattr("vramswap_gui.tray.controller.time.time", lambda: last + 86400.0)
    assert "26 Nov" in controller.view.happened[0].when


async def test_a_closed_window_leaves_no_old_numbers(controller: Controller) -> None:
    controller._status = ON
    swaps = tuple(SwapView(segment.device, "partition", segment.size, MIB, 1) for segment in ON.segments)
    controller._machine = dataclasses.replace(
        Machine(), memory=MemoryView(GIB, GIB, swaps), gpu=GpuView("A card", watts=31.0)
    )
    controller._watched = True
    assert controller.view.ring == len(ON.segments) * MIB / ON.size and "31 W" in controller.view.sentence
    controller._watched = False
    assert controller.view.ring == ON.used / ON.size and "W" not in controller.view.sentence
    controller._watched = True
    assert controller.view.tiers, "nothing flickers when it is opened again"


async def test_settings_are_saved_with_one_question(controller: Controller) -> None:
    answers = Answers(controller)
    controller.save_settings({"mode": "always", "size": 2 * GIB, "headroom": GIB, "priority": 500})
    await done(controller)
    assert tray_app.NOTED.calls == [
        ["set_config", {"headroom": GIB, "priority": 500}], ["set_mode", "always"], ["resize", 2 * GIB],
    ]  # fmt: skip
    assert answers.problems == []
    assert [(config.mode, config.headroom, config.priority) for config in answers.configs] == [("always", GIB, 500)]


async def test_a_place_to_land_is_a_setting(controller: Controller) -> None:
    controller.connect_soon()
    await done(controller)
    for allowed in (True, False):
        controller.decide_landing(allowed)
        await done(controller)
    assert tray_app.NOTED.calls == [["set_config", {"landing": str(STATE)}], ["set_config", {"landing": "off"}]]


async def test_a_refusal_changes_nothing_and_tells_what_is_in_force(controller: Controller) -> None:
    answers = Answers(controller)
    tray_app.NOTED.failure = NOT_ALLOWED
    controller.save_settings({"mode": "always", "headroom": GIB})
    await done(controller)
    assert tray_app.NOTED.calls == [["set_config", {"headroom": GIB}]]
    assert [problem.message for problem in answers.problems] == [NOT_ALLOWED.message]
    assert answers.configs == [Config()]


async def test_without_a_helper_it_is_looked_for_and_missed(controller: Controller) -> None:
    answers = Answers(controller)
    tray_app.NOTED.absent = True
    controller.load_settings()
    controller.check()
    await done(controller)
    assert answers.configs == []
    assert [problem.command for problem in answers.problems] == ["start-it"]
    assert [check.verdict for check in answers.checks[0] if str(check.name) == "Helper"] == [Verdict.FAILED]
    tray_app.NOTED.absent = False
    controller.load_settings()
    controller.check()
    await done(controller)
    assert answers.configs == [Config()]
    assert [check.verdict for check in answers.checks[1] if str(check.name) == "Helper"] == [Verdict.OK]


# What is never awaited is told by a RuntimeWarning.
@pytest.mark.filterwarnings("error::RuntimeWarning")
async def test_it_ends_while_something_is_about_to_begin(controller: Controller) -> None:
    controller.load_settings()
    controller.check()
    # Neither has had its first step.
    await controller.close()
    gc.collect()
