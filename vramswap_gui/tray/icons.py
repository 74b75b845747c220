"""The tray icon: a chip in a ring. Drawn for each size and colour scheme, because no icon theme has it."""

from __future__ import annotations

import functools
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

from vramswap_gui.tray.view_model import Look

#: Trays take the nearest one; these are what they use at 1, 1.5 and 2 times.
_SIZES: Final = (16, 22, 24, 32, 44, 48, 64, 128)
#: The drawing is made in a square of this size.
_GRID: Final = 24.0
#: Finer differences cannot be seen, and each would be a new icon sent to the tray host.
_RING_STEPS: Final = 24

#: Pictures until a busy ring, which has three equal parts, looks as it did.
TURNS: Final = 8
_INK: Final = {False: QColor("#2e3436"), True: QColor("#f6f5f4")}
_ALARM: Final = {False: QColor("#c01c28"), True: QColor("#ff6b6b")}


def icon(look: Look, dark: bool, ring: float = 0.0, turn: int = 0) -> QIcon:
    """The icon for a state on a dark or light background, with the ring filled from 0 to 1.

    ``turn``, up to :data:`TURNS`: how far the ring of a busy one has turned.
    """
    steps = round(max(0.0, min(1.0, ring)) * _RING_STEPS)
    return _icon(look, dark, *((0, turn) if look is Look.BUSY else (steps, 0)))


@functools.lru_cache(maxsize=64)
def _icon(look: Look, dark: bool, steps: int, turn: int) -> QIcon:
    result = QIcon()
    for size in _SIZES:
        result.addPixmap(pixmap(size, look, dark, steps / _RING_STEPS, turn))
    return result


def pixmap(size: int, look: Look, dark: bool, ring: float, turn: int = 0) -> QPixmap:
    """The icon in one size, in device pixels."""
    image = QPixmap(size, size)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / _GRID, size / _GRID)
    _draw(painter, look, dark, ring, turn)
    painter.end()
    return image


def application_icon() -> QIcon:
    """The icon of windows: the theme's when vramswap is installed, else the same chip on a coloured tile."""
    drawn = QIcon()
    for size in (*_SIZES, 256):
        image = QPixmap(size, size)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size / _GRID, size / _GRID)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#1a5fb4"))
        painter.drawRoundedRect(QRectF(0.5, 0.5, 23, 23), 5.5, 5.5)
        painter.translate(_GRID / 2, _GRID / 2)
        painter.scale(0.78, 0.78)
        painter.translate(-_GRID / 2, -_GRID / 2)
        _draw(painter, Look.ON, True, 0.62, 0)
        painter.end()
        drawn.addPixmap(image)
    return QIcon.fromTheme("vramswap", drawn)


def _draw(painter: QPainter, look: Look, dark: bool, ring: float, turn: int) -> None:
    ink = QColor(_INK[dark])
    faint = QColor(ink)
    faint.setAlphaF(0.38)
    body = faint if look is Look.UNAVAILABLE else ink
    _ring(painter, look, ring, turn, body, faint)
    _chip(painter, body, solid=look is Look.ON)
    if look is Look.FAILED:
        _badge(painter, _ALARM[dark], "!")
    elif look is Look.WAITING:
        _badge(painter, ink, "…")
    elif look is Look.UNAVAILABLE:
        _slash(painter, ink)


def _ring(painter: QPainter, look: Look, ring: float, turn: int, ink: QColor, faint: QColor) -> None:
    circle = QRectF(1.4, 1.4, 21.2, 21.2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(faint, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    if look in (Look.ON, Look.OFF, Look.UNAVAILABLE):
        painter.drawEllipse(circle)
    pen.setColor(ink)
    pen.setWidthF(2.2)
    painter.setPen(pen)
    if look is Look.ON and ring > 0:
        painter.drawArc(circle, 90 * 16, -round(360 * 16 * ring))
    elif look is Look.BUSY:
        for start in (0, 120, 240):
            painter.drawArc(circle, round((start + 30 - 120 * turn / TURNS) * 16), 75 * 16)
    elif look in (Look.FAILED, Look.WAITING):
        pen.setColor(faint)
        painter.setPen(pen)
        # The badge has the corner to itself.
        painter.drawArc(circle, -5 * 16, 280 * 16)


def _chip(painter: QPainter, ink: QColor, solid: bool) -> None:
    square = QRectF(8.2, 8.2, 7.6, 7.6)
    painter.setPen(QPen(ink, 1.6))
    painter.setBrush(ink if solid else QColor(0, 0, 0, 0))
    painter.drawRoundedRect(square, 1.2, 1.2)
    painter.setPen(QPen(ink, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    for along in (10.0, 14.0):
        for outer, inner in ((5.3, 7.6), (18.7, 16.4)):
            painter.drawLine(QPointF(along, outer), QPointF(along, inner))
            painter.drawLine(QPointF(outer, along), QPointF(inner, along))


def _badge(painter: QPainter, ink: QColor, sign: str) -> None:
    centre = QPointF(18.6, 18.6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    painter.drawEllipse(centre, 6.3, 6.3)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    painter.setBrush(ink)
    painter.drawEllipse(centre, 5.2, 5.2)
    mark = QPainterPath()
    if sign == "!":
        mark.addRoundedRect(QRectF(17.7, 15.3, 1.8, 4.0), 0.6, 0.6)
        mark.addEllipse(QPointF(18.6, 21.3), 1.05, 1.05)
    else:
        for offset in (-2.5, 0.0, 2.5):
            mark.addEllipse(centre + QPointF(offset, 0), 0.9, 0.9)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    painter.fillPath(mark, Qt.GlobalColor.black)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)


def _slash(painter: QPainter, ink: QColor) -> None:
    start, end = QPointF(4.2, 4.2), QPointF(19.8, 19.8)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    painter.setPen(QPen(Qt.GlobalColor.black, 4.6))
    painter.drawLine(start, end)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    painter.setPen(QPen(ink, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(start, end)
