# SPDX-License-Identifier: MIT
"""What of the demonstration can be real on this machine, and how that is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CAP_SYS_ADMIN: Final = 1 << 21
_NVIDIA_NODES: Final = ("/dev/nvidiactl", "/proc/driver/nvidia")

#: Exit status 0 when the driver starts and has a GPU. Its own process, because a CUDA process keeps the GPU awake.
_ASK_CUDA: Final = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
count = ctypes.c_int()
raise SystemExit(cuda.cuInit(0) != 0 or cuda.cuDeviceGetCount(ctypes.byref(count)) != 0 or count.value == 0)
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """For each part that may have to be simulated: why it is, or an empty string when it is real."""

    gpu: str
    kernel: str
    polkit: str
    #: The name of the environment variable that says there is a display; empty: there is none.
    display: str

    @property
    def banner(self) -> str:
        """The first line on the terminal."""
        parts = {
            "the GPU": self.gpu,
            "the kernel's part (NBD device, swapon)": self.kernel,
            "polkit's answers (always yes)": self.polkit,
        }
        simulated = [f"{name}: {why}" for name, why in parts.items() if why]
        how = "tray" if self.display else "no display, so on the command line"
        if simulated:
            return f"vramswap from this checkout ({how}). SIMULATED: {'; '.join(simulated)}. All else is real."
        return f"vramswap from this checkout ({how}). Nothing is simulated: until it ends, this machine swaps to VRAM."


def look(environment: Mapping[str, str]) -> Plan:
    """The plan for this machine; changes nothing and loads nothing."""
    root = _is_real_root()
    display = next((name for name in ("WAYLAND_DISPLAY", "DISPLAY") if environment.get(name)), "")
    return Plan(_why_no_gpu(), _why_no_kernel(root), _why_no_polkit(root), display)


def _why_no_gpu() -> str:
    if not any(Path(node).exists() for node in _NVIDIA_NODES):
        return "no NVIDIA driver is loaded"
    done = subprocess.run([sys.executable, "-c", _ASK_CUDA], capture_output=True, check=False)
    return "" if done.returncode == 0 else "the NVIDIA driver is there, but CUDA does not start"


def _why_no_kernel(root: bool) -> str:
    if not root:
        return "attaching devices needs root"
    if Path("/sys/module/nbd").exists():
        return ""
    modprobe = shutil.which("modprobe")
    if modprobe and subprocess.run([modprobe, "-n", "-q", "nbd"], capture_output=True, check=False).returncode == 0:
        return ""
    return "this kernel has no nbd module"


def _why_no_polkit(root: bool) -> str:
    if not root:
        return "starting polkitd needs root"
    # In which it is started (see stack.py); in a chroot none can be made.
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "no mount namespace can be made here"


def _is_real_root() -> bool:
    """Root with the right to administer the machine, which root in a container or a user namespace has not."""
    if os.geteuid() != 0:
        return False
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    whole = Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]
    return whole and bool(int(status["CapEff"], 16) & _CAP_SYS_ADMIN)
