# SPDX-License-Identifier: MIT
"""What the life of the swap does to the settings: all of it or nothing."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import lifecycle as module
from vramswap_gui.helper import runtime_state
from vramswap_gui.helper.config_file import ConfigFile
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.settings import Config
from vramswap_gui.units import MIB


class Unit:
    """The helper's, which systemd enables."""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.refuses = False

    async def start_at_boot(self, wanted: bool) -> None:
        self.asked.append(wanted)
        if self.refuses:
            raise VramswapError(Problem.UNIT_NOT_ENABLED, unit="a", why="b")


@pytest.fixture
def unit(monkeypatch: pytest.MonkeyPatch) -> Unit:
    unit = Unit()
    monkeypatch.setattr(module, "start_at_boot", unit.start_at_boot)
    return unit


@pytest.fixture
def lifecycle(tmp_path: Path) -> Lifecycle:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/swaps").write_text("Filename Type Size Used Priority\n")
    devices = str(tmp_path / "devices")
    server = ServerClient(tmp_path / "run", devices)
    (tmp_path / "run").mkdir()
    return Lifecycle(server, ConfigFile(tmp_path / "etc/config.toml"), tmp_path / "run", devices, tmp_path / "proc")


async def test_settings_that_cannot_be_written_change_nothing(lifecycle: Lifecycle, unit: Unit, tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("no folder")
    with pytest.raises(VramswapError) as caught:
        await lifecycle.configure({"at_boot": True, "headroom": MIB})
    assert caught.value.code.value in ("Internal", "ConfigInvalid")
    assert unit.asked == []


async def test_a_unit_that_cannot_be_enabled_changes_nothing(lifecycle: Lifecycle, unit: Unit) -> None:
    unit.refuses = True
    with pytest.raises(VramswapError) as caught:
        await lifecycle.configure({"at_boot": True, "headroom": MIB})
    assert caught.value.problem is Problem.UNIT_NOT_ENABLED
    assert lifecycle.config() == Config()
    unit.refuses = False
    await lifecycle.configure({"at_boot": True, "headroom": MIB})
    assert lifecycle.config() == Config(at_boot=True, headroom=MIB)
    assert unit.asked == [True, True]


async def test_what_a_person_said_holds_where_nothing_can_be_written(
    lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runtime_state, "_write", full)
    before = lifecycle.generation
    with pytest.raises(VramswapError) as caught:
        await lifecycle.stop()
    assert caught.value.problem is Problem.SYSTEM_REFUSED
    assert lifecycle.hand is False
    assert lifecycle.generation > before
