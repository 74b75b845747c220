# SPDX-License-Identifier: MIT
"""What a decision gets to see of the GPU: whose VRAM is whose."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import PATIENCE
from vramswap_gui.api.control import GpuInfo
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import monitor
from vramswap_gui.helper.policy.types import GpuObservation
from vramswap_gui.system import nvml
from vramswap_gui.system.nvml import GpuReading, Program
from vramswap_gui.units import GIB, MIB

PCI = "0000:01:00.0"
DRIVERS = 300 * MIB


class Card:
    """A card of 8 GiB, as server and NVML describe it; the clock is its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.others = 0
        self.lent = 0
        self.told: int | None = 0
        #: What goes on between the server's word and NVML's.
        self.meanwhile: Callable[[], None] = lambda: None
        self.failing = False
        self.now = 100.0
        self._monitor = monitor.Monitor(folder, folder)
        monkeypatch.setattr(nvml, "read", self._read)
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def _read(self, *_: Any) -> GpuReading:
        self.meanwhile()
        if self.failing:
            raise VramswapError(Problem.GPU_SILENT, why="lost")
        used = self.others if self.told is not None else None
        programs = (Program(1, "vramswap-server", self.lent, ours=True), Program(2, "game", used))
        return GpuReading("card", PCI, 8 * GIB, 0, 0, programs=programs)

    def look(self, seconds: float = 1.0) -> GpuObservation:
        """After so many seconds."""
        self.now += seconds
        free = 8 * GIB - DRIVERS - self.others - self.lent
        return asyncio.run(self._monitor.gpu(PCI, GpuInfo(pci=PCI, total=8 * GIB, free=free), self.lent))


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Card:
    return Card(monkeypatch, tmp_path)


def shared(found: GpuObservation) -> tuple[int, int | None]:
    return found.used_by_us, found.used_by_others


def test_what_others_used_before_is_theirs(card: Card) -> None:
    card.others = 2 * GIB
    assert shared(card.look()) == (DRIVERS, 2 * GIB)
    card.lent, card.others = GIB, 3 * GIB
    assert shared(card.look()) == (DRIVERS + GIB, 3 * GIB)
    card.others = 0
    assert shared(card.look()) == (DRIVERS + GIB, 0)


def test_where_programs_are_not_told_apart_the_least_that_was_used_is_the_drivers(card: Card) -> None:
    card.told, card.others = None, GIB
    assert shared(card.look()) == (DRIVERS + GIB, 0)
    card.others = 0
    assert shared(card.look()) == (DRIVERS, 0)
    card.others = 2 * GIB
    assert shared(card.look()) == (DRIVERS, 2 * GIB)
    card.failing = True
    assert shared(card.look(10)) == (DRIVERS, 2 * GIB)


@pytest.mark.parametrize(("before", "after"), [(0, GIB), (GIB, 0)])
def test_a_program_that_comes_or_goes_between_two_looks_does_not_count_as_the_driver(
    before: int, after: int, card: Card
) -> None:
    card.others = before
    card.look()
    card.look()

    def change() -> None:
        card.others = after

    card.meanwhile = change
    card.look(5)
    for _ in range(3):
        assert shared(card.look()) == (DRIVERS, after)


def test_a_first_look_that_was_wrong_is_put_right(card: Card) -> None:
    card.others = GIB

    def go() -> None:
        card.others = 0

    card.meanwhile = go
    card.look()
    for _ in range(8):
        last = card.look()
    assert shared(last) == (DRIVERS, 0)


@pytest.mark.parametrize("plugged", [True, False])
def test_a_display_is_seen_even_when_nvml_fails(card: Card, plugged: bool, tmp_path: Path) -> None:
    status = tmp_path / "bus/pci/devices" / PCI / "drm/card0/card0-DP-1/status"
    status.parent.mkdir(parents=True)
    status.write_text("connected\n" if plugged else "disconnected\n")
    card.failing = True
    assert card.look().display_attached is plugged


async def test_a_driver_that_hangs_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer, asked = threading.Event(), []

    def hang(pci: str, *_: Any) -> GpuReading:
        asked.append(pci)
        answer.wait()
        return GpuReading("card", PCI, 8 * GIB, 0, 0, utilisation=7)

    monkeypatch.setattr(nvml, "read", hang)
    monkeypatch.setattr(monitor, "_NVML_PATIENCE", 0.01)
    monkeypatch.setattr(monitor, "_NVML_SECONDS", 0.0)
    seen, held = monitor.Monitor(tmp_path, tmp_path), GpuInfo(pci=PCI, total=8 * GIB, free=7 * GIB)
    for _ in range(3):
        found = await seen.gpu(PCI, held, GIB)
        assert (found.free, found.utilisation) == (7 * GIB, None)
    assert asked == [PCI]
    answer.set()
    assert seen._asking is not None
    await seen._asking
    monkeypatch.setattr(monitor, "_NVML_PATIENCE", PATIENCE)
    assert (await seen.gpu(PCI, held, GIB)).utilisation == 7
    seen.close()


def test_a_new_server_is_looked_at_anew(card: Card) -> None:
    card.told, card.others = None, GIB
    card.look()
    asyncio.run(card._monitor.gpu(PCI, None, 0))
    card.told = 0
    assert shared(card.look(0)) == (DRIVERS, GIB)
