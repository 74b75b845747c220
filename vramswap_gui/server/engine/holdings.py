# SPDX-License-Identifier: MIT
"""What an engine holds, and what it says of that to a new keeper."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vramswap_gui import __version__
from vramswap_gui.server import ipc
from vramswap_gui.server.engine.vram import Mapping as VramMapping
from vramswap_gui.server.messages import Kind, SegmentRecord
from vramswap_gui.server.page_sums import PageSums


@dataclass(frozen=True, slots=True)
class Held:
    """A segment: what it is, where it is mapped, the descriptor that keeps it alive, what it is known by, the sums of
    its pages."""

    kind: Kind
    #: None where there is no VRAM of its own.
    mapping: VramMapping | None
    fd: int
    size: int
    ident: str
    #: None for an extent, and for a segment of an earlier version, which had none.
    sums: PageSums | None

    def close(self) -> None:
        """Let go of it; others may have it still."""
        os.close(self.fd)
        if self.sums is not None:
            self.sums.close()

    def record(self, index: int) -> SegmentRecord:
        """As it is told of."""
        return SegmentRecord(
            index, self.size, self.fd, self.ident, sums=self.sums.fd if self.sums is not None else -1, kind=self.kind
        )


class Holdings:
    """All of it: what the engine has mapped, and what it was given at its birth and has not been asked to map yet.

    It has the descriptors of all that its keeper had from the first moment on: should that die while the engine comes
    up, and the one before be dead, nobody else would have the pages.
    """

    def __init__(
        self, gpu: str, left: Sequence[SegmentRecord], counters: int, sentry: int, pool: Mapping[str, Any], codec: str
    ) -> None:
        """``gpu`` is that which has what is ``left``; ``pool`` what was last told of it. ``sentry``: -1 for none."""
        self.mapped: dict[int, Held] = {}
        self._left = {record.index: record for record in left}
        #: While somebody is handed what is held, none of it is let go of.
        self._handing = threading.Lock()
        #: What was last told of the GPU, and of the pool, by whomever.
        self.gpu: Mapping[str, Any] = {"uuid": gpu} if left else {}
        self.pool = pool
        self._counters = counters
        self._sentry = sentry
        self._codec = codec
        #: How many connections there are.
        self.connections: Callable[[], int] = lambda: 0

    def owns(self, ident: str) -> bool:
        """Whether a device of ours has pages here: in VRAM of its own, or, for all that is known, in the pool."""
        return any(ident == record.ident or record.kind is Kind.EXTENT for record in self._records())

    def idents(self) -> Mapping[int, str]:
        """By what the segments are known that are devices, or may be."""
        return {record.index: record.ident for record in self._records() if record.kind is not Kind.EXTENT}

    def left(self) -> list[SegmentRecord]:
        """What is not mapped yet."""
        return list(self._left.values())

    def hold(self, index: int, held: Held) -> None:
        """It is mapped now."""
        with self._handing:
            self.mapped[index] = held
            self._close(self._left.pop(index, None))

    def forget(self, index: int) -> Held:
        """Nobody is handed it any more."""
        with self._handing:
            return self.mapped.pop(index)

    def leave(self) -> None:
        """Who has a keeper that asks for something else has been given all that there is still."""
        with self._handing:
            while self._left:
                self._close(self._left.popitem()[1])

    @staticmethod
    def _close(record: SegmentRecord | None) -> None:
        for fd in record.descriptors if record is not None else ():
            os.close(fd)

    def _records(self) -> Iterator[SegmentRecord]:
        """All that is held. Extents come last: pages of the others lie in them."""
        mapped = [held.record(index) for index, held in list(self.mapped.items())]
        return iter(sorted((*mapped, *self.left()), key=lambda record: record.kind is Kind.EXTENT))

    def introduce(self, asker: socket.socket) -> None:
        """Tell a new keeper all that it needs of us, from whatever thread. Raises OSError."""
        with self._handing:
            ipc.send(asker, *self._told())

    def _told(self) -> tuple[ipc.Message, list[int]]:
        """With the descriptors: the segments', their sums', the sentry's, the counters'. Asks nothing of the GPU, which
        may hang."""
        records = list(self._records())
        segments, extents = list[Mapping[str, Any]](), list[Mapping[str, Any]]()
        for record in records:
            (extents if record.kind is Kind.EXTENT else segments).append({
                "index": record.index, "size": record.size, "ident": record.ident, "kind": record.kind,
                "sums": record.sums >= 0,
            })  # fmt: skip
        sums = [record.sums for record in records if record.sums >= 0]
        sentry = [self._sentry] if self._sentry >= 0 else []
        message = {
            "version": __version__, "gpu": self.gpu, "pool": self.pool, "segments": segments, "extents": extents,
            "connections": self.connections(), "sentry": bool(sentry), "compression": self._codec if extents else "",
        }  # fmt: skip
        return message, [*(record.fd for record in records), *sums, *sentry, self._counters]
