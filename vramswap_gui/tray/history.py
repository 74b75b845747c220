# SPDX-License-Identifier: MIT
"""The last minutes of traffic between memory and VRAM, as a value: each reading makes a new :class:`History`.

Nobody reads while the window is hidden, so there are gaps, and nothing is invented to fill them.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vramswap_gui.system.vmstat import Moved

#: Seconds that are kept.
SPAN: Final = 300.0
#: Readings come every second; when the next one is so late, somebody stopped looking in between.
_GAP: Final = 2.5
#: Two readings that are closer than this make no rate.
_LEAST: Final = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """What was so at one moment: ``at`` in seconds, ``held`` in bytes.

    The rates, in bytes per second, are those of the ``seconds`` before; they are None when nobody looked then.
    """

    at: float
    held: int
    seconds: float = 0.0
    paged_in: float | None = None
    paged_out: float | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Samples of the last :data:`SPAN` seconds, oldest first. ``lent``: bytes of VRAM that are swap now."""

    samples: tuple[Sample, ...] = ()
    lent: int = 0
    _counters: Mapping[str, Moved] = field(default_factory=dict)

    def add(self, at: float, held: int, lent: int, counters: Mapping[str, Moved]) -> History:
        """This history and one more reading. ``at``: seconds of a clock that goes on while the machine sleeps."""
        if self.samples and at - self.samples[-1].at < _LEAST:
            return self
        seconds = at - self.samples[-1].at if self.samples else _GAP
        sample = Sample(at, held)
        # A device that came or went meanwhile has no rate, and one that was made anew counts from zero again.
        common = self._counters.keys() & counters.keys()
        off = not counters and not self._counters and not lent
        if seconds < _GAP and (common or off):
            came = sum(max(0, counters[name].paged_in - self._counters[name].paged_in) for name in common)
            went = sum(max(0, counters[name].paged_out - self._counters[name].paged_out) for name in common)
            sample = dataclasses.replace(sample, seconds=seconds, paged_in=came / seconds, paged_out=went / seconds)
        kept = itertools.dropwhile(lambda old: old.at < at - SPAN, (*self.samples, sample))
        return History(tuple(kept), lent, counters)

    @property
    def latest(self) -> Sample | None:
        """The newest sample."""
        return self.samples[-1] if self.samples else None

    @property
    def peak_rate(self) -> float:
        """The highest of all rates, in bytes per second."""
        return max((rate for s in self.samples for rate in (s.paged_in, s.paged_out) if rate is not None), default=0.0)

    @property
    def peak_held(self) -> int:
        """The most bytes that VRAM held."""
        return max((sample.held for sample in self.samples), default=0)

    def stretches(self) -> tuple[tuple[Sample, ...], ...]:
        """The samples, parted where nobody looked."""
        parts: list[list[Sample]] = []
        for sample in self.samples:
            if not parts or sample.at - parts[-1][-1].at >= _GAP:
                parts.append([])
            parts[-1].append(sample)
        return tuple(tuple(part) for part in parts)


def ceiling(peak: float, least: int) -> int:
    """Where an axis ends that has to reach ``peak``: ``least`` times 1, 1.5, 2, 3, 4, 6, 8 and so on.

    With a power of two as ``least`` all of them read well in binary units.
    """
    top = least
    while top < peak:
        if top * 3 // 2 >= peak:
            return top * 3 // 2
        top *= 2
    return top
