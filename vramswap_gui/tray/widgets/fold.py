# SPDX-License-Identifier: MIT
"""A part of a window that is there when somebody wants it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QSizePolicy,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vramswap_gui.tray.widgets.labels import scaled


class _Heading(QToolButton):
    """Its arrow tells whether it is open; it does not look pressed besides."""

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.state &= ~QStyle.StateFlag.State_On
        QStylePainter(self).drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)


class Fold(QWidget):
    """A heading to click on, and below it a column, at first not to be seen."""

    def __init__(self, heading: str, factor: float = 1.0, *, bold: bool = False) -> None:
        super().__init__()
        self.heading = _Heading()
        self.heading.setText(heading)
        self.heading.setFont(scaled(self.heading, factor, bold=bold))
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setAutoRaise(True)
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
