# SPDX-License-Identifier: MIT
"""Every path, unit and device name of ours or of the machine's that more than one place has to know.

What only one module reads of ``/proc`` and ``/sys`` stands there; both roots are arguments everywhere, for the tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: What lasts until the machine starts anew: the server's socket, and what a helper leaves for the next one.
RUNTIME: Final = Path("/run/vramswap")
#: What lasts longer: swap files for pages that fit nowhere else.
STATE: Final = Path("/var/lib/vramswap")
#: Each of them has a folder to itself; a number follows.
LANDING_FOLDER: Final = "vramswap-landing-"
#: In the folder of what lasts longer: what settings and service manager said last of a start with the computer.
AT_BOOT: Final = "at_boot"
CONFIG: Final = Path("/etc/vramswap/config.toml")
#: In the runtime folder.
CONTROL_SOCKET: Final = "control.sock"

HELPER_UNIT: Final = "vramswap-helper.service"
SERVER_UNIT: Final = "vramswap-server.service"
#: What OpenRC calls them.
HELPER_SERVICE: Final = HELPER_UNIT.removesuffix(".service")
SERVER_SERVICE: Final = SERVER_UNIT.removesuffix(".service")
SLEEP_UNIT: Final = "vramswap-sleep.service"
#: There while systemd runs the machine (sd_booted(3)).
SYSTEMD: Final = Path("/run/systemd/system")
#: There while OpenRC runs the machine.
OPENRC: Final = Path("/run/openrc")
#: What elogind reads, logind's part without systemd.
ELOGIND: Final = Path("/etc/elogind")

#: How the kernel's block devices begin; a number follows.
NBD: Final = "/dev/nbd"
UBLK: Final = "/dev/ublkb"
ZRAM: Final = "/dev/zram"
#: Below /sys.
CGROUPS: Final = "fs/cgroup"
ZSWAP: Final = "module/zswap/parameters/enabled"
NBD_MODULE: Final = "module/nbd"
UBLK_MODULE: Final = "module/ublk_drv"
PCI_DEVICES: Final = "bus/pci/devices"
#: Of a block device in sysfs.
SCHEDULER: Final = "queue/scheduler"
#: Below /proc.
KERNEL_RELEASE: Final = "sys/kernel/osrelease"
DRIVER_VERSION: Final = "driver/nvidia/version"
THIS_PROCESS: Final = Path("/proc/self")


def below(root: Path, path: Path) -> Path:
    """An absolute path as it is below another root."""
    return root / path.relative_to("/")
