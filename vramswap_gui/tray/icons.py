# SPDX-License-Identifier: MIT
"""The icons: a chip in a ring, one picture for each look and each eighth of the ring.

Each is a few filled outlines, because hosts recolour what is filled and nothing else. As files (``resources/icons``,
written by packaging/icons.py) they are symbolic: the panel gives them its own ink. Where a host cannot be given a name,
or gives no ink, they are drawn here: light with a dark edge, which can be told from any panel.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPainterPath, QPen, QPixmap, QTransform

from vramswap_gui.tray.autostart import Folders
from vramswap_gui.tray.view_model import Look

#: Trays take the nearest one; these are what they use at 1, 1.5 and 2 times.
SIZES: Final = (16, 22, 24, 32, 44, 48, 64)
#: The drawing is made in a square of this size.
GRID: Final = 24.0
#: Finer differences cannot be seen, and each is a file and a message to the host.
STEPS: Final = 8
#: Where a theme keeps symbolic icons, below a folder of data.
_IN_THEME: Final = "icons/hicolor/symbolic/apps"

#: The dark edge around what is light, in units of the grid, half of it on either side of an outline.
_EDGE: Final = 2.4
#: What is only the ground for something else, beside what has to be seen.
FAINT: Final = 0.45


class Ink(enum.StrEnum):
    """What pictures are drawn with: the panel's own ink, by name, or one that was chosen."""

    AUTOMATIC = "automatic"
    LIGHT = "light"
    DARK = "dark"


#: Ink, and the colour of an alarm. The automatic one, for files that nobody recolours, has a contrast of 3:1 and more
#: to black and to white panels alike.
_COLOURS: Final = {
    Ink.AUTOMATIC: ("#888888", "#e05252"),
    Ink.LIGHT: ("#f6f5f4", "#ff7b7b"),
    Ink.DARK: ("#2e3436", "#c01c28"),
}


@dataclass(frozen=True)
class Shape:
    """A filled outline. ``strength``: 1 for what has to be seen."""

    path: QPainterPath
    strength: float = 1.0
    alarm: bool = False


def name(look: Look, ring: float = 0.0) -> str:
    """The icon's name in the theme, with the ring filled from 0 to 1."""
    return f"vramswap-{look}-{_step(ring)}-symbolic" if look is Look.ON else f"vramswap-{look}-symbolic"


def every() -> Iterator[tuple[str, tuple[Shape, ...]]]:
    """All of them: name and drawing."""
    for look in Look:
        for step in range(STEPS + 1) if look is Look.ON else (0,):
            yield name(look, step / STEPS), shapes(look, step / STEPS)
    # The program's own, where a desktop shows symbolic ones.
    yield "vramswap-symbolic", shapes(Look.ON, 0.625)


def installed(folders: Folders) -> bool:
    """Whether a host finds the names."""
    files = (folder / _IN_THEME / f"{name(Look.OFF)}.svg" for folder in folders.data_dirs)
    return any(map(Path.is_file, files))


def colours(ink: Ink) -> tuple[QColor, QColor]:
    """Ink, and the colour of an alarm."""
    plain, alarm = _COLOURS[ink]
    return QColor(plain), QColor(alarm)


def icon(look: Look, ink: Ink, ring: float = 0.0) -> QIcon:
    """The icon as pictures."""
    return _icon(look, ink, _step(ring) if look is Look.ON else 0)


@functools.lru_cache(maxsize=8)
def _icon(look: Look, ink: Ink, step: int) -> QIcon:
    result = QIcon()
    for size in SIZES:
        result.addPixmap(QPixmap.fromImage(image(size, look, ink, step / STEPS)))
    return result


def image(size: int, look: Look, ink: Ink, ring: float = 0.0) -> QImage:
    """The icon in one size, in device pixels."""
    picture = QImage(size, size, QImage.Format.Format_ARGB32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / GRID, size / GRID)
    drawing = shapes(look, ring)
    if ink is Ink.AUTOMATIC:
        _edge(painter, drawing)
        ink = Ink.LIGHT
    _paint(painter, drawing, *colours(ink))
    painter.end()
    return picture


def application_icon() -> QIcon:
    """The icon of windows: the theme's when vramswap is installed, else the same chip on a coloured tile."""
    drawn = QIcon()
    for size in (*SIZES, 128, 256):
        picture = QPixmap(size, size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size / GRID, size / GRID)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#1a5fb4"))
        painter.drawRoundedRect(QRectF(0.5, 0.5, 23, 23), 5.5, 5.5)
        painter.translate(GRID / 2, GRID / 2)
        painter.scale(0.78, 0.78)
        painter.translate(-GRID / 2, -GRID / 2)
        _paint(painter, shapes(Look.ON, 0.625), *colours(Ink.LIGHT))
        painter.end()
        drawn.addPixmap(picture)
    return QIcon.fromTheme("vramswap", drawn)


def shapes(look: Look, ring: float = 0.0) -> tuple[Shape, ...]:
    """The drawing of a look, in a square of :data:`GRID`."""
    return tuple(_shapes(look, _step(ring) / STEPS))


def _step(ring: float) -> int:
    return round(max(0.0, min(1.0, ring)) * STEPS)


def _paint(painter: QPainter, drawing: tuple[Shape, ...], ink: QColor, alarm: QColor) -> None:
    for shape in drawing:
        colour = QColor(alarm if shape.alarm else ink)
        colour.setAlphaF(shape.strength)
        painter.fillPath(shape.path, colour)


def _edge(painter: QPainter, drawing: tuple[Shape, ...]) -> None:
    """What is light is seen on a light panel by it."""
    colour, _ = colours(Ink.DARK)
    for shape in drawing:
        colour.setAlphaF(shape.strength**0.5)
        pen = QPen(colour, _EDGE, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(shape.path, pen)


def _shapes(look: Look, ring: float) -> Iterator[Shape]:
    match look:
        case Look.ON:
            if ring < 1:
                yield Shape(_arc(90 - 360 * ring, -360 * (1 - ring)), FAINT)
            if ring > 0:
                yield Shape(_arc(90, -360 * ring))
            yield Shape(_chip(solid=True))
        case Look.OFF:
            yield Shape(_arc(90, -360), FAINT)
            yield Shape(_chip(solid=False))
        case Look.BUSY:
            for start in (30, 150, 270):
                yield Shape(_arc(start, 75))
            yield Shape(_chip(solid=False))
        case Look.WAITING | Look.FAILED:
            # The badge has the corner to itself.
            room = QPainterPath()
            room.addEllipse(QPointF(18.6, 18.6), 6.3, 6.3)
            yield Shape(_arc(-5, 280), FAINT)
            yield Shape(_without(_chip(solid=False), room))
            yield Shape(_badge(look), alarm=look is Look.FAILED)
        case Look.UNAVAILABLE:
            yield Shape(_without(_arc(90, -360), _slash(4.6)), FAINT)
            yield Shape(_without(_chip(solid=False), _slash(4.6)), FAINT)
            yield Shape(_slash(2.2))


def _arc(start: float, length: float) -> QPainterPath:
    """A part of the ring; degrees, anticlockwise from the right."""
    outer, inner = (QRectF(12 - radius, 12 - radius, 2 * radius, 2 * radius) for radius in (11.7, 9.5))
    path = QPainterPath()
    if abs(length) >= 360:
        path.addEllipse(outer)
        path.addEllipse(inner)
        return path
    path.arcMoveTo(outer, start)
    path.arcTo(outer, start, length)
    path.arcTo(inner, start + length, -length)
    path.closeSubpath()
    return path


def _chip(*, solid: bool) -> QPainterPath:
    path = QPainterPath()
    path.addRoundedRect(QRectF(7.4, 7.4, 9.2, 9.2), 2, 2)
    if not solid:
        path.addRoundedRect(QRectF(9, 9, 6, 6), 0.4, 0.4)
    for along in (9.25, 13.25):
        for outer in (5.3, 16.6):
            path.addRect(QRectF(along, outer, 1.5, 2.1))
            path.addRect(QRectF(outer, along, 2.1, 1.5))
    return path


def _badge(look: Look) -> QPainterPath:
    """A disc with holes for its sign."""
    centre, path = QPointF(18.6, 18.6), QPainterPath()
    path.addEllipse(centre, 5.2, 5.2)
    if look is Look.FAILED:
        path.addRoundedRect(QRectF(17.7, 15.3, 1.8, 4.0), 0.6, 0.6)
        path.addEllipse(QPointF(18.6, 21.3), 1.05, 1.05)
    else:
        for offset in (-2.5, 0.0, 2.5):
            path.addEllipse(centre + QPointF(offset, 0), 0.9, 0.9)
    return path


def _slash(width: float) -> QPainterPath:
    """From one corner to the other."""
    path, turn = QPainterPath(), QTransform()
    path.addRoundedRect(QRectF(-11, -width / 2, 22, width), width / 2, width / 2)
    turn.translate(GRID / 2, GRID / 2)
    turn.rotate(45)
    return turn.map(path)


def _without(path: QPainterPath, room: QPainterPath) -> QPainterPath:
    """``path`` with a hole. Qt makes curves of short lines for it, so it is done large."""
    large, small = QTransform.fromScale(16, 16), QTransform.fromScale(1 / 16, 1 / 16)
    return small.map(large.map(path).subtracted(large.map(room)))
