# SPDX-License-Identifier: MIT
"""The views of the machine, on fixtures laid out as the kernel and the driver do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from vramswap_gui.doctor.checks import Machine
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper import swap_area
from vramswap_gui.system import gpu, meminfo, nvml, run, swaps
from vramswap_gui.tray.readings import PowerView, Reader

PCI = "0000:01:00.0"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def laptop(tmp_path: Path) -> Machine:
    """A hybrid laptop with all that vramswap needs; its NVIDIA GPU sleeps."""
    for address, vendor, kind in ((PCI, "0x10de", "0x030200"), ("0000:00:02.0", "0x8086", "0x030000"),
                                  ("0000:01:00.1", "0x10de", "0x040300")):  # fmt: skip
        write(tmp_path / "sys/bus/pci/devices" / address / "vendor", vendor + "\n")
        write(tmp_path / "sys/bus/pci/devices" / address / "class", kind + "\n")
    write(tmp_path / "sys/bus/pci/devices" / PCI / "power/runtime_status", "suspended\n")
    write(tmp_path / "sys/module/zswap/parameters/enabled", "N\n")
    write(tmp_path / "sys/module/nbd/initstate", "live\n")
    write(
        tmp_path / "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025\n",
    )
    write(
        tmp_path / "proc/swaps",
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/dm-1                               partition\t999420\t\t77004\t\t-2\n"
        "/swap\\040file                           file\t\t2048\t\t0\t\t5\n",
    )
    write(tmp_path / "proc/meminfo", "MemTotal:  16280 kB\nMemFree: 1 kB\nMemAvailable: 8000 kB\nSwapTotal: 4 kB\n"
          "SwapFree: 2 kB\nHugePages_Total:       0\n")  # fmt: skip
    return Machine(tmp_path / "proc", tmp_path / "sys", lambda name: name)


def test_swaps(laptop: Machine) -> None:
    first, second = swaps.read(laptop.proc)
    assert (first.device, first.kind, first.size, first.used, first.priority) == ("/swap file", "file", 2 << 20, 0, 5)
    assert (second.device, second.used, second.priority) == ("/dev/dm-1", 77004 << 10, -2)


def test_meminfo(laptop: Machine) -> None:
    found = meminfo.read(laptop.proc)
    assert (found.total, found.available, found.swap_total, found.swap_free) == (16280 << 10, 8000 << 10, 4096, 2048)


def test_only_nvidia_display_controllers_are_gpus(laptop: Machine) -> None:
    assert gpu.list_pci(laptop.sys) == (PCI,)
    assert gpu.list_pci(laptop.sys / "none") == ()


def test_a_display_is_seen_without_asking_the_driver(laptop: Machine) -> None:
    connectors = laptop.sys / "bus/pci/devices" / PCI / "drm/card1"
    assert not gpu.display_attached(PCI, laptop.sys)
    write(connectors / "card1-eDP-1/status", "disconnected\n")
    assert not gpu.display_attached(PCI, laptop.sys)
    write(connectors / "card1-HDMI-A-1/status", "connected\n")
    assert gpu.display_attached(PCI, laptop.sys)
    assert not gpu.display_attached("0000:00:02.0", laptop.sys)


@pytest.mark.parametrize("state", ["suspended", "suspending"])
def test_a_sleeping_gpu_is_never_asked(laptop: Machine, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(laptop.sys / "bus/pci/devices" / PCI / "power/runtime_status", state)

    def refuse() -> Any:
        raise AssertionError("NVML was opened")

    monkeypatch.setattr(nvml, "_nvml", refuse)
    assert nvml.read(PCI, held=False, sys=laptop.sys) is None
    assert nvml.read("0000:09:00.0", held=False, sys=laptop.sys) is None
    with pytest.raises(AssertionError, match="NVML was opened"):
        nvml.read(PCI, held=True, sys=laptop.sys)


async def test_a_missing_nbd_module_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modprobe = tmp_path / "modprobe"
    write(modprobe, "#!/bin/sh\necho 'modprobe: FATAL: Module nbd not found.' >&2\nexit 1\n")
    modprobe.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(VramswapError, match="Module nbd not found") as caught:
        await swap_area.require_nbd(tmp_path)
    assert caught.value.code is ErrorCode.NO_NBD
    assert caught.value.remedy


async def test_a_program_that_is_missing_says_so() -> None:
    done = await run.run("vramswap-no-such-program")
    assert (done.status, done.complaint) == (127, "vramswap-no-such-program is not installed")


def test_who_keeps_the_gpu_awake_is_seen_without_touching_it(tmp_path: Path) -> None:
    sys, proc = tmp_path / "sys", tmp_path / "proc"
    device = sys / "bus/pci/devices/0000:01:00.0"
    (device / "power").mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    (device / "class").write_text("0x030200\n")
    opened = {
        "blender": ("/dev/nvidiactl", "/dev/nvidia0"), "bash": ("/dev/null",), "monitor": ("/dev/nvidiactl",),
        "vramswap-server": ("/dev/nvidia0",),
    }  # fmt: skip
    for pid, (name, files) in enumerate(opened.items(), 100):
        (proc / f"{pid}/fd").mkdir(parents=True)
        (proc / f"{pid}/comm").write_text(name + "\n")
        for number, file in enumerate(files):
            (proc / f"{pid}/fd/{number}").symlink_to(file)
    (proc / "200").mkdir()
    status = device / "power/runtime_status"
    status.write_text("suspended\n")
    assert Reader(proc, sys).read_power("") == PowerView(True)
    status.write_text("active\n")
    assert Reader(proc, sys).read_power("") == PowerView(False, ("blender",))
    status.write_text("unsupported\n")
    assert Reader(proc, sys).read_power("") is None
    assert Reader(proc, tmp_path).read_power("") is None
