# SPDX-License-Identifier: MIT
"""The size slider with its scale in GiB. A drag counts when it is let go, a key when no other follows."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QVBoxLayout,
    QWidget,
)

from vramswap_gui.tray.i18n import size_text, tr
from vramswap_gui.tray.timers import single
from vramswap_gui.tray.view_model import Fill, SizeChoice
from vramswap_gui.tray.widgets import slider_access
from vramswap_gui.tray.widgets.check_box import CheckBox
from vramswap_gui.tray.widgets.colours import accent, blend, edge, fill_colour, muted_colour
from vramswap_gui.tray.widgets.held import Held
from vramswap_gui.tray.widgets.labels import scaled, wrapped
from vramswap_gui.units import GIB, MIB, SIZE_STEP, exact_size, format_size

_KEYS_SETTLE_MS: Final = 700
_MARKS: Final = tuple([128 * MIB, 256 * MIB, 512 * MIB] + [GIB << power for power in range(9)])


class StepSlider(Held, QSlider):
    """A slider over the steps of a :class:`SizeChoice`."""

    #: Bytes; a Python int, because Qt's int ends at 2 GiB.
    chosen = Signal(object)
    moved = Signal(object)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._choice = SizeChoice()
        self._settle = single(self, _KEYS_SETTLE_MS, self._choose)
        self.sliderReleased.connect(self._choose)
        self.valueChanged.connect(self._moved)
        self.setMinimumWidth(150)

    @property
    def step(self) -> int:
        """Bytes of one step."""
        return self._choice.step

    @property
    def size_chosen(self) -> int:
        """The size where the handle is, in bytes."""
        return min(self.value() * self._choice.step, self._choice.maximum)

    @property
    def moving(self) -> bool:
        """Whether a person is moving it."""
        return self.isSliderDown() or self._settle.isActive()

    def show_choice(self, choice: SizeChoice) -> None:
        """Show range and value, unless a person is moving the handle."""
        self.hold(bool(choice.blocked))
        if self.moving or choice == self._choice:
            return
        self._choice = choice
        self.blockSignals(True)
        self.setRange(1, max(1, -(-choice.maximum // choice.step)))
        self.setPageStep(max(1, (GIB if choice.maximum > 4 * GIB else 256 * MIB) // choice.step))
        self.setValue(-(-choice.value // choice.step))
        self.blockSignals(False)

    def paintEvent(self, event: QPaintEvent) -> None:
        """As the style places it, in colours that can be seen."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        palette = self.palette()
        handle = QRectF(handle_rect(self))
        groove = QRectF(1, self.height() / 2 - 2.5, self.width() - 2, 5)
        filled = QRectF(groove)
        if option.upsideDown:
            filled.setLeft(handle.center().x())
        else:
            filled.setRight(handle.center().x())
        ours = blend(palette.window().color(), accent(palette), 0.5) if self.held else accent(palette)
        painter.setPen(Qt.PenStyle.NoPen)
        for area, colour in ((groove, edge(palette)), (filled, ours)):
            painter.setBrush(colour)
            painter.drawRoundedRect(area, 2.5, 2.5)
        side = min(handle.width(), handle.height(), self.height() - 2.0)
        knob = QRectF(handle.center().x() - side / 2, self.height() / 2 - side / 2, side, side)
        keyboard = self.hasFocus() and option.state & QStyle.StateFlag.State_KeyboardFocusChange
        painter.setBrush(palette.window() if self.held else palette.base())
        painter.setPen(QPen(palette.windowText().color() if keyboard else ours, 2.4 if keyboard else 1.8))
        painter.drawEllipse(knob.adjusted(1.2, 1.2, -1.2, -1.2))

    def wheelEvent(self, event: QWheelEvent) -> None:
        # Scrolling the window over the slider must not lend or take back gigabytes.
        event.ignore()

    def _moved(self) -> None:
        self.moved.emit(self.size_chosen)
        if not self.isSliderDown():
            self._settle.start()

    def _choose(self) -> None:
        self._settle.stop()
        if self.size_chosen != self._choice.value or self._choice.automatic:
            self.chosen.emit(self.size_chosen)


slider_access.install(StepSlider)


def handle_rect(slider: QSlider) -> QRect:
    """Where the style places the handle."""
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    control, part = QStyle.ComplexControl.CC_Slider, QStyle.SubControl.SC_SliderHandle
    return slider.style().subControlRect(control, option, part, slider)


class Scale(QWidget):
    """The marks below a slider, each where the handle's middle is at that size."""

    def __init__(self, slider: StepSlider) -> None:
        super().__init__()
        self._slider = slider
        self._choice = SizeChoice()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(scaled(self, 0.88, bold=False))

    def show_choice(self, choice: SizeChoice) -> None:
        """Show the range of a choice."""
        self._choice = choice
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + 5)

    def marks(self) -> tuple[int, ...]:
        """The sizes that fit side by side, the largest one always among them."""
        maximum = self._choice.maximum
        if not maximum:
            return ()
        room = max(2, self.width() // (self.fontMetrics().horizontalAdvance(size_text(maximum)) + 24))
        step = next((mark for mark in _MARKS if maximum / mark < room), maximum)
        apart = maximum * (self.fontMetrics().horizontalAdvance(size_text(maximum)) * 1.5 + 12) / max(1, self.width())
        regular = [size for size in range(step, maximum + 1, step) if maximum - size >= apart]
        # 1.25 GiB would be called 1.2 GiB.
        regular = [size for size in regular if exact_size(size) == format_size(size)]
        return (*regular, maximum)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(muted_colour(self.palette()))
        metrics = self.fontMetrics()
        for size in self.marks():
            middle = self._position(size)
            text = size_text(size)
            width = metrics.horizontalAdvance(text)
            left = max(0, min(self.width() - width, round(middle - width / 2)))
            painter.drawLine(round(middle), 0, round(middle), 3)
            painter.drawText(left, 4 + metrics.ascent(), text)

    def _position(self, size: int) -> float:
        slider = self._slider
        handle = handle_rect(slider)
        span = slider.width() - handle.width()
        steps = -(-size // self._choice.step)
        mirrored = slider.isRightToLeft()
        place = QStyle.sliderPositionFromValue(slider.minimum(), slider.maximum(), steps, span, mirrored)
        return float(place + handle.width() / 2)


class Kept(QWidget):
    """Beyond the end of the slider: what is lent to nobody, as wide as it is large beside the slider's range."""

    def __init__(self, slider: StepSlider) -> None:
        super().__init__()
        self._slider = slider
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def show_choice(self, choice: SizeChoice) -> None:
        """Show how much it is."""
        self.setVisible(choice.known and choice.kept > 0)
        text = tr("{size} are kept free").format(size=size_text(choice.kept))
        self.setToolTip(text)
        self.setAccessibleName(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(10, self._slider.sizeHint().height())

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(1, self.height() / 2 - 3, self.width() - 2, 6)
        colour = fill_colour(self.palette(), Fill.HEADROOM)
        painter.setPen(QPen(colour, 1))
        painter.setBrush(QBrush(colour, Qt.BrushStyle.BDiagPattern))
        painter.drawRoundedRect(area, 3, 3)


class Sizer(QWidget):
    """Automatic or a size of one's own."""

    #: Bytes; 0 is automatic.
    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._choice = SizeChoice()
        self.title = QLabel(tr("Size"))
        self.value = wrapped(muted=True)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.note = wrapped(muted=True)
        self.automatic = CheckBox(tr("&Automatic: all VRAM that is free"))
        self.slider = StepSlider()
        self.slider.setAccessibleName(tr("Amount of VRAM to lend"))
        self.scale = Scale(self.slider)
        line = QHBoxLayout()
        line.addWidget(self.title)
        line.addWidget(self.value, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(line)
        column.addWidget(self.note)
        self.kept = Kept(self.slider)
        self._track = track = QGridLayout()
        track.setVerticalSpacing(1)
        track.setHorizontalSpacing(2)
        track.addWidget(self.slider, 0, 0)
        track.addWidget(self.kept, 0, 1)
        track.addWidget(self.scale, 1, 0)
        column.addLayout(track)
        column.addWidget(self.automatic)
        self.slider.chosen.connect(self.chosen)
        self.slider.moved.connect(lambda size: self._tell(size_text(size)))
        self.automatic.clicked.connect(lambda on: self.chosen.emit(0 if on else self.slider.size_chosen))

    def show_choice(self, choice: SizeChoice) -> None:
        """Show a choice, unless a person is making one."""
        self.slider.show_choice(choice)
        self.note.setText(choice.note)
        self.note.setVisible(bool(choice.note))
        self.slider.setVisible(choice.known)
        self.scale.setVisible(choice.known)
        self.automatic.setVisible(choice.known)
        self.automatic.hold(bool(choice.blocked))
        self.scale.show_choice(choice)
        self.kept.show_choice(choice)
        for part, size in enumerate((choice.maximum, choice.kept)):
            self._track.setColumnStretch(part, round(size / SIZE_STEP))
        if self.slider.moving:
            return
        self.automatic.setChecked(choice.automatic)
        self._tell(choice.text)

    def _tell(self, text: str) -> None:
        """A screen reader says the number of a slider without its unit, and a description whenever that is another."""
        self.value.setText(text)
        if text != self.slider.accessibleDescription():
            self.slider.setAccessibleDescription(text)
