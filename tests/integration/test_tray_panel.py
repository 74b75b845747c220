"""The window by itself: for the keyboard, for screen readers, with long words; and that every scene can be drawn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QProgressBar, QWidget

from tests.support.scenes import SCENES
from tests.support.waiting import PATIENCE
from tests.support.widgets import Wordy, settle
from vramswap_gui.tray import icons
from vramswap_gui.tray.view_model import view
from vramswap_gui.tray.widgets.usage_bar import StackedBar
from vramswap_gui.tray.windows.panel import Panel
from vramswap_gui.units import GIB, MIB


@pytest.fixture
def panel(application: QApplication) -> Iterator[Panel]:
    made = Panel(icons.application_icon())
    show(made, "on")
    made.show()
    settle()
    yield made
    made.deleteLater()
    settle()


def show(panel: Panel, name: str) -> None:
    scene = SCENES[name]
    shown = view(scene.status, scene.error, scene.machine)
    panel.show_view(shown, dismissible=scene.error is not None and scene.status is not None, hint=scene.hint)
    settle()


@pytest.mark.parametrize("scene", SCENES)
def test_every_control_has_a_name(scene: str, panel: Panel) -> None:
    show(panel, scene)
    for widget in panel.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QAbstractSlider | QProgressBar | StackedBar) and widget.isVisible():
            scroll_bar = widget.metaObject().className() == "QScrollBar"
            name = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
            assert name or scroll_bar, widget


@pytest.mark.parametrize("scene", SCENES)
def test_window_is_as_tall_as_what_it_shows(scene: str, panel: Panel) -> None:
    show(panel, scene)
    layout = panel._content.layout()
    assert layout is not None
    room = panel.screen().availableSize().height() - 60
    assert panel.height() == min(room, layout.totalHeightForWidth(panel._content.width()))


@pytest.mark.parametrize("scene", ["off-asleep", "off", "on"])
def test_it_scrolls_only_when_there_is_no_room(scene: str, application: QApplication) -> None:
    panel = Panel(icons.application_icon())
    panel.show()
    show(panel, scene)
    bar, screen = panel._scroll.verticalScrollBar(), panel.screen().availableSize().height() - 60
    assert bar.isVisible() is (panel._content.heightForWidth(panel.width()) > screen)
    panel.resize(panel.width(), 260)
    settle()
    assert bar.isVisible()
    assert bar.maximum() > 0
    panel.deleteLater()
    settle()


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
        for widget in panel._content.findChildren(QWidget):
            if widget.isVisible():
                right = widget.mapTo(panel._content, QPoint(widget.width(), 0)).x()
                assert right <= panel._content.width() <= panel.width(), widget
                assert widget.width() >= widget.minimumSizeHint().width() or not widget.minimumSizeHint().isValid()
        panel.deleteLater()
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
