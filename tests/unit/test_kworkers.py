# SPDX-License-Identifier: MIT
"""The kernel's own threads, as /proc shows them: what one does is behind a plus, what it did last behind a minus."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vramswap_gui.system import kworkers

KERNELS, PROGRAM = 69238880, 4194560
WORKS = ("nbd0-recv", "knbd0-recv")


def show(proc: Path, pid: int, comm: str, flags: int | str = KERNELS) -> Path:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "comm").write_text(f"{comm}\n")
    (folder / "stat").write_text(f"{pid} ({comm}) S 2 0 0 0 -1 {flags} 0 0 0 0\n")
    return folder


@pytest.mark.parametrize(
    ("comm", "found"),
    [
        ("kworker/u16:3+nbd0-recv", 1),
        ("kworker/u16:3-nbd0-recv", 0),
        ("kworker/u16:3+nbd10-recv", 0),
        ("kworker/0:1+events", 0),
        # What the thread that helps out where none can be made is called, and older kernels' queue.
        ("kworker/R-nbd0-+nbd0-recv", 1),
        ("kworker/u16:3+knbd0-recv", 1),
        ("w) S 2 +nbd0-recv", 1),
        ("", 0),
    ],
)
def test_workers_at_work(comm: str, found: int, tmp_path: Path) -> None:
    show(tmp_path, 100, comm)
    workers = kworkers.at_work(WORKS, tmp_path)
    assert [worker.is_at_it() for worker in workers] == [True] * found
    for worker in workers:
        worker.close()


@pytest.mark.parametrize("flags", [PROGRAM, "many", ""])
def test_a_program_can_be_called_like_one(flags: int | str, tmp_path: Path) -> None:
    show(tmp_path, 100, "k+nbd0-recv", flags)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert kworkers.at_work(WORKS, tmp_path) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_no_process_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "200").mkdir()
    (tmp_path / "self").mkdir()
    (tmp_path / "300").write_text("")
    assert kworkers.at_work(WORKS, tmp_path) == []
    assert kworkers.at_work(WORKS, tmp_path / "nowhere") == []


def test_a_worker_does_something_else_or_ends(tmp_path: Path) -> None:
    folder = show(tmp_path, 100, "kworker/u16:3+nbd0-recv")
    (worker,) = kworkers.at_work(WORKS, tmp_path)
    (folder / "comm").write_text("kworker/u16:3-nbd0-recv\n")
    assert not worker.is_at_it()
    worker.close()
    # The kernel's own answer for who is no more, and what is no answer.
    assert not kworkers.Worker(_of_one_that_ended(), WORKS).is_at_it()
    assert kworkers.Worker(os.open(tmp_path, os.O_RDONLY), WORKS).is_at_it()


def _of_one_that_ended() -> int:
    pid = os.fork()
    if not pid:
        os._exit(0)
    fd = os.open(f"/proc/{pid}/comm", os.O_RDONLY)
    os.waitpid(pid, 0)
    return fd
