# SPDX-License-Identifier: MIT
"""Writes the tray's symbolic icons into resources/icons, from their one drawing (vramswap_gui/tray/icons.py).

The form that hosts recolour: GTK and GNOME fill every path with the panel's ink, KDE and LXQt replace the colours of
the classes ``ColorScheme-…``. Whoever does neither shows the colours below, which any panel lets see.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from PySide6.QtGui import QPainterPath

from vramswap_gui.tray import icons

FOLDER: Final = Path(__file__).parents[1] / "resources/icons"


def document(drawing: tuple[icons.Shape, ...]) -> str:
    """An icon as an SVG."""
    ink, alarm = (colour.name() for colour in icons.colours(icons.Ink.AUTOMATIC))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {icons.GRID:g} {icons.GRID:g}" width="16" height="16">',
        '  <style id="current-color-scheme" type="text/css">',
        f"    .ColorScheme-Text {{ color: {ink} }} .ColorScheme-NegativeText {{ color: {alarm} }}",
        "  </style>",
        *(_path(shape) for shape in drawing),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _path(shape: icons.Shape) -> str:
    kind = "ColorScheme-NegativeText error" if shape.alarm else "ColorScheme-Text"
    strength = f' fill-opacity="{shape.strength:g}"' if shape.strength < 1 else ""
    rule = ' fill-rule="evenodd"'
    return f'  <path class="{kind}" fill="currentColor"{strength}{rule} d="{_outline(shape.path)}"/>'


def _outline(path: QPainterPath) -> str:
    """The path in SVG's words, to a hundredth."""
    words: list[str] = []
    elements = (path.elementAt(number) for number in range(path.elementCount()))
    for element in elements:
        place = f"{element.x:.2f} {element.y:.2f}"
        match element.type:
            case QPainterPath.ElementType.MoveToElement:
                words.append(f"M{place}")
            case QPainterPath.ElementType.LineToElement:
                words.append(f"L{place}")
            case QPainterPath.ElementType.CurveToElement:
                words.append(f"C{place}")
            case _:
                words.append(place)
    return " ".join(words)


def main() -> None:
    """Write them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name, drawing in icons.every():
        (folder / f"{name}.svg").write_text(document(drawing), encoding="utf-8")


if __name__ == "__main__":
    main()
