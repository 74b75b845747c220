"""What vramswap needs of a machine, checked one by one without waking the GPU or changing anything."""

from __future__ import annotations

import ctypes
import enum
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vramswap_gui.system import gpu, run, swaps
from vramswap_gui.units import format_size

#: The first driver with CUDA 12.0, the oldest that the server works with.
OLDEST_DRIVER: Final = (525,)


class Verdict(enum.StrEnum):
    """``WARNING``: it works, with a limit that a user should know."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was looked at, what was found, and what to do about it."""

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


def look(machine: Machine | None = None) -> list[Check]:
    """All checks that need no D-Bus, the causes before what depends on them."""
    at = machine or Machine()
    return [_gpu(at), _driver(at), _cuda(at), _nbd(at), _programs(), _swap(at), _zswap(at)]


def _gpu(at: Machine) -> Check:
    found = gpu.list_pci(at.sys)
    if not found:
        return Check("NVIDIA GPU", Verdict.FAILED, "none on the PCI bus", "vramswap is of use with an NVIDIA GPU only.")
    return Check("NVIDIA GPU", Verdict.OK, ", ".join(f"{pci} ({gpu.power(pci, at.sys)})" for pci in found))


def _driver(at: Machine) -> Check:
    name, install = "NVIDIA driver", "Install NVIDIA's driver 525 or later (package nvidia-driver) and restart."
    try:
        text = (at.proc / "driver/nvidia/version").read_text()
    except OSError:
        if (at.sys / "module/nouveau").is_dir():
            return Check(name, Verdict.FAILED, "nouveau is loaded, which has no CUDA", install)
        return Check(name, Verdict.FAILED, "not loaded", install)
    match = re.search(r"\b(\d{3,}(?:\.\d+)+)\b", text)
    version = match[1] if match else "unknown"
    if match and tuple(int(part) for part in version.split(".")) < OLDEST_DRIVER:
        return Check(name, Verdict.FAILED, f"version {version} is too old", install)
    return Check(name, Verdict.OK, f"version {version}")


def _cuda(at: Machine) -> Check:
    try:
        # Loading it touches no device; only initialising it would.
        at.load("libcuda.so.1")
    except OSError:
        return Check("CUDA driver library", Verdict.FAILED, "libcuda.so.1 is not installed", "Install libcuda1.")
    return Check("CUDA driver library", Verdict.OK, "libcuda.so.1 is there")


def _nbd(at: Machine) -> Check:
    if (at.sys / "module/nbd").is_dir():
        return Check("Kernel module nbd", Verdict.OK, "loaded")
    release = (at.proc / "sys/kernel/osrelease").read_text().strip() if (at.proc / "sys").is_dir() else ""
    modules = Path("/lib/modules") / release
    for index in ("modules.dep", "modules.builtin"):
        if release and (modules / index).is_file() and "/nbd.ko" in (modules / index).read_text():
            return Check("Kernel module nbd", Verdict.OK, "there, and loaded when needed")
    return Check(
        "Kernel module nbd", Verdict.FAILED, f"not there for kernel {release or 'unknown'}",
        "Install the package with your kernel's extra modules, or a kernel that has CONFIG_BLK_DEV_NBD.",
    )  # fmt: skip


def _programs() -> Check:
    missing = [name for name in ("mkswap", "swapon", "swapoff", "modprobe") if run.find(name) is None]
    if missing:
        return Check("Programs", Verdict.FAILED, f"missing: {', '.join(missing)}", "Install util-linux and kmod.")
    return Check("Programs", Verdict.OK, "util-linux and kmod are there")


def _swap(at: Machine) -> Check:
    """Pages in VRAM must have somewhere to go when memory is full and the GPU is wanted back."""
    others = [area for area in swaps.read(at.proc) if not area.device.startswith("/dev/nbd")]
    if not others:
        return Check(
            "Other swap", Verdict.WARNING, "none",
            "With memory full, VRAM could not be given back. A swap file or zram makes room for its pages.",
        )  # fmt: skip
    return Check("Other swap", Verdict.OK, ", ".join(f"{area.device} {format_size(area.size)}" for area in others))


def _zswap(at: Machine) -> Check:
    try:
        enabled = (at.sys / "module/zswap/parameters/enabled").read_text().strip() == "Y"
    except OSError:
        enabled = False
    if enabled:
        return Check(
            "zswap", Verdict.WARNING, "on: pages are compressed in memory first, and reach VRAM late",
            "For VRAM first: echo N > /sys/module/zswap/parameters/enabled",
        )  # fmt: skip
    return Check("zswap", Verdict.OK, "off")
