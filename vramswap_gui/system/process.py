# SPDX-License-Identifier: MIT
"""What processes are called: this one in ps(1), in top(1) and in the journal, and others."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from vramswap_gui.paths import THIS_PROCESS
from vramswap_gui.system import smallfile

# <linux/prctl.h>, PR_SET_PDEATHSIG(2const)
_PR_SET_PDEATHSIG: Final = 1
#: The kernel keeps so many bytes (PR_SET_NAME(2const)).
LONGEST: Final = 15


def call_it(name: str, proc: Path = THIS_PROCESS) -> None:
    """Name this process; threads that it starts from now on have the name too. A failure is of no consequence."""
    with contextlib.suppress(OSError):
        (proc / "comm").write_text(name[:LONGEST])


def close_all_but(*kept: int) -> None:
    """In a child that was forked: let go of every descriptor of its parent's, but for these and the first three."""
    first = 3
    for fd in sorted(fd for fd in kept if fd >= first):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, 1 << 16)


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent, the process ``parent``, has ended, however that was."""
    # Who only wants to know what processes are called does without it.
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def be_killed_first() -> None:
    """When the machine is out of memory, let it be this process that the kernel ends, and no other."""
    with contextlib.suppress(OSError):
        (THIS_PROCESS / "oom_score_adj").write_text("1000")


def running(names: Iterable[str], proc: Path = Path("/proc")) -> str:
    """The first of these programs that runs, whoever runs it; empty while none does. Capitals make no difference.

    A process's name is the kernel's own. Its command line is in memory of its own, which may have to come back from a
    swap that is not well; it is left alone.
    """
    wanted = {name.strip()[:LONGEST].casefold(): name.strip() for name in names if name.strip()}
    if not wanted:
        return ""
    found = {
        smallfile.text(process / "comm").casefold() for process in smallfile.entries(proc) if process.name.isdigit()
    }
    return next((name for short, name in wanted.items() if short in found), "")
