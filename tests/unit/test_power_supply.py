# SPDX-License-Identifier: MIT
"""What /sys/class/power_supply says of the machine's power, on the folders of different machines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from vramswap_gui.system.power_supply import PowerReading, read

Supplies = Mapping[str, Mapping[str, str]]

ADAPTER = {"type": "Mains", "online": "1"}
UNPLUGGED = {"type": "Mains", "online": "0"}
BATTERY = {
    "type": "Battery", "scope": "", "present": "1", "technology": "Li-poly", "status": "Discharging", "capacity": "57",
    "energy_full": "50040000", "energy_now": "28520000", "manufacturer": "SMP",
}  # fmt: skip
CHARGING = {**BATTERY, "status": "Charging"}
FULL = {**BATTERY, "status": "Full", "capacity": "100"}
#: The driver of USB Type-C ports; ``usb_type`` has the chosen one in brackets.
PORT = {"type": "USB", "online": "0", "usb_type": "[C] PD PD_PPS"}
CHARGER = {**PORT, "online": "1", "usb_type": "C [PD] PD_PPS"}
MOUSE = {"type": "Battery", "scope": "Device", "present": "1", "status": "Discharging", "capacity": "5"}
TABLET_PLUG = {"type": "Mains", "scope": "Device", "online": "1"}


def laptop(root: Path, supplies: Supplies) -> Path:
    """The sysfs of a machine: folders of devices, and the class's links to them."""
    folder = root / "class/power_supply"
    folder.mkdir(parents=True)
    for name, attributes in supplies.items():
        device = root / "devices" / name
        device.mkdir(parents=True)
        for attribute, value in attributes.items():
            (device / attribute).write_text(value + "\n")
        (folder / name).symlink_to(device)
    return root


@pytest.mark.parametrize(
    ("name", "supplies", "on_ac", "percent"),
    [
        ("a plugged-in laptop", {"AC": ADAPTER, "BAT0": CHARGING}, True, 57),
        ("an unplugged laptop", {"AC": UNPLUGGED, "BAT0": BATTERY}, False, 57),
        ("charge held at a limit", {"AC": ADAPTER, "BAT0": {**BATTERY, "status": "Not charging"}}, True, 57),
        ("an adapter too weak for the load", {"AC": ADAPTER, "BAT0": BATTERY}, True, 57),
        ("unplugged, and the battery has not noticed", {"AC": UNPLUGGED, "BAT0": FULL}, False, 100),
        ("USB-C alone, charging", {"BAT0": CHARGING, "ucsi-1": CHARGER, "ucsi-2": PORT}, True, 57),
        ("USB-C alone, full", {"BAT0": FULL, "ucsi-1": CHARGER, "ucsi-2": PORT}, True, 100),
        ("USB-C alone, unplugged", {"BAT0": BATTERY, "ucsi-1": PORT, "ucsi-2": PORT}, False, 57),
        ("a programmable voltage", {"BAT0": FULL, "ucsi-1": {**CHARGER, "online": "2"}}, True, 100),
        ("an adapter, but charged by USB-C", {"AC": UNPLUGGED, "BAT0": FULL, "ucsi-1": CHARGER}, True, 100),
        ("a USB port that feeds a telephone", {"BAT0": BATTERY, "ucsi-1": CHARGER}, False, 57),
        ("charged by what nothing lists", {"AC": UNPLUGGED, "BAT0": CHARGING}, True, 57),
        ("no plug listed, full", {"BAT0": FULL}, True, 100),
        ("no plug listed, unknown", {"BAT0": {**BATTERY, "status": "Unknown"}}, None, 57),
        ("no plug listed, unplugged", {"BAT0": BATTERY}, False, 57),
        ("a desktop", {}, None, None),
        ("a desktop with USB-C", {"ucsi-1": PORT}, None, None),
        ("a desktop and a mouse", {"hidpp_battery_0": MOUSE}, None, None),
        ("a drawing tablet's plug", {"AC": UNPLUGGED, "BAT0": BATTERY, "wacom_ac": TABLET_PLUG}, False, 57),
        ("a mouse is not the machine", {"AC": ADAPTER, "BAT0": FULL, "hidpp_battery_0": MOUSE}, True, 100),
        ("a laptop without its battery", {"AC": ADAPTER, "BAT0": {**BATTERY, "present": "0"}}, True, None),
        ("a charge above the scale", {"BAT0": {**BATTERY, "capacity": "104"}}, False, 100),
        ("a battery that cannot say its charge", {"BAT0": {"type": "Battery", "status": "Discharging"}}, False, None),
    ],
)
def test_machines(name: str, supplies: Supplies, on_ac: bool | None, percent: float | None, tmp_path: Path) -> None:
    assert read(laptop(tmp_path, supplies)) == PowerReading(on_ac, percent)


def battery(status: str, capacity: str, **more: str) -> Mapping[str, str]:
    return {"type": "Battery", "present": "1", "status": status, "capacity": capacity, **more}


@pytest.mark.parametrize(
    ("name", "first", "second", "percent"),
    [
        ("by size", battery("Unknown", "90", energy_full="20000000"),
         battery("Discharging", "10", energy_full="60000000"), 30),
        ("by charge", battery("Unknown", "90", charge_full="1000000"),
         battery("Discharging", "10", charge_full="3000000"), 30),
        ("one does not tell its size", battery("Unknown", "90"),
         battery("Discharging", "10", energy_full="60000000"), 50),
        ("one is dead", battery("Unknown", "0", energy_full="0"),
         battery("Discharging", "10", energy_full="60000000"), 5),
        ("one does not tell its charge", battery("Unknown", "", energy_full="20000000"),
         battery("Discharging", "10", energy_full="60000000"), 10),
    ],
)  # fmt: skip
def test_two_batteries(
    name: str, first: Mapping[str, str], second: Mapping[str, str], percent: float, tmp_path: Path
) -> None:
    sys = laptop(tmp_path, {"AC": UNPLUGGED, "BAT0": first, "BAT1": second})
    assert read(sys) == PowerReading(False, percent)


def test_one_battery_of_two_discharges_while_the_other_waits(tmp_path: Path) -> None:
    idle = battery("Not charging", "80")
    assert read(laptop(tmp_path, {"BAT0": idle, "BAT1": BATTERY})).on_ac is False


def test_a_battery_that_is_pulled_out_counts_no_more(tmp_path: Path) -> None:
    sys = laptop(tmp_path, {"AC": ADAPTER, "BAT0": FULL, "BAT1": BATTERY})
    assert read(sys).percent == 78.5
    # Its driver is unbound: the files are there, and cannot be read.
    for attribute in ("status", "capacity", "energy_full"):
        path = sys / "devices/BAT1" / attribute
        path.unlink()
        path.mkdir()
    assert read(sys) == PowerReading(True, 100)
    # Then the device goes, and a moment later the link.
    (sys / "devices/BAT1").rename(sys / "devices/gone")
    assert read(sys) == PowerReading(True, 100)
    (sys / "class/power_supply/BAT1").unlink()
    assert read(sys) == PowerReading(True, 100)


def test_a_machine_without_the_class(tmp_path: Path) -> None:
    assert read(tmp_path) == PowerReading(None, None)


def test_this_machine() -> None:
    reading = read()
    assert reading.percent is None or 0 <= reading.percent <= 100
