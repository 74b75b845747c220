# SPDX-License-Identifier: MIT
"""What a helper that takes over has to know of the one before: files that last until the machine starts anew."""

from __future__ import annotations

import contextlib
from pathlib import Path


class RuntimeState:
    """Kept in the runtime directory, each written before what it tells of is done."""

    def __init__(self, folder: Path) -> None:
        self._hand = folder / "hand"
        self._asleep = folder / "asleep"
        self._said = {"on": True, "off": False}.get(_text(self._hand))
        self._paused = folder / "paused"
        self._battery = folder / "battery"

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
        """When a pause ends, in seconds of a clock that goes on while the machine sleeps (CLOCK_BOOTTIME)."""
        with contextlib.suppress(ValueError):
            return float(_text(self._paused))
        return None

    @paused_until.setter
    def paused_until(self, until: float | None) -> None:
        if until is None:
            self._paused.unlink(missing_ok=True)
        else:
            _write(self._paused, f"{until:.3f}")

    @property
    def battery_once(self) -> bool:
        """Whether VRAM is lent on battery too until mains power is back."""
        return self._battery.exists()

    @battery_once.setter
    def battery_once(self, wanted: bool) -> None:
        if wanted:
            _write(self._battery, "")
        else:
            self._battery.unlink(missing_ok=True)

    @property
    def asleep(self) -> bool:
        """Whether the machine sleeps, or is about to."""
        return self._asleep.exists()

    @property
    def resume(self) -> bool:
        """Whether the swap was on before the sleep."""
        return _text(self._asleep) == "on"

    def fall_asleep(self, resume: bool) -> None:
        """From now on the machine sleeps. A second call changes nothing."""
        if not self.asleep:
            _write(self._asleep, "on" if resume else "")

    def wake(self) -> None:
        """The machine is awake."""
        self._asleep.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
