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
