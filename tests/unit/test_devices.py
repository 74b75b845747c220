# SPDX-License-Identifier: MIT
"""Which of the kernel's devices are ours, or may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from vramswap_gui.system import devices, ublk
from vramswap_gui.system.devices import Device

IDENT = "vramswap-0000002a-0"
OTHER = "vramswap-0000002a-1"


def make(sys: Path, number: int, backend: str | None) -> None:
    folder = sys / f"block/nbd{number}"
    folder.mkdir(parents=True)
    (folder / "pid").write_text("1\n")
    if backend is not None:
        (folder / "backend").write_text(f"{backend}\n")


def test_those_of_both_drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ublk.Info(3, 0, started=True, waits=True)
    monkeypatch.setattr(ublk, "ours", lambda sys: {OTHER: made})
    make(tmp_path, 0, IDENT)
    make(tmp_path, 1, "somebody else's")
    # Before Linux 5.14 nothing says whose it is.
    make(tmp_path, 2, None)
    (tmp_path / "block/nbd4").mkdir()
    assert devices.found(tmp_path) == [
        Device("/dev/nbd0", 0, IDENT), Device("/dev/nbd2", 2, None), Device("/dev/ublkb3", 3, OTHER, waits=True),
    ]  # fmt: skip
    assert [device.by_ublk for device in devices.found(tmp_path)] == [False, False, True]
    assert devices.ours(tmp_path) == {IDENT: "/dev/nbd0", OTHER: "/dev/ublkb3"}


def test_what_cannot_be_looked_for_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "block").write_text("")
    with pytest.raises(OSError, match="block"):
        devices.found(tmp_path)
