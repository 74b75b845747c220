# SPDX-License-Identifier: MIT
"""The kernel's watermarks stay where they are while swap is served, and are again what they were afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from vramswap_gui.server.supervisor.watermarks import WatermarkBoost


@pytest.fixture
def setting(tmp_path: Path) -> Path:
    path = tmp_path / "proc/sys/vm/watermark_boost_factor"
    path.parent.mkdir(parents=True)
    path.write_text("15000\n")
    return path


def boost(tmp_path: Path) -> WatermarkBoost:
    """A server's: each has one of its own."""
    return WatermarkBoost(tmp_path, tmp_path / "proc")


def test_it_is_forgone_and_put_back(tmp_path: Path, setting: Path) -> None:
    boost(tmp_path).forgo()
    assert setting.read_text() == "0\n"
    boost(tmp_path).restore()
    assert setting.read_text() == "15000\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "proc"]


def test_who_takes_over_knows_what_it_was(tmp_path: Path, setting: Path) -> None:
    boost(tmp_path).forgo()
    boost(tmp_path).forgo()
    boost(tmp_path).restore()
    assert setting.read_text() == "15000\n"


def test_what_somebody_else_has_set_stays(tmp_path: Path, setting: Path) -> None:
    boost(tmp_path).forgo()
    setting.write_text("5000\n")
    boost(tmp_path).restore()
    assert setting.read_text() == "5000\n"


@pytest.mark.parametrize("content", ["0\n", "", "what?\n"])
def test_there_may_be_nothing_to_forgo(tmp_path: Path, setting: Path, content: str) -> None:
    setting.write_text(content)
    boost(tmp_path).forgo()
    boost(tmp_path).restore()
    assert setting.read_text() == content


def test_a_kernel_without_it_is_left_alone(tmp_path: Path, setting: Path) -> None:
    setting.unlink()
    boost(tmp_path).forgo()
    boost(tmp_path).restore()
    assert not setting.exists()
