# SPDX-License-Identifier: MIT
"""The kernel's own worker threads, and what each of them is at."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from vramswap_gui.system import process

#: The longest name (proc_task_name in fs/proc/array.c), and the end of the line.
_NAME: Final = 65


class Worker:
    """One of these threads, which was seen at something.

    It can be asked whether it still is without a path being looked up, which may wait for a program that waits for a
    page.
    """

    def __init__(self, fd: int, works: Iterable[str]) -> None:
        self._fd = fd
        self._doing = tuple(f"+{work}".encode() for work in works)

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
    for folder in process.folders(proc):
        with contextlib.suppress(OSError):
            worker = Worker(os.open(folder / "comm", os.O_RDONLY | os.O_CLOEXEC), works)
            # Anybody can name a program like one of them.
            if worker.is_at_it() and (who := process.look(folder)) is not None and who.is_kernels:
                found.append(worker)
            else:
                worker.close()
    return found
