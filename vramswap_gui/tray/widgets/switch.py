# SPDX-License-Identifier: MIT
"""An on-off switch: a check box in behaviour, for the keyboard and for screen readers, drawn as a switch."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QStyle, QStyleOptionButton

from vramswap_gui.tray.widgets.colours import accent, blend, edge, knob_colour
from vramswap_gui.tray.widgets.held import Held


class Switch(Held, QCheckBox):
    """``clicked(bool)`` is what a person asks for; what is so is shown with ``setChecked``."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        height = max(20, round(self.fontMetrics().height() * 1.5))
        return QSize(round(height * 1.9), height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hitButton(self, pos: QPoint) -> bool:
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        window, text = palette.window().color(), palette.windowText().color()
        area = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        radius = area.height() / 2
        track = accent(palette) if self.isChecked() else edge(palette)
        knob = knob_colour(palette, track)
        if self.held or not self.isEnabled():
            track, knob = blend(window, track, 0.55), blend(window, knob, 0.7)
        elif self.underMouse():
            track = blend(track, text, 0.1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(track)
        painter.drawRoundedRect(area, radius, radius)
        right = self.isChecked() is (self.layoutDirection() is Qt.LayoutDirection.LeftToRight)
        side = area.height() - 6
        left = area.right() - 3 - side if right else area.left() + 3
        painter.setBrush(knob)
        painter.drawEllipse(QRectF(left, area.top() + 3, side, side))
        option = QStyleOptionButton()
        self.initStyleOption(option)
        # Who uses the mouse needs no ring around what they clicked.
        if self.hasFocus() and option.state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setPen(QPen(text, 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.6, 0.6, -0.6, -0.6), radius + 1.4, radius + 1.4)
