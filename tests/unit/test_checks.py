"""The checks of a computer, each on a fixture laid out as kernel, driver and distribution do it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from vramswap_gui.doctor import checks
from vramswap_gui.doctor.checks import Check, Machine, Verdict
from vramswap_gui.system import nvml, run

PCI = "0000:01:00.0"
GPU = f"sys/bus/pci/devices/{PCI}"
PARAMS = "proc/driver/nvidia/params"
SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
SERVICE = "usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
OUR_UNIT = "usr/lib/systemd/system/vramswap-sleep.service"
OUR_LINK = "etc/systemd/system/sleep.target.requires/vramswap-sleep.service"
STALL = "avg10=0.00 avg60=0.00 avg300=0.00 total=0"

GOOD = {
    f"{GPU}/vendor": "0x10de\n",
    f"{GPU}/class": "0x030200\n",
    f"{GPU}/power/runtime_status": "suspended\n",
    f"{GPU}/power/control": "auto\n",
    "sys/module/nbd/initstate": "live\n",
    "sys/module/nvidia/initstate": "live\n",
    "sys/module/zswap/parameters/enabled": "N\n",
    SECURE_BOOT: "\x06\0\0\0\x01",
    "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n",
    PARAMS: "ResmanDebugLevel: 4294967295\nPreserveVideoMemoryAllocations: 1\nTemporaryFilePath: \"/var/tmp\"\n",
    "proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 999420 0 100\n/dev/nbd0 partition 4 0 1000\n",
    "proc/pressure/memory": f"some {STALL}\nfull {STALL}\n",
    "proc/sys/vm/swappiness": "60\n",
    "proc/sys/vm/page-cluster": "3\n",
    "proc/1/comm": "systemd\n",
    "proc/700/comm": "polkitd\n",
    "proc/1200/comm": "polkit-kde-auth\n",
    SERVICE: "[D-BUS Service]\n",
    OUR_UNIT: "[Unit]\n",
}  # fmt: skip
UNITS = ("nvidia-suspend", "nvidia-hibernate", "nvidia-resume")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A hybrid laptop with all that vramswap needs; its NVIDIA GPU sleeps."""
    for name, text in GOOD.items():
        write(tmp_path / name, text)
    # Links to where the units would be on a real machine.
    link(tmp_path / OUR_LINK, f"/{OUR_UNIT}")
    for unit in UNITS:
        write(tmp_path / f"lib/systemd/system/{unit}.service", "[Unit]\n")
        folder = tmp_path / "etc/systemd/system/systemd-suspend.service.requires"
        link(folder / f"{unit}.service", f"/lib/systemd/system/{unit}.service")
    return tmp_path


def machine(root: Path) -> Machine:
    return Machine(root / "proc", root / "sys", lambda name: name)


def found(root: Path, name: str) -> Check:
    return next(check for check in checks.look(machine(root)) if check.name == name)


def test_a_good_machine_passes_every_check(root: Path) -> None:
    every = checks.look(machine(root))
    assert [check for check in every if check.verdict is not Verdict.OK or check.remedy] == []
    assert len({check.name for check in every}) == len(every)
    assert found(root, "NVIDIA GPU").found == f"{PCI} (suspended)"
    assert found(root, "Other swap").found == "/dev/zram0 976 MiB"
    assert found(root, "Swappiness").found == "60, 8 pages are read at once"


def test_nothing_asks_the_gpu(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise AssertionError("NVML was opened")

    monkeypatch.setattr(nvml, "_nvml", refuse)
    for state in ("suspended", "active"):
        write(root / GPU / "power/runtime_status", state)
        assert checks.look(machine(root))


@pytest.mark.parametrize(
    ("name", "path", "text", "verdict", "words"),
    [
        ("NVIDIA GPU", f"{GPU}/vendor", "0x8086", Verdict.FAILED, "none"),
        ("NVIDIA driver", "proc/driver/nvidia/version", "NVRM version: NVIDIA  470.256.02  Thu", Verdict.FAILED, "470"),
        ("NVIDIA driver", "proc/driver/nvidia/version", None, Verdict.FAILED, "not loaded"),
        ("Secure Boot", "sys/module/nvidia", None, Verdict.WARNING, "signed"),
        ("Kernel module nbd", "sys/module/nbd", None, Verdict.FAILED, "unknown"),
        ("polkit", "proc/1200", None, Verdict.WARNING, "password"),
        ("Before sleep", OUR_UNIT, None, Verdict.WARNING, "not installed"),
        ("Before sleep", OUR_LINK, None, Verdict.WARNING, "disabled"),
        ("Sleep of the driver", "etc/systemd/system/systemd-suspend.service.requires/nvidia-resume.service", None,
         Verdict.WARNING, "nvidia-resume.service not enabled"),
        ("Sleep of the driver", "lib/systemd/system/nvidia-suspend.service", None, Verdict.WARNING, "missing"),
        ("Other swap", "proc/swaps", "Filename Type Size Used Priority\n", Verdict.WARNING, "none"),
        ("Other swap", "proc/swaps", "Filename Type Size Used Priority\n/dev/nbd0 partition 4 0 1000\n",
         Verdict.WARNING, "none"),
        ("Other swap", "proc/swaps", None, Verdict.FAILED, "no swap at all"),
        ("zswap", "sys/module/zswap/parameters/enabled", "Y\n", Verdict.WARNING, "compressed"),
        ("Swappiness", "proc/sys/vm/swappiness", "1\n", Verdict.WARNING, "1, 8 pages"),
        ("Memory pressure", "proc/pressure/memory", None, Verdict.WARNING, "not measured"),
    ],
)  # fmt: skip
def test_each_lack_is_found(root: Path, name: str, path: str, text: str | None, verdict: Verdict, words: str) -> None:
    if text is not None:
        write(root / path, text)
    elif (root / path).is_dir():
        shutil.rmtree(root / path)
    else:
        (root / path).unlink()
    check = found(root, name)
    assert check.verdict is verdict
    assert words in check.found
    assert check.remedy


@pytest.mark.parametrize(
    ("name", "path", "text", "words"),
    [
        ("NVIDIA GPU", f"{GPU}/power/control", "on\n", "may not sleep"),
        ("NVIDIA driver", "proc/driver/nvidia/version", "NVRM version: NVIDIA  525.60.13  Wed", "525.60.13"),
        ("Secure Boot", SECURE_BOOT, "\x06\0\0\0\0", "off"),
        ("polkit", "proc/1200/comm", "gnome-shell\n", "asks"),
        ("Sleep of the driver", PARAMS, "PreserveVideoMemoryAllocations: 0\n", "need not"),
        ("Sleep of the driver", PARAMS, "PreserveVideoMemoryAllocations: 1\nUseKernelSuspendNotifiers: 1\n", "itself"),
        ("zswap", "sys/module/zswap/parameters/enabled", "0\n", "off"),
        ("Swappiness", "proc/sys/vm/page-cluster", "0\n", "one page"),
    ],
)
def test_what_is_fine_too(root: Path, name: str, path: str, text: str, words: str) -> None:
    write(root / path, text)
    check = found(root, name)
    assert (check.verdict, check.remedy) == (Verdict.OK, "")
    assert words in check.found


@pytest.mark.parametrize("index", ["modules.dep", "modules.builtin"])
def test_a_module_that_is_not_loaded_yet_is_found(root: Path, index: str) -> None:
    shutil.rmtree(root / "sys/module/nbd")
    write(root / "proc/sys/kernel/osrelease", "6.1.0-28-amd64\n")
    assert found(root, "Kernel module nbd").verdict is Verdict.FAILED
    write(root / "lib/modules/6.1.0-28-amd64" / index, "kernel/drivers/block/loop.ko:\nkernel/drivers/block/nbd.ko:\n")
    assert found(root, "Kernel module nbd").verdict is Verdict.OK
    write(root / "proc/sys/kernel/osrelease", "6.1.0-29-amd64\n")
    check = found(root, "Kernel module nbd")
    assert check.verdict is Verdict.FAILED
    assert "6.1.0-29-amd64" in check.found


def test_nouveau_and_a_missing_library_are_named(root: Path) -> None:
    def no_library(name: str) -> object:
        raise OSError(name)

    (root / "proc/driver/nvidia/version").unlink()
    write(root / "sys/module/nouveau/initstate", "live\n")
    every = {check.name: check for check in checks.look(Machine(root / "proc", root / "sys", no_library))}
    assert "nouveau" in every["NVIDIA driver"].found
    assert every["CUDA driver library"].verdict is Verdict.FAILED


def test_polkit_may_start_later_but_must_be_there(root: Path) -> None:
    shutil.rmtree(root / "proc/700")
    assert found(root, "polkit").verdict is Verdict.OK
    (root / SERVICE).unlink()
    assert found(root, "polkit").verdict is Verdict.FAILED
    # The helper of an agent comes and goes, and asks nobody by itself.
    write(root / "proc/700/comm", "polkitd\n")
    write(root / "proc/1200/comm", "polkit-agent-he\n")
    assert found(root, "polkit").verdict is Verdict.WARNING


def test_a_unit_that_may_not_run_says_so(root: Path) -> None:
    link(root / "etc/systemd/system/vramswap-sleep.service", "/dev/null")
    check = found(root, "Before sleep")
    assert (check.verdict, "masked" in check.found) == (Verdict.WARNING, True)
    assert "systemctl unmask vramswap-sleep.service" in check.remedy


def test_without_a_driver_its_sleep_is_nobodys_trouble(root: Path) -> None:
    shutil.rmtree(root / "proc/driver")
    assert found(root, "Sleep of the driver").verdict is Verdict.OK


def test_a_missing_program_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "find", lambda name: None if name == "mkswap" else f"/sbin/{name}")
    check = found(root, "Programs")
    assert (check.verdict, check.found) == (Verdict.FAILED, "missing: mkswap")
