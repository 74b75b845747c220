# SPDX-License-Identifier: MIT
"""What NVML tells of the card and its users, through the real pynvml and the simulated driver library."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.alone import said
from tests.support.fakegpu import NOBODY, FakeGpu
from tests.support.server import running
from vramswap_gui.units import GIB, MIB

PCI: Final = "0000:01:00.0"
#: NVML is loaded once in a process, so each reading has its own.
READ: Final = f"""
import dataclasses, json, pathlib, sys
from vramswap_gui.system import nvml
reading = nvml.read({PCI!r}, sys.argv[2] == "held", pathlib.Path(sys.argv[1]))
print(json.dumps(reading and dataclasses.asdict(reading)))
"""


@pytest.fixture
def awake(tmp_path: Path) -> Path:
    """A /sys in which the GPU is awake."""
    state = tmp_path / "sys/bus/pci/devices" / PCI / "power/runtime_status"
    state.parent.mkdir(parents=True)
    state.write_text("active\n")
    return tmp_path / "sys"


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose sockets have names that are short enough."""
    with tempfile.TemporaryDirectory(prefix="vs") as folder:
        yield Path(folder)


def read(gpu: FakeGpu, sys_folder: Path, how: str = "") -> Any:
    return json.loads(said(gpu, "-c", READ, sys_folder, how))


def test_all_that_it_tells(gpu: FakeGpu, awake: Path) -> None:
    gpu["utilisation"], gpu["milliwatts"] = 37, 12_345
    gpu.others(300 * MIB)
    assert read(gpu, awake) == {
        "name": "vramswap Simulated GPU",
        "pci": PCI,
        "total": GIB,
        "used": 300 * MIB,
        "free": GIB - 300 * MIB,
        "reserved": 0,
        "watts": 12.345,
        "utilisation": 37,
        "display_attached": False,
        "programs": [{"pid": NOBODY, "name": "game", "used": 300 * MIB, "ours": False}],
    }


def test_a_display_server_has_set_a_mode(gpu: FakeGpu, awake: Path) -> None:
    gpu["display"] = 1
    assert read(gpu, awake)["display_attached"] is True


def test_who_computes_and_draws_is_one_program(gpu: FakeGpu, awake: Path) -> None:
    gpu["others_draw"] = 1
    gpu.others(64 * MIB, pid=os.getpid(), name="not the kernel's name")
    (program,) = read(gpu, awake)["programs"]
    comm = Path("/proc/self/comm").read_text().strip()
    assert program == {"pid": os.getpid(), "name": comm, "used": 64 * MIB, "ours": False}


def test_a_driver_that_counts_no_process(gpu: FakeGpu, awake: Path) -> None:
    gpu["tells_little"] = 1
    gpu["others_draw"] = 1
    gpu.others(64 * MIB)
    reading = read(gpu, awake)
    assert reading["programs"] == [{"pid": NOBODY, "name": "game", "used": None, "ours": False}]
    assert reading["used"] == 64 * MIB


def test_a_card_that_tells_only_its_memory(gpu: FakeGpu, awake: Path) -> None:
    gpu["tells_little"] = 2
    gpu.others(64 * MIB)
    reading = read(gpu, awake)
    assert (reading["total"], reading["used"]) == (GIB, 64 * MIB)
    assert [reading[name] for name in ("watts", "utilisation", "programs")] == [None] * 3
    assert reading["display_attached"] is False


@pytest.mark.parametrize("lie", ["all ones", "all zero", "parts above all"])
def test_what_cannot_be_is_not_told(lie: str, gpu: FakeGpu, awake: Path) -> None:
    """A number that says that there is none, or a driver that is wrong; and names that are no text."""
    gpu["nvml_lies"] = ["", "all ones", "all zero", "parts above all"].index(lie)
    gpu.others(64 * MIB)
    reading = read(gpu, awake)
    knows_all = lie == "parts above all"
    assert reading["total"] == (GIB if knows_all else None)
    assert [reading[name] for name in ("used", "free", "reserved")] == [None] * 3
    assert (reading["watts"], reading["utilisation"]) == ((0, 0) if lie == "all zero" else (None, None))
    assert reading["name"] == ""
    assert reading["programs"] == [{"pid": NOBODY, "name": "", "used": None, "ours": False}] * knows_all


def test_nobody_uses_it(gpu: FakeGpu, awake: Path) -> None:
    assert read(gpu, awake)["programs"] == []


def test_a_sleeping_gpu_is_not_touched(gpu: FakeGpu, awake: Path) -> None:
    (awake / "bus/pci/devices" / PCI / "power/runtime_status").write_text("suspended\n")
    before = gpu["nvml_calls"]
    assert read(gpu, awake) is None
    assert gpu["nvml_calls"] == before
    # The counter counts.
    assert read(gpu, awake, "held") is not None
    assert gpu["nvml_calls"] > before


def test_our_server_is_known_as_ours(gpu: FakeGpu, awake: Path, short_path: Path) -> None:
    control, export = short_path / "control", short_path / "export"
    # Somebody who serves VRAM for purposes of their own is another program.
    with running(gpu, export, "--listen", str(export), "--size", "64M", "--threads", "1") as other:  # noqa: SIM117
        with running(gpu, control, "--control", str(control), "--attach", str(short_path)) as server:
            engine = server.engine()
            gpu.others(16 * MIB, pid=engine)
            found = {program["pid"]: program["ours"] for program in read(gpu, awake)["programs"]}
            assert found == {engine: True, other.engine(): False}
