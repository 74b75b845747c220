# SPDX-License-Identifier: MIT
"""A part of a window that is there when somebody wants it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QStyle, QStyleOption, QStylePainter, QToolButton, QVBoxLayout, QWidget

from vramswap_gui.tray.widgets.labels import scaled

_ARROWS: Final = {
    Qt.ArrowType.DownArrow: QStyle.PrimitiveElement.PE_IndicatorArrowDown,
    Qt.ArrowType.LeftArrow: QStyle.PrimitiveElement.PE_IndicatorArrowLeft,
    Qt.ArrowType.RightArrow: QStyle.PrimitiveElement.PE_IndicatorArrowRight,
}


class _Heading(QToolButton):
    """An arrow and a text, which begin where the text of other headings does.

    A style would have them inside the frame of a button. The arrow tells whether it is open.
    """

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        room = self._arrow() + self._gap() + metrics.horizontalAdvance(self.text())
        return QSize(room + 4, metrics.height() + 8)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOption()
        option.initFrom(self)
        whole, side = self.rect(), self._arrow()
        arrow = QRect(0, (whole.height() - side) // 2, side, side)
        option.rect = QStyle.visualRect(self.layoutDirection(), whole, arrow)
        painter.drawPrimitive(_ARROWS[self.arrowType()], option)
        words = QStyle.visualRect(self.layoutDirection(), whole, whole.adjusted(side + self._gap(), 0, 0, 0))
        leading = QStyle.visualAlignment(self.layoutDirection(), Qt.AlignmentFlag.AlignLeft)
        flags, role = leading | Qt.AlignmentFlag.AlignVCenter, QPalette.ColorRole.WindowText
        self.style().drawItemText(painter, words, flags, self.palette(), True, self.text(), role)
        # Who uses the mouse needs no ring around what they clicked.
        if self.hasFocus() and option.state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self.palette().windowText().color(), 1.2))
            painter.drawRoundedRect(QRectF(whole).adjusted(0.6, 0.6, -0.6, -0.6), 4, 4)

    def _arrow(self) -> int:
        return round(self.fontMetrics().height() * 0.7)

    def _gap(self) -> int:
        return round(self.fontMetrics().height() * 0.4)


class Fold(QWidget):
    """A heading to click on, and below it a column, at first not to be seen."""

    def __init__(self, heading: str, factor: float = 1.0, *, bold: bool = False) -> None:
        super().__init__()
        self.heading = _Heading()
        self.heading.setText(heading)
        self.heading.setFont(scaled(self.heading, factor, bold=bold))
        self.heading.setCheckable(True)
        self.heading.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.heading.toggled.connect(self.open)
        self.body = QWidget()
        self.column = QVBoxLayout(self.body)
        self.column.setContentsMargins(0, 8, 0, 0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.heading, 0, Qt.AlignmentFlag.AlignLeading)
        outer.addWidget(self.body)
        self.open(False)

    def open(self, wanted: bool) -> None:
        """Show what is in it, or no longer."""
        self.heading.setChecked(wanted)
        folded = Qt.ArrowType.LeftArrow if self.isRightToLeft() else Qt.ArrowType.RightArrow
        self.heading.setArrowType(Qt.ArrowType.DownArrow if wanted else folded)
        self.body.setVisible(wanted)
