# SPDX-License-Identifier: MIT
"""Whether the helper starts with the computer: settings and service manager say the same, and nobody is overruled."""

from __future__ import annotations

from pathlib import Path

import pytest

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import at_boot
from vramswap_gui.helper.at_boot import AtBoot


class Unit:
    """What the service manager says, and was asked for."""

    def __init__(self) -> None:
        self.enabled = False
        self.asked: list[bool] = []
        self.refuses = False

    async def start_at_boot(self, wanted: bool) -> None:
        if self.refuses:
            raise VramswapError(Problem.UNIT_NOT_ENABLED, unit="a", why="b")
        self.asked.append(wanted)
        self.enabled = wanted


def saved(said: bool) -> None:
    """The file says it, too."""


@pytest.fixture
def unit(monkeypatch: pytest.MonkeyPatch) -> Unit:
    unit = Unit()
    monkeypatch.setattr(at_boot, "start_at_boot", unit.start_at_boot)
    return unit


@pytest.mark.parametrize(
    ("known", "file", "enabled", "wanted"),
    [
        # Nobody knows: a file that came with the machine, a unit that was enabled before the helper ever ran.
        (None, False, False, False), (None, True, False, True), (None, False, True, True), (None, True, True, True),
        # The file was edited.
        (False, True, False, True), (True, False, True, False),
        # The unit was enabled or disabled.
        (True, True, False, False), (False, False, True, True),
        # Both, and nobody.
        (True, False, False, False), (False, True, True, True), (True, True, True, True), (False, False, False, False),
    ],
)  # fmt: skip
async def test_who_said_something_since_has_it(
    known: bool | None, file: bool, enabled: bool, wanted: bool, unit: Unit, tmp_path: Path
) -> None:
    if known is not None:
        await AtBoot(tmp_path / "state").choose(known)
        unit.asked.clear()
    unit.enabled = enabled
    assert await AtBoot(tmp_path / "state").agree(file, enabled, saved) is wanted
    assert unit.enabled is wanted and unit.asked == ([] if enabled is wanted else [wanted])
    # From then on they agree.
    assert await AtBoot(tmp_path / "state").agree(wanted, wanted, saved) is wanted
    assert await AtBoot(tmp_path / "state").agree(wanted, not wanted, saved) is not wanted


async def test_what_is_refused_is_tried_again_by_the_next_helper(unit: Unit, tmp_path: Path) -> None:
    await AtBoot(tmp_path).choose(False)
    unit.refuses = True
    with pytest.raises(VramswapError):
        await AtBoot(tmp_path).agree(True, False, saved)
    unit.refuses = False
    assert await AtBoot(tmp_path).agree(True, False, saved) and unit.enabled


async def test_a_full_disk_costs_no_more_than_the_record(unit: Unit, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    await AtBoot(tmp_path / "state").choose(True)
    assert unit.enabled and await AtBoot(tmp_path / "state").agree(True, True, saved)


async def test_what_could_not_be_saved_is_not_taken_for_what_the_file_says(unit: Unit, tmp_path: Path) -> None:
    """Else the unit that an administrator has disabled would be enabled again."""
    await AtBoot(tmp_path).choose(True)

    def save(said: bool) -> None:
        raise VramswapError(Problem.SERVER_BUSY)

    with pytest.raises(VramswapError):
        await AtBoot(tmp_path).agree(True, False, save)
    assert not await AtBoot(tmp_path).agree(True, False, saved)
