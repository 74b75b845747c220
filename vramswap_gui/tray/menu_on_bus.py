# SPDX-License-Identifier: MIT
"""A QMenu for the host to draw (com.canonical.dbusmenu, libdbusmenu's dbus-menu.xml).

The menu stays the owner of everything: what is sent is read from it, and a click triggers its action.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Final

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from vramswap_gui.bus.connection import Variant
from vramswap_gui.tray.bus_object import BusObject, Method, Property

PATH: Final = "/MenuBar"
_LAYOUT: Final = "(ia{sv}av)"
#: The types of what an entry can have; what has the value that the protocol takes for granted is left out.
_TYPES: Final = {
    "type": "s", "label": "s", "enabled": "b", "visible": "b", "toggle-type": "s", "toggle-state": "i",
    "children-display": "s",
}  # fmt: skip

#: An entry: its properties, and the numbers of those below it.
_Entry = tuple[dict[str, Any], tuple[int, ...]]


class MenuOnBus(BusObject):
    """Call :meth:`refresh` when something about the menu may be different."""

    def __init__(self, menu: QMenu) -> None:
        self._menu = menu
        self._numbers = itertools.count(1)
        self._actions: dict[int, QAction] = {}
        self._revision = 1
        self._sent = self._entries()
        super().__init__(
            PATH,
            "com.canonical.dbusmenu",
            {
                "Version": Property("u", lambda: 3),
                "TextDirection": Property("s", lambda: "rtl" if menu.isRightToLeft() else "ltr"),
                "Status": Property("s", lambda: "normal"),
                "IconThemePath": Property("as", list),
            },
            {
                "GetLayout": Method(("i", "i", "as"), ("u", _LAYOUT), self._layout),
                "GetGroupProperties": Method(("ai", "as"), ("a(ia{sv})",), self._group),
                "GetProperty": Method(("i", "s"), ("v",), self._property),
                "Event": Method(("i", "s", "v", "u"), (), self._event),
                "EventGroup": Method(("a(isvu)",), ("ai",), self._events),
                "AboutToShow": Method(("i",), ("b",), lambda number: [self._about_to_show(number)]),
                "AboutToShowGroup": Method(
                    ("ai",), ("ai", "ai"), lambda numbers: [list(filter(self._about_to_show, numbers)), []]
                ),
            },
            {
                "ItemsPropertiesUpdated": ("a(ia{sv})", "a(ias)"),
                "LayoutUpdated": ("u", "i"),
                "ItemActivationRequested": ("i", "u"),
            },
        )

    def refresh(self) -> None:
        """Tell the host what is different; entries that stay the same stay on its screen."""
        before, now = self._sent, self._entries()
        if before == now:
            return
        self._sent = now
        if {n: below for n, (_, below) in before.items()} != {n: below for n, (_, below) in now.items()}:
            self._revision += 1
            self.tell("LayoutUpdated", self._revision, 0)
            return
        changed, gone = [], []
        for number, (properties, _) in now.items():
            old = before[number][0]
            new = {key: value for key, value in properties.items() if old.get(key) != value}
            if new:
                changed.append([number, _variants(new)])
            if removed := sorted(old.keys() - properties.keys()):
                gone.append([number, removed])
        self.tell("ItemsPropertiesUpdated", changed, gone)

    # The menu as it is

    def _entries(self) -> dict[int, _Entry]:
        """Everything, by number. The menu itself is 0."""
        found: dict[int, _Entry] = {}
        alive: dict[int, QAction] = {}

        def walk(menu: QMenu) -> tuple[int, ...]:
            below = []
            for action in menu.actions():
                number = self._number(action)
                alive[number] = action
                submenu = action.menu()
                inner = walk(submenu) if isinstance(submenu, QMenu) else ()
                found[number] = (_properties(action), inner)
                below.append(number)
            return tuple(below)

        found[0] = ({"children-display": "submenu"}, walk(self._menu))
        self._actions = alive
        return found

    def _number(self, action: QAction) -> int:
        """The action's number, the same for as long as there is the action."""
        known = action.property("entry")
        if known is None:
            known = next(self._numbers)
            action.setProperty("entry", known)
        return int(known)

    # What the host asks

    def _layout(self, parent: int, depth: int, names: list[str]) -> list[Any]:
        return [self._revision, self._branch(parent, depth, names)]

    def _branch(self, number: int, depth: int, names: Iterable[str]) -> list[Any]:
        below = self._sent.get(number, ({}, ()))[1] if depth else ()
        children = [Variant(_LAYOUT, self._branch(child, depth - 1, names)) for child in below]
        return [number, self._wire(number, names), children]

    def _wire(self, number: int, names: Iterable[str]) -> dict[str, Variant]:
        properties = self._sent.get(number, ({}, ()))[0]
        wanted = set(names) or properties.keys()
        return _variants({key: value for key, value in properties.items() if key in wanted})

    def _group(self, numbers: list[int], names: list[str]) -> list[Any]:
        return [[[number, self._wire(number, names)] for number in numbers or self._sent if number in self._sent]]

    def _property(self, number: int, name: str) -> list[Any]:
        return [self._wire(number, [name]).get(name, Variant("s", ""))]

    def _event(self, number: int, kind: str, data: Variant, at: int) -> list[Any]:
        action = self._actions.get(number)
        if kind == "clicked" and action is not None and action.isEnabled():
            action.trigger()
        elif kind == "opened":
            self._about_to_show(number)
        return []

    def _events(self, events: list[list[Any]]) -> list[Any]:
        for event in events:
            self._event(*event)
        return [[number for number, *_ in events if number and number not in self._actions]]

    def _about_to_show(self, number: int) -> bool:
        """Whether the host has to ask for the entry anew: what becomes different is told as it does."""
        if number == 0:
            self._menu.aboutToShow.emit()
        return False


def _properties(action: QAction) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if action.isSeparator():
        found["type"] = "separator"
    else:
        found["label"] = _label(action.text())
    if not action.isEnabled():
        found["enabled"] = False
    if not action.isVisible():
        found["visible"] = False
    if action.isCheckable():
        group = action.actionGroup()
        found["toggle-type"] = "radio" if group is not None and group.isExclusive() else "checkmark"
        found["toggle-state"] = int(action.isChecked())
    if action.menu() is not None:
        found["children-display"] = "submenu"
    return found


def _label(text: str) -> str:
    """Qt marks a key with an ampersand, the protocol with an underscore; each is doubled to be itself."""
    marked = text.replace("_", "__").replace("&&", "\0").replace("&", "_")
    return marked.replace("\0", "&")


def _variants(properties: dict[str, Any]) -> dict[str, Variant]:
    return {key: Variant(_TYPES[key], value) for key, value in properties.items()}
