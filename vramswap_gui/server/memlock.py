# SPDX-License-Identifier: MIT
"""Keeps a process out of the way of the swap it serves: never paged out, never killed for memory, never throttled."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import THIS_PROCESS

# <sys/mman.h>, mlockall(2)
_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4
# <linux/prctl.h>, prctl(2): no core dump, and no other program of the same user that looks into it.
_PR_SET_DUMPABLE: Final = 4
# <linux/prctl.h>, prctl(2): memory this process asks for must not wait for I/O that it has to do itself.
_PR_SET_IO_FLUSHER: Final = 57


def require_resident() -> None:
    """Lock this process's memory, now and later, and keep it from being killed or from waiting for its own swap.

    Locks are not inherited over fork(2), so each process does this itself. Raises VramswapError when anything is
    refused: serving swap without it can hang the machine.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT):
        raise _refused("mlockall", ctypes.get_errno())
    _flush_io(True)
    try:
        (THIS_PROCESS / "oom_score_adj").write_text("-1000")
    except OSError as error:
        raise _refused("oom_score_adj", error.errno or 0) from error


@contextlib.contextmanager
def nobody_depends_on_us() -> Iterator[None]:
    """Inside, this thread may wait for others to be swapped out, which is how memory is had where there is none free.

    Only while nothing of ours is in use: whoever may not wait for I/O (:func:`require_resident`) waits until somebody
    else makes room, and where nobody asks for memory nobody does. Raises VramswapError.
    """
    _flush_io(False)
    try:
        yield
    finally:
        _flush_io(True)


def _flush_io(flusher: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_IO_FLUSHER, int(flusher), 0, 0, 0):
        raise _refused("PR_SET_IO_FLUSHER", ctypes.get_errno())


def keep_private() -> None:
    """Have no core dump made of this process: it holds other programs' pages."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def outlive_shutdown(proc: Path = THIS_PROCESS) -> None:
    """Have systemd spare this process, and what is forked from it, when it ends all others at shutdown.

    Until swap is off, pages are read from here. A first character @ of the command line asks for it, whenever it is
    written there (https://systemd.io/ROOT_STORAGE_DAEMONS). Where the command line lies: proc_pid_stat(5), arg_start.
    """
    # The second field may have spaces and parentheses in it; arg_start is the 48th.
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    ctypes.memset(int(fields[45]), ord("@"), 1)


def bring_home(proc: Path = THIS_PROCESS) -> int:
    """Bring back what of this process was paged out before its memory was locked; returns how many bytes that were.

    The locks above hold what is in memory, and leave what is not where it is (mlockall(2), MCL_ONFAULT). A server that
    is started while others already swap on what it is about to serve would wait for itself at the first such page.
    Raises VramswapError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    total = 0
    for start, end, swapped in paged_out((proc / "smaps").read_text()):
        if libc.mlock(ctypes.c_void_p(start), ctypes.c_size_t(end - start)):
            raise _refused("mlock", ctypes.get_errno())
        total += swapped
    return total


def paged_out(smaps: str) -> list[tuple[int, int, int]]:
    """Start, end and bytes in swap of each mapping that has any. Source: proc_pid_smaps(5)."""
    found = []
    start = end = 0
    for line in smaps.splitlines():
        name, _, rest = line.partition(" ")
        if name == "Swap:" and int(rest.split()[0]):
            found.append((start, end, int(rest.split()[0]) << 10))
        elif not name.endswith(":"):
            start, end = (int(part, 16) for part in name.split("-"))
    return found


def go_first() -> None:
    """Let this thread go before everybody's ordinary work, and nearer to the last page of memory.

    What it does is short, and others wait for it: bringing an engine back. A real-time task may also use part of the
    memory below the ``min`` watermark, which the programs that wait for free memory may not (mm/page_alloc.c).
    """
    _schedule(os.SCHED_RR, 1)


def go_with_the_others() -> None:
    """The reverse, for what takes long, and for while somebody else serves: whoever goes first may starve that one."""
    _schedule(os.SCHED_OTHER, 0)


def _schedule(policy: int, priority: int) -> None:
    # Without it a restart is only slower to come by its memory, so that is no reason not to serve.
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, policy, os.sched_param(priority))


def _refused(what: str, number: int) -> VramswapError:
    return VramswapError(Problem.NOT_LOCKABLE, what=what, why=os.strerror(number))
