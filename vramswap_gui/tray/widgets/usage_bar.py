"""Bars with parts, and the legend that names the parts; colours come from the palette."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPalette
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from vramswap_gui.tray.i18n import size_text
from vramswap_gui.tray.view_model import Bar, Fill

#: Where nothing better is known, a part must still be seen.
_THINNEST: Final = 2.0


def is_dark(palette: QPalette) -> bool:
    """Whether text is lighter than what it stands on."""
    return palette.windowText().color().lightnessF() > palette.window().color().lightnessF()


def blend(below: QColor, above: QColor, share: float) -> QColor:
    """``above`` laid over ``below`` with an opacity of ``share``."""
    return QColor.fromRgbF(
        *(
            under + (over - under) * share
            for under, over in zip(below.getRgbF()[:3], above.getRgbF()[:3], strict=True)  # type: ignore[index]
        )
    )


def fill_colour(palette: QPalette, fill: Fill) -> QColor:
    """The colour of a part: the accent for what is ours, greys for the rest."""
    window, text = palette.window().color(), palette.windowText().color()
    accent = palette.highlight().color()
    return {
        Fill.USED: accent,
        Fill.RESERVED: blend(window, accent, 0.45),
        Fill.PROGRAM: blend(window, text, 0.65),
        Fill.OTHER: blend(window, text, 0.5),
        Fill.HEADROOM: blend(window, text, 0.26),
        Fill.FREE: blend(window, text, 0.13),
    }[fill]


def muted(label: QLabel) -> QLabel:
    """Make a label less important, in a way that follows the palette."""
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def wrapped(text: str = "") -> QLabel:
    """A label for plain text of any length."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if label.isRightToLeft():
        # Otherwise a text goes by its own letters, and a GPU's name would be on the wrong side.
        sides = Qt.AlignmentFlag
        label.setAlignment(sides.AlignRight | sides.AlignAbsolute | sides.AlignVCenter)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    # After the policy, which it changes: without that the layout would not ask how high so narrow a label is.
    label.setWordWrap(True)
    return label


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
            text = ", ".join(f"{part.label} {size_text(part.size)}" for part in bar.parts)
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
                painter.fillRect(QRectF(left, area.top(), width, area.height()), fill_colour(self.palette(), part.fill))
                # A gap keeps neighbours apart for those who cannot tell the colours.
                painter.fillRect(QRectF(left + width - 1, area.top(), 1, area.height()), self.palette().window())
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
        painter.setBrush(fill_colour(self.palette(), self._fill))
        painter.drawRoundedRect(self.rect(), 2.5, 2.5)


class Legend(QWidget):
    """The names and numbers of a bar's parts, in two columns."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._values: list[QLabel] = []
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
            value = muted(QLabel())
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
        self._rows: list[tuple[QLabel, QLabel, StackedBar]] = []
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
        title, detail, strip = wrapped(), muted(QLabel()), StackedBar(0.45)
        line.addWidget(title, 1)
        line.addWidget(detail)
        column.addLayout(line)
        column.addWidget(strip)
        self._column.addWidget(row)
        self._rows.append((title, detail, strip))
        self._widgets.append(row)
