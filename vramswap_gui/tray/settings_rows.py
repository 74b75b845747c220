"""A row of the settings window for each kind of setting, made from its declaration."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import (
    QCheckBox,
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
from vramswap_gui.tray.bars import muted, wrapped
from vramswap_gui.tray.switch import Switch
from vramswap_gui.units import GIB, round_down

#: Sizes are shown in GiB, to a hundredth of one.
_DECIMALS = 2


def translated(text: str) -> str:
    """A text of a declaration in the user's language."""
    return QCoreApplication.translate("settings", text)


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
        widget.setAccessibleName(translated(self.setting.title))
        widget.setAccessibleDescription(translated(self.setting.help))
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
        self._box = QComboBox()
        for value, meaning in setting.choices.items():
            self._box.addItem(translated(meaning), value)
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
        self._field.textChanged.connect(self.edited)
        self._add(self._field)

    def value(self) -> Value:
        return self._field.text().strip()

    def show_value(self, value: Value) -> None:
        self._field.setText(str(value))


class _NumberEditor(Editor):
    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._field = QSpinBox(minimum=setting.minimum or 0, maximum=setting.maximum or 0, singleStep=setting.step)
        if setting.unit:
            self._field.setSuffix(f" {setting.unit}")
        self._field.valueChanged.connect(self.edited)
        self._add(self._field)

    def value(self) -> Value:
        return self._field.value()

    def show_value(self, value: Value) -> None:
        self._field.setValue(int(value))


class _SizeEditor(Editor):
    """A number of GiB, and a box for "automatic" where there is such a value."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._exact = 0
        self._field = QDoubleSpinBox(
            minimum=(setting.minimum or 0) / GIB, maximum=(setting.maximum or 0) / GIB, decimals=_DECIMALS
        )
        self._field.setSingleStep(0.25)
        self._field.setSuffix(" GiB")
        self._field.valueChanged.connect(self.edited)
        self._auto: QCheckBox | None = None
        if setting.auto is not None:
            self._auto = QCheckBox(translated("No limit") if setting.key == "maximum" else translated("Automatic"))
            self._auto.toggled.connect(self._field.setDisabled)
            self._auto.toggled.connect(self.edited)
            self.line.addWidget(self._auto)
        self._add(self._field)

    def value(self) -> Value:
        if self._auto is not None and self._auto.isChecked():
            return self.setting.auto or 0
        shown = self._field.value()
        if round(self._exact / GIB, _DECIMALS) == round(shown, _DECIMALS):
            # What was not touched stays to the byte.
            return self._exact
        return max(self.setting.minimum or 0, round_down(int(shown * GIB), self.setting.step))

    def show_value(self, value: Value) -> None:
        automatic = self._auto is not None and value == self.setting.auto
        if self._auto is not None:
            self._auto.setChecked(automatic)
        self._field.setDisabled(automatic)
        self._exact = int(value)
        if not automatic:
            self._field.setValue(int(value) / GIB)


_EDITORS: dict[Kind, Callable[[Setting], Editor]] = {
    Kind.SWITCH: _SwitchEditor,
    Kind.CHOICE: _ChoiceEditor,
    Kind.TEXT: _TextEditor,
    Kind.NUMBER: _NumberEditor,
    Kind.SIZE: _SizeEditor,
}


class Row(QWidget):
    """Title and help on one side, editor and reset button on the other."""

    edited = Signal()

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self._saved: Value = setting.default
        self.editor = _EDITORS[setting.kind](setting)
        self.title = wrapped(translated(setting.title))
        self.title.setBuddy(self.editor)
        self.reset = QToolButton(autoRaise=True)
        self.reset.setText("↺")
        shown = setting.show(setting.default) or translated("empty")
        self.reset.setToolTip(translated("Back to the default, {value}").format(value=translated(shown)))
        self.reset.setAccessibleName(translated("Reset {title}").format(title=self.title.text()))
        self.reset.clicked.connect(self._go_back)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.title, 0, 0)
        grid.addWidget(self.editor, 0, 1)
        grid.addWidget(self.reset, 0, 2)
        grid.addWidget(muted(wrapped(translated(setting.help))), 1, 0, 1, 3)
        self.editor.edited.connect(self._edited)

    @property
    def value(self) -> Value:
        """What is entered."""
        return self.editor.value()

    @property
    def changed(self) -> bool:
        """Whether that is something else than what is in force."""
        return self.value != self._saved

    def show_value(self, value: Value) -> None:
        """Show what is in force."""
        self._saved = value
        self.editor.blockSignals(True)
        self.editor.show_value(value)
        self.editor.blockSignals(False)
        self._edited()

    def _go_back(self) -> None:
        self.editor.show_value(self.setting.default)
        self._edited()

    def _edited(self) -> None:
        self.reset.setEnabled(self.value != self.setting.default)
        self.edited.emit()
