# SPDX-License-Identifier: MIT
"""Mains and batteries, from ``/sys/class/power_supply`` (Documentation/ABI/testing/sysfs-class-power).

This is what is left where nobody runs UPower, which says the same with signals.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.system import smallfile

#: A battery that says one of these is not what the machine runs on, unless it has not noticed the pulled plug yet.
_FED: Final = {"Full", "Not charging"}


@dataclass(frozen=True, slots=True)
class PowerReading:
    """``on_ac`` is None where nothing tells, as on most desktops.

    ``percent`` is the charge of all batteries together, 0 to 100, and None without a battery.
    """

    on_ac: bool | None
    percent: float | None


@dataclass(frozen=True, slots=True)
class _Battery:
    #: Whole per cent, None where the battery does not say.
    capacity: float | None
    #: Micro-watt-hours or micro-ampere-hours, 0 where unknown.
    full: float
    status: str


def read(sys: Path = Path("/sys")) -> PowerReading:
    """The power supplies now. A supply that cannot be read counts as absent."""
    folder = sys / "class/power_supply"
    batteries: list[_Battery] = []
    plugs: dict[str, list[bool]] = {"Mains": [], "USB": []}
    for supply in smallfile.entries(folder):
        kind = smallfile.text(supply / "type")
        # A mouse or a headset has a battery too, and a plug for it.
        if smallfile.text(supply / "scope") == "Device":
            continue
        if (
            kind == "Battery"
            and smallfile.text(supply / "present") != "0"
            and (status := smallfile.text(supply / "status"))
        ):
            batteries.append(_battery(supply, status))
        elif kind in plugs and (online := _number(supply / "online")) is not None:
            # 1 is a fixed, 2 a programmable voltage.
            plugs[kind].append(online > 0)
    return PowerReading(_on_ac(plugs["Mains"], plugs["USB"], batteries), _percent(batteries))


def _on_ac(mains: list[bool], usb: list[bool], batteries: list[_Battery]) -> bool | None:
    if any(mains):
        return True
    # A USB port may be online because the machine feeds something, or with a charger that is too weak.
    if any(battery.status == "Discharging" for battery in batteries):
        return False
    # Not every plug is listed; what charges a battery is one.
    if any(usb) or any(battery.status == "Charging" for battery in batteries):
        return True
    if not batteries:
        return None
    if mains:
        return False
    return True if any(battery.status in _FED for battery in batteries) else None


def _percent(batteries: list[_Battery]) -> float | None:
    known = [(battery.capacity, battery.full) for battery in batteries if battery.capacity is not None]
    if not known:
        return None
    whole = sum(full for _, full in known)
    # Two batteries of different sizes are averaged by size when both tell it, in the same unit by convention.
    if all(full > 0 for _, full in known):
        return sum(capacity * full for capacity, full in known) / whole
    return sum(capacity for capacity, _ in known) / len(known)


def _battery(supply: Path, status: str) -> _Battery:
    capacity = _number(supply / "capacity")
    full = _number(supply / "energy_full") or _number(supply / "charge_full") or 0.0
    return _Battery(None if capacity is None else min(100.0, max(0.0, capacity)), full, status)


def _number(path: Path) -> float | None:
    value = smallfile.number(path)
    return None if value is None else float(value)
