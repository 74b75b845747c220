# SPDX-License-Identifier: MIT
"""Memory kept back for the next engine: held, let go of, and not kept by who was forked meanwhile."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.support.waiting import until
from vramswap_gui.server.supervisor.memory_reserve import MemoryReserve, reserve_size
from vramswap_gui.units import MIB

SIZE = 4 * MIB
ZONE = """Node 0, zone   Normal
  pages free     {free}
        boost    0
        min      1
        low      {low}
        high     99999999
        protection: (0, 0)
"""


def shared_kib() -> int:
    """What this process has of shared memory that is nobody's file, as the reserve is."""
    found = re.findall(r"/dev/zero \(deleted\)\nSize:\s*(\d+) kB", Path("/proc/self/smaps").read_text())
    return sum(map(int, found))


@pytest.mark.parametrize(("total", "held"), [(2 << 30, 32), (8 << 30, 81), (16 << 30, 144), (256 << 30, 144), (0, 32)])
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
    def there_are(free: int) -> None:
        (tmp_path / "new").write_text(ZONE.format(free=(free + 100 * MIB) >> 12, low=(100 * MIB) >> 12))
        (tmp_path / "new").rename(tmp_path / "zoneinfo")

    async def run() -> None:
        there_are(1 * MIB)
        reserve = MemoryReserve(SIZE, tmp_path)
        reserve.refill()
        await asyncio.sleep(0.2)
        assert reserve.held == 0
        there_are(2 * MIB)
        await until(lambda: reserve.held == SIZE, "the reserve to be taken back")
        reserve.release()

    asyncio.run(run())
