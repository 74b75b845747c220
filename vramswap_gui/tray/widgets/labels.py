# SPDX-License-Identifier: MIT
"""Labels for plain text of any length, and for text that is less important."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from vramswap_gui.tray.widgets.colours import muted_colour


class Label(QLabel):
    """``muted``: less important, in a colour that is legible whatever the palette is and becomes."""

    def __init__(self, text: str = "", *, muted: bool = False) -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._muted = muted
        if muted:
            self.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            self._tone()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if self._muted and event.type() is QEvent.Type.PaletteChange:
            self._tone()

    def _tone(self) -> None:
        colour = muted_colour(self.palette())
        if self.palette().placeholderText().color() != colour:
            # Of this palette nothing else is set, so that all the rest goes on being the desktop's.
            own = QPalette()
            own.setColor(QPalette.ColorRole.PlaceholderText, colour)
            self.setPalette(own)


def wrapped(text: str = "", *, muted: bool = False) -> Label:
    """A label that takes as many lines as it needs."""
    label = Label(text, muted=muted)
    label.setAlignment(leading(label) | Qt.AlignmentFlag.AlignVCenter)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    # After the policy, which it changes: without that the layout would not ask how high so narrow a label is.
    label.setWordWrap(True)
    return label


def leading(widget: QWidget) -> Qt.AlignmentFlag:
    """The side where lines begin. Otherwise a text goes by its own letters, and a number would be on the wrong side."""
    if widget.isRightToLeft():
        return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute
    return Qt.AlignmentFlag.AlignLeft


def scaled(widget: QWidget, factor: float, *, bold: bool) -> QFont:
    """The widget's font in another size."""
    font = widget.font()
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setBold(bold)
    return font
