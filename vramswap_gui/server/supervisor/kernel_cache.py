# SPDX-License-Identifier: MIT
"""The copy kernel for the GPU at hand: made once a boot, before anybody swaps, and kept in memory for every engine."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import tempfile
from pathlib import Path
from typing import Final, NoReturn

from vramswap_gui.paths import DRIVER_VERSION
from vramswap_gui.server.engine import copy_kernel
from vramswap_gui.server.memlock import go_with_the_others
from vramswap_gui.system import process, smallfile

#: Seconds in which the driver must have compiled it: it takes less than one, and nobody swaps before.
SECONDS: Final = 20.0
#: A kernel of a few kilobytes; more is not ours.
_MOST: Final = 1 << 20


def kept(gpu: str, folder: Path, proc: Path = Path("/proc")) -> bytes:
    """What an earlier server left in ``folder`` for the GPU that is chosen as ``gpu``; empty when there is none.

    Where another card has become the one that is meant meanwhile, it refuses the kernel, and all works without.
    """
    with contextlib.suppress(OSError):
        return smallfile.data(_place(gpu, folder, proc), _MOST)
    return b""


async def made(gpu: str, folder: Path | None, proc: Path = Path("/proc")) -> bytes:
    """As :func:`kept`, and compiled if need be. Empty when this driver cannot, or takes too long."""
    found = kept(gpu, folder, proc) if folder is not None else b""
    if not found and (found := await _compiled(gpu)) and folder is not None:
        _keep(_place(gpu, folder, proc), found)
    return found


def _place(gpu: str, folder: Path, proc: Path) -> Path:
    driver = b""
    with contextlib.suppress(OSError):
        driver = smallfile.data(proc / DRIVER_VERSION)
    number = hashlib.sha256(b"\0".join((gpu.encode(), driver, copy_kernel.PTX))).hexdigest()[:16]
    return folder / f"copy-kernel-{number}"


def _keep(place: Path, cubin: bytes) -> None:
    """Whole or not at all. It can be made again, so nobody hears of a failure."""
    with contextlib.suppress(OSError):
        fd, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}-")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(cubin)
            Path(name).replace(place)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


async def _compiled(gpu: str) -> bytes:
    ours, theirs = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(ours)
        os.close(theirs)
        return b""
    if pid == 0:
        _compile(gpu, theirs)
    os.close(theirs)
    ended = _ended(pid)
    try:
        async with asyncio.timeout(SECONDS):
            found = await _read(ours)
            # What it had of VRAM is given back as it ends, and is wanted next.
            await asyncio.shield(ended)
            return found
    except TimeoutError:
        # One that is stuck in the driver ends when that lets go of it; nobody waits for that.
        os.kill(pid, signal.SIGKILL)
        return b""
    finally:
        os.close(ours)


def _ended(pid: int) -> asyncio.Future[None]:
    """Done once the child ``pid`` is reaped."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    watched = os.pidfd_open(pid)

    def reap() -> None:
        loop.remove_reader(watched)
        os.close(watched)
        os.waitpid(pid, 0)
        ended.set_result(None)

    loop.add_reader(watched, reap)
    return ended


async def _read(fd: int) -> bytes:
    """All that comes until the end."""
    loop = asyncio.get_running_loop()
    os.set_blocking(fd, False)
    found = bytearray()
    ended: asyncio.Future[None] = loop.create_future()

    def take() -> None:
        with contextlib.suppress(BlockingIOError):
            part = os.read(fd, _MOST)
            found.extend(part)
            if not part and not ended.done():
                ended.set_result(None)

    loop.add_reader(fd, take)
    try:
        await ended
    finally:
        loop.remove_reader(fd)
    return bytes(found)


def _compile(gpu: str, fd: int) -> NoReturn:
    """The whole life of the process that compiles. Unlike its parent it may be paged out, killed and kept waiting."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        process.call_it("vramswap-jit")
        go_with_the_others()
        process.be_killed_first()
        process.close_all_but(fd)
        cubin = copy_kernel.compile_copy_kernel(gpu) or b""
        while cubin:
            cubin = cubin[os.write(fd, cubin) :]
    finally:
        os._exit(0)
