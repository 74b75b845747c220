# SPDX-License-Identifier: MIT
"""What is below a folder: which file system, how much of it is free, and whether its disk is encrypted.

Mounts are those of ``/proc/self/mountinfo`` (proc(5)), devices those of ``/sys/dev/block``. A device is encrypted when
it is one of dm-crypt, as its name in ``dm/uuid`` says (dm_prepare_uuid of cryptsetup's lib/libdevmapper.c), or when
all that it is made of is: a volume of LVM on LUKS. Disks that encrypt by themselves say so nowhere here.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.system import ownership, smallfile
from vramswap_gui.system.swaps import Swap

#: Of dm-crypt's kinds those that encrypt; verity and integrity do not.
_ENCRYPTED: Final = re.compile(r"CRYPT-(LUKS1|LUKS2|PLAIN|LOOPAES|TCRYPT|BITLK|FVAULT2)-.*", re.DOTALL)
#: Devices below devices below devices: deeper is nobody's disk.
_DEEPEST: Final = 8
#: Bytes of mountinfo. The kernel has no more than 100,000 mounts in a namespace (fs.mount-max).
_MOST_MOUNTS: Final = 64 << 20
#: Fields of a line of mountinfo, and where those after the optional ones begin.
_NUMBER, _POINT, _FIRST_OPTIONAL = 2, 4, 6


@dataclass(frozen=True, slots=True)
class Disk:
    """``kind``: the file system's, as the kernel calls it. Sizes in bytes."""

    kind: str
    total: int
    free: int
    encrypted: bool = False
    #: Whether nobody but root can put anything in the folder's place.
    guarded: bool = True


def look(folder: Path, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Disk:
    """What is below ``folder``, or below where it would be made. Raises OSError."""
    there = _existing(folder)
    room = os.statvfs(there)
    kind, number = _mounted(there, proc)
    return Disk(
        kind, room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize, is_encrypted(number, sys),
        ownership.is_guarded(folder.absolute()),
    )  # fmt: skip


def path_of(number: str, sys: Path = Path("/sys")) -> str:
    """The path of a block device, by its number."""
    return f"/dev/{_in_sysfs(number, sys).resolve().name}"


def _in_sysfs(number: str, sys: Path) -> Path:
    return sys / "dev/block" / number


def is_encrypted(number: str, sys: Path = Path("/sys"), deepest: int = _DEEPEST) -> bool:
    """Whether a device, by its number such as ``259:2``, is encrypted; one that is not known is not."""
    device = _in_sysfs(number, sys)
    if _ENCRYPTED.fullmatch(smallfile.text(device / "dm/uuid")):
        return True
    below = [smallfile.text(slave / "dev") for slave in smallfile.entries(device / "slaves")]
    return bool(below) and deepest > 0 and all(is_encrypted(one, sys, deepest - 1) for one in below)


def holds_plain_pages(area: Swap, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> bool:
    """Whether a swap area writes pages to a disk as they are."""
    if area.in_memory:
        return False
    try:
        number = _mounted(Path(area.device), proc)[1] if area.kind == "file" else _device_number(area.device)
    except OSError:
        return False
    return bool(number) and not is_encrypted(number, sys)


def _existing(folder: Path) -> Path:
    """``folder`` without links, or the nearest above it that is there. Raises OSError."""
    folder = Path(os.path.realpath(folder))
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _mounted(path: Path, proc: Path) -> tuple[str, str]:
    """The kind of the file system that ``path`` is on, and its device's number. Raises OSError."""
    best: tuple[int, str, str] | None = None
    mounts = smallfile.data(proc / "self/mountinfo", _MOST_MOUNTS + 1)
    if len(mounts) > _MOST_MOUNTS:
        # What was left out may be what is on top.
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(proc / "self/mountinfo"))
    for line in smallfile.lines(mounts):
        fields = smallfile.fields(line)
        # A dash is the end of the optional fields, of which there may be none.
        if b"-" not in fields[_FIRST_OPTIONAL:-2]:
            continue
        kind, source = fields[fields.index(b"-", _FIRST_OPTIONAL) + 1 :][:2]
        point = Path(smallfile.name(fields[_POINT]))
        # Of two at one place the later one is on top.
        if path.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            number = smallfile.decode(fields[_NUMBER])
            # btrfs has a number of its own, which is no device's.
            number = _device_number(smallfile.name(source)) if number.startswith("0:") else number
            best = len(point.parts), smallfile.decode(kind), number
    if best is None:
        raise FileNotFoundError(str(path))
    return best[1:]


def _device_number(device: str) -> str:
    """The number of a device by its name; empty for what is none."""
    try:
        found = Path(device).stat()
    except (OSError, ValueError):
        return ""
    return f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}" if stat.S_ISBLK(found.st_mode) else ""
