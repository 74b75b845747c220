# SPDX-License-Identifier: MIT
"""When an engine ends: a pure decision, for what it holds may be all that is left of the pages.

While its keeper lives, the keeper decides. An engine whose keeper is gone holds what it has and serves whom it serves,
until a new keeper takes over, or until the kernel has let go of every device. The end of a connection says nothing
about that: the kernel gives up connections that are late, and waits for others.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

#: So many looks in a row must find that nobody can ask for a page. One may fall between two steps of a keeper's end: it
#: is gone, and what it had asked the kernel for is still on its way.
LOOKS: Final = 3
#: Seconds between two of them.
LOOK_SECONDS: Final = 1.0


@dataclass(slots=True)
class Life:
    """An engine's, as far as its keeper matters to it."""

    orphaned: bool = False
    _idle: int = 0

    def keeper_gone(self) -> None:
        """The channel ended, or an answer could not be sent."""
        self.orphaned = True

    def look(self, attached: Collection[str], connections: int) -> bool:
        """Whether to wipe everything and end: ``attached`` names its segments that are devices of the kernel's, and
        over so many ``connections`` somebody may ask for a page."""
        if not self.orphaned or attached or connections:
            self._idle = 0
            return False
        self._idle += 1
        return self._idle >= LOOKS
