# SPDX-License-Identifier: MIT
"""Prints what a screen reader finds of vramswap's windows, as JSON. Runs in the desktop's tree, with its Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

_STATES = {
    "focused": Atspi.StateType.FOCUSED,
    "focusable": Atspi.StateType.FOCUSABLE,
    "checked": Atspi.StateType.CHECKED,
    "enabled": Atspi.StateType.ENABLED,
}


def parts(part: Any) -> Iterator[dict[str, object]]:
    """What can be seen of ``part``, from the top."""
    if part is None or not part.get_state_set().contains(Atspi.StateType.SHOWING):
        return
    states, value = part.get_state_set(), part.get_value_iface()
    yield {
        "role": part.get_role_name(),
        "name": part.get_name(),
        "description": part.get_description(),
        "value": (Atspi.Value.get_text(value) if value else None) or "",
        "states": [name for name, state in _STATES.items() if states.contains(state)],
    }
    for number in range(part.get_child_count()):
        yield from parts(part.get_child_at_index(number))


def windows() -> Iterator[Any]:
    """The windows of the tray."""
    desktop = Atspi.get_desktop(0)
    for number in range(desktop.get_child_count()):
        program = desktop.get_child_at_index(number)
        if program is not None and "vramswap" in (program.get_name() or ""):
            yield from (program.get_child_at_index(window) for window in range(program.get_child_count()))


print(json.dumps([part for window in windows() for part in parts(window)]))
