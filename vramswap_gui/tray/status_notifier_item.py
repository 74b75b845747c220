# SPDX-License-Identifier: MIT
"""The icon on desktops that draw it themselves: KDE, GNOME with its extension, Xfce, MATE, LXQt, Cinnamon, waybar.

Protocol: https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/, with KDE's names. The icon is given
either by name or as pictures: a host that gets both may take the pictures (Plasma 5.27 does), and cannot recolour them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMenu

from vramswap_gui.tray import icons
from vramswap_gui.tray.bus_object import BusObject, Method, Property
from vramswap_gui.tray.desktop import Desktop
from vramswap_gui.tray.icons import Ink
from vramswap_gui.tray.menu_on_bus import PATH as MENU_PATH
from vramswap_gui.tray.menu_on_bus import MenuOnBus
from vramswap_gui.tray.view_model import Look, View

WATCHER: Final = "org.kde.StatusNotifierWatcher"
WATCHER_PATH: Final = "/StatusNotifierWatcher"
_PIXMAPS: Final = "a(iiay)"
#: Each costs its size in bytes with every change.
_SIZES: Final = (22, 32, 48)


class StatusNotifierItem(QObject):
    """An icon in every host that there is and that comes."""

    #: Somebody clicked on it, at this place of the screen, which Wayland does not tell: 0, 0.
    activated = Signal(int, int)

    def __init__(self, desktop: Desktop, title: str, menu: QMenu, ink: Callable[[], Ink], named: bool) -> None:
        """``named``: hosts find the icons by name. ``ink``: what pictures are drawn with."""
        super().__init__()
        self._desktop = desktop
        self._named = named
        self._ink = ink
        self._view: View | None = None
        self._menu = MenuOnBus(menu)
        self._object = item = BusObject(
            "/StatusNotifierItem",
            "org.kde.StatusNotifierItem",
            {
                "Category": Property("s", lambda: "Hardware"),
                "Id": Property("s", lambda: "vramswap"),
                "Title": Property("s", lambda: title),
                "Status": Property("s", self._status),
                "WindowId": Property("i", lambda: 0),
                "IconThemePath": Property("s", str),
                "IconName": Property("s", self._name),
                "IconPixmap": Property(_PIXMAPS, self._pixmaps),
                "OverlayIconName": Property("s", str),
                "OverlayIconPixmap": Property(_PIXMAPS, list),
                "AttentionIconName": Property("s", self._name),
                "AttentionIconPixmap": Property(_PIXMAPS, self._pixmaps),
                "AttentionMovieName": Property("s", str),
                "ToolTip": Property("(sa(iiay)ss)", self._tooltip),
                "ItemIsMenu": Property("b", lambda: False),
                "Menu": Property("o", lambda: MENU_PATH),
            },
            {
                "Activate": Method(("i", "i"), (), self._activate),
                "SecondaryActivate": Method(("i", "i"), (), self._activate),
                # The host shows the menu, which it has.
                "ContextMenu": Method(("i", "i"), (), lambda x, y: []),
                "Scroll": Method(("i", "s"), (), lambda delta, direction: []),
                "ProvideXdgActivationToken": Method(("s",), (), self._note_token),
            },
            {
                "NewTitle": (), "NewIcon": (), "NewAttentionIcon": (), "NewOverlayIcon": (), "NewToolTip": (),
                "NewMenu": (), "NewStatus": ("s",),
            },
        )  # fmt: skip
        self._told = self._shown()
        self._name_on_bus = f"org.kde.StatusNotifierItem-{os.getpid()}-1"
        desktop.export(item, self._menu)

    def register(self) -> None:
        """Tell the host that has come."""
        self._desktop.begin(self._register())

    async def _register(self) -> None:
        await self._desktop.own(self._name_on_bus)
        await self._desktop.call(
            WATCHER, WATCHER_PATH, WATCHER, "RegisterStatusNotifierItem", "s", self._name_on_bus, reply=""
        )

    def show_view(self, view: View) -> None:
        """Show another view; hosts are told of what is different in it, and of nothing else."""
        self._view = view
        # Compared with what they were told: another ink may have been chosen since.
        before, now = self._told, self._shown()
        self._told = now
        self._menu.refresh()
        if now[0] != before[0]:
            self._object.tell("NewIcon")
            self._object.tell("NewAttentionIcon")
        if now[1] != before[1]:
            self._object.tell("NewStatus", self._status())
        if now[2] != before[2]:
            self._object.tell("NewToolTip")

    def close(self) -> None:
        """Take it away."""
        self._desktop.withdraw(self._object, self._menu)
        self._desktop.begin(self._desktop.disown(self._name_on_bus))

    def _shown(self) -> tuple[tuple[str, Ink], str, list[Any]]:
        return (self._icon(), self._ink()), self._status(), self._tooltip()

    def _icon(self) -> str:
        view = self._view
        return icons.name(view.look, view.ring) if view else icons.name(Look.BUSY)

    def _name(self) -> str:
        return self._icon() if self._named and self._ink() is Ink.AUTOMATIC else ""

    def _pixmaps(self) -> list[Any]:
        view = self._view
        if self._name() or view is None:
            return []
        return _pictures(view.look, self._ink(), view.ring)

    def _status(self) -> str:
        return "NeedsAttention" if self._view is not None and self._view.look is Look.FAILED else "Active"

    def _tooltip(self) -> list[Any]:
        view = self._view
        return ["", [], view.tooltip_title, view.tooltip_text] if view else ["", [], "", ""]

    def _activate(self, x: int, y: int) -> list[Any]:
        self.activated.emit(x, y)
        return []

    def _note_token(self, token: str) -> list[Any]:
        # Qt takes it from there for the window that is activated next (xdg-activation on Wayland).
        os.environ["XDG_ACTIVATION_TOKEN"] = token
        return []


# A host that asks for one property after the other has all of them read each time.
@functools.lru_cache(maxsize=1)
def _pictures(look: Look, ink: Ink, ring: float) -> list[Any]:
    return [_pixmap(icons.image(size, look, ink, ring)) for size in _SIZES]


def _pixmap(image: QImage) -> list[Any]:
    """Width, height and ARGB in network byte order."""
    picture = image.convertToFormat(QImage.Format.Format_ARGB32)
    pixels = memoryview(picture.constBits()).cast("B").cast("I")
    return [picture.width(), picture.height(), b"".join(pixel.to_bytes(4, "big") for pixel in pixels)]
