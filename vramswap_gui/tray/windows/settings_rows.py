# SPDX-License-Identifier: MIT
"""A row of the settings window for each kind of setting, made from its declaration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPalette, QPen, QPixmap, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QToolButton,
    QWidget,
)

from vramswap_gui.settings import Kind, Setting, Value
from vramswap_gui.system.gpu import Card
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.value_text import value_text
from vramswap_gui.tray.widgets.check_box import CheckBox
from vramswap_gui.tray.widgets.colours import muted_colour
from vramswap_gui.tray.widgets.labels import wrapped
from vramswap_gui.tray.widgets.switch import Switch
from vramswap_gui.units import GIB, MIB, round_down

#: Sizes are shown in GiB and times in minutes, to a hundredth of one.
_DECIMALS = 2
#: What is offered first in place of "automatic".
_FIRST = 4 * GIB


class _Still:
    """Turning the wheel scrolls the window, and changes no value that happens to be under it."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Choice(_Still, QComboBox):
    """A box to choose from."""


class _Number(_Still, QSpinBox):
    pass


class _Scaled(_Still, QDoubleSpinBox):
    def textFromValue(self, value: float) -> str:
        """Without zeros at the end, which would promise a precision that nobody needs."""
        text = super().textFromValue(value)
        point = self.locale().decimalPoint()
        return text.rstrip(self.locale().zeroDigit()).removesuffix(point) if point in text else text


class Lock(QWidget):
    """A small lock: an administrator has to agree."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Needs an administrator"))
        self.setToolTip(tr("Changing this may ask for an administrator's password."))
        self.setFixedSize(_lock_size(self))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        _paint_lock(painter, QRectF(self.rect()), muted_colour(self.palette()))


def lock_icon(widget: QWidget) -> QIcon:
    """The lock, for a button that looks as ``widget`` does."""
    icon, size, ratio = QIcon(), _lock_size(widget), widget.devicePixelRatioF()
    groups = {QIcon.Mode.Normal: QPalette.ColorGroup.Active, QIcon.Mode.Disabled: QPalette.ColorGroup.Disabled}
    for mode, group in groups.items():
        # Some styles leave no gap between icon and text.
        pixmap = QPixmap(QSize(round(size.width() * 1.5), size.height()) * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        colour = widget.palette().color(group, QPalette.ColorRole.ButtonText)
        _paint_lock(painter, QRectF(0, 0, size.width(), size.height()), colour)
        painter.end()
        icon.addPixmap(pixmap, mode)
    return icon


def _lock_size(widget: QWidget) -> QSize:
    height = round(widget.fontMetrics().ascent() * 0.95)
    return QSize(round(height * 0.8), height)


def _paint_lock(painter: QPainter, area: QRectF, colour: QColor) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    line = area.height() * 0.12
    body = QRectF(area.left() + 0.5, area.top() + area.height() * 0.46, area.width() - 1, area.height() * 0.5)
    bow = body.adjusted(body.width() * 0.2, 0, -body.width() * 0.2, 0)
    bow.setTop(area.top() + line)
    bow.setBottom(body.top() + body.height() * 0.4)
    painter.setPen(QPen(colour, line))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(bow, bow.width() / 2, bow.width() / 2)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(body, line, line)


def _help(setting: Setting) -> str:
    if setting.key == "gpu":
        # Here it is chosen from a list.
        return tr("Whose memory is lent.")
    if not setting.auto_help:
        return tr(setting.help)
    return tr("{help} {automatic}: {meaning}.").format(
        help=tr(setting.help), automatic=tr(setting.auto_title), meaning=tr(setting.auto_help)
    )


class Editor(QWidget):
    """Edits one value. ``value`` reads it, ``show_value`` sets it without telling anybody."""

    edited = Signal()

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 0, 0, 0)

    def value(self) -> Value:
        """What is entered."""
        raise NotImplementedError

    def show_value(self, value: Value) -> None:
        """Show a value."""
        raise NotImplementedError

    def _add(self, widget: QWidget) -> None:
        widget.setAccessibleName(tr(self.setting.title))
        widget.setAccessibleDescription(_help(self.setting))
        self.line.addWidget(widget)
        self.setFocusProxy(widget)


class _SwitchEditor(Editor):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._switch = Switch()
        self._switch.toggled.connect(self.edited)
        self.line.addStretch(1)
        self._add(self._switch)

    def value(self) -> Value:
        return self._switch.isChecked()

    def show_value(self, value: Value) -> None:
        self._switch.setChecked(bool(value))


class _ChoiceEditor(Editor):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._box = Choice()
        for value, meaning in setting.choices.items():
            self._box.addItem(tr(meaning), value)
        self._box.currentIndexChanged.connect(self.edited)
        self._add(self._box)

    def value(self) -> Value:
        return str(self._box.currentData())

    def show_value(self, value: Value) -> None:
        self._box.setCurrentIndex(max(0, self._box.findData(value)))


class _TextEditor(Editor):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._field = QLineEdit()
        # Room for a list of names, or a folder.
        self._field.setMinimumWidth(round(1.6 * self._field.sizeHint().width()))
        self._field.textChanged.connect(self.edited)
        self._add(self._field)

    def value(self) -> Value:
        return self._field.text().strip()

    def show_value(self, value: Value) -> None:
        self._field.setText(str(value))


class _NumberEditor(Editor):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._field = _Number()
        self._field.setRange(setting.minimum or 0, setting.maximum or 0)
        self._field.setSingleStep(setting.step)
        self._field.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        if setting.unit:
            self._field.setSuffix(f" {setting.unit}")
        self._field.valueChanged.connect(self.edited)
        self._add(self._field)

    def value(self) -> Value:
        return self._field.value()

    def show_value(self, value: Value) -> None:
        self._field.setValue(int(value))


class _ScaledEditor(Editor):
    """A number in a unit that people think in, to a hundredth; what was not touched stays to the last digit."""

    def __init__(self, setting: Setting, unit: int, suffix: str, step: float) -> None:
        super().__init__(setting)
        self._unit = unit
        self._field = _Scaled()
        self._field.setDecimals(_DECIMALS)
        self._field.setRange((setting.minimum or 0) / unit, (setting.maximum or 0) / unit)
        self._field.setSingleStep(step)
        self._field.setSuffix(suffix)
        self._exact, self._shown = 0, 0.0
        self._field.valueChanged.connect(self.edited)

    def value(self) -> Value:
        entered = self._field.value()
        if entered == self._shown:
            return self._exact
        return max(self.setting.minimum or 0, round_down(int(entered * self._unit), self._least()))

    def show_value(self, value: Value) -> None:
        self._field.setValue(int(value) / self._unit)
        # As the field rounds it, which is not as Python does.
        self._exact, self._shown = int(value), self._field.value()

    def _least(self) -> int:
        return self.setting.step


class _MinutesEditor(_ScaledEditor):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, 60, tr(" min"), 1)
        self._add(self._field)


class _SizeEditor(_ScaledEditor):
    """A number of GiB, and a box for "automatic" where there is such a value."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, GIB, tr(" GiB"), 0.25)
        super().show_value(int(setting.default) if setting.auto is None else _FIRST)
        self._auto: CheckBox | None = None
        if setting.auto is not None:
            self._auto = CheckBox(tr(setting.auto_title))
            self._auto.setAccessibleName(
                tr("{title}: {value}").format(title=tr(setting.title), value=self._auto.text())
            )
            self._auto.toggled.connect(self._field.setHidden)
            self._auto.toggled.connect(self.edited)
            self.line.addStretch(1)
            self.line.addWidget(self._auto)
        self._add(self._field)
        # A field that is hidden cannot be what the title's key leads to.
        self.setFocusProxy(self._auto or self._field)

    def value(self) -> Value:
        if self._auto is not None and self._auto.isChecked():
            return self.setting.auto or 0
        return super().value()

    def show_value(self, value: Value) -> None:
        automatic = self._auto is not None and value == self.setting.auto
        if self._auto is not None:
            self._auto.setChecked(automatic)
        self._field.setHidden(automatic)
        if not automatic:
            super().show_value(value)

    def _least(self) -> int:
        return max(self.setting.step, MIB)


class GpuEditor(Editor):
    """The GPUs of this computer to choose from; what is set and is none of them can be kept."""

    def __init__(self, setting: Setting, gpus: Sequence[Card]) -> None:
        super().__init__(setting)
        self._box = Choice()
        self._box.addItem(tr("The first one"), "")
        for gpu in gpus:
            self._box.addItem(f"{gpu.name} ({gpu.pci})" if gpu.name else gpu.pci, gpu.pci)
        # The names are long, and the row has no more room than others.
        self._box.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.setMinimumContentsLength(16)
        self._box.currentIndexChanged.connect(self.edited)
        self._add(self._box)

    def value(self) -> Value:
        return str(self._box.currentData())

    def show_value(self, value: Value) -> None:
        if self._box.findData(value) < 0:
            self._box.addItem(str(value), value)
        self._box.setCurrentIndex(self._box.findData(value))


def _editor(setting: Setting) -> Editor:
    if setting.kind is Kind.NUMBER and setting.unit == "s":
        return _MinutesEditor(setting)
    return _EDITORS[setting.kind](setting)


_EDITORS: dict[Kind, Callable[[Setting], Editor]] = {
    Kind.SWITCH: _SwitchEditor,
    Kind.CHOICE: _ChoiceEditor,
    Kind.TEXT: _TextEditor,
    Kind.NUMBER: _NumberEditor,
    Kind.SIZE: _SizeEditor,
}


class Row(QWidget):
    """Title and help on one side, editor and reset button on the other; in front a lock where one is needed."""

    edited = Signal()

    def __init__(self, setting: Setting, *, locked: bool, editor: Editor | None = None) -> None:
        super().__init__()
        self.setting = setting
        self._saved: Value = setting.default
        self.editor = editor or _editor(setting)
        self.title = wrapped(tr(setting.title))
        self.title.setBuddy(self.editor)
        self.reset = QToolButton()
        self.reset.setAutoRaise(True)
        self.reset.setText("↺")
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self.reset.setToolTip(tr("Back to the default: {value}").format(value=value_text(setting, setting.default)))
        self.reset.setAccessibleName(tr("Reset {title}").format(title=self.title.text()))
        self.reset.clicked.connect(self._go_back)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        front = Lock() if locked else QWidget()
        # The titles are below one another whether there is a lock or not.
        front.setFixedSize(_lock_size(front))
        grid.addWidget(front, 0, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(self.title, 0, 1)
        grid.addWidget(self.editor, 0, 2)
        grid.addWidget(self.reset, 0, 3)
        grid.addWidget(wrapped(_help(setting), muted=True), 1, 1, 1, 3)
        self.editor.edited.connect(self._edited)

    @property
    def value(self) -> Value:
        """What is entered."""
        return self.editor.value()

    @property
    def changed(self) -> bool:
        """Whether that is something else than what is in force."""
        return self.value != self._saved

    def show_value(self, value: Value, *, keep: bool = False) -> None:
        """Show what is in force; ``keep`` leaves what somebody has entered, if it is something else."""
        entered = self.value
        keep = keep and self.changed
        self._saved = value
        self.editor.blockSignals(True)
        self.editor.show_value(entered if keep else value)
        self.editor.blockSignals(False)
        self._edited()

    def revert(self) -> None:
        """Forget what was entered."""
        self.show_value(self._saved)

    def _go_back(self) -> None:
        self.editor.show_value(self.setting.default)
        self._edited()

    def _edited(self) -> None:
        back = self.value != self.setting.default
        if self.reset.hasFocus() and not back:
            self.editor.setFocus()
        self.reset.setVisible(back)
        self.edited.emit()
