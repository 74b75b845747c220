# SPDX-License-Identifier: MIT
"""The kernel's side of a segment: util-linux makes it swap, turns it on and off."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import NBD_MODULE, UBLK_MODULE
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


async def require_driver(transport: str, sys: Path = Path("/sys")) -> None:
    """Load the kernel's drivers that are wanted. Raises VramswapError NO_NBD when it has none of them."""
    from vramswap_gui.system import ublk

    may_be_ublk = transport != "nbd" and ublk.kernel_version() >= ublk.OLDEST_KERNEL
    if may_be_ublk and not (sys / UBLK_MODULE).is_dir():
        # It has no alias by which the kernel could find it.
        await run.run("modprobe", "--quiet", "ublk_drv")
    try:
        await require_nbd(sys)
    except VramswapError:
        if not may_be_ublk or not (sys / UBLK_MODULE).is_dir():
            raise


#: The kernel names a swap area by the mount it was opened through. In a unit with a mount namespace of its own that
#: mount goes with the unit; the area is called ``/nbd0`` from then on, and nobody finds it, least of all systemd at
#: shutdown. So it is systemd's manager that starts the program, outside.
IN_FIRST_NAMESPACE: Final = (
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
    # Nobody's memory stays in VRAM once it is forgotten. At once, not all of it at the beginning: what is new is empty.
    await _use(device, ("--discard=pages", "--priority", str(priority)), by_systemd, proc)


async def on_file(path: str, by_systemd: bool, proc: Path = Path("/proc")) -> None:
    """The same for a file, which gets the lowest priority of all: the kernel's own choice for one that has none."""
    # A file may lie where this process's mounts do not let it write.
    made = await run.run(*_around(by_systemd), "mkswap", "--label", _LABEL, path)
    if made.status:
        raise _refused("mkswap", path, made.complaint)
    await _use(path, (), by_systemd, proc)


async def _use(device: str, options: tuple[str, ...], by_systemd: bool, proc: Path) -> None:
    done = await run.run(*_around(by_systemd), "swapon", *options, device)
    if done.status:
        taken = _areas(proc)
        # EPERM is what swapon(2) says of too many areas, to root too.
        if _NOT_PERMITTED in done.complaint and taken > swaps.MOST_AREAS // 2:
            raise VramswapError(Problem.SWAP_FULL, count=taken, most=swaps.MOST_AREAS)
        raise _refused("swapon", device, done.complaint)


def _around(by_systemd: bool) -> tuple[str, ...]:
    return IN_FIRST_NAMESPACE if by_systemd else ()


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


async def off_file(path: str, by_systemd: bool) -> None:
    """The same for a file. Cancelled, it is still in use."""
    unit = f"vramswap-landing-{os.getpid()}.service"
    try:
        done = await run.run(*_around(by_systemd), *((f"--unit={unit}",) if by_systemd else ()), "swapoff", path)
    except asyncio.CancelledError:
        if by_systemd:
            # What ended is the program that waits for the unit.
            await run.run("systemctl", "kill", "--signal=KILL", unit)
        raise
    if done.status:
        raise _refused("swapoff", path, done.complaint)


async def is_ours(device: str) -> bool:
    """Whether a swap device bears the label that :func:`on` writes."""
    done = await run.run("swaplabel", device)
    return done.status == 0 and any(line.split() == ["LABEL:", _LABEL] for line in done.output.splitlines())


def disconnect(device: str) -> None:
    """Take a device that nobody serves from the kernel's driver. Raises VramswapError."""
    # Only needed when the keeper, which has this at hand, is dead.
    from vramswap_gui.system import nbd, ublk

    number = ublk.number_of(device)
    if number is None:
        nbd.NbdControl().disconnect(nbd.number(device))
        return
    with contextlib.closing(ublk.UblkControl()) as control:
        # One that is in use stays: the next server gives it somebody who refuses what is asked for (exports/ublk.py).
        if control.stop(number):
            control.delete(number)


def _refused(program: str, device: str, why: str) -> VramswapError:
    return VramswapError(Problem.SWAP_REFUSED, program=program, device=device, why=why)
