# SPDX-License-Identifier: MIT
"""What windows have in common: sizes that follow the font and respect the screen, and a column that scrolls."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QStyle, QVBoxLayout, QWidget

#: Of the screen's free height, so that title bar and panels have room, and what is behind can be seen.
_SHARE: Final = 0.8
#: Between the edge of a window and what is in it, and between that and a scroll bar.
_MARGIN: Final = 22
_BESIDE_BAR: Final = 4
#: In lines of text: wider than this a column is hard to read, in a tiling window manager too.
_WIDEST: Final = 42
#: After which a column has other margins.
_CHANGES: Final = (QEvent.Type.Resize, QEvent.Type.FontChange, QEvent.Type.StyleChange)


def fit(window: QWidget, width: float, height: float) -> None:
    """Size ``window`` in lines of its text, as far as its screen allows."""
    line = window.fontMetrics().height()
    room = window.screen().availableSize()
    window.resize(min(round(width * line), room.width() - 16), min(round(height * line), round(room.height() * _SHARE)))


def side_margins(window: QWidget, width: int) -> int:
    """What is left free at each side of a column in a place of ``width``, be there a scroll bar or none."""
    bar = window.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent, None, window)
    widest = _WIDEST * window.fontMetrics().height()
    return max(_MARGIN, bar + _BESIDE_BAR, (width - widest) // 2)


class _Content(QWidget):
    def minimumSizeHint(self) -> QSize:
        # Labels that wrap ask for the height of their narrowest form; what is needed follows from the real width.
        return QSize(super().minimumSizeHint().width(), 1)


class ScrolledColumn(QScrollArea):
    """Its parts go into ``column``. The place for the scroll bar is always kept, so nothing moves when it comes."""

    def __init__(self, top: int = 20, bottom: int = 20) -> None:
        super().__init__()
        self.content = _Content()
        self.column = QVBoxLayout(self.content)
        self._top, self._bottom = top, bottom
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(self.content)
        self.verticalScrollBar().installEventFilter(self)
        self._place()

    def minimumSizeHint(self) -> QSize:
        return QSize(self.content.minimumSizeHint().width(), super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.Resize):
            self._place()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() in _CHANGES:
            self._place()
        return done

    def _place(self) -> None:
        bar = self.verticalScrollBar()
        sides = side_margins(self, self.width())
        taken = bar.sizeHint().width() if bar.isVisible() else 0
        left, right = (sides - taken, sides) if self.isRightToLeft() else (sides, sides - taken)
        self.column.setContentsMargins(left, self._top, right, self._bottom)


class Column(QWidget):
    """A column that does not scroll, in line with those that do."""

    #: Above its parts, below them, and between them.
    _TOP, _BOTTOM, _SPACING = 20, 20, 14

    def __init__(self) -> None:
        super().__init__()
        self.column = QVBoxLayout(self)
        self.column.setSpacing(self._SPACING)

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() in _CHANGES:
            sides = side_margins(self, self.width())
            self.column.setContentsMargins(sides, self._TOP, sides, self._BOTTOM)
        return done


class Foot(Column):
    """Below a column, with the buttons."""

    _TOP, _BOTTOM, _SPACING = 14, 18, 12


def rule() -> QFrame:
    """A line from one side to the other."""
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setFrameShadow(QFrame.Shadow.Sunken)
    return line
