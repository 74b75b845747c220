# SPDX-License-Identifier: MIT
"""The way down of a machine that systemd does not run: swap first, then the server, then whoever ends the rest.

What ends all processes at shutdown knows nothing of ours. OpenRC's stops them all before it looks at any, the engine
too, and then waits for its own pages; sysvinit's kills the engine, and turns swap off afterwards. So no page may be in
VRAM by then. What does not fit into memory is room that programs have which are about to be ended anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from vramswap_gui.errors import VramswapError
from vramswap_gui.helper import monitor, swap_area
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.paths import RUNTIME
from vramswap_gui.system import ours, process, run, smallfile, swaps
from vramswap_gui.system.process import Process
from vramswap_gui.system.swaps import Swap

#: Programs get so many seconds to end by themselves, and as many to be gone once they are killed.
_SECONDS: Final = 5.0
_LOOKS: Final = 50
#: Process ids in these files are spared by sysvinit's and Debian's scripts, and by us.
_OMITTED: Final = ("sendsigs.omit", "sendsigs.omit.d/*")
#: How those are called that hold pages, or wait for the end of those that do.
_OURS: Final = {"vramswap-keeper", "vramswap-engine", "vramswap-sentry"}
#: File systems in memory that somebody needs to the end.
_KEPT: Final = {"/", "/dev", "/run", "/sys"}


async def take_down(folder: Path = RUNTIME, proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> bool:
    """Bring every page home and have the server end; whether that could be done."""
    if not await _bring_home(folder, proc, sys, anyway=False):
        os.write(2, b"vramswap: pages in VRAM do not fit into memory, so every program is ended for them\n")
        await _end_others(proc, folder.parent)
        await _empty(proc)
        if not await _bring_home(folder, proc, sys, anyway=True):
            _spare_server(proc, folder.parent)
            return False
    server = ServerClient(folder, "kernel")
    with contextlib.suppress(VramswapError):
        if await server.adopt():
            for segment in (await server.status()).segments:
                await server.remove(segment.index)
            await server.quit()
    return True


async def _bring_home(folder: Path, proc: Path, sys: Path, *, anyway: bool) -> bool:
    """Turn off all areas that are ours, if their pages have room or ``anyway``; whether none is left."""
    for area in ours.areas(folder, proc, sys):
        # The pages of one may have gone to another one of ours meanwhile.
        if not anyway and not _fit(ours.areas(folder, proc, sys), proc, sys):
            return False
        with contextlib.suppress(VramswapError):
            await swap_area.off(area.device)
    return not ours.areas(folder, proc, sys)


def _fit(areas: Collection[Swap], proc: Path, sys: Path) -> bool:
    """Whether the pages of all of them have room elsewhere.

    Where they have none, the kernel kills swapoff(8) halfway, which set itself up for that (``oom_task_origin`` of
    linux/oom.h), and then whoever else wants memory until it is gone.
    """
    try:
        return monitor.shortfall(areas, swaps.read(proc), proc, sys) is None
    except OSError:
        return True


async def _end_others(proc: Path, run_folder: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal(others(proc, run_folder), number)
        for _ in range(_LOOKS):
            if not any(others(proc, run_folder)):
                return
            await asyncio.sleep(_SECONDS / _LOOKS)


def _signal(pids: Iterable[int], number: signal.Signals, kill: Callable[[int, int], None] = os.kill) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            kill(pid, number)


def others(proc: Path, run_folder: Path, this: int | None = None) -> Iterator[int]:
    """Whoever is ended at shutdown: not the kernel's threads, nor ours, nor those who shut the machine down.

    ``this``: the process that asks, whose session and forebears are spared.
    """
    found = {each.pid: each for each in _processes(proc)}
    asking = found.get(os.getpid() if this is None else this)
    session = asking.session if asking is not None else -1
    spared = {1, *_omitted(run_folder)}
    while asking is not None and asking.pid not in spared:
        spared.add(asking.pid)
        asking = found.get(asking.parent)
    for pid, other in found.items():
        if not (other.is_kernels or pid in spared or other.session == session or other.name in _OURS):
            yield pid


def _processes(proc: Path) -> Iterator[Process]:
    return (found for folder in process.folders(proc) if (found := process.look(folder)) is not None)


def _omitted(run_folder: Path) -> set[int]:
    files = (path for pattern in _OMITTED for path in run_folder.glob(pattern))
    return {int(word) for path in files for word in smallfile.text(path).split() if word.isdecimal()}


async def _empty(proc: Path) -> None:
    """Unmount what is in memory and may be in swap. What is in use stays."""
    mounts = [line.split() for line in smallfile.text(proc / "mounts").splitlines()]
    for _, place, kind, *_ in reversed([mount for mount in mounts if len(mount) > 2]):
        if kind == "tmpfs" and place not in _KEPT:
            await run.run("umount", place)


def _spare_server(proc: Path, run_folder: Path) -> None:
    """Its pages are needed to the very end, so have those who end all processes leave it alone, where they can."""
    folder = run_folder / "sendsigs.omit.d"
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True)
        pids = (each.pid for each in _processes(proc) if each.name in _OURS)
        (folder / "vramswap").write_text("".join(f"{pid}\n" for pid in pids), encoding="ascii")
