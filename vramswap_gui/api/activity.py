# SPDX-License-Identifier: MIT
"""What the helper remembers for whoever opens a window: its last events, and what VRAM was good for today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from vramswap_gui.plain import plain

#: Longer texts from elsewhere are cut.
_LONGEST = 300
#: A day before the year 10000, in which no calendar here is of use, wherever one is on earth.
_LATEST = 253_402_214_400
#: What the bus can carry as a number.
_NUMBERS = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, as the journal has it. What is not there is empty, or 0."""

    #: Seconds since 1970.
    at: int
    #: The value of ``VRAMSWAP_EVENT``.
    event: str
    #: In English.
    sentence: str
    #: By the names of the journal's fields, without ``VRAMSWAP_``. Whose wish it was is not in it; ``asked`` says
    #: that it was somebody's.
    fields: Mapping[str, str | int] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A field that is a text."""
        value = self.fields.get(name, "")
        return plain(value, _LONGEST) if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """A field that is a number."""
        value = self.fields.get(name, 0)
        return value if isinstance(value, int) else 0

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """What :data:`ENTRIES_SIGNATURE` says. Raises ValueError or TypeError."""
        at, event, sentence, fields = wire
        if not isinstance(at, int) or not 0 <= at <= _LATEST:
            raise ValueError("no calendar has such a time")
        return cls(at, plain(str(event), _LONGEST), plain(str(sentence), _LONGEST), _known(fields))


def _known(fields: Any) -> dict[str, str | int]:
    """What of the fields the bus can carry."""
    known: dict[str, str | int] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            known[plain(str(name))] = plain(value)
        elif isinstance(value, int) and value in _NUMBERS:
            known[plain(str(name))] = value
    return known


@dataclass(frozen=True, slots=True)
class Today:
    """Since midnight: bytes that went to VRAM and came back, and seconds for which VRAM was lent."""

    paged_out: int = 0
    paged_in: int = 0
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    """Both. ``entries``: the oldest first."""

    entries: tuple[Entry, ...] = ()
    today: Today = Today()


#: D-Bus types of both.
ENTRIES_SIGNATURE = "a(xssa{sv})"
TODAY_SIGNATURE = "(ttt)"


def from_wire(entries: Any, today: Any) -> Activity:
    """What the helper answered. Raises ValueError or TypeError."""
    return Activity(tuple(Entry.from_wire(entry) for entry in entries), Today(*map(int, today)))
