# SPDX-License-Identifier: MIT
"""Bars with parts, and the legend that names the parts."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPainterPath, QPaintEvent, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from vramswap_gui.tray.i18n import size_text
from vramswap_gui.tray.view_model import Bar, Fill
from vramswap_gui.tray.widgets.colours import blend, fill_colour
from vramswap_gui.tray.widgets.labels import Label, wrapped

#: Where nothing better is known, a part must still be seen.
_THINNEST: Final = 2.0
_HATCH: Final = 5


def fill_brush(palette: QPalette, fill: Fill, ratio: float) -> QBrush:
    """What a part is painted with; hatching tells what is reserved from what is used, to those who see no hue.

    ``ratio``: pixels of the screen in one of ours.
    """
    colour = fill_colour(palette, fill)
    if fill is not Fill.RESERVED:
        return QBrush(colour)
    side = round(_HATCH * ratio)
    tile = QPixmap(side, side)
    tile.fill(blend(palette.window().color(), colour, 0.3))
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.3 * ratio))
    # The ends of the neighbouring lines are in the corners.
    for shift in (-side, 0, side):
        painter.drawLine(shift, side, shift + side, 0)
    painter.end()
    tile.setDevicePixelRatio(ratio)
    return QBrush(tile)


class StackedBar(QWidget):
    """One bar, its parts side by side."""

    def __init__(self, thickness: float = 0.9) -> None:
        super().__init__()
        self._thickness = thickness
        self._bar: Bar | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_bar(self, bar: Bar) -> None:
        """Show other numbers."""
        if bar != self._bar:
            self._bar = bar
            self.setAccessibleName(f"{bar.title}: {bar.detail}")
            text = ", ".join(f"{part.label} {size_text(part.size)}" for part in bar.parts) if bar.bytes else ""
            self.setAccessibleDescription(text)
            self.setToolTip(text)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, max(6, round(self.fontMetrics().height() * self._thickness)))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        outline = QPainterPath()
        radius = min(area.height() / 2, 5.0)
        outline.addRoundedRect(area, radius, radius)
        painter.setClipPath(outline)
        if self.isRightToLeft():
            painter.translate(area.width(), 0)
            painter.scale(-1, 1)
        painter.fillRect(area, fill_colour(self.palette(), Fill.FREE))
        parts = [part for part in self._bar.parts if part.size > 0] if self._bar else []
        total = sum(part.size for part in parts)
        left = area.left()
        for part in parts:
            width = area.width() * part.size / total
            if part.fill is not Fill.FREE:
                width = max(width, _THINNEST)
                brush = fill_brush(self.palette(), part.fill, self.devicePixelRatioF())
                painter.fillRect(QRectF(left, area.top(), width, area.height()), brush)
                # A gap keeps neighbours apart for those who cannot tell the colours.
                painter.fillRect(QRectF(left + width - 1.5, area.top(), 1.5, area.height()), self.palette().window())
            left += width


class Swatch(QWidget):
    """A small square of a part's colour."""

    def __init__(self, fill: Fill) -> None:
        super().__init__()
        self._fill = fill
        side = round(self.fontMetrics().height() * 0.7)
        self.setFixedSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill_brush(self.palette(), self._fill, self.devicePixelRatioF()))
        painter.drawRoundedRect(self.rect(), 2.5, 2.5)


class Legend(QWidget):
    """The names and numbers of a bar's parts, in two columns."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._values: list[Label] = []
        self._kinds: tuple[tuple[Fill, str], ...] = ()

    def show_bar(self, bar: Bar) -> None:
        """Show other numbers; the entries are made anew only when they are others."""
        kinds = tuple((part.fill, part.label) for part in bar.parts)
        if kinds != self._kinds:
            self._kinds = kinds
            self._rebuild()
        for label, part in zip(self._values, bar.parts, strict=True):
            label.setText(size_text(part.size))

    def _rebuild(self) -> None:
        while item := self._grid.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        self._values = []
        for number, (fill, name) in enumerate(self._kinds):
            row, column = divmod(number, 2)
            column *= 4
            value = Label(muted=True)
            self._values.append(value)
            self._grid.addWidget(Swatch(fill), row, column, Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(wrapped(name), row, column + 1)
            self._grid.addWidget(value, row, column + 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.setColumnMinimumWidth(3, 20)
        for column in (1, 5):
            self._grid.setColumnStretch(column, 1)


class Tiers(QWidget):
    """Several bars with their names above them: memory and the swap areas."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self._rows: list[tuple[Label, Label, StackedBar]] = []
        self._widgets: list[QWidget] = []

    def show_bars(self, bars: tuple[Bar, ...]) -> None:
        """Show these, one row each."""
        while len(self._rows) < len(bars):
            self._add_row()
        while len(self._rows) > len(bars):
            self._rows.pop()
            widget = self._widgets.pop()
            self._column.removeWidget(widget)
            widget.deleteLater()
        for bar, (title, detail, strip) in zip(bars, self._rows, strict=True):
            title.setText(bar.title)
            detail.setText(bar.detail)
            strip.show_bar(bar)

    def _add_row(self) -> None:
        row = QWidget()
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        line = QHBoxLayout()
        title, detail, strip = wrapped(), Label(muted=True), StackedBar(0.45)
        line.addWidget(title, 1)
        line.addWidget(detail)
        column.addLayout(line)
        column.addWidget(strip)
        self._column.addWidget(row)
        self._rows.append((title, detail, strip))
        self._widgets.append(row)
