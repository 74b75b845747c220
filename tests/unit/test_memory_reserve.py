# SPDX-License-Identifier: MIT
"""Memory kept back for the next engine: held, let go of, and not kept by who was forked meanwhile."""

from __future__ import annotations

import asyncio
import os
import re
from mmap import PAGESIZE
from pathlib import Path

import pytest

from tests.support.waiting import until
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.supervisor import memory_reserve
from vramswap_gui.server.supervisor.memory_reserve import MemoryReserve, reserve_size
from vramswap_gui.units import MIB

SIZE = 4 * MIB
ZONE = """Node 0, zone   Normal
  pages free     {free}
        boost    0
        min      {least}
        low      {low}
        high     99999999
        protection: (0, 0)
"""


def there_are(folder: Path, free: int, mark: int) -> None:
    """So many bytes are free, with both marks there."""
    text = ZONE.format(free=free // PAGESIZE, low=mark // PAGESIZE, least=mark // PAGESIZE)
    (folder / "new").write_text(text)
    (folder / "new").rename(folder / "zoneinfo")


def shared_kib() -> int:
    """What this process has in memory that is shared and nobody's file, as the reserve is."""
    found = re.findall(r"/dev/zero \(deleted\)\n(?:\w+: .*\n)*?Rss:\s*(\d+) kB", Path("/proc/self/smaps").read_text())
    return sum(map(int, found))


@pytest.mark.parametrize(("total", "held"), [(2 << 30, 48), (8 << 30, 81), (16 << 30, 144), (256 << 30, 144), (0, 48)])
def test_it_fits_the_machine(tmp_path: Path, total: int, held: int) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal: {total >> 10} kB\nMemAvailable: 9 kB\n")
    assert reserve_size(tmp_path) == held * MIB


def test_it_is_held_until_it_is_let_go_of() -> None:
    before = shared_kib()
    reserve = MemoryReserve(SIZE)
    reserve.fill()
    assert reserve.held == SIZE
    assert shared_kib() - before == SIZE >> 10
    reserve.release()
    assert (reserve.held, shared_kib()) == (0, before)


def memory(folder: Path, available: int, disk: int = 0, zram: int = 0, swappable: int = 1000) -> None:
    """What there is, in MiB; ``disk`` and ``zram``: what is free of swap there."""
    figures = {"MemTotal": 1 << 20, "MemAvailable": available, "Active(anon)": 1, "Inactive(anon)": swappable - 1}
    (folder / "meminfo").write_text("".join(f"{name}: {figure << 10} kB\n" for name, figure in figures.items()))
    areas = "".join(
        f"/dev/{name} partition {(free + 5) << 10} {5 << 10} {priority}\n"
        for name, free, priority in [("sda1", disk, -2), ("zram0", zram, 100)]
    )
    (folder / "swaps").write_text(f"Filename Type Size Used Priority\n{areas}")


@pytest.mark.parametrize(("available", "disk", "zram"), [(20, 0, 0), (2, 18, 0), (0, 20, 0), (0, 0, 40), (5, 5, 20)])
def test_it_is_filled_with_what_can_be_had(tmp_path: Path, available: int, disk: int, zram: int) -> None:
    memory(tmp_path, available, disk, zram)
    reserve = MemoryReserve(SIZE, tmp_path)
    reserve.require()
    reserve.fill()
    assert reserve.held == SIZE
    reserve.release()


@pytest.mark.parametrize(
    "there",
    [(19, 0, 0), (13, 6, 0), (0, 0, 38), (13, 4, 4), (13, 900, 900, 6), (18, 0, 900, 2)],
    ids=["no swap", "little swap", "zram takes part of it", "little of both", "what cannot be swapped out", "a little"],
)
def test_who_would_take_the_last_memory_of_others_does_not_start(tmp_path: Path, there: tuple[int, ...]) -> None:
    memory(tmp_path, *there)
    reserve = MemoryReserve(SIZE, tmp_path)
    for ask in (reserve.require, reserve.fill):
        with pytest.raises(VramswapError) as refused:
            ask()
        assert refused.value.problem is Problem.MEMORY_SHORT
        assert refused.value.arguments == {"needed": 20 * MIB, "there": 19 * MIB, "missing": MIB}
        assert reserve.held == 0
    # A server that nobody swaps on keeps none.
    MemoryReserve(0, tmp_path).require()


def test_what_others_take_meanwhile_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shared_kib()
    memory(tmp_path, 20)
    reserve = MemoryReserve(SIZE, tmp_path)
    took = MemoryReserve._take

    def take(self: MemoryReserve) -> None:
        took(self)
        if self.held == SIZE // 2:
            memory(tmp_path, 10)

    monkeypatch.setattr(MemoryReserve, "_take", take)
    with pytest.raises(VramswapError) as refused:
        reserve.fill()
    # What it has already counts as what is there.
    assert refused.value.arguments == {"needed": 20 * MIB, "there": 12 * MIB, "missing": 8 * MIB}
    assert (reserve.held, shared_kib()) == (0, before)


@pytest.mark.parametrize("why", ["slow", "refused"])
def test_what_cannot_be_had_in_time_or_at_all_is_let_go_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    before = shared_kib()
    reserve = MemoryReserve(SIZE, tmp_path)
    reserve._take()
    if why == "slow":
        monkeypatch.setattr(memory_reserve, "_FILL_SECONDS", -1.0)
    else:
        monkeypatch.setattr(MemoryReserve, "_take", lambda self: os.close(-1))
    with pytest.raises(VramswapError) as refused:
        reserve.fill()
    assert refused.value.problem is (Problem.MEMORY_SHORT if why == "slow" else Problem.SYSTEM_REFUSED)
    assert (reserve.held, shared_kib()) == (0, before)


def test_a_child_lets_go_of_its_part() -> None:
    before = shared_kib()
    reserve = MemoryReserve(SIZE)
    reserve.fill()
    told, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        reserve.disown()
        os.write(tells, b"%d" % shared_kib())
        os._exit(0)
    os.waitpid(pid, 0)
    assert int(os.read(told, 100)) == before
    assert shared_kib() - before == SIZE >> 10, "the parent's part went too"
    reserve.release()
    os.close(told)
    os.close(tells)


def test_it_is_taken_back_of_what_is_free_anyway(tmp_path: Path) -> None:
    async def run() -> None:
        there_are(tmp_path, 101 * MIB, 100 * MIB)
        reserve = MemoryReserve(SIZE, tmp_path)
        reserve.refill()
        await asyncio.sleep(0.2)
        assert reserve.held == 0
        there_are(tmp_path, 102 * MIB, 100 * MIB)
        await until(lambda: reserve.held == SIZE, "the reserve to be taken back")
        reserve.release()

    asyncio.run(run())


def test_no_more_is_lent_than_is_short(tmp_path: Path) -> None:
    async def run() -> None:
        there_are(tmp_path, 100 * MIB, 100 * MIB)
        reserve = MemoryReserve(SIZE, tmp_path)
        reserve.fill()
        reserve.lend()
        await asyncio.sleep(0.2)
        assert reserve.held == SIZE, "others would have got it"
        there_are(tmp_path, 80 * MIB, 100 * MIB)
        await until(lambda: reserve.held == 0, "the reserve to be lent")

    asyncio.run(run())


def test_what_nobody_lacks_goes_too_when_it_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_reserve, "_LONG", 0.1)

    async def run() -> None:
        there_are(tmp_path, 100 * MIB, 100 * MIB)
        reserve = MemoryReserve(SIZE, tmp_path)
        reserve.fill()
        reserve.lend()
        await until(lambda: reserve.held == 0, "the reserve to go")

    asyncio.run(run())


def test_who_serves_again_has_it_filled(tmp_path: Path) -> None:
    async def run() -> None:
        there_are(tmp_path, 200 * MIB, 100 * MIB)
        reserve = MemoryReserve(SIZE, tmp_path)
        reserve.lend()
        reserve.refill()
        await until(lambda: reserve.held == SIZE, "the reserve to be taken back")
        reserve.release()

    asyncio.run(run())
