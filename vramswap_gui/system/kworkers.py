# SPDX-License-Identifier: MIT
"""The kernel's own worker threads, and what each of them is at."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

from vramswap_gui.system import smallfile

#: PF_KTHREAD of <linux/sched.h>, and where proc_pid_stat(5) has a thread's flags, counted from behind its name.
_PF_KTHREAD: Final = 0x00200000
_FLAGS: Final = 6
#: The longest name (proc_task_name in fs/proc/array.c), and the end of the line.
_NAME: Final = 65


class Worker:
    """One of these threads, which was seen at something.

    It can be asked whether it still is without a path being looked up, which may wait for a program that waits for a
    page.
    """

    def __init__(self, fd: int, work: bytes) -> None:
        self._fd = fd
        self._doing = b"+" + work

    def is_at_it(self) -> bool:
        """True as well when that cannot be told."""
        try:
            return os.pread(self._fd, _NAME, 0).rstrip().endswith(self._doing)
        except ProcessLookupError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Ask it no more."""
        os.close(self._fd)


def at_work(works: Collection[str], proc: Path = Path("/proc")) -> list[Worker]:
    """Every thread of the kernel's that is at what a workqueue of one of these names was given.

    A thread is called after what it does, ``kworker/u16:3+nbd0-recv``, or did last, with a minus (wq_worker_comm in
    kernel/workqueue.c, since 4.18). None is found where a container hides them.
    """
    found = []
    for process in smallfile.entries(proc):
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                fd = os.open(process / "comm", os.O_RDONLY | os.O_CLOEXEC)
                worker = next((w for work in works if (w := Worker(fd, work.encode())).is_at_it()), None)
                if worker is not None and _is_kernels(process):
                    found.append(worker)
                else:
                    os.close(fd)
    return found


def _is_kernels(process: Path) -> bool:
    """Anybody can name a program like one of the kernel's threads."""
    _, _, rest = smallfile.text(process / "stat").rpartition(")")
    fields = smallfile.fields(os.fsencode(rest))
    flags = smallfile.parse_number(fields[_FLAGS]) if len(fields) > _FLAGS else None
    return bool((flags or 0) & _PF_KTHREAD)
