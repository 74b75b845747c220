"""The kernel's side of a segment: util-linux makes it swap, turns it on and off."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import NBD_MODULE
from vramswap_gui.system import run, swaps

_LABEL: Final = "vramswap"
#: As util-linux words EPERM, in the locale that it is run in.
_NOT_PERMITTED: Final = os.strerror(errno.EPERM)


async def require_nbd(sys: Path = Path("/sys")) -> None:
    """Load the kernel's NBD driver if need be. Raises VramswapError NO_NBD."""
    if (sys / NBD_MODULE).is_dir():
        return
    # Devices are made when they are needed; the sixteen that the module makes by default would only be clutter.
    done = await run.run("modprobe", "nbd", "nbds_max=0")
    if done.status or not (sys / NBD_MODULE).is_dir():
        raise VramswapError(Problem.NBD_NOT_LOADABLE, why=done.complaint)


#: The kernel names a swap area by the mount it was opened through. In a unit with a mount namespace of its own that
#: mount goes with the unit; the area is called ``/nbd0`` from then on, and nobody finds it, least of all systemd at
#: shutdown. So it is systemd's manager that starts the program, outside.
_IN_FIRST_NAMESPACE: Final = (
    "systemd-run", "--quiet", "--collect", "--pipe", "--wait", "--setenv=LC_ALL=C",
    "--property=NoNewPrivileges=yes", "--property=CapabilityBoundingSet=CAP_SYS_ADMIN",
)  # fmt: skip


async def on(device: str, priority: int, by_systemd: bool, proc: Path = Path("/proc")) -> None:
    """Write a swap header and use the device. Raises VramswapError SWAP_REFUSED; then it is not in use.

    ``by_systemd``: this process is part of a unit, which may end before the swap does.
    """
    made = await run.run("mkswap", "--label", _LABEL, device)
    if made.status:
        raise _refused("mkswap", device, made.complaint)
    prefix = _IN_FIRST_NAMESPACE if by_systemd else ()
    done = await run.run(*prefix, "swapon", "--priority", str(priority), device)
    if done.status:
        taken = _areas(proc)
        # EPERM is what swapon(2) says of too many areas, to root too.
        if _NOT_PERMITTED in done.complaint and taken > swaps.MOST_AREAS // 2:
            raise VramswapError(Problem.SWAP_FULL, count=taken, most=swaps.MOST_AREAS)
        raise _refused("swapon", device, done.complaint)


def _areas(proc: Path) -> int:
    """How many swap areas are in use, as far as that can be told."""
    try:
        return len(swaps.read(proc))
    except OSError:
        return 0


async def off(device: str) -> None:
    """Bring every page home and stop using the device. Raises VramswapError SWAP_REFUSED; then it is still in use."""
    done = await run.run("swapoff", device)
    if done.status:
        raise _refused("swapoff", device, done.complaint)


async def is_ours(device: str) -> bool:
    """Whether a swap device bears the label that :func:`on` writes."""
    done = await run.run("swaplabel", device)
    return done.status == 0 and any(line.split() == ["LABEL:", _LABEL] for line in done.output.splitlines())


def disconnect(device: str) -> None:
    """Take a device, which is no swap any more, from the kernel's driver. Raises VramswapError."""
    # Only needed when the keeper, which has this at hand, is dead.
    from vramswap_gui.system import nbd

    nbd.NbdControl().disconnect(nbd.number(device))


def _refused(program: str, device: str, why: str) -> VramswapError:
    return VramswapError(Problem.SWAP_REFUSED, program=program, device=device, why=why)
