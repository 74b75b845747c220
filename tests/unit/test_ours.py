# SPDX-License-Identifier: MIT
"""Which swap devices are ours: not by their names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vramswap_gui.system import ours

HEADER = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
SERVER = "python3\0-P\0-m\0vramswap_gui.server.main\0--control\0/run/vramswap/control.sock\0"


def machine(root: Path, *devices: str) -> Path:
    """A machine that swaps to these devices."""
    for folder in ("proc", "sys", "run/vramswap"):
        (root / folder).mkdir(parents=True)
    rows = "".join(f"{device:<40}partition\t8\t\t0\t\t-2\n" for device in devices)
    (root / "proc/swaps").write_text(HEADER + rows)
    return root


def attached(root: Path, name: str, pid: int, words: str) -> None:
    """``name`` was attached by a process with these arguments."""
    (root / "sys/block" / name).mkdir(parents=True)
    (root / "sys/block" / name / "pid").write_text(f"{pid}\n")
    (root / f"proc/{pid}").mkdir()
    (root / f"proc/{pid}/cmdline").write_text(words)


def found(root: Path) -> list[str]:
    return [area.device for area in ours.areas(root / "run/vramswap", root / "proc", root / "sys")]


def test_a_name_alone_says_nothing(tmp_path: Path) -> None:
    root = machine(tmp_path, "/dev/nbd0", "/dev/ublkb0", "/dev/sda2")
    assert found(root) == []
    ours.record(["/dev/nbd0", "/dev/ublkb0", "/dev/sda2"], root / "run/vramswap")
    # What no device of ours can be called is not ours, whatever a record says.
    assert found(root) == ["/dev/nbd0", "/dev/ublkb0"]


@pytest.mark.parametrize(
    ("words", "is_ours"),
    [(SERVER, True), ("nbd-client\0localhost\0/dev/nbd0\0", False), ("vim\0vramswap.py\0", False), ("", False)],
)
def test_who_attached_a_device_says_it(words: str, is_ours: bool, tmp_path: Path) -> None:
    root = machine(tmp_path, "/dev/nbd0", "/dev/nbd1")
    attached(root, "nbd1", 4711, words)
    assert found(root) == (["/dev/nbd1"] if is_ours else [])


def test_the_record(tmp_path: Path) -> None:
    ours.record({"/dev/nbd1", "/dev/nbd0"}, tmp_path)
    assert ours.recorded(tmp_path) == {"/dev/nbd0", "/dev/nbd1"}
    before = (tmp_path / "devices").stat().st_ino
    ours.record({"/dev/nbd0", "/dev/nbd1"}, tmp_path)
    assert (tmp_path / "devices").stat().st_ino == before
    ours.record((), tmp_path)
    assert ours.recorded(tmp_path) == frozenset()
    (tmp_path / "devices").write_bytes(b"\xff\n\0\n")
    ours.recorded(tmp_path)
    # Without a place to keep it nothing fails.
    ours.record(["/dev/nbd0"], Path("/proc/none"))
    assert ours.recorded(Path("/proc/none")) == frozenset()


def test_whoever_checks_the_computer_may_read_it(tmp_path: Path) -> None:
    """The units' umask keeps all to root."""
    before = os.umask(0o077)
    try:
        ours.record(["/dev/nbd3"], tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "devices").stat().st_mode & 0o777 == 0o644
    # A folder that is none, or that nobody may look into, says nothing.
    (tmp_path / "ublk").write_text("")
    assert ours.verdict("/dev/ublkb0", (), tmp_path, tmp_path, tmp_path) is None


def test_where_swap_cannot_be_looked_at_there_is_none(tmp_path: Path) -> None:
    assert ours.areas(tmp_path, tmp_path, tmp_path) == ()
