# SPDX-License-Identifier: MIT
"""The window by itself: for the keyboard, for screen readers, with long words; and that every scene can be drawn."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QFont, QGuiApplication, QScreen, QWheelEvent
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QProgressBar,
    QProxyStyle,
    QStyle,
    QStyleOption,
    QWidget,
)

from tests.support.scenes import SCENES
from tests.support.waiting import PATIENCE
from tests.support.widgets import Wordy, settle
from vramswap_gui.tray import icons
from vramswap_gui.tray.view_model import SizeChoice, view
from vramswap_gui.tray.widgets.usage_bar import StackedBar
from vramswap_gui.tray.windows import panel as module
from vramswap_gui.tray.windows.panel import Panel
from vramswap_gui.units import GIB, MIB


@pytest.fixture
def panel(application: QApplication) -> Panel:
    made = Panel(icons.application_icon())
    show(made, "on")
    made.show()
    settle()
    return made


def show(panel: Panel, name: str) -> None:
    scene = SCENES[name]
    shown = view(scene.status, scene.error, scene.machine)
    panel.show_view(shown, hint=scene.hint)
    settle()


@pytest.mark.parametrize("scene", SCENES)
def test_every_control_has_a_name(scene: str, panel: Panel) -> None:
    show(panel, scene)
    for widget in panel.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QAbstractSlider | QProgressBar | StackedBar) and widget.isVisible():
            scroll_bar = widget.metaObject().className() == "QScrollBar"
            name = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
            assert name or scroll_bar, widget


def place(panel: Panel, widget: QWidget) -> tuple[int, int, int, int]:
    """Where a control is in the window, which never moves by itself."""
    corner = widget.mapTo(panel, QPoint(0, 0))
    return corner.x(), corner.y(), widget.width(), widget.height()


def controls(panel: Panel) -> dict[str, tuple[int, int, int, int]]:
    named = {
        "switch": panel.switch, "mode": panel.mode, "slider": panel.sizer.slider, "automatic": panel.sizer.automatic,
        "check": panel.check, "settings": panel.settings,
    }  # fmt: skip
    return {name: place(panel, widget) for name, widget in named.items()}


def test_nothing_moves_under_the_pointer(panel: Panel) -> None:
    """One size for every state; what can be clicked stays where it is, whatever is said beside it."""
    show(panel, "off")
    size, before = panel.size(), controls(panel)
    for scene in ("busy-starting", "on", "on-automatic", "busy-stopping", "waiting", "wont-fit", "failed", "no-tray"):
        show(panel, scene)
        assert (panel.size(), controls(panel)) == (size, before), scene
    for scene in SCENES:
        show(panel, scene)
        assert panel.size() == size, scene


class WideBars(QProxyStyle):
    """A style, as Breeze is one, whose scroll bars take more room than a window's margin."""

    def pixelMetric(
        self, metric: QStyle.PixelMetric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        bar = metric is QStyle.PixelMetric.PM_ScrollBarExtent
        return 40 if bar else super().pixelMetric(metric, option, widget)


def test_what_scrolls_is_in_line_with_what_does_not(panel: Panel, application: QApplication) -> None:
    usual = application.style().name()
    try:
        application.setStyle(WideBars(usual))
        settle()
        left, _, width, _ = place(panel, panel.vram_bar)
        first, last = place(panel, panel.check), place(panel, panel.settings)
        assert (left, left + width) == (first[0], last[0] + last[2])
        assert left > 40
    finally:
        application.setStyle(usual)


def test_the_scroll_bar_takes_no_room(application: QApplication) -> None:
    panel = Panel(icons.application_icon())
    panel.resize(panel.width(), 1400)
    panel.show()
    show(panel, "on")
    bar = panel._scroll.verticalScrollBar()
    assert not bar.isVisible()
    before = {name: where for name, where in controls(panel).items() if name not in ("check", "settings")}
    panel.resize(panel.width(), 420)
    settle()
    assert bar.isVisible() and bar.maximum() > 0
    assert before.items() <= controls(panel).items()
    left = panel.switch.mapTo(panel, QPoint(panel.switch.width(), 0)).x()
    assert left <= panel.width() - bar.width()
    # The buttons of the window are no part of what scrolls.
    assert place(panel, panel.settings)[1] > place(panel, panel._scroll)[1] + panel._scroll.height()


@pytest.mark.parametrize("points", [9, 11, 13, 15, 18])
@pytest.mark.parametrize("scene", ["on", "wont-fit", "busy-stopping"])
def test_it_follows_the_font_and_respects_the_screen(points: int, scene: str, application: QApplication) -> None:
    larger = QFont(application.font())
    larger.setPointSize(points)
    application.setFont(larger)
    panel = Panel(icons.application_icon())
    panel.show()
    show(panel, scene)
    room = panel.screen().availableSize()
    assert panel.height() <= 0.8 * room.height()
    line = panel.fontMetrics().height()
    assert panel.width() >= min(27 * line, room.width() - 16)
    for widget in panel._scroll.content.findChildren(QWidget):
        if widget.isVisible():
            right = widget.mapTo(panel, QPoint(widget.width(), 0)).x()
            assert right <= panel.width(), widget
            assert widget.width() >= widget.minimumSizeHint().width(), widget
    # A window that a tiling manager makes as wide as the screen has a column in its middle.
    panel.resize(4000, panel.height())
    settle()
    left, _, width, _ = place(panel, panel.mode)
    assert left + width < 2000 + 22 * line and place(panel, panel.title)[0] > 2000 - 22 * line


def test_what_has_the_focus_keeps_it_while_busy(panel: Panel) -> None:
    """A second Space, or an arrow too many, must not reach another control."""
    panel.activateWindow()
    toggled, chosen = QSignalSpy(panel.toggled), QSignalSpy(panel.size_chosen)
    for control in (panel.switch, panel.sizer.slider, panel.sizer.automatic):
        show(panel, "on")
        control.setFocus()
        show(panel, "busy-stopping")
        assert panel.focusWidget() is control
        for key in (Qt.Key.Key_Space, Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_End):
            QTest.keyClick(control, key)
        QTest.mouseClick(control, Qt.MouseButton.LeftButton)
        assert panel.focusWidget() is control
    assert not panel.sizer.slider.moving
    assert (toggled.count(), chosen.count()) == (0, 0)
    # Tab still leads on, to what can be called off.
    panel.switch.setFocus()
    QTest.keyClick(panel.switch, Qt.Key.Key_Tab)
    assert panel.focusWidget() is not panel.switch
    panel.offer.setFocus()
    show(panel, "off")
    assert panel.focusWidget() is panel.switch
    show(panel, "on")
    QTest.keyClick(panel.switch, Qt.Key.Key_Space)
    assert toggled.count() == 1


@pytest.mark.parametrize("scene", ["on", "wont-fit"])
def test_a_problem_that_goes_gives_the_focus_back(scene: str, panel: Panel) -> None:
    show(panel, "wont-fit")
    panel.problem.dismiss.setFocus()
    show(panel, scene)
    assert panel.focusWidget() is (panel.problem.dismiss if scene == "wont-fit" else panel.switch)


@pytest.mark.parametrize("scene", SCENES)
def test_long_words_wrap(scene: str, application: QApplication) -> None:
    wordy = Wordy()
    application.installTranslator(wordy)
    try:
        panel = Panel(icons.application_icon())
        show(panel, scene)
        panel.show()
        settle()
        assert "swap Use VRAM" in panel.title.text()
        content = panel._scroll.content
        for widget in content.findChildren(QWidget):
            if widget.isVisible():
                right = widget.mapTo(content, QPoint(widget.width(), 0)).x()
                assert right <= content.width() <= panel.width(), widget
                assert widget.width() >= widget.minimumSizeHint().width() or not widget.minimumSizeHint().isValid()
    finally:
        application.removeTranslator(wordy)
        settle()


def test_keys_count_once_they_rest(panel: Panel) -> None:
    slider = panel.sizer.slider
    chosen = QSignalSpy(panel.size_chosen)
    for _ in range(2):
        QTest.keyClick(slider, Qt.Key.Key_Right)
    assert chosen.count() == 0
    assert panel.sizer.value.text() == "4.2 GiB"
    # What the helper says meanwhile does not take the handle out of a person's hand.
    show(panel, "on")
    assert slider.size_chosen == 4 * GIB + 256 * MIB
    assert chosen.wait(int(PATIENCE * 1000))
    assert [chosen.at(0), chosen.count()] == [[4 * GIB + 256 * MIB], 1]


def test_a_screen_reader_hears_gib(panel: Panel) -> None:
    slider = panel.sizer.slider
    told = QAccessible.queryAccessibleInterface(slider)
    assert told.role() is QAccessible.Role.Slider
    assert told.text(QAccessible.Text.Value) == "4 GiB"
    value = told.valueInterface()
    assert (value.currentValue(), value.minimumStepSize(), value.minimumValue()) == (4096.0, 128.0, 0.0)
    assert slider.accessibleDescription() == "4 GiB"
    chosen = QSignalSpy(panel.size_chosen)
    value.setCurrentValue(6656.0)
    assert slider.size_chosen == int(6.5 * GIB)
    assert slider.accessibleDescription() == "6.5 GiB"
    assert chosen.wait(int(PATIENCE * 1000)) and chosen.at(0) == [int(6.5 * GIB)]


def test_a_screen_reader_does_not_hear_every_figure(panel: Panel) -> None:
    said = {}
    for name in ("on", "busy-stopping", "waiting-plenty"):
        show(panel, name)
        said[name] = panel.switch.accessibleDescription()
    assert said == {"on": "On", "busy-stopping": "Turning off…", "waiting-plenty": "Waiting. Memory is plentiful."}


def test_a_screen_reader_asks_for_what_is_not_there(panel: Panel) -> None:
    """Every part is asked for everything that some part has, as the accessibility bus does."""
    for widget in (panel, *panel.findChildren(QWidget)):
        told = QAccessible.queryAccessibleInterface(widget)
        # Casts of Qt's own: what they find is of no interest, but that the process lives.
        for ask in (told.textInterface, told.actionInterface, told.selectionInterface, told.valueInterface):
            ask()
    slider = QAccessible.queryAccessibleInterface(panel.sizer.slider)
    assert slider.textInterface() is None and slider.actionInterface() is not None


def test_windows_come_and_go_with_a_screen_reader(application: QApplication) -> None:
    for _ in range(5):
        panel = Panel(icons.application_icon())
        told = QAccessible.queryAccessibleInterface(panel.sizer.slider)
        assert told.isValid()
        panel.deleteLater()
        del panel, told
        settle()


def test_wheel_moves_nothing(panel: Panel) -> None:
    slider = panel.sizer.slider
    before = slider.value()
    place = QPointF(slider.rect().center())
    event = QWheelEvent(
        place, QPointF(slider.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(slider, event)
    assert slider.value() == before


def test_space_toggles(panel: Panel) -> None:
    toggled = QSignalSpy(panel.toggled)
    QTest.keyClick(panel.switch, Qt.Key.Key_Space)
    assert toggled.at(0) == [False]


def test_scale_ends_at_the_maximum_and_marks_do_not_touch(panel: Panel) -> None:
    scale = panel.sizer.scale
    marks = scale.marks()
    assert marks[-1] == 7676 * MIB
    places = [scale._position(mark) for mark in marks]
    assert all(right - left > 30 for left, right in itertools.pairwise(places))


def test_no_mark_of_the_scale_is_rounded(panel: Panel) -> None:
    panel.sizer.scale.show_choice(SizeChoice(maximum=1536 * MIB))
    panel.sizer.scale.resize(600, 30)
    assert panel.sizer.scale.marks() == (256 * MIB, 512 * MIB, 768 * MIB, GIB, 1536 * MIB)


class OnX11:
    """What the window asks the platform, where windows choose their places."""

    @staticmethod
    def platformName() -> str:
        return "xcb"

    @staticmethod
    def screenAt(place: QPoint) -> QScreen:
        return QGuiApplication.primaryScreen()


def test_it_comes_beside_the_icon_and_where_that_is_not_told_beside_the_pointer(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.hide()
    room = panel.screen().availableGeometry()
    pointer = QPoint(room.right() - 4, room.top() + 4)
    monkeypatch.setattr(module, "QGuiApplication", OnX11)
    monkeypatch.setattr(module, "QCursor", type("Pointer", (), {"pos": staticmethod(lambda: pointer)}))
    for told in (QPoint(0, 0), QPoint(11, 14)):
        panel.appear_near(QPoint(room.left() + 4, room.top() + 100))
        assert panel.pos().x() < room.center().x()
        panel.appear_near(told)
        assert panel.x() + panel.width() >= room.right() - 8 and panel.y() == room.top() + 8
