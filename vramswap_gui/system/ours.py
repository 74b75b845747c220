# SPDX-License-Identifier: MIT
"""Which swap devices are ours. Others attach NBD and ublk devices too, and may swap to them.

A name says nothing. What says it: the identity that our server gives an NBD device (``/sys/block/nbdN/backend``, since
kernel 5.14); the file that it has for each ublk device; the helper's record of the devices that it made swap; or that
the process which attached the device is our server (``/sys/block/nbdN/pid``, drivers/block/nbd.c). Nothing here reads a
device: one whose server is gone would never answer.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from vramswap_gui.paths import RUNTIME
from vramswap_gui.system import nbd, smallfile, swaps
from vramswap_gui.system.swaps import Swap

_RECORD: Final = "devices"
#: What a device of ours can be called.
_NAME: Final = re.compile(r"/dev/(nbd[0-9]+|ublkb[0-9]+)")


def areas(
    folder: Path = RUNTIME, proc: Path = Path("/proc"), sys: Path = Path("/sys"), record: Collection[str] | None = None
) -> tuple[Swap, ...]:
    """The swap areas in use that are ours; none where swap cannot be looked at.

    ``record``: the devices that the helper made swap, where the caller knows them; else they are in ``folder``.
    """
    try:
        found = swaps.read(proc)
    except OSError:
        return ()
    known = recorded(folder) if record is None else record
    return tuple(area for area in found if is_ours(area.device, known, proc, sys, folder))


def is_ours(
    device: str, known: Collection[str], proc: Path = Path("/proc"), sys: Path = Path("/sys"), folder: Path = RUNTIME
) -> bool:
    """Whether a swap device is ours; ``known`` are those that the helper made swap."""
    return bool(verdict(device, known, proc, sys, folder))


def verdict(
    device: str, known: Collection[str], proc: Path = Path("/proc"), sys: Path = Path("/sys"), folder: Path = RUNTIME
) -> bool | None:
    """The same, and None where nothing says whose it is: an older kernel, and a server that is gone."""
    match = _NAME.fullmatch(device)
    if match is None:
        return False
    identity = smallfile.text(sys / "block" / match[1] / "backend")
    if identity:
        return identity.startswith(nbd.OURS)
    if device in known or folder / "ublk" / match[1] in smallfile.entries(folder / "ublk"):
        return True
    pid = smallfile.number(sys / "block" / match[1] / "pid")
    return True if pid is not None and is_server(pid, proc) else None


def is_server(pid: int, proc: Path = Path("/proc")) -> bool:
    """Whether a process is our server: keeper and engine have one command line, with the control socket in it."""
    words = smallfile.text(proc / str(pid) / "cmdline").split("\0")
    return "--control" in words and any("vramswap" in word for word in words)


def recorded(folder: Path = RUNTIME) -> frozenset[str]:
    """The devices that the helper made swap."""
    return frozenset(smallfile.text(folder / _RECORD).split("\n")) - {""}


def record(devices: Collection[str], folder: Path = RUNTIME) -> None:
    """Have others know the devices that are swap now. A full /run costs no more than that."""
    text = "".join(f"{device}\n" for device in sorted(devices))
    path = folder / _RECORD
    with contextlib.suppress(OSError):
        if smallfile.text(path) == text.strip():
            return
        smallfile.write(path, text)
        # Whoever checks the computer reads it, whatever the umask of the helper's unit.
        path.chmod(0o644)
