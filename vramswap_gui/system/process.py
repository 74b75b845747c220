# SPDX-License-Identifier: MIT
"""What processes are called: this one in ps(1), in top(1) and in the journal, and others."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.paths import THIS_PROCESS
from vramswap_gui.system import smallfile

# <linux/prctl.h>, PR_SET_PDEATHSIG(2const)
_PR_SET_PDEATHSIG: Final = 1
#: The kernel keeps so many bytes (PR_SET_NAME(2const)).
LONGEST: Final = 15
#: PF_KTHREAD of <linux/sched.h>
_PF_KTHREAD: Final = 0x00200000


@dataclass(frozen=True, slots=True)
class Process:
    """What proc_pid_stat(5) says of one, which anybody may name like any other. Its memory is not looked at, some of
    which may be in VRAM."""

    pid: int
    name: str
    parent: int
    session: int
    #: Whether it is a thread of the kernel's own.
    is_kernels: bool


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
    _at_parents_end(signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def outlive_parent() -> None:
    """Take that back."""
    _at_parents_end(0)


def _at_parents_end(number: int) -> None:
    # Who only wants to know what processes are called does without it.
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


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
    found = {smallfile.text(folder / "comm").casefold() for folder in folders(proc)}
    return next((name for short, name in wanted.items() if short in found), "")


def folders(proc: Path = Path("/proc")) -> Iterator[Path]:
    """Every process's; none where they cannot be looked for."""
    return (entry for entry in smallfile.entries(proc) if entry.name.isascii() and entry.name.isdigit())


def look(folder: Path) -> Process | None:
    """Whose folder it is; None for one that is no more, or waits for its parent and has nothing any more."""
    # The name may have spaces and parentheses in it.
    start, _, rest = smallfile.text(folder / "stat").rpartition(")")
    state, *fields = rest.split() or ["Z"]
    numbers = [smallfile.parse_number(os.fsencode(field)) for field in fields[:6]]
    match numbers:
        case [int(parent), _, int(session), _, _, int(flags)] if state not in "ZX":
            return Process(int(folder.name), start.partition("(")[2], parent, session, bool(flags & _PF_KTHREAD))
    return None
