# SPDX-License-Identifier: MIT
"""Which programs run, by the names that the kernel has of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vramswap_gui.system import process


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    for pid, name in {"1": "systemd", "20": "Blender", "300": "davinci-resolve", "4": ""}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "comm").write_bytes(f"{name}\n".encode())
    # One that ended meanwhile, and what is no process.
    (tmp_path / "55").mkdir()
    (tmp_path / "self").mkdir()
    (tmp_path / "self/comm").write_text("python3\n")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], ""),
        ([""], ""),
        (["gimp", " blender "], "blender"),
        # The kernel keeps fifteen letters.
        (["davinci-resolve-studio"], "davinci-resolve-studio"),
        (["python3"], ""),
        (["blend"], ""),
        (["gimp", "systemd", "blender"], "systemd"),
    ],
)
def test_programs_that_run(proc: Path, names: list[str], found: str) -> None:
    assert process.running(names, proc) == found


def test_without_processes(tmp_path: Path) -> None:
    assert process.running(["blender"], tmp_path / "nothing") == ""


def test_workers_of_the_kernel_are_told_from_programs_of_their_name(tmp_path: Path) -> None:
    """As /proc shows them: what a worker does stands behind a plus, what it did last behind a minus."""
    kernels, program = 69238880, 4194560
    for pid, (comm, flags) in enumerate([
        ("kworker/u16:3+nbd0-recv", kernels), ("kworker/u16:4-nbd0-recv", kernels), ("kworker/0:1+events", kernels),
        ("kworker/u16:5+nbd10-recv", kernels), ("w) S 2 +nbd0-recv", kernels), ("k+nbd0-recv", program),
    ]):  # fmt: skip
        folder = tmp_path / str(100 + pid)
        folder.mkdir()
        (folder / "comm").write_text(f"{comm}\n")
        (folder / "stat").write_text(f"{100 + pid} ({comm}) S 2 0 0 0 -1 {flags} 0 0 0 0\n")
    (tmp_path / "200").mkdir()
    (tmp_path / "self").mkdir()
    for rest in ("", "1 (", "1 (a) S 2 0 0 0 -1 many"):
        folder = tmp_path / f"{300 + len(rest)}"
        folder.mkdir()
        (folder / "comm").write_text("kworker/u16:6+nbd0-recv\n")
        (folder / "stat").write_text(rest)
    assert process.kernel_workers("nbd0-recv", tmp_path) == 2
    assert process.kernel_workers("nbd10-recv", tmp_path) == 1
    assert process.kernel_workers("nbd0-recv", tmp_path / "nowhere") == 0
