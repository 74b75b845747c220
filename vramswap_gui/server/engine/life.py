# SPDX-License-Identifier: MIT
"""When an engine ends, and when it helps itself: pure decisions, for what it holds may be all there is of the pages.

While its keeper lives, the keeper decides. An engine whose keeper is gone holds what it has and serves whom it serves,
until a new keeper takes over, or until the kernel has let go of every device. The end of a connection says nothing
about that: the kernel gives up connections that are late, and waits for others. A keeper gives it those. But whoever
starts the next one, the helper or init, may wait for a page, and so may that keeper until its memory is locked; an
engine waits for nobody. So one whose devices are served by nobody gives the kernel connections itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Final

#: So many looks in a row must find that nobody can ask for a page. One may fall between two steps of a keeper's end: it
#: is gone, and what it had asked the kernel for is still on its way.
LOOKS: Final = 3
#: Seconds between two of them.
LOOK_SECONDS: Final = 1.0
#: Seconds between two tries to get a GPU without a keeper, which would do it better.
TRY_SECONDS: Final = 5.0


class Step(Enum):
    """What an engine is to do."""

    #: Nothing but what it does.
    STAY = "stay"
    #: Become who serves the devices that nobody serves.
    SERVE = "serve"
    #: Wipe everything, and end.
    END = "end"


@dataclass(slots=True)
class Life:
    """An engine's, as far as its keeper matters to it."""

    orphaned: bool = False
    _idle: int = 0
    _bare: int = 0

    def keeper_gone(self) -> None:
        """The channel ended, or an answer could not be sent."""
        self.orphaned = True

    def introduced(self) -> None:
        """A new keeper knows of it, and is given time to take over."""
        self._bare = 0

    def look(self, attached: Collection[str], connections: int, unserved: bool, eldest: bool) -> Step:
        """What follows from a look: ``attached`` names its segments that are devices of the kernel's, and over so many
        ``connections`` somebody may ask for a page; ``unserved``: one of these devices has nobody who serves it.
        ``eldest``: of the engines before it none is left, which could still write, and has what this one has."""
        self._bare = self._bare + 1 if self.orphaned and unserved and eldest else 0
        self._idle = self._idle + 1 if self.orphaned and eldest and not attached and not connections else 0
        if self._idle >= LOOKS:
            return Step.END
        if self._bare >= LOOKS:
            self._bare = 0
            return Step.SERVE
        return Step.STAY
