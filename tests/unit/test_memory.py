# SPDX-License-Identifier: MIT
"""Machines as people have them: what of their memory counts, and what the policy makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from vramswap_gui.api.status import Mode, State
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper import monitor
from vramswap_gui.helper.monitor import Monitor
from vramswap_gui.helper.policy import sizing
from vramswap_gui.helper.policy.lending import decide
from vramswap_gui.helper.policy.types import (
    GpuObservation,
    Observation,
    PolicyConfig,
    PolicyState,
    PowerObservation,
    Running,
)
from vramswap_gui.system import memory, swaps
from vramswap_gui.system.gpu import Power
from vramswap_gui.units import GIB, KIB, MIB

ON_DEMAND: Final = PolicyConfig(mode=Mode.ON_DEMAND)
SLEEPING: Final = GpuObservation(Power.SUSPENDED, total=8 * GIB)
NOW: Final = 100_000.0
HEADER: Final = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
ARC: Final = (
    "13 1 0x01 147 39984 5 6\nname                            type data\nhits                            4    1\n"
)


def machine(
    root: Path,
    total: int,
    available: int,
    *,
    swaps: str = "",
    files: Mapping[str, str] | None = None,
    **more: int,
) -> Path:
    """A /proc and /sys with so much memory, in MiB; ``more`` are other lines of /proc/meminfo, in MiB."""
    lines = {"MemTotal": total, "MemAvailable": available, "SwapTotal": 0, "SwapFree": 0} | more
    texts = {
        "proc/meminfo": "".join(f"{key}:{size * KIB:>15} kB\n" for key, size in lines.items()),
        "proc/swaps": HEADER + swaps,
        "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
        "sys/x": "",
    } | dict(files or {})
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def area(name: str, size: int, used: int, priority: int = -2) -> str:
    """A line of /proc/swaps; sizes in MiB."""
    return f"{name:<40}partition\t{size * KIB}\t\t{used * KIB}\t\t{priority}\n"


def state(root: Path, lent: int = 0, used: int = 0, quiet: float | None = None) -> tuple[State, int]:
    """What is decided on this machine, and for how many bytes."""
    areas = swaps.read(root / "proc")
    seen = Monitor(root / "proc", root / "sys").memory(areas, {"/dev/nbd0"}, stalled=False)
    gpu = SLEEPING if not lent else GpuObservation(Power.ACTIVE, 8 * GIB, lent, 0, 0, 0)
    observation = Observation(seen, gpu, PowerObservation(True), running=Running(lent, used))
    decision, _ = decide(observation, PolicyState(quiet_since=quiet), ON_DEMAND, NOW)
    return decision.state, decision.size


ZFS: Final = {"proc/spl/kstat/zfs/arcstats": ARC + f"c_min    4    {512 * MIB}\nc_max   4   9\nsize  4  {13 * GIB}\n"}
STRICT: Final = {"proc/sys/vm/overcommit_memory": "2\n"}

#: 16 GiB with 13 of them in ZFS's cache, 32 GiB with 24 of them as huge pages, and so on.
ROWS: Final[list[tuple[str, dict[str, object], State]]] = [
    ("ZFS has the memory", {"total": 16000, "available": 1500, "files": ZFS}, State.WAITING),
    ("ZFS at its minimum", {"total": 16000, "available": 1500, "files": {
        "proc/spl/kstat/zfs/arcstats": ARC + f"c_min 4 {512 * MIB}\nsize 4 {512 * MIB}\n"}}, State.ON),
    ("no ZFS", {"total": 16000, "available": 1500}, State.ON),
    ("huge pages, the rest idle", {"total": 32000, "available": 7200, "Hugetlb": 24576}, State.WAITING),
    ("huge pages, the rest used", {"total": 32000, "available": 700, "Hugetlb": 24576}, State.ON),
    ("no swap at all", {"total": 16000, "available": 1500}, State.ON),
    ("no swap at all, idle", {"total": 16000, "available": 9000}, State.WAITING),
    ("zram only, full", {"total": 16000, "available": 4000, "swaps": area("/dev/zram0", 8000, 7600, 100)}, State.ON),
    ("zram only, half full", {"total": 16000, "available": 4000, "swaps": area("/dev/zram0", 8000, 4000, 100)},
     State.WAITING),
    ("zswap before a disk", {"total": 16000, "available": 4000, "Zswap": 1000, "Zswapped": 3000,
                             "swaps": area("/dev/sda2", 16000, 3000)}, State.WAITING),
    ("strict overcommit", {"total": 16000, "available": 9000, "CommitLimit": 8000, "Committed_AS": 7900,
                           "files": STRICT}, State.WAITING),
    ("a container with 4 GiB", {"total": 64000, "available": 60000, "files": {
        "sys/fs/cgroup/memory.max": f"{4 * GIB}\n", "sys/fs/cgroup/memory.current": f"{4 * GIB - 100 * MIB}\n",
        "sys/fs/cgroup/memory.stat": f"anon {3 * GIB}\nactive_file {50 * MIB}\ninactive_file {50 * MIB}\n"}}, State.ON),
    ("a container whose memory is cache", {"total": 64000, "available": 60000, "files": {
        "sys/fs/cgroup/memory.max": f"{4 * GIB}\n", "sys/fs/cgroup/memory.current": f"{4 * GIB - 100 * MIB}\n",
        "sys/fs/cgroup/memory.stat": f"anon {GIB}\nactive_file {GIB}\ninactive_file {2 * GIB}\n"}}, State.WAITING),
    ("a container without a limit", {"total": 16000, "available": 9000, "files": {
        "sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": f"{15 * GIB}\n"}}, State.WAITING),
]  # fmt: skip


@pytest.mark.parametrize(("name", "facts", "wanted"), ROWS, ids=[row[0] for row in ROWS])
def test_when_vram_is_lent(name: str, facts: dict[str, object], wanted: State, tmp_path: Path) -> None:
    assert state(machine(tmp_path, **facts))[0] is wanted  # type: ignore[arg-type]


def test_with_huge_pages_it_is_given_back_too(tmp_path: Path) -> None:
    root = machine(tmp_path, 32000, 7200, Hugetlb=24576)
    assert state(root, lent=2 * GIB, quiet=NOW - 601) == (State.WAITING, 0)


def test_an_older_kernel_counts_huge_pages_of_one_size(tmp_path: Path) -> None:
    root = machine(tmp_path, 32000, 7200)
    with (root / "proc/meminfo").open("a") as file:
        file.write("HugePages_Total:   12288\nHugePages_Free:    12288\nHugepagesize:       2048 kB\n")
    assert memory.read(root / "proc", root / "sys").total == 32000 * MIB - 24 * GIB


def test_what_counts_never_exceeds_what_there_is(tmp_path: Path) -> None:
    root = machine(tmp_path, 16000, 15000, Hugetlb=99999, files=ZFS)
    assert memory.read(root / "proc", root / "sys") == memory.Memory(0, 0)
    root = machine(tmp_path, 16000, 15000, files=ZFS)
    assert memory.read(root / "proc", root / "sys") == memory.Memory(16000 * MIB, 16000 * MIB)


def require(root: Path, used: int, size: int) -> None:
    """Whether so many MiB of pages, in so many MiB of swap, can leave VRAM."""
    areas = swaps.read(root / "proc")
    short = sizing.shortfall(used * MIB, monitor.room(areas, {"/dev/nbd0"}, root / "proc", root / "sys"), size * MIB)
    if short is not None:
        raise short.refusal()


@pytest.mark.parametrize(
    ("name", "facts", "used", "words"),
    [
        ("into memory", {"total": 16000, "available": 6000}, 4000, ""),
        ("into the cache of ZFS", {"total": 16000, "available": 1000, "files": ZFS}, 8000, ""),
        ("huge pages are no place", {"total": 32000, "available": 1000, "Hugetlb": 24576}, 900,
         "have room for 628.8 MiB"),
        ("into zram, which takes memory for it", {"total": 16000, "available": 4800,
                                                  "swaps": area("/dev/zram0", 8000, 0, 100)}, 7900, ""),
        ("zram without memory is no place", {"total": 16000, "available": 800,
                                             "swaps": area("/dev/zram0", 8000, 0, 100)}, 100, "have room for 0 B"),
        ("onto a disk", {"total": 16000, "available": 0, "swaps": area("/dev/sda2", 8000, 0)}, 7900, ""),
        ("our own swap is no place", {"total": 16000, "available": 0, "swaps": area("/dev/nbd0", 8000, 0)}, 1,
         "have room for 0 B"),
    ],
)  # fmt: skip
def test_where_pages_can_go(name: str, facts: dict[str, object], used: int, words: str, tmp_path: Path) -> None:
    root = machine(tmp_path, **facts)  # type: ignore[arg-type]
    if not words:
        require(root, used, used)
        return
    with pytest.raises(VramswapError) as caught:
        require(root, used, used)
    assert caught.value.code is ErrorCode.WONT_FIT
    assert words in caught.value.message


def test_an_empty_swap_that_was_promised_cannot_go(tmp_path: Path) -> None:
    root = machine(tmp_path, 16000, 12000, CommitLimit=10000, Committed_AS=9000, files=STRICT)
    require(root, 0, 1000)
    with pytest.raises(VramswapError) as caught:
        require(root, 0, 2048)
    assert caught.value.code is ErrorCode.WONT_FIT
    assert "vm.overcommit_memory=2" in caught.value.message
    for number in ("9.8 GiB", "2 GiB", "8.8 GiB"):
        assert number in caught.value.message
    assert "1 GiB" in caught.value.remedy and "sysctl vm.overcommit_ratio" in caught.value.remedy
    (root / "proc/sys/vm/overcommit_memory").write_text("0\n")
    require(root, 0, 2048)
