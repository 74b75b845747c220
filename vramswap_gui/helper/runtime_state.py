# SPDX-License-Identifier: MIT
"""What a helper that takes over has to know of the one before: files that last until the machine starts anew."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from vramswap_gui.api.dbus import LONGEST_PAUSE
from vramswap_gui.system import smallfile


def boot_time() -> float:
    """Seconds of a clock that goes on while the machine sleeps, whatever becomes of the calendar (CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class RuntimeState:
    """Kept in the runtime directory, each written before what it tells of is done. What is none of it says nothing."""

    def __init__(self, folder: Path) -> None:
        self._hand = folder / "hand"
        self._asleep = folder / "asleep"
        self._said = {"on": True, "off": False}.get(smallfile.text(self._hand))
        self._sleeps = self._asleep.exists()
        self._paused = folder / "paused"
        self._until = _pause_in(self._paused)
        self._battery = folder / "battery"
        self._once = self._battery.exists()

    @property
    def hand(self) -> bool | None:
        """What a person said last, on or off; None while the mode decides."""
        return self._said

    @hand.setter
    def hand(self, wanted: bool | None) -> None:
        """Holds here also when it cannot be written for the next helper, which raises OSError."""
        self._said = wanted
        if wanted is None:
            self._hand.unlink(missing_ok=True)
        else:
            _write(self._hand, "on" if wanted else "off")

    @property
    def paused_until(self) -> float | None:
        """When a pause ends, by :func:`boot_time`; None while there is none."""
        return self._until

    @paused_until.setter
    def paused_until(self, until: float | None) -> None:
        """A pause that cannot be written is none, and raises OSError; its end holds here all the same."""
        if until is None:
            _remove(self._paused)
        else:
            # Rounded, the longest pause would be longer than any can be.
            _write(self._paused, repr(until))
        self._until = until

    @property
    def battery_once(self) -> bool:
        """Whether VRAM is lent on battery too until mains power is back."""
        return self._once

    @battery_once.setter
    def battery_once(self, wanted: bool) -> None:
        """As with a pause."""
        if wanted:
            _write(self._battery, "")
        else:
            _remove(self._battery)
        self._once = wanted

    @property
    def asleep(self) -> bool:
        """Whether the machine sleeps, or is about to."""
        return self._sleeps

    def fall_asleep(self) -> None:
        """From now on the machine sleeps.

        With no page in VRAM it may; that the next helper cannot be told is no reason to stay awake.
        """
        self._sleeps = True
        with contextlib.suppress(OSError):
            _write(self._asleep, "")

    def wake(self) -> None:
        """The machine is awake, also where nothing can be written."""
        self._sleeps = False
        _remove(self._asleep)


def _pause_in(path: Path) -> float | None:
    """What an earlier helper wrote, if it could be a pause."""
    with contextlib.suppress(ValueError):
        until = float(smallfile.text(path))
        if 0 <= until <= boot_time() + LONGEST_PAUSE:
            return until
    return None


def _remove(path: Path) -> None:
    """What is over. Should it stay, the next helper alone would be misled."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    smallfile.write(path, text)
