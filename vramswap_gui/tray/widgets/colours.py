# SPDX-License-Identifier: MIT
"""Colours out of the desktop's palette, with the contrasts that WCAG 2.1 wants: 4.5 for text, 3 for what is drawn."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette

from vramswap_gui.tray.view_model import Fill

#: What text and what drawings need against what they stand on (1.4.3 and 1.4.11).
TEXT: Final = 4.5
DRAWING: Final = 3.0
#: A little more, so that rounding to whole colours loses nothing.
_SPARE: Final = 1.03


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


def luminance(colour: QColor) -> float:
    """The relative luminance of WCAG 2.1, 0 to 1."""
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    """The contrast ratio of WCAG 2.1, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def legible(colour: QColor, palette: QPalette, needed: float = DRAWING) -> QColor:
    """``colour``, as much nearer to the text's as it takes to be seen in the window."""
    window, text = palette.window().color(), palette.windowText().color()
    for step in range(21):
        found = blend(colour, text, step / 20)
        if contrast(found, window) >= needed * _SPARE:
            return found
    return text


def faded(palette: QPalette, share: float, needed: float) -> QColor:
    """The text's colour with an opacity of ``share``, or as much more as it takes."""
    return legible(blend(palette.window().color(), palette.windowText().color(), share), palette, needed)


def muted_colour(palette: QPalette) -> QColor:
    """For text that is less important."""
    return faded(palette, 0.62, TEXT)


def edge(palette: QPalette) -> QColor:
    """For the outline of something to click on."""
    return faded(palette, 0.45, DRAWING)


def accent(palette: QPalette) -> QColor:
    """For what is ours."""
    return legible(palette.highlight().color(), palette)


def knob_colour(palette: QPalette, track: QColor) -> QColor:
    """For what moves on a ``track``: white where that can be seen, else what the track itself stands out from."""
    white = QColor(Qt.GlobalColor.white)
    return white if contrast(white, track) >= DRAWING else palette.window().color()


def fill_colour(palette: QPalette, fill: Fill) -> QColor:
    """The colour of a part of a bar: the accent for what is ours, greys for the rest."""
    window, text = palette.window().color(), palette.windowText().color()
    return {
        Fill.USED: accent(palette),
        Fill.RESERVED: accent(palette),
        Fill.PROGRAM: blend(window, text, 0.72),
        Fill.OTHER: faded(palette, 0.5, DRAWING),
        Fill.HEADROOM: faded(palette, 0.45, DRAWING),
        Fill.FREE: blend(window, text, 0.13),
    }[fill]
