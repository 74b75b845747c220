"""A column of widgets that scrolls when there is no room for it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget


class _Content(QWidget):
    def minimumSizeHint(self) -> QSize:
        # Labels that wrap ask for the height of their narrowest form; what is needed follows from the real width.
        return QSize(super().minimumSizeHint().width(), 1)


class ScrolledColumn(QScrollArea):
    """Its parts go into ``column``; it is never narrower than they are."""

    def __init__(self) -> None:
        super().__init__()
        self._content = _Content()
        self.column = QVBoxLayout(self._content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(self._content)

    def minimumSizeHint(self) -> QSize:
        narrowest = self._content.minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
        return QSize(narrowest, super().minimumSizeHint().height())
