# SPDX-License-Identifier: MIT
"""The tray icon can be seen on every panel, recoloured by the host or not; the files are what the drawing says."""

from __future__ import annotations

import importlib.util
import itertools
import re
from pathlib import Path
from types import ModuleType
from typing import Final
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from vramswap_gui.tray import icons
from vramswap_gui.tray.icons import Ink
from vramswap_gui.tray.view_model import Look
from vramswap_gui.tray.widgets.colours import contrast

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "resources/icons"
#: GNOME's panel, Breeze Dark's, Xfce's dark one, waybar's usual one, Breeze's light one, white.
DARK: Final = ("#000000", "#2a2e32", "#2d2d2d", "#2b303b")
LIGHT: Final = ("#eff0f1", "#fafafa", "#ffffff")
#: MATE's light one and its dark one, and one on which no grey is seen.
BETWEEN: Final = ("#d3d3d3", "#3c3c3c", "#808080")
#: WCAG 2.1, 1.4.11: what a picture needs against what it stands on.
NEEDED: Final = 3.0
NAMES: Final = [name for name, _ in icons.every()]
#: Enough for a line of one pixel not to be washed out by its neighbours.
SIZE: Final = 44


def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("icon_writer", ROOT / "packaging/icons.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seen(picture: QImage, panel: str) -> float:
    """The contrast that the clearest tenth of what is drawn has, at least, on ``panel``."""
    ground = QImage(picture.size(), QImage.Format.Format_RGB32)
    ground.fill(QColor(panel))
    painter = QPainter(ground)
    painter.drawImage(0, 0, picture)
    painter.end()
    places = list(itertools.product(range(picture.width()), range(picture.height())))
    drawn = sorted(
        (contrast(ground.pixelColor(x, y), QColor(panel)) for x, y in places if picture.pixelColor(x, y).alpha()),
        reverse=True,
    )
    assert len(drawn) > len(places) / 6, "hardly anything is drawn"
    return drawn[len(drawn) // 10]


def rendered(text: str) -> QImage:
    picture = QImage(SIZE, SIZE, QImage.Format.Format_ARGB32)
    picture.fill(0)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(text.encode())).render(painter)
    painter.end()
    return picture


@pytest.mark.parametrize("panel", DARK + LIGHT)
def test_it_is_seen_where_nobody_recolours_it(panel: str) -> None:
    for name in NAMES:
        text = (FOLDER / f"{name}.svg").read_text()
        # Qt's renderer knows no classes, and takes the ink that is in the file for them.
        found = re.search(r"ColorScheme-Text \{ color: (#\w+)", text)
        assert found
        assert seen(rendered(text.replace("currentColor", found[1])), panel) >= NEEDED, name


@pytest.mark.parametrize("panel", (*DARK, *LIGHT, *BETWEEN))
def test_a_picture_is_seen_on_any_panel(panel: str) -> None:
    for look in Look:
        assert seen(icons.image(SIZE, look, Ink.AUTOMATIC, 0.5), panel) >= NEEDED, look


@pytest.mark.parametrize(("panels", "ink"), [(DARK, Ink.LIGHT), (LIGHT, Ink.DARK)])
def test_a_chosen_ink_suits_its_panels(panels: tuple[str, ...], ink: Ink) -> None:
    for look, panel in itertools.product(Look, panels):
        assert seen(icons.image(SIZE, look, ink, 0.5), panel) >= 2 * NEEDED, (look, panel)


@pytest.mark.parametrize("panel", DARK + LIGHT)
def test_a_host_gives_it_its_own_ink(panel: str) -> None:
    """GTK fills every path, KDE sets the class; both by style, and both leave the strength of each path."""
    ink = "#ffffff" if panel in DARK else "#000000"
    for name in NAMES:
        text = (FOLDER / f"{name}.svg").read_text()
        assert seen(rendered(re.sub(r'fill="[^"]*"', f'fill="{ink}"', text)), panel) >= 4 * NEEDED, name


def test_only_what_is_filled_is_drawn() -> None:
    """GTK fills what has only an outline, too; so there is none."""
    for name in NAMES:
        for element in ElementTree.parse(FOLDER / f"{name}.svg").iter():
            assert "stroke" not in element.attrib
            if element.tag.endswith("}path"):
                assert element.attrib["class"].split()[0] in ("ColorScheme-Text", "ColorScheme-NegativeText")
                assert element.attrib["fill"] == "currentColor"


def test_the_files_are_the_drawing() -> None:
    document = writer().document
    for name, drawing in icons.every():
        assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == document(drawing), (
            f"{name} is not what vramswap_gui/tray/icons.py draws; run packaging/icons.py"
        )
    assert {path.stem for path in FOLDER.glob("*-symbolic.svg")} == set(NAMES)
    listed = (ROOT / "packaging/files.txt").read_text()
    assert all(re.search(rf"icons/{name}.svg +share/icons/hicolor/symbolic/apps\n", listed) for name in NAMES)


@pytest.mark.parametrize("ink", Ink)
def test_each_look_has_its_picture(ink: Ink) -> None:
    """At the smallest size every state still has its own, and the ring moves in coarse steps."""
    pictures = [icons.image(16, look, ink, 0.5) for look in Look]
    pictures += [icons.image(16, Look.ON, ink, 0.9), icons.image(16, Look.ON, ink, 0.0)]
    for one, other in itertools.combinations(pictures, 2):
        assert one != other
    assert icons.name(Look.ON, 0.51) == icons.name(Look.ON, 0.5) == "vramswap-on-4-symbolic"
    assert icons.name(Look.ON, 7.0) == icons.name(Look.ON, 1.0)
    assert icons.name(Look.OFF, 0.5) == "vramswap-off-symbolic"
