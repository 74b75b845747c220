# SPDX-License-Identifier: MIT
"""What the life of the swap does to the settings: all of it or nothing."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE
from vramswap_gui.api.control import SegmentInfo, ServerStatus
from vramswap_gui.api.status import State
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import at_boot, recovery, runtime_state, server_client, swap_area
from vramswap_gui.helper import lifecycle as module
from vramswap_gui.helper.config_file import ConfigFile
from vramswap_gui.helper.landing import LandingPlace
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.segments import Segments
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.steps import Add, Goal, next_step
from vramswap_gui.settings import Config
from vramswap_gui.system import run
from vramswap_gui.units import MIB, SIZE_STEP


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
    monkeypatch.setattr(at_boot, "start_at_boot", unit.start_at_boot)
    return unit


@pytest.fixture
def lifecycle(tmp_path: Path) -> Lifecycle:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/swaps").write_text("Filename Type Size Used Priority\n")
    devices = str(tmp_path / "devices")
    server = ServerClient(tmp_path / "run", devices)
    (tmp_path / "run").mkdir()
    return Lifecycle(
        server, ConfigFile(tmp_path / "etc/config.toml"), tmp_path / "run", devices, tmp_path / "proc", tmp_path,
        tmp_path / "state",
    )  # fmt: skip


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


async def test_what_the_file_says_already_is_said_to_the_unit_again(lifecycle: Lifecycle, unit: Unit) -> None:
    """Somebody may have told it otherwise since."""
    for _ in range(2):
        await lifecycle.configure({"at_boot": False})
    await lifecycle.configure({"headroom": MIB})
    assert unit.asked == [False, False]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> list[bool | None]:
    """What the service manager says, one question after the other."""
    answers: list[bool | None] = []

    async def is_at_boot() -> bool | None:
        return answers.pop(0)

    monkeypatch.setattr(module, "is_at_boot", is_at_boot)
    return answers


async def test_the_file_follows_the_unit(lifecycle: Lifecycle, unit: Unit, says: list[bool | None]) -> None:
    """When the helper starts, and not while nobody edits the file."""
    says += [True, False]
    await lifecycle.agree_at_boot()
    assert lifecycle.config().at_boot and unit.asked == []
    await lifecycle.agree_at_boot()
    await lifecycle.configure({"headroom": MIB})
    await lifecycle.agree_at_boot()
    assert says == [False]
    await lifecycle.configure({"at_boot": False})
    await lifecycle.agree_at_boot()
    assert says == [] and not lifecycle.config().at_boot and unit.asked == [False]


async def test_a_unit_of_which_nobody_says_anything_is_left_alone(
    lifecycle: Lifecycle, unit: Unit, says: list[bool | None]
) -> None:
    """It is masked, or there is none."""
    await lifecycle.configure({"at_boot": True})
    says += [None, False]
    await lifecycle.agree_at_boot()
    assert lifecycle.config().at_boot and unit.asked == [True]
    # What was known before is known afterwards.
    await lifecycle.agree_at_boot()
    assert not lifecycle.config().at_boot and unit.asked == [True]


async def test_a_setting_that_is_changed_while_the_unit_is_asked_holds(
    lifecycle: Lifecycle, unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_at_boot() -> bool:
        before = bool(unit.asked and unit.asked[-1])
        if not unit.asked:
            await lifecycle.configure({"at_boot": True})
        return before

    monkeypatch.setattr(module, "is_at_boot", is_at_boot)
    await lifecycle.agree_at_boot()
    assert lifecycle.config().at_boot and unit.asked == [True]


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


class Slow(ServerClient):
    """A server that answers when it is asked to start for the third time."""

    starts = 0

    async def start(self, config: Config) -> None:
        self.starts += 1
        if self.starts < 3:
            raise VramswapError(Problem.SERVER_SILENT)
        self.connected = True

    connected = False

    async def status(self) -> ServerStatus:
        return ServerStatus(segments=(SegmentInfo(0, MIB, "/dev/nbd0", 0),))


async def test_a_new_server_is_tried_again_until_one_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "_AGAIN_SECONDS", 0.0)
    (tmp_path / "swaps").write_text(f"Filename Type Size Used Priority\n/dev/nbd0 partition {MIB // 1024} 0 10\n")
    server = Slow(tmp_path, "devices")
    lifecycle = Lifecycle(server, ConfigFile(tmp_path / "config.toml"), tmp_path, "devices", tmp_path)
    lifecycle._segments.devices = {0: "/dev/nbd0"}
    monkeypatch.setattr(Lifecycle, "lent", 2 * MIB)
    lifecycle._server_lost()
    assert lifecycle.status.error is not None
    assert lifecycle._recovery.task is not None
    await asyncio.wait_for(lifecycle._recovery.task, PATIENCE)
    assert server.starts == 3
    assert lifecycle.status.state is State.ON


async def test_lost_pages_are_told_of_however_well_the_others_are_served(tmp_path: Path) -> None:
    lines = [f"/dev/nbd{number} partition {MIB // 1024} 0 10\n" for number in (0, 1)]
    (tmp_path / "swaps").write_text("".join(["Filename Type Size Used Priority\n", *lines]))
    server = Slow(tmp_path, "devices")
    server.starts = 2
    lifecycle = Lifecycle(server, ConfigFile(tmp_path / "config.toml"), tmp_path, "devices", tmp_path)
    # The next one has that of the second alone, under its number.
    lifecycle._segments.devices = {0: "/dev/nbd1", 1: "/dev/nbd0"}
    lifecycle.look()
    lifecycle._server_lost()
    assert lifecycle._recovery.task is not None
    await asyncio.wait_for(lifecycle._recovery.task, PATIENCE)
    assert lifecycle._segments.devices == {0: "/dev/nbd0", -1: "/dev/nbd1"}
    for _ in range(2):
        assert lifecycle.status.state is State.FAILED
        assert lifecycle.status.error is not None
        assert lifecycle.status.error.problem is Problem.PAGES_LOST
        # As after every verb, and when all is as the policy wants it.
        lifecycle._rest()


async def test_a_server_that_is_slow_to_start_is_not_joined_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def start_detached(command: object, log: object, pass_fds: Sequence[int]) -> int:
        started.append(os.dup(pass_fds[0]))
        return 1

    monkeypatch.setattr(server_client, "_START_SECONDS", 0.01)
    monkeypatch.setattr(run, "start_detached", start_detached)
    server = ServerClient(tmp_path, "devices")
    for _ in range(3):
        with pytest.raises(VramswapError) as caught:
            await server.start(Config())
        assert caught.value.problem is Problem.SERVER_SILENT
    assert len(started) == 1
    os.close(started[0])
    # It ended without a word, so there may be another one.
    await asyncio.sleep(0)
    monkeypatch.setattr(server_client, "_START_SECONDS", PATIENCE)
    with pytest.raises(VramswapError) as caught:
        await server.start(Config())
    assert caught.value.problem is Problem.SERVER_ENDED_EARLY


def segments_of(server: ServerClient, folder: Path) -> Segments:
    """Those of a kernel whose swap is what ``folder`` says."""
    place = LandingPlace(folder, folder, folder, folder, False)
    segments = Segments(server, True, folder, folder, folder, lambda: None, place)
    segments.look()
    return segments


async def test_whoever_waits_for_a_page_that_nobody_has_is_told_before_it_counts_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a helper begins beside a server that began when keeper and engine were gone."""
    swapped = "".join(f"/dev/nbd{n} partition 8188 0 5\n" for n in range(3))
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n" + swapped)
    asked: list[str] = []

    def disconnect(device: str) -> None:
        asked.append(device)
        assert segments.lost == []
        if device == "/dev/nbd0":
            raise VramswapError(Problem.NBD_NOT_LOADED)

    monkeypatch.setattr(swap_area, "disconnect", disconnect)
    server = ServerClient(tmp_path, "kernel")
    segments = segments_of(server, tmp_path)
    segments.devices = {0: "/dev/nbd0", 1: "/dev/nbd1", 2: "/dev/nbd2", 3: "/dev/nbd3"}
    await segments.know({7: "/dev/nbd2"})
    assert segments.devices == {-1: "/dev/nbd0", -2: "/dev/nbd1", 7: "/dev/nbd2"}
    assert segments.lost == ["/dev/nbd0", "/dev/nbd1"]
    # A verb may have been about to make swap of the last one.
    told = ["/dev/nbd0", "/dev/nbd1", "/dev/nbd3"]
    assert asked == told
    await segments.know({7: "/dev/nbd2"})
    assert asked == told


async def test_a_device_that_became_another_segments_is_not_taken_away_as_the_first_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is to end takes back what is no swap without being asked, and the kernel gives it out again."""
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n/dev/nbd0 partition 8188 0 5\n")
    server = ServerClient(tmp_path, "kernel")
    segments = segments_of(server, tmp_path)
    segments.devices = {0: "/dev/nbd0", 2: "/dev/nbd0"}
    assert next_step(segments.world(), Goal()) is None

    async def add(size: int) -> SegmentInfo:
        return SegmentInfo(3, size, "/dev/nbd0", 2)

    monkeypatch.setattr(server, "add", add)
    await segments._order(Add(SIZE_STEP))
    assert segments.devices == {3: "/dev/nbd0"}
