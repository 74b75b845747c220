# SPDX-License-Identifier: MIT
"""What VRAM is good for: how much went there today instead of elsewhere, and for how long it was lent."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from vramswap_gui.api.activity import Today
from vramswap_gui.system import smallfile, vmstat
from vramswap_gui.system.vmstat import Moved

#: Looks are a second apart while VRAM is lent. What lies between two that are further apart is not known.
_GAP: Final = 5.0
#: Nothing that is counted comes near it, and the bus could not carry it.
_FAR: Final = 1 << 63
#: How often the sums are kept for a helper that takes over.
_KEEP_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums of a day, and what they were counted from. Each look makes a new one."""

    day: str = ""
    paged_out: int = 0
    paged_in: int = 0
    seconds: float = 0.0
    #: The last look, while something was lent.
    at: float | None = None
    #: Device → its counters then. Of one that is gone they stay: its name, and they, may come back.
    counters: Mapping[str, Moved] = field(default_factory=dict)

    def add(self, day: str, now: float, found: Mapping[str, Moved]) -> Tally:
        """One more look: ``found`` are the devices that are lent. ``now``: seconds of a clock that never goes back.

        It is never too much: of a device that is seen for the first time nobody knows what it counted before.
        """
        base = self if day == self.day else Tally(day, at=self.at, counters=self.counters)
        known = [(base.counters[name], moved) for name, moved in found.items() if name in base.counters]
        passed = now - base.at if base.at is not None else 0.0
        return dataclasses.replace(
            base,
            paged_out=base.paged_out + sum(max(0, new.paged_out - old.paged_out) for old, new in known),
            paged_in=base.paged_in + sum(max(0, new.paged_in - old.paged_in) for old, new in known),
            seconds=base.seconds + (passed if found and passed < _GAP else 0.0),
            at=now if found else None,
            counters={**base.counters, **found},
        )

    @property
    def today(self) -> Today:
        """The sums, as they are told."""
        return Today(self.paged_out, self.paged_in, round(self.seconds))

    def as_text(self) -> str:
        """For a helper that takes over."""
        kept = dataclasses.asdict(dataclasses.replace(self, at=None, counters={}))
        return json.dumps(kept | {"counters": {name: dataclasses.astuple(m) for name, m in self.counters.items()}})

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The reverse; nothing counted when it is none."""
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, RecursionError):
            kept = json.loads(text)
            counters = {
                str(name): Moved(int(_count(came)), int(_count(went)))
                for name, (came, went) in kept["counters"].items()
            }
            return cls(str(kept["day"]), int(_count(kept["paged_out"])), int(_count(kept["paged_in"])),
                       _count(kept["seconds"]), counters=counters)  # fmt: skip
        return cls()


class Ledger:
    """Keeps the tally, in the runtime directory too, until the machine starts anew."""

    def __init__(self, folder: Path, sys: Path = Path("/sys")) -> None:
        self._path = folder / "today"
        self._sys = sys
        self._tally = Tally.from_text(smallfile.text(self._path))
        self._kept_at = float("-inf")

    @property
    def today(self) -> Today:
        """What was so when the last look was taken."""
        return self._tally.today if self._tally.day == _day() else Today()

    def look(self, devices: Collection[str]) -> None:
        """Count; ``devices`` are lent now."""
        lent_before = self._tally.at is not None
        if not devices and not lent_before:
            return
        counted = vmstat.read(devices, sys=self._sys)
        # What the whole machine swapped is not ours.
        found = {name: counted.get(name, Moved(0, 0)) for name in devices}
        now = time.monotonic()
        self._tally = self._tally.add(_day(), now, found)
        if not devices or now - self._kept_at >= _KEEP_SECONDS:
            self._kept_at = now
            # A full /run costs no more than that.
            with contextlib.suppress(OSError):
                smallfile.write(self._path, self._tally.as_text())


def _count(value: object) -> float:
    """What was counted. Raises ValueError for what cannot have been: JSON has infinities, too."""
    if not isinstance(value, (int, float)) or not 0 <= value < _FAR:
        raise ValueError(value)
    return value


def _day() -> str:
    return datetime.date.today().isoformat()
