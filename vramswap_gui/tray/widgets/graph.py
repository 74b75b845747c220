# SPDX-License-Identifier: MIT
"""The last minutes: what VRAM holds as an area, and below it, once there is some, the traffic as a strip of its own.

In the strip what goes out is above the middle and what comes back below, so that no hue is needed to tell them apart.
Colours are the palette's, lines as sharp as the screen.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from vramswap_gui.tray.history import SPAN, History, Sample, ceiling
from vramswap_gui.tray.i18n import size_text, tr
from vramswap_gui.tray.widgets.colours import DRAWING, blend, edge, faded, legible, muted_colour
from vramswap_gui.units import MIB

#: Degrees round the circle of hues. Makes orange of blue, which nearly everybody can tell apart, and red of no accent
#: that a desktop has.
_TURN: Final = 195
#: Heights in lines of text: all of it, what is below the picture, the strip, and what is between the two.
_LINES: Final = 11.5
_LINES_BELOW: Final = 3.8
_LINES_STRIP: Final = 2.0
_LINES_BETWEEN: Final = 0.4


class Series(enum.Enum):
    """What is drawn."""

    OUT = enum.auto()
    BACK = enum.auto()
    HELD = enum.auto()


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the axes end: bytes per second up and down, and bytes for the line."""

    rate: int
    held: int

    @classmethod
    def of(cls, history: History) -> Scale:
        """The scale on which all of ``history`` can be seen."""
        held = history.lent if history.lent >= history.peak_held else ceiling(history.peak_held, MIB)
        return cls(ceiling(history.peak_rate, MIB), held or MIB)


def series_colour(palette: QPalette, series: Series) -> QColor:
    """The accent for what VRAM holds, as in the bars; the text's colour for what goes out, another hue for the rest."""
    colour = palette.highlight().color()
    if series is Series.HELD:
        return legible(colour, palette)
    if series is Series.OUT:
        return faded(palette, 0.8, DRAWING)
    # A grey accent has no hue to turn, which Qt tells as less than 0.
    hue = (max(0.0, colour.hslHueF()) + _TURN / 360) % 1.0
    turned = QColor.fromHslF(hue, max(0.5, colour.hslSaturationF()), min(0.7, max(0.3, colour.lightnessF())))
    return legible(turned, palette)


class Graph(QWidget):
    """Shows a :class:`History`; the latest numbers are its accessible description, and in its legend."""

    def __init__(self) -> None:
        super().__init__()
        self._history = History()
        self._words: dict[Series, str] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Traffic between memory and VRAM, last 5 minutes"))
        self.show_history(self._history)

    def show_history(self, history: History) -> None:
        """Show another history."""
        latest = history.latest
        self._history = history
        self._words = {
            Series.OUT: self._rate(latest.paged_out if latest else None),
            Series.BACK: self._rate(latest.paged_in if latest else None),
            Series.HELD: size_text(latest.held) if latest else "–",
        }
        text = tr("To VRAM {out}, back {back}, in VRAM {held}. Peak of the last 5 minutes {peak}.").format(
            out=self._words[Series.OUT],
            back=self._words[Series.BACK],
            held=self._words[Series.HELD],
            peak=self._rate(history.peak_rate),
        )
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
        self.update()

    def _rate(self, rate: float | None) -> str:
        return "–" if rate is None else tr("{size}/s").format(size=size_text(round(rate)))

    def sizeHint(self) -> QSize:
        return QSize(240, round(self.fontMetrics().height() * _LINES))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        line = self.fontMetrics().height()
        plot = QRectF(self.rect()).adjusted(0.5, line * 1.2, -0.5, -line * _LINES_BELOW)
        strip = QRectF()
        if self._history.peak_rate:
            strip = plot.adjusted(0, plot.height() - line * _LINES_STRIP, 0, 0)
            plot.setBottom(strip.top() - line * _LINES_BETWEEN)
        scale = Scale.of(self._history)
        painter.save()
        if self.isRightToLeft():
            # Time goes as the words do.
            painter.translate(plot.left() + plot.right(), 0)
            painter.scale(-1, 1)
        self._draw_frame(painter, plot)
        if strip:
            self._draw_frame(painter, strip)
        for stretch in self._history.stretches():
            self._draw_held(painter, plot, scale, stretch)
            if strip:
                self._draw_middle(painter, strip, stretch)
                for series in (Series.OUT, Series.BACK):
                    self._draw_traffic(painter, strip, scale, stretch, series)
        painter.restore()
        bottom = strip.bottom() if strip else plot.bottom()
        self._draw_scale(painter, plot, strip, scale)
        self._draw_legend(painter, QRectF(plot.left(), bottom + line * 1.6, plot.width(), line * 2))

    # The picture

    def _draw_frame(self, painter: QPainter, plot: QRectF) -> None:
        palette = self.palette()
        faint = blend(palette.window().color(), palette.windowText().color(), 0.22)
        painter.fillRect(plot, blend(palette.window().color(), palette.windowText().color(), 0.04))
        painter.setPen(QPen(faint, 1))
        painter.drawRect(plot)
        painter.setPen(QPen(faint, 1, Qt.PenStyle.DotLine))
        for minute in range(1, round(SPAN / 60)):
            x = plot.right() - plot.width() * minute * 60 / SPAN
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))

    def _x(self, plot: QRectF, at: float) -> float:
        newest = self._history.samples[-1].at
        return plot.right() - plot.width() * (newest - at) / SPAN

    def _draw_traffic(
        self, painter: QPainter, strip: QRectF, scale: Scale, stretch: tuple[Sample, ...], series: Series
    ) -> None:
        """A rate is that of the time before its sample."""
        middle = strip.center().y()
        unit = strip.height() / 2 / scale.rate * (-1 if series is Series.OUT else 1)
        areas = []
        for sample in stretch:
            rate = sample.paged_out if series is Series.OUT else sample.paged_in
            if rate:
                left, right = self._x(strip, sample.at - sample.seconds), self._x(strip, sample.at)
                # What is little is to be seen all the same.
                height = math.copysign(max(1.5, abs(rate * unit)), unit)
                areas.append(QRectF(left, middle, right - left, height).normalized())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(series_colour(self.palette(), series))
        painter.drawRects(areas)

    def _draw_middle(self, painter: QPainter, strip: QRectF, stretch: tuple[Sample, ...]) -> None:
        """Where somebody looked there is a line."""
        left, right = self._x(strip, stretch[0].at), self._x(strip, stretch[-1].at)
        painter.fillRect(QRectF(left, strip.center().y() - 0.5, right - left, 1), edge(self.palette()))

    def _draw_held(self, painter: QPainter, plot: QRectF, scale: Scale, stretch: tuple[Sample, ...]) -> None:
        # Of samples that are level, the first and the last do.
        kept = [
            sample
            for before, sample, after in zip((None, *stretch), stretch, (*stretch[1:], None), strict=False)
            if before is None or after is None or not before.held == sample.held == after.held
        ]
        points = [
            QPointF(self._x(plot, sample.at), plot.bottom() - plot.height() * sample.held / scale.held)
            for sample in kept
        ]
        # A single reading has to be seen too.
        points = [points[0] - QPointF(2, 0), *points]
        colour = series_colour(self.palette(), Series.HELD)
        wash = QColor(colour)
        wash.setAlphaF(0.3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(wash)
        ends = [QPointF(points[-1].x(), plot.bottom()), QPointF(points[0].x(), plot.bottom())]
        painter.drawPolygon([*points, *ends])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_line(painter, points, colour, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_line(self, painter: QPainter, points: list[QPointF], colour: QColor, width: int) -> None:
        """A line as thick as ``width``, made of lines that are as thin as can be: wide ones cost ten times as much."""
        pen = QPen(colour, 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        # Smooth ones are spread over two pixels, and have to lie closer for the full colour.
        step = 0.5 / self.devicePixelRatioF()
        times = max(1, round(width / step))
        painter.save()
        painter.translate(0, -(times - 1) / 2 * step)
        for _ in range(times):
            painter.drawPolyline(points)
            painter.translate(0, step)
        painter.restore()

    # The words

    def _draw_scale(self, painter: QPainter, plot: QRectF, strip: QRectF, scale: Scale) -> None:
        painter.setPen(muted_colour(self.palette()))
        line = self.fontMetrics().height()
        bottom = strip.bottom() if strip else plot.bottom()
        above = QRectF(plot.left(), plot.top() - line * 1.2, plot.width(), line)
        below = QRectF(plot.left(), bottom + line * 0.15, plot.width(), line)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.drawText(above, right, size_text(scale.held))
        ends = tr("5 minutes ago"), tr("now")
        painter.drawText(below, left, ends[0])
        painter.drawText(below, right, ends[1])
        middle = tr("at most {rate}").format(rate=self._rate(self._history.peak_rate))
        # It is in the middle of it all: what is beside it there is what the longer of the two leaves.
        width = self.fontMetrics().horizontalAdvance
        if strip and width(middle) + 2 * max(map(width, ends)) + line <= plot.width():
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, middle)

    def _draw_legend(self, painter: QPainter, area: QRectF) -> None:
        """Each name has its number below it, so that nothing moves while the numbers change."""
        names = {Series.HELD: tr("In VRAM"), Series.OUT: tr("↑ To VRAM"), Series.BACK: tr("↓ Back")}
        palette, metrics, line = self.palette(), self.fontMetrics(), area.height() / 2
        side, width = line * 0.7, area.width() / len(names)
        for number, (series, name) in enumerate(names.items()):
            swatch = QRectF(area.left() + width * number + 0.5, area.top() + (line - side) / 2, side, side)
            room = QRectF(swatch.right() + 7, area.top(), width - side - 12, line)
            if self.isRightToLeft():
                swatch, room = _mirrored(swatch, area), _mirrored(room, area)
            painter.fillRect(swatch, series_colour(palette, series))
            for text, colour in ((name, palette.windowText().color()), (self._words[series], muted_colour(palette))):
                painter.setPen(colour)
                painter.drawText(room, metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room.width())))
                room.translate(0, line)


def _mirrored(part: QRectF, area: QRectF) -> QRectF:
    return QRectF(area.left() + area.right() - part.right(), part.top(), part.width(), part.height())
