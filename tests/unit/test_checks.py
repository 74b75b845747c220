# SPDX-License-Identifier: MIT
"""The checks of a computer, each on a fixture laid out as kernel, driver and distribution do it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from vramswap_gui.doctor import checks
from vramswap_gui.doctor.checks import Check, Machine, Verdict
from vramswap_gui.forms import word
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
    "run/vramswap/devices": "/dev/nbd0\n",
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
    return next(check for check in checks.look(machine(root)) if str(check.name) == name)


def test_a_good_machine_passes_every_check(root: Path) -> None:
    every = checks.look(machine(root))
    assert [check for check in every if check.verdict is not Verdict.OK or word(check.remedy)] == []
    assert len({check.name for check in every}) == len(every)
    assert word(found(root, "NVIDIA GPU").found) == f"{PCI} (suspended)"
    assert word(found(root, "Other swap").found) == "/dev/zram0 976 MiB"
    assert word(found(root, "Swappiness").found) == "60, 8 pages are read at once"


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
        ("Kernel module nbd", "sys/module/nbd", None, Verdict.FAILED, "not there for kernel ?"),
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
    assert words in word(check.found)
    assert word(check.remedy)


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
    assert (check.verdict, word(check.remedy)) == (Verdict.OK, "")
    assert words in word(check.found)


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
    assert "6.1.0-29-amd64" in word(check.found)


def test_nouveau_and_a_missing_library_are_named(root: Path) -> None:
    def no_library(name: str) -> object:
        raise OSError(name)

    (root / "proc/driver/nvidia/version").unlink()
    write(root / "sys/module/nouveau/initstate", "live\n")
    every = {str(check.name): check for check in checks.look(Machine(root / "proc", root / "sys", no_library))}
    assert "nouveau" in word(every["NVIDIA driver"].found)
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
    assert (check.verdict, "masked" in word(check.found)) == (Verdict.WARNING, True)
    assert "systemctl unmask vramswap-sleep.service" in word(check.remedy)


@pytest.mark.parametrize(
    ("drop_in", "verdict"),
    [("yes", Verdict.OK), (" True ", Verdict.OK), ("no", Verdict.WARNING), (None, Verdict.WARNING)],
)
def test_elogind_has_to_heed_its_hooks(root: Path, drop_in: str | None, verdict: Verdict) -> None:
    write(root / "etc/elogind/sleep.conf", "[Sleep]\n#AllowSuspendInterrupts=yes\nAllowSuspendInterrupts=no\n")
    if drop_in is not None:
        write(root / "etc/elogind/sleep.conf.d/vramswap.conf", f"[Sleep]\nAllowSuspendInterrupts={drop_in}\n")
    write(root / "etc/elogind/system-sleep/10-vramswap", "#!/bin/sh\n")
    check = found(root, "Before sleep")
    assert check.verdict is verdict and (check.verdict is Verdict.OK or "AllowSuspendInterrupts" in word(check.remedy))
    # elogind may be installed where systemd runs the machine.
    (root / "run/systemd/system").mkdir(parents=True)
    assert found(root, "Before sleep").verdict is Verdict.OK


def test_without_a_driver_its_sleep_is_nobodys_trouble(root: Path) -> None:
    shutil.rmtree(root / "proc/driver")
    assert found(root, "Sleep of the driver").verdict is Verdict.OK


def test_a_missing_program_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "find", lambda name: None if name == "mkswap" else f"/sbin/{name}")
    check = found(root, "Programs")
    assert (check.verdict, word(check.found)) == (Verdict.FAILED, "missing: mkswap")


SWITCHERS = [
    ({"usr/bin/envycontrol": "", "lib/udev/rules.d/50-remove-nvidia.rules": ""}, "EnvyControl", "envycontrol -s"),
    ({"etc/udev/rules.d/50-remove-nvidia.rules": ""}, "udev rule removes the GPU", "hybrid mode"),
    ({"etc/supergfxd.conf": '{\n  "mode": "Integrated",\n  "vfio_enable": false\n}'}, "Integrated", "supergfxctl"),
    ({"etc/supergfxd.conf": '{"mode":"Vfio"}'}, "Vfio", "supergfxctl --mode"),
    ({"etc/prime-discrete": "off\n"}, "prime-select", "prime-select on-demand"),
    ({"sys/devices/platform/asus-nb-wmi/dgpu_disable": "1\n"}, "ASUS", "dgpu_disable"),
    ({"proc/acpi/bbswitch": "0000:01:00.0 OFF\n"}, "bbswitch", "bbswitch"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "words", "remedy"), SWITCHERS)
def test_a_gpu_that_a_switcher_hides_is_said_to_be(root: Path, files: dict[str, str], words: str, remedy: str) -> None:
    for path, text in files.items():
        write(root / path, text)
    assert found(root, "Graphics switcher").verdict is Verdict.WARNING
    shutil.rmtree(root / GPU)
    every = {str(check.name): check for check in checks.look(machine(root))}
    card = every["NVIDIA GPU"]
    assert card.verdict is Verdict.FAILED and words in word(card.found) and remedy in word(card.remedy)
    # A driver is nobody's lack then.
    assert every["NVIDIA driver"].verdict is every["CUDA driver library"].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("comm", "verdict"),
    [("supergfxd", Verdict.WARNING), ("optimus-manager", Verdict.WARNING), ("gnome-shell", Verdict.OK)],
)  # fmt: skip
def test_tools_that_end_all_users_of_the_gpu_are_named(root: Path, comm: str, verdict: Verdict) -> None:
    write(root / "proc/1300/comm", f"{comm}\n")
    check = found(root, "Graphics switcher")
    assert check.verdict is verdict
    assert ("vramswapctl off" in word(check.remedy)) is (verdict is Verdict.WARNING)


def test_a_switcher_that_leaves_the_gpu_on_is_no_trouble(root: Path) -> None:
    write(root / "etc/prime-discrete", "on-demand\n")
    check = found(root, "Graphics switcher")
    assert (check.verdict, word(check.found)) == (Verdict.OK, "prime-select, in the mode on-demand")


def test_cards_that_are_not_for_cuda(root: Path) -> None:
    link(root / GPU / "driver", "../../../../bus/pci/drivers/vfio-pci")
    check = found(root, "NVIDIA GPU")
    assert check.verdict is Verdict.FAILED and "virtual machines" in word(check.found) and word(check.remedy)
    other = root / "sys/bus/pci/devices/0000:02:00.0"
    write(other / "vendor", "0x10de\n")
    write(other / "class", "0x030200\n")
    write(other / "power/runtime_status", "active\n")
    link(other / "driver", "../../../../bus/pci/drivers/nvidia")
    check = found(root, "NVIDIA GPU")
    assert check.verdict is Verdict.OK
    assert word(check.found) == f"{PCI} (suspended, not for CUDA: vfio-pci), 0000:02:00.0 (active)"


HIBERNATES = {
    "sys/power/state": "freeze mem disk\n", "sys/power/disk": "[platform] shutdown reboot suspend\n",
    "sys/power/resume": "0:0\n", "proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet\n",
    "proc/swaps": "Filename Type Size Used Priority\n/dev/nbd0 partition 4 0 1000\n"
    "/dev/zram0 partition 8 0 100\n/dev/sda2 partition 8000000 1000000 -2\n",
}  # fmt: skip
FILE = {"proc/swaps": "Filename Type Size Used Priority\n/a\\040b file 8000000 0 -2\n"}
ONLY_OURS = {"proc/swaps": "Filename Type Size Used Priority\n/dev/nbd0 partition 4 0 1000\n"}


@pytest.mark.parametrize(
    ("other", "verdict", "words"),
    [
        ({}, Verdict.WARNING, "no resume="),
        (FILE, Verdict.WARNING, "no resume="),
        ({"proc/cmdline": "ro resume=UUID=5eed\n"}, Verdict.WARNING, "the initramfs found no such device"),
        ({"proc/cmdline": "ro nohibernate\n"}, Verdict.OK, "not possible"),
        ({"proc/cmdline": "ro noresume\n"}, Verdict.OK, "noresume"),
        ({"sys/power/resume": "8:2\n"}, Verdict.OK, "to /dev/sda2, where 6.7 GiB are free"),
        ({"sys/power/resume": "8:1\n"} | FILE, Verdict.OK, "to /a b, where 7.6 GiB are free"),
        ({"sys/power/resume": "8:1\n"}, Verdict.WARNING, "/dev/sda1, which is no swap now"),
        ({"sys/power/resume": "43:0\n"}, Verdict.WARNING, "to VRAM (/dev/nbd0)"),
        ({"sys/power/resume": "43:0\n"} | ONLY_OURS, Verdict.WARNING, "to VRAM (/dev/nbd0)"),
        ({"sys/power/state": "freeze mem\n"}, Verdict.OK, "not possible"),
        ({"sys/power/disk": "[disabled]\n"}, Verdict.OK, "not allowed"),
        (ONLY_OURS, Verdict.OK, "not set up"),
        ({"sys/firmware": None}, Verdict.OK, "nor UEFI"),
    ],
)  # fmt: skip
def test_hibernation_needs_to_know_where_to(
    root: Path, other: Mapping[str, str | None], verdict: Verdict, words: str
) -> None:
    for name, content in {**HIBERNATES, **other}.items():
        if content is None:
            shutil.rmtree(root / name)
        else:
            write(root / name, content)
    for number, name in (("8:1", "sda1"), ("8:2", "sda2"), ("43:0", "nbd0")):
        link(root / "sys/dev/block" / number, f"../../devices/{name}")
    check = found(root, "Hibernation")
    assert check.verdict is verdict and words in word(check.found)
    assert (not word(check.remedy)) is (verdict is Verdict.OK)
    if "resume=UUID" in word(check.remedy):
        assert "`findmnt -no UUID -T '/a b'`" in word(check.remedy) or "`lsblk -no UUID /dev/sda2`" in word(
            check.remedy
        )


def test_somebody_elses_swap_on_nbd_is_somebody_elses(root: Path) -> None:
    write(
        root / "proc/swaps", "Filename Type Size Used Priority\n/dev/nbd0 partition 4 0 5\n/dev/nbd7 partition 4 0 9\n"
    )
    assert word(found(root, "Other swap").found) == "/dev/nbd7 4 KiB"
    # Ours, by whoever attached it, without a record.
    (root / "run/vramswap/devices").unlink()
    write(root / "sys/block/nbd7/pid", "4711\n")
    write(root / "proc/4711/cmdline", "python3\0-m\0vramswap_gui.server.main\0--control\0/run/vramswap/control.sock\0")
    assert word(found(root, "Other swap").found) == "/dev/nbd0 4 KiB"


def test_all_swap_areas_taken(root: Path) -> None:
    rows = "".join(f"/dev/loop{number} partition 4 0 -{number + 2}\n" for number in range(20))
    write(root / "proc/swaps", "Filename Type Size Used Priority\n" + rows)
    check = found(root, "Swap areas")
    assert check.verdict is Verdict.WARNING and "20 are in use already" in word(check.found)


@pytest.mark.parametrize("program", ["systemd-oomd", "earlyoom"])
def test_who_ends_programs_before_memory_runs_out(root: Path, program: str) -> None:
    write(root / "proc/1300/comm", f"{program}\n")
    assert found(root, "Early OOM killer").verdict is Verdict.OK
    write(root / "proc/swaps", "Filename Type Size Used Priority\n")
    check = found(root, "Early OOM killer")
    assert check.verdict is Verdict.WARNING and program in word(check.found) and "mode always" in word(check.remedy)


def test_strict_overcommit_is_told_with_numbers(root: Path) -> None:
    write(root / "proc/meminfo", "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nCommitLimit: 10485760 kB\n"
          "Committed_AS: 9437184 kB\n")  # fmt: skip
    write(root / "proc/sys/vm/overcommit_memory", "0\n")
    assert found(root, "Overcommit").verdict is Verdict.OK
    write(root / "proc/sys/vm/overcommit_memory", "2\n")
    check = found(root, "Overcommit")
    assert check.verdict is Verdict.WARNING and "10 GiB in all" in word(check.found) and "9 GiB" in word(check.found)


def test_names_that_others_give_are_shown_as_plain_text(root: Path) -> None:
    line = b"/mnt/\xff\x1b[2J<b>a\\012b file 4 0 -2\n"
    (root / "proc/swaps").write_bytes(b"Filename Type Size Used Priority\n" + line)
    assert word(found(root, "Other swap").found) == "/mnt/\\xff\\x1b[2J<b>a\\nb 4 KiB"


def test_what_is_simulated_is_said_to_be(tmp_path: Path) -> None:
    """On a machine without a GPU the check does not contradict a simulation that runs."""
    nothing = Machine(tmp_path / "proc", tmp_path / "sys")
    found = {str(check.name): check for check in checks.look(nothing, ("gpu", "kernel"))}
    for name in ("NVIDIA GPU", "NVIDIA driver", "CUDA driver library", "Kernel module nbd"):
        assert (found[name].verdict, word(found[name].found)) == (Verdict.OK, "simulated")
    assert checks.look(nothing, ("kernel",))[0].verdict is Verdict.FAILED
