"""What vramswap needs of a machine, checked one by one without waking the GPU or changing anything."""

from __future__ import annotations

import ctypes
import enum
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vramswap_gui.system import gpu, psi, run, smallfile, swaps
from vramswap_gui.units import format_size

#: The first driver with CUDA 12.0, the oldest that the server works with.
OLDEST_DRIVER: Final = (525,)
#: UEFI's variable, in a file with four bytes of attributes before the value (Documentation/filesystems/efivarfs.rst).
_SECURE_BOOT: Final = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#: Where systemd looks for units, an administrator's first (systemd.unit(5)).
_UNITS: Final = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
_OUR_UNIT: Final = "vramswap-sleep.service"
_NVIDIA_UNITS: Final = ("nvidia-suspend.service", "nvidia-hibernate.service", "nvidia-resume.service")
#: Desktops that ask for polkit's passwords themselves; other agents have polkit in their names. As in /proc/PID/comm.
_ASKING_DESKTOPS: Final = {"gnome-shell", "cinnamon", "phosh", "cosmic-osd", "io.elementary.d", "pkttyagent", "soteria"}
#: Below it the kernel prefers to drop files from memory so strongly that swap is of little use.
_LEAST_SWAPPINESS: Final = 10


class Verdict(enum.StrEnum):
    """``WARNING``: it works, with a limit that a user should know."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was looked at, what was found, and what to do about it.

    Commands in ``remedy`` stand between backticks.
    """

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to look; tests put fixtures there."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    load: Callable[[str], object] = ctypes.CDLL

    @property
    def root(self) -> Path:
        """The folder that ``proc`` is in, with all that is neither the kernel's nor a device's."""
        return self.proc.parent


def look(machine: Machine | None = None) -> list[Check]:
    """All checks that need no D-Bus, the causes before what depends on them."""
    at = machine or Machine()
    checks = (
        _gpu, _driver, _secure_boot, _cuda, _nbd, _programs, _polkit, _sleep, _nvidia_sleep, _swap, _zswap, _reclaim,
        _pressure,
    )  # fmt: skip
    return [check(at) for check in checks]


def _gpu(at: Machine) -> Check:
    found = gpu.list_pci(at.sys)
    if not found:
        return Check("NVIDIA GPU", Verdict.FAILED, "none on the PCI bus", "vramswap is of use with an NVIDIA GPU only.")
    return Check("NVIDIA GPU", Verdict.OK, ", ".join(f"{pci} ({_power(at, pci)})" for pci in found))


def _power(at: Machine, pci: str) -> str:
    """Its runtime power management (Documentation/ABI/testing/sysfs-devices-power)."""
    state = gpu.power(pci, at.sys).value
    control = smallfile.text(at.sys / "bus/pci/devices" / pci / "power/control")
    return f"{state}, may not sleep" if control == "on" else state


def _driver(at: Machine) -> Check:
    name, install = "NVIDIA driver", "Install NVIDIA's driver 525 or later (package nvidia-driver) and restart."
    text = smallfile.text(at.proc / "driver/nvidia/version")
    if not text:
        if (at.sys / "module/nouveau").is_dir():
            return Check(name, Verdict.FAILED, "nouveau is loaded, which has no CUDA", install)
        return Check(name, Verdict.FAILED, "not loaded", install)
    match = re.search(r"\b(\d{3,}(?:\.\d+)+)\b", text)
    version = match[1] if match else "unknown"
    if match and tuple(int(part) for part in version.split(".")) < OLDEST_DRIVER:
        return Check(name, Verdict.FAILED, f"version {version} is too old", install)
    return Check(name, Verdict.OK, f"version {version}")


def _secure_boot(at: Machine) -> Check:
    name = "Secure Boot"
    try:
        value = (at.sys / _SECURE_BOOT).read_bytes()
    except OSError:
        return Check(name, Verdict.OK, "off: this computer did not start with UEFI, or does not tell")
    if value[4:5] != b"\x01":
        return Check(name, Verdict.OK, "off")
    if not gpu.list_pci(at.sys) or (at.sys / "module/nvidia").is_dir():
        return Check(name, Verdict.OK, "on")
    return Check(
        name, Verdict.WARNING, "on, so the kernel loads only drivers that are signed, and NVIDIA's is not loaded",
        "If it is installed, enrol the key that signed it: `sudo mokutil --import /var/lib/dkms/mok.pub`",
    )  # fmt: skip


def _cuda(at: Machine) -> Check:
    try:
        # Loading it touches no device; only initialising it would.
        at.load("libcuda.so.1")
    except OSError:
        return Check("CUDA driver library", Verdict.FAILED, "libcuda.so.1 is not installed", "Install libcuda1.")
    return Check("CUDA driver library", Verdict.OK, "libcuda.so.1 is there")


def _nbd(at: Machine) -> Check:
    name = "Kernel module nbd"
    if (at.sys / "module/nbd").is_dir():
        return Check(name, Verdict.OK, "loaded")
    release = smallfile.text(at.proc / "sys/kernel/osrelease")
    modules = at.root / "lib/modules" / release
    if release and any("/nbd.ko" in smallfile.text(modules / index) for index in ("modules.dep", "modules.builtin")):
        return Check(name, Verdict.OK, "there, and loaded when needed")
    return Check(
        name, Verdict.FAILED, f"not there for kernel {release or 'unknown'}",
        "Install the package with your kernel's extra modules, or a kernel that has CONFIG_BLK_DEV_NBD.",
    )  # fmt: skip


def _programs(at: Machine) -> Check:
    missing = [name for name in ("mkswap", "swapon", "swapoff", "modprobe") if run.find(name) is None]
    if missing:
        return Check("Programs", Verdict.FAILED, f"missing: {', '.join(missing)}", "Install util-linux and kmod.")
    return Check("Programs", Verdict.OK, "util-linux and kmod are there")


def _polkit(at: Machine) -> Check:
    """The daemon that decides who may do what, and the agent in the session that asks for a password."""
    name, running = "polkit", set(_running(at))
    service = at.root / "usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
    if "polkitd" not in running and not service.is_file():
        return Check(
            name, Verdict.FAILED, "not installed, so nobody may turn the swap on",
            "Install polkitd (policykit-1 on older systems).",
        )  # fmt: skip
    # Its own helper runs only while it asks, and shows no window.
    agents = {program for program in running if re.search("polkit|policykit", program)} | running & _ASKING_DESKTOPS
    if not agents - {"polkitd", "polkit-agent-he"}:
        return Check(
            name, Verdict.WARNING, "there, but no program runs that asks for an administrator's password",
            "Start one with your session, such as lxpolkit or polkit-gnome. Until then: `sudo vramswapctl config`",
        )  # fmt: skip
    return Check(name, Verdict.OK, "there, and asks for a password where one is needed")


def _sleep(at: Machine) -> Check:
    """Pages in VRAM have to be brought home before the GPU is powered down."""
    name = "Before sleep"
    match _unit(at, _OUR_UNIT):
        case "enabled":
            return Check(name, Verdict.OK, "pages are brought home first")
        case "absent":
            return Check(
                name, Verdict.WARNING, f"{_OUR_UNIT} is not installed, so nobody brings the pages home",
                "Turn the swap off before the computer sleeps, or install vramswap's package: `vramswapctl off`",
            )  # fmt: skip
        case state:
            unmask = f"sudo systemctl unmask {_OUR_UNIT} && " if state == "masked" else ""
            return Check(
                name, Verdict.WARNING, f"{_OUR_UNIT} is {state}, so nobody brings the pages home",
                f"Enable it: `{unmask}sudo systemctl enable {_OUR_UNIT}`",
            )  # fmt: skip


def _nvidia_sleep(at: Machine) -> Check:
    """Whether the driver can sleep at all, as it is configured (chapter "Power Management" of its README)."""
    name = "Sleep of the driver"
    lines = (line.partition(":") for line in smallfile.text(at.proc / "driver/nvidia/params").splitlines())
    params = {key: value.strip() for key, _, value in lines}
    if not params:
        return Check(name, Verdict.OK, "not known while the driver is not loaded")
    if params.get("PreserveVideoMemoryAllocations", "0") == "0":
        return Check(name, Verdict.OK, "it does not keep video memory, and need not")
    if params.get("UseKernelSuspendNotifiers", "0") not in ("0", ""):
        return Check(name, Verdict.OK, "it keeps video memory by itself")
    states = {unit: _unit(at, unit) for unit in _NVIDIA_UNITS}
    if set(states.values()) == {"enabled"}:
        return Check(name, Verdict.OK, "it keeps video memory, and its units are enabled")
    absent = [unit for unit, state in states.items() if state == "absent"]
    if absent:
        return Check(
            name, Verdict.WARNING, f"it is to keep video memory, but {', '.join(absent)} missing: it will not sleep",
            "Install the driver's units (package nvidia-suspend-common on Debian).",
        )  # fmt: skip
    off = [unit for unit, state in states.items() if state != "enabled"]
    return Check(
        name, Verdict.WARNING, f"it is to keep video memory, but {', '.join(off)} not enabled: it will not sleep",
        f"Enable what it needs: `sudo systemctl enable {' '.join(off)}`",
    )  # fmt: skip


def _swap(at: Machine) -> Check:
    """Pages in VRAM must have somewhere to go when memory is full and the GPU is wanted back."""
    try:
        others = [area for area in swaps.read(at.proc) if not area.device.startswith("/dev/nbd")]
    except OSError:
        return Check(
            "Other swap", Verdict.FAILED, "this kernel has no swap at all", "Use a kernel that has CONFIG_SWAP."
        )
    if not others:
        return Check(
            "Other swap", Verdict.WARNING, "none",
            "With memory full, VRAM could not be given back. A swap file or zram makes room for its pages.",
        )  # fmt: skip
    return Check("Other swap", Verdict.OK, ", ".join(f"{area.device} {format_size(area.size)}" for area in others))


def _zswap(at: Machine) -> Check:
    if smallfile.text(at.sys / "module/zswap/parameters/enabled") == "Y":
        return Check(
            "zswap", Verdict.WARNING, "on: pages are compressed in memory first, and reach VRAM late",
            "For VRAM first: `echo N | sudo tee /sys/module/zswap/parameters/enabled`",
        )  # fmt: skip
    return Check("zswap", Verdict.OK, "off")


def _reclaim(at: Machine) -> Check:
    """How willingly the kernel swaps, and how much it reads back at once (Documentation/admin-guide/sysctl/vm.rst)."""
    name = "Swappiness"
    swappiness, cluster = (smallfile.text(at.proc / "sys/vm" / key) for key in ("swappiness", "page-cluster"))
    pages = 1 << int(cluster) if cluster.isdigit() and int(cluster) < 16 else 0
    found = swappiness or "unknown"
    if pages:
        found = f"{found}, one page is read at once" if pages == 1 else f"{found}, {pages} pages are read at once"
    if swappiness.isdigit() and int(swappiness) < _LEAST_SWAPPINESS:
        return Check(
            name, Verdict.WARNING, f"{found}: the kernel swaps as late as it can",
            "The kernel's own choice is 60: `sudo sysctl vm.swappiness=60`",
        )  # fmt: skip
    return Check(name, Verdict.OK, found)


def _pressure(at: Machine) -> Check:
    name = "Memory pressure"
    if psi.read(at.proc) is None:
        return Check(
            name, Verdict.WARNING, "not measured by this kernel, so short memory is noticed late",
            "Add psi=1 to the kernel's command line, or use a kernel that has CONFIG_PSI.",
        )  # fmt: skip
    return Check(name, Verdict.OK, "measured by the kernel")


def _running(at: Machine) -> Iterator[str]:
    """The kernel's names of the programs that run, at most 15 characters of each."""
    return (smallfile.text(process / "comm") for process in at.proc.iterdir() if process.name.isdigit())


def _unit(at: Machine, name: str) -> str:
    """As ``systemctl is-enabled`` says: ``enabled``, ``disabled`` or ``masked``; ``absent`` when there is none."""
    folders = [at.root / folder for folder in _UNITS]
    if any((folder / name).is_symlink() and (folder / name).readlink() == Path("/dev/null") for folder in folders):
        return "masked"
    if not any((folder / name).is_file() or (folder / name).is_symlink() for folder in folders):
        return "absent"
    wanting = (wants for folder in folders if folder.is_dir() for wants in folder.iterdir() if wants.is_dir())
    # A link counts wherever it points: systemd goes by its name.
    enabled = any((wants / name).is_symlink() for wants in wanting if wants.suffix in (".wants", ".requires"))
    return "enabled" if enabled else "disabled"
