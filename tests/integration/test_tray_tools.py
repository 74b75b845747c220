# SPDX-License-Identifier: MIT
"""What is behind the button “More”, and the lists that open: measuring, the report, programs in swap, what happened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QIcon, QPixmap
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton, QWidget

from tests.support.scenes import MEASURED, SCENES, SWAPPED
from tests.support.waiting import until
from tests.support.widgets import Wordy, settle
from vramswap_gui.system.run import Finished
from vramswap_gui.tray import command_line, icons
from vramswap_gui.tray.tray_menu import TrayMenu
from vramswap_gui.tray.view_model import view
from vramswap_gui.tray.widgets.button import Buttons, copy_command
from vramswap_gui.tray.windows.about import about
from vramswap_gui.tray.windows.measure import MeasurePage
from vramswap_gui.tray.windows.panel import Panel
from vramswap_gui.tray.windows.report import ReportPage


def texts(window: QWidget) -> list[str]:
    return [label.text() for label in window.findChildren(QLabel) if label.isVisible() and label.text()]


@pytest.fixture
def panel(application: QApplication) -> Panel:
    made = Panel(icons.application_icon())
    made.show()
    return made


@pytest.fixture
def measure(application: QApplication, tmp_path: Path) -> Iterator[MeasurePage]:
    made = MeasurePage(icons.application_icon(), tmp_path / "cache")
    made.show()
    settle()
    yield made
    made.close()


def show(panel: Panel, name: str) -> None:
    scene = SCENES[name]
    panel.show_view(view(scene.status, scene.error, scene.machine, scene.config), hint=None)
    settle()


def test_programs_in_swap_are_looked_for_when_somebody_opens_the_list(panel: Panel) -> None:
    watched = QSignalSpy(panel.swapped_watched)
    show(panel, "on")
    assert panel.swapped.isVisible() and not panel.programs.isVisible()
    panel.swapped.heading.click()
    panel.swapped.heading.click()
    assert [watched.at(number)[0] for number in range(watched.count())] == [True, False]
    panel.swapped.heading.click()
    show(panel, "opened")
    assert [program.name for program in SWAPPED] == [name for name in texts(panel.programs) if "iB" not in name]
    assert "1.2 GiB" in texts(panel.programs)
    show(panel, "off")


def test_what_happened_is_there_when_something_did(panel: Panel) -> None:
    show(panel, "off")
    assert not panel.activity.isVisible()
    show(panel, "opened")
    panel.activity.heading.click()
    settle()
    assert "On, 4 GiB – by hand" in texts(panel.events)
    assert "Today: 3.2 GiB kept off the disk" in panel.sentence.text()


def test_a_pause_and_the_battery_are_offered_where_they_help(panel: Panel) -> None:
    pauses, battery = QSignalSpy(panel.pause_asked), QSignalSpy(panel.battery_asked)
    show(panel, "on")
    assert not panel.offer.isVisible()
    panel.pause.trigger()
    show(panel, "paused")
    assert panel.headline.text() == "Paused" and not panel.pause.isVisible()
    QTest.mouseClick(panel.offer, Qt.MouseButton.LeftButton)
    assert [pauses.at(number)[0] for number in range(pauses.count())] == [3600, 0]
    show(panel, "battery")
    assert panel.sentence.text() == "The computer is on battery."
    QTest.mouseClick(panel.offer, Qt.MouseButton.LeftButton)
    assert battery.at(0)[0] is True


def test_what_waits_for_memory_to_get_short_can_be_had_now(panel: Panel) -> None:
    toggled, chosen = QSignalSpy(panel.toggled), TrayMenu(own_drawing=False)
    for name, offered in (("waiting-plenty", True), ("waiting", False), ("on", False)):
        show(panel, name)
        scene = SCENES[name]
        chosen.show_view(view(scene.status, scene.error, scene.machine))
        assert chosen.lend.isVisible() is offered, name
        assert (panel.offer.isVisible() and "now" in panel.offer.text()) is offered, name
    show(panel, "waiting-plenty")
    QTest.mouseClick(panel.offer, Qt.MouseButton.LeftButton)
    assert toggled.at(0)[0] is True
    asked = QSignalSpy(chosen.toggled)
    chosen.lend.trigger()
    assert asked.at(0)[0] is True


def grey(menu: QMenu) -> list[QAction]:
    seen = [entry for entry in menu.actions() if entry.isVisible() and not entry.isSeparator()]
    return [entry for entry in seen if not entry.isEnabled()]


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("known", [True, False])
def test_what_is_grey_in_the_menu_says_why(panel: Panel, name: str, known: bool) -> None:
    """Lines that only tell something aside. A menu has no other place for it: most hosts show no tooltips."""
    scene, menu = SCENES[name], TrayMenu(own_drawing=False)
    shown = view(scene.status, scene.error, scene.machine, scene.config if known else None)
    menu.show_view(shown)
    told = (menu.status, menu.news, menu.power, menu.banner)
    for entry in set(grey(menu.menu)) - set(told):
        _, dash, reason = entry.text().partition(" – ")
        assert dash and reason in (shown.blocked, shown.size.blocked), entry.text()
    show(panel, name)
    assert not grey(panel.more.menu())


def test_a_menu_that_is_grey_says_so_no_longer_than_it_is() -> None:
    menu = TrayMenu(own_drawing=False)
    for name, text in (("no-helper", "&Size – the helper does not answer"), ("off", "&Size")):
        scene = SCENES[name]
        menu.show_view(view(scene.status, scene.error, scene.machine, scene.config))
        assert (menu.sizes.menuAction().text(), menu.sizes.menuAction().isEnabled()) == (text, name == "off")


def test_whether_memory_may_lie_on_the_disk_is_decided_with_a_click(panel: Panel) -> None:
    decided = QSignalSpy(panel.landing_decided)
    show(panel, "on")
    assert not panel.landing.isVisible()
    show(panel, "landing")
    assert panel.landing.text.text() == "May memory be written to this disk?"
    for button in (panel.landing.yes, panel.landing.no):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert [decided.at(number)[0] for number in range(decided.count())] == [True, False]


def test_nothing_can_be_paused_that_is_off(panel: Panel) -> None:
    for name, pausable in (("off", True), ("on", True), ("busy-stopping", False), ("paused", False), ("no-gpu", False)):
        show(panel, name)
        assert panel.pause.isVisible() is pausable, name


def test_a_command_that_a_person_ends_is_copied_without_what_stands_for_that(application: QApplication) -> None:
    for command, copied in (("vramswapctl config landing …", "vramswapctl config landing "), ("true", "true")):
        copy_command(command)
        assert QApplication.clipboard().text() == copied


@pytest.mark.parametrize(("known", "left"), [((True, True), True), ((True, False), False)])
def test_buttons_in_a_row_have_pictures_all_or_none(
    application: QApplication, known: tuple[bool, ...], left: bool
) -> None:
    picture = QPixmap(8, 8)
    picture.fill("red")
    row = Buttons()
    for so in known:
        row.addButton("OK", Buttons.ButtonRole.ActionRole).setIcon(QIcon(picture) if so else QIcon())
    row.show()
    assert [not button.icon().isNull() for button in row.buttons()] == [left, left]


def test_a_measurement_is_told(measure: MeasurePage) -> None:
    assert not measure.back.isVisible()
    measure.show_result(MEASURED["measured"])
    settle()
    assert measure.summary.text() == "VRAM brings pages back 4.4 times as fast as the disk."
    assert {"19.2 µs", "84.0 µs", "5.1 GB/s", "2.2 GB/s"} <= set(texts(measure))
    assert not measure.hint.isVisible()
    measure.show_result(MEASURED["measured-slow"])
    settle()
    assert measure.summary.text() == "The disk brings pages back 2.0 times as fast as VRAM."
    assert measure.hint.isVisible() and "38\u00a0%" in measure.hint.text.text()
    measure.show_result(MEASURED["measured-failed"])
    assert measure.problem.text.text() == "The NVIDIA driver finds no GPU."


@pytest.mark.parametrize("output", ["", "[]", "{}", '{"verdict": null}', '{"verdict": {"page_vram": 0}}', "[" * 9999])
def test_what_is_no_measurement_is_none(measure: MeasurePage, output: str) -> None:
    measure.show_result(Finished(0, output, ""))
    assert measure.summary.text() == "Nothing was measured."


def program(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``vramswapctl`` of our own."""
    path = folder / "vramswapctl"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    path.chmod(0o755)
    monkeypatch.setattr(command_line, "_program", lambda: str(path))


async def test_measuring_can_be_stopped(measure: MeasurePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, f"open({str(tmp_path / 'began')!r}, 'w').close(); time.sleep(3600)", monkeypatch)
    measure.begin.click()
    assert measure.measuring and measure.begin.text() == "&Stop"
    await until((tmp_path / "began").exists)
    measure.begin.click()
    assert not measure.measuring
    program(tmp_path, f"print({MEASURED['measured'].output!r})", monkeypatch)
    measure.begin.click()
    await until(lambda: not measure.measuring)
    assert measure.summary.text().startswith("VRAM brings pages back")


async def test_a_report_is_read_before_it_is_given_away(
    application: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ReportPage(icons.application_icon())
    page.show()
    assert not page.copy.isEnabled()
    program(tmp_path, "print(' '.join(sys.argv[1:]), 'is this')", monkeypatch)
    page.begin()
    await until(page.copy.isEnabled)
    assert page.text.toPlainText() == "report is this\n"
    page.copy.click()
    assert QApplication.clipboard().text() == "report is this\n"
    page.save(str(tmp_path / "kept.txt"))
    assert (tmp_path / "kept.txt").read_text() == "report is this\n"
    page.save(str(tmp_path))
    assert str(tmp_path) in page.problem.text.text()
    program(tmp_path, "sys.exit('vramswapctl: It cannot.')", monkeypatch)
    page.begin()
    await until(lambda: page.problem.text.text() == "It cannot.")
    closed = QSignalSpy(page.closed)
    page.close()
    assert closed.count() == 1


def test_the_windows_have_room_for_long_words(application: QApplication, tmp_path: Path) -> None:
    wordy = Wordy()
    application.installTranslator(wordy)
    try:
        for window in (MeasurePage(icons.application_icon(), tmp_path), ReportPage(icons.application_icon())):
            window.show()
            settle()
            for button in window.findChildren(QPushButton):
                assert not button.isVisible() or button.width() >= button.sizeHint().width(), button.text()
        box = about(icons.application_icon())
        assert "MIT" in box.informativeText()
    finally:
        application.removeTranslator(wordy)
        settle()
