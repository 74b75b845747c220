# SPDX-License-Identifier: MIT
"""What a screen reader hears of the size slider: MiB, where Qt would tell the number of a step.

Screen readers round what is more than 1 to a whole number; the size in GiB is the description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAccessible, QAccessibleInterface, QAccessibleValueInterface
from PySide6.QtWidgets import QAccessibleWidget
from shiboken6 import VoidPtr

from vramswap_gui.tray.i18n import size_text
from vramswap_gui.units import MIB

if TYPE_CHECKING:
    from vramswap_gui.tray.widgets.size_slider import StepSlider


class _Value(QAccessibleValueInterface):
    def __init__(self, slider: StepSlider) -> None:
        super().__init__()
        self._slider = slider

    def currentValue(self) -> float:
        return self._slider.size_chosen / MIB

    def setCurrentValue(self, value: Any) -> None:
        self._slider.setValue(round(float(value) * MIB / self._slider.step))

    def minimumValue(self) -> float:
        # Of the range that begins here they reckon the share.
        return 0.0

    def maximumValue(self) -> float:
        return self._slider.maximum() * self._slider.step / MIB

    def minimumStepSize(self) -> float:
        return self._slider.step / MIB


class _Slider(QAccessibleWidget):
    def __init__(self, slider: StepSlider) -> None:
        super().__init__(slider, QAccessible.Role.Slider)
        self._slider = slider
        self._value = _Value(slider)

    def interface_cast(self, kind: QAccessible.InterfaceType) -> Any:
        if kind is QAccessible.InterfaceType.ValueInterface:
            return self._value
        found = super().interface_cast(kind)
        # PySide makes None of a null pointer, but no null pointer of None: the process would end with a segmentation
        # fault at the first thing that a screen reader asks.
        return VoidPtr(0) if found is None else found

    def text(self, kind: QAccessible.Text) -> str:
        if kind is QAccessible.Text.Value:
            return size_text(self._slider.size_chosen)
        return super().text(kind)


#: Qt deletes them with their sliders; to Python they must live as long as that.
_made: dict[int, _Slider] = {}


def install(kind: type[StepSlider]) -> None:
    """Have sliders of this ``kind`` be told so."""

    def make(name: str, thing: Any) -> QAccessibleInterface | None:
        if not isinstance(thing, kind):
            return None
        key = id(thing)
        _made[key] = _Slider(thing)
        thing.destroyed.connect(lambda: _made.pop(key, None))
        return _made[key]

    QAccessible.installFactory(make)
