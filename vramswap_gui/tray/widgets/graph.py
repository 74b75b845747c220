"""Traffic between memory and VRAM over the last minutes: out above the middle, back below, what VRAM holds as a line.

Hue and hatching both tell the two apart, so that neither is needed. Colours are the palette's, lines as sharp as the
screen.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from vramswap_gui.tray.history import SPAN, History, Sample, ceiling
from vramswap_gui.tray.i18n import size_text, tr
from vramswap_gui.tray.widgets.usage_bar import blend
from vramswap_gui.units import MIB

#: WCAG 2.1, 1.4.11: what graphics need against what they stand on.
_CONTRAST: Final = 3.0
#: Degrees round the circle of hues. Makes orange of blue, which nearly everybody can tell apart, and red of no accent
#: that a desktop has.
_TURN: Final = 195
_HATCH: Final = 6
#: Heights in lines of text: all of it, and what is below the picture.
_LINES: Final = 12.5
_LINES_BELOW: Final = 3.8


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


def luminance(colour: QColor) -> float:
    """The relative luminance of WCAG 2.1, 0 to 1."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    """The contrast ratio of WCAG 2.1, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def series_colour(palette: QPalette, series: Series) -> QColor:
    """The accent for what goes out, another hue for what comes back, the text's colour for the line."""
    window, text = palette.window().color(), palette.windowText().color()
    if series is Series.HELD:
        return text
    colour = palette.highlight().color()
    if series is Series.BACK:
        # A grey accent has no hue to turn, which Qt tells as less than 0.
        hue = (max(0.0, colour.hslHueF()) + _TURN / 360) % 1.0
        colour = QColor.fromHslF(hue, max(0.5, colour.hslSaturationF()), colour.lightnessF())
    for step in range(11):
        legible = blend(colour, text, step / 10)
        if contrast(legible, window) >= _CONTRAST:
            return legible
    return text


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
        scale = Scale.of(self._history)
        painter.save()
        if self.isRightToLeft():
            # Time goes as the words do.
            painter.translate(plot.left() + plot.right(), 0)
            painter.scale(-1, 1)
        self._draw_frame(painter, plot)
        painter.setClipRect(plot.adjusted(-1, -1, 1, 1))
        stretches = self._history.stretches()
        for stretch in stretches:
            self._draw_area(painter, plot, scale, stretch, Series.OUT)
            self._draw_area(painter, plot, scale, stretch, Series.BACK)
            self._draw_middle(painter, plot, stretch)
        for stretch in stretches:
            self._draw_held(painter, plot, scale, stretch)
        painter.restore()
        self._draw_scale(painter, plot, scale)
        self._draw_legend(painter, QRectF(plot.left(), plot.bottom() + line * 1.6, plot.width(), line * 2))

    # The picture

    def _draw_frame(self, painter: QPainter, plot: QRectF) -> None:
        palette = self.palette()
        faint = blend(palette.window().color(), palette.windowText().color(), 0.22)
        painter.fillRect(plot, blend(palette.window().color(), palette.windowText().color(), 0.04))
        painter.setPen(QPen(faint, 1))
        painter.drawRect(plot)
        # Dots where nobody looked; where somebody did, there is a line over them.
        painter.setPen(QPen(blend(palette.window().color(), palette.windowText().color(), 0.4), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(plot.left(), plot.center().y()), QPointF(plot.right(), plot.center().y()))
        painter.setPen(QPen(faint, 1, Qt.PenStyle.DotLine))
        for minute in range(1, round(SPAN / 60)):
            x = plot.right() - plot.width() * minute * 60 / SPAN
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))

    def _x(self, plot: QRectF, at: float) -> float:
        newest = self._history.samples[-1].at
        return plot.right() - plot.width() * (newest - at) / SPAN

    def _draw_area(
        self, painter: QPainter, plot: QRectF, scale: Scale, stretch: tuple[Sample, ...], series: Series
    ) -> None:
        """A rate is that of the time before its sample."""
        middle = plot.center().y()
        unit = plot.height() / 2 / scale.rate * (-1 if series is Series.OUT else 1)
        areas: list[QRectF] = []
        outline: list[QPointF] = []
        before = None
        for sample in stretch:
            rate = sample.paged_out if series is Series.OUT else sample.paged_in
            if rate is None:
                continue
            left, right = self._x(plot, sample.at - sample.seconds), self._x(plot, sample.at)
            if rate:
                areas.append(QRectF(left, middle, right - left, rate * unit).normalized())
            if rate == before:
                # Most of the time there is no traffic, and one line does for all of that.
                outline[-1].setX(right)
            else:
                outline += [QPointF(left, middle + rate * unit), QPointF(right, middle + rate * unit)]
            before = rate
        colour = series_colour(self.palette(), series)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._hatching(colour, series))
        painter.drawRects(areas)
        self._draw_line(painter, outline, colour, 1)

    def _hatching(self, colour: QColor, series: Series) -> QBrush:
        """A light wash with slanted lines, which rise for one and fall for the other."""
        ratio = self.devicePixelRatioF()
        side = round(_HATCH * ratio)
        tile = QPixmap(side, side)
        wash, ink = QColor(colour), QColor(colour)
        wash.setAlphaF(0.25)
        ink.setAlphaF(0.8)
        tile.fill(wash)
        painter = QPainter(tile)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(ink, ratio))
        start, end = (side, 0) if series is Series.OUT else (0, side)
        # The ends of the neighbouring lines are in the corners.
        for shift in (-side, 0, side):
            painter.drawLine(shift, start, shift + side, end)
        painter.end()
        tile.setDevicePixelRatio(ratio)
        return QBrush(tile)

    def _draw_middle(self, painter: QPainter, plot: QRectF, stretch: tuple[Sample, ...]) -> None:
        """No traffic is neither one colour nor the other."""
        palette = self.palette()
        left, right = self._x(plot, stretch[0].at), self._x(plot, stretch[-1].at)
        painter.fillRect(
            QRectF(left, plot.center().y() - 1, right - left, 2),
            blend(palette.window().color(), palette.windowText().color(), 0.5),
        )

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
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_line(painter, points, series_colour(self.palette(), Series.HELD), 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _draw_line(self, painter: QPainter, points: list[QPointF], colour: QColor, width: int) -> None:
        """A line as thick as ``width``, made of lines that are as thin as can be: wide ones cost ten times as much."""
        pen = QPen(colour, 1)
        pen.setCosmetic(True)
        painter.setPen(pen)
        # Smooth ones are spread over two pixels, and have to lie closer for the full colour.
        step = (0.5 if painter.testRenderHint(QPainter.RenderHint.Antialiasing) else 1) / self.devicePixelRatioF()
        times = max(1, round(width / step))
        painter.save()
        painter.translate(0, -(times - 1) / 2 * step)
        for _ in range(times):
            painter.drawPolyline(points)
            painter.translate(0, step)
        painter.restore()

    # The words

    def _draw_scale(self, painter: QPainter, plot: QRectF, scale: Scale) -> None:
        painter.setPen(self.palette().placeholderText().color())
        line = self.fontMetrics().height()
        above = QRectF(plot.left(), plot.top() - line * 1.2, plot.width(), line)
        below = QRectF(plot.left(), plot.bottom() + line * 0.15, plot.width(), line)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.drawText(above, left, tr("± {rate}").format(rate=self._rate(scale.rate)))
        painter.drawText(above, right, size_text(scale.held))
        painter.drawText(below, left, tr("5 minutes ago"))
        painter.drawText(below, right, tr("now"))

    def _draw_legend(self, painter: QPainter, area: QRectF) -> None:
        """Each name has its number below it, so that nothing moves while the numbers change."""
        names = {Series.OUT: tr("To VRAM"), Series.BACK: tr("Back"), Series.HELD: tr("In VRAM")}
        palette, metrics, line = self.palette(), self.fontMetrics(), area.height() / 2
        side, width = line * 0.7, area.width() / len(names)
        for number, (series, name) in enumerate(names.items()):
            swatch = QRectF(area.left() + width * number + 0.5, area.top() + (line - side) / 2, side, side)
            room = QRectF(swatch.right() + 7, area.top(), width - side - 12, line)
            if self.isRightToLeft():
                swatch, room = _mirrored(swatch, area), _mirrored(room, area)
            self._draw_swatch(painter, swatch, series)
            for text, role in ((name, palette.windowText()), (self._words[series], palette.placeholderText())):
                painter.setPen(role.color())
                painter.drawText(room, metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room.width())))
                room.translate(0, line)

    def _draw_swatch(self, painter: QPainter, area: QRectF, series: Series) -> None:
        colour = series_colour(self.palette(), series)
        if series is Series.HELD:
            painter.fillRect(QRectF(area.left(), area.center().y() - 1, area.width(), 2), colour)
            return
        painter.setPen(QPen(colour, 1.5))
        painter.setBrush(self._hatching(colour, series))
        painter.drawRect(area)


def _mirrored(part: QRectF, area: QRectF) -> QRectF:
    return QRectF(area.left() + area.right() - part.right(), part.top(), part.width(), part.height())
