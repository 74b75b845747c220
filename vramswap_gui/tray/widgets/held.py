# SPDX-License-Identifier: MIT
"""Controls that take no input for a while and keep the focus.

A control that is disabled loses the focus, and the next key, meant for it, does something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget as _Control
else:
    # One class of Qt's is all that Python can have a widget be of.
    _Control = object

_INPUT: Final = (
    QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick,
    QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.Wheel, QEvent.Type.TouchBegin,
)  # fmt: skip
#: These lead away from the control.
_LEAVING: Final = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape)


class Held(_Control):
    """To be mixed into a control."""

    held = False

    def hold(self, held: bool, *, passing: bool = True) -> None:
        """Take no input from now on, or take it again. ``passing``: it is over soon, and the pointer says to wait."""
        waiting = held and passing
        self.setCursor(Qt.CursorShape.BusyCursor if waiting else Qt.CursorShape.ArrowCursor)
        if held is not self.held:
            self.held = held
            self.update()

    def event(self, event: QEvent) -> bool:
        leaving = isinstance(event, QKeyEvent) and event.key() in _LEAVING
        if self.held and not leaving and event.type() in _INPUT:
            event.accept()
            return True
        return super().event(event)
