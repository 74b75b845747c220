# SPDX-License-Identifier: MIT
"""What a measurement under pressure asks of the machine, and what it comes to, in sentences."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import io
import json
import mmap
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from vramswap_gui.bench import pressed, pressure, pressure_text
from vramswap_gui.bench.pressed import PAGE, Figures
from vramswap_gui.bench.pressure import Place, Ran, Result
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.forms import word
from vramswap_gui.system import control_group, process, run
from vramswap_gui.system.control_group import Confinement
from vramswap_gui.system.swaps import Swap
from vramswap_gui.units import GIB, KIB, MIB

VRAM, ZRAM, DISK = "/dev/nbd0", "/dev/zram0", "/dev/nvme0n1p3"


def machine(root: Path, areas: dict[str, tuple[int, int]], available: int = 8 * GIB, total: int = 16 * GIB) -> Path:
    """A /proc with swap areas of some size and use, in the order of their priorities."""
    lines = ["Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority"]
    lines += [
        f"{name}\tpartition\t{size // KIB}\t{used // KIB}\t{-number}"
        for number, (name, (size, used)) in enumerate(areas.items())
    ]
    (root / "swaps").write_text("\n".join(lines) + "\n")
    (root / "meminfo").write_text(f"MemTotal: {total // KIB} kB\nMemAvailable: {available // KIB} kB\n")
    return root


def figures(seconds: float, waits: int = 0, seen: int = 1000, seeing: float | None = None) -> Figures:
    return Figures(1000, 1000, seen, seconds, seconds / 2 if seeing is None else seeing, 0.012, waits, 0)


class Job:
    """Stands in for the program that is put under pressure; pages go to the first area with room.

    ``home``: bytes that come home when VRAM is no swap any more, and take memory from then on.
    """

    def __init__(self, proc: Path, areas: dict[str, tuple[int, int]], home: int = 0) -> None:
        self.proc = proc
        self.areas = areas
        self.home = home
        self.available = 8 * GIB
        self.asked: list[tuple[int, int]] = []

    def show(self, areas: dict[str, tuple[int, int]]) -> None:
        machine(self.proc, areas, self.available)

    async def run(self, size: int, most: int) -> Figures:
        self.asked.append((size, most))
        short = most < 2 * size
        if short:
            name, (whole, used) = next(iter(self.areas.items()))
            self.show({**self.areas, name: (whole, used + size)})
            await asyncio.sleep(0.3)
            self.show(self.areas)
        return figures(4.0 if short else 1.0, 500 if short else 0)

    @contextlib.asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """VRAM is no swap."""
        vram = self.areas.pop(VRAM)
        self.available -= self.home
        self.show(self.areas)
        try:
            yield
        finally:
            self.areas = {VRAM: vram, **self.areas}
            self.show(self.areas)


def measured(
    root: Path, monkeypatch: pytest.MonkeyPatch, areas: dict[str, tuple[int, int]], others: bool = True, home: int = 0
) -> tuple[Result, Job]:
    job = Job(machine(root, areas), areas, home)
    monkeypatch.setattr(pressure, "_job", job.run)
    found = asyncio.run(
        pressure.measure(512 * MIB, {VRAM}, lambda share, place: None, job.away if others else None, root)
    )
    return found, job


def test_memory_alone_then_vram_then_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    areas = {VRAM: (4 * GIB, 0), ZRAM: (4 * GIB, MIB), DISK: (8 * GIB, 0)}
    found, job = measured(tmp_path, monkeypatch, areas)
    assert [ran.place for ran in found.runs] == [Place.MEMORY, Place.VRAM, Place.ZRAM]
    assert [dict(ran.areas) for ran in found.runs] == [{}, {VRAM: 512 * MIB}, {ZRAM: 512 * MIB}]
    # The first has memory for all of its pages, the others for half of them.
    assert [most >= 2 * size for size, most in job.asked] == [True, False, False]
    said = [word(sentence) for sentence in pressure_text.sentences(found)]
    assert said == [
        "With half of its pages in VRAM the program took 4.0 times as long as with memory for all.",
        "VRAM was as fast as zram.",
        f"Not measured: {DISK}. The kernel fills swap by priority, which takes root to change.",
    ]


def test_without_being_asked_vram_is_not_paused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, job = measured(tmp_path, monkeypatch, {VRAM: (4 * GIB, 0), DISK: (8 * GIB, 0)}, others=False)
    assert len(job.asked) == len(found.runs) == 2
    assert f"Not compared with {DISK}" in pressure_text.table(found, word)


@pytest.mark.parametrize(
    ("areas", "available", "size"),
    [
        ({VRAM: (4 * GIB, 0)}, 8 * GIB, 512 * MIB),
        # The swap that is free, less what the kernel gives away in clusters.
        ({VRAM: (4 * GIB, 4 * GIB - 90 * MIB)}, 8 * GIB, 80 * MIB),
        # An eighth of the memory is for others, and the program has two pages for each that goes to swap.
        ({VRAM: (4 * GIB, 0)}, 2 * GIB + 64 * MIB + 200 * MIB, 100 * MIB),
    ],
)
def test_no_more_than_there_is_room_for(
    areas: dict[str, tuple[int, int]], available: int, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(machine(tmp_path, areas, available), areas)
    monkeypatch.setattr(pressure, "_job", job.run)
    found = asyncio.run(pressure.measure(512 * MIB, {VRAM}, lambda share, place: None, None, tmp_path))
    assert found.size == size and job.asked[0][0] == size
    assert ("there was room for no more" in word(pressure_text.what(found))) is (size < 512 * MIB)


def promising(root: Path, room: int, mode: int = 2) -> Path:
    """A machine with room for everything, whose kernel promises programs so many bytes more."""
    proc = machine(root, {VRAM: (4 * GIB, 0)})
    with (root / "meminfo").open("a") as file:
        file.write(f"CommitLimit: {(9 * GIB + room) // KIB} kB\nCommitted_AS: {9 * GIB // KIB} kB\n")
    (root / "sys/vm").mkdir(parents=True)
    (root / "sys/vm/overcommit_memory").write_text(f"{mode}\n")
    return proc


@pytest.mark.parametrize(
    ("room", "mode", "size"),
    [
        (4 * GIB, 2, 512 * MIB),
        # The program asks for two pages for each that goes to swap, and for some of its own; an eighth is for others.
        (8 * 52 * MIB, 2, 150 * MIB), (8 * 14 * MIB, 2, 17 * MIB),
        # Who is held to nothing may have what there is.
        (0, 0, 512 * MIB), (0, 1, 512 * MIB),
    ],
)  # fmt: skip
def test_no_more_than_the_kernel_promises(
    room: int, mode: int, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc = promising(tmp_path, room, mode)
    job = Job(proc, {VRAM: (4 * GIB, 0)})
    monkeypatch.setattr(pressure, "_job", job.run)
    found = asyncio.run(pressure.measure(512 * MIB, {VRAM}, lambda share, place: None, None, proc))
    assert found.size == size and job.asked[0][0] == size
    assert ("there was room for no more" in word(pressure_text.what(found))) is (size < 512 * MIB)


@pytest.mark.parametrize("room", [0, 64 * MIB, 8 * 13 * MIB])
def test_less_than_tells_anything_is_not_promised(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressure, "_job", None)
    with pytest.raises(VramswapError) as caught:
        asyncio.run(pressure.measure(512 * MIB, {VRAM}, lambda share, place: None, None, promising(tmp_path, room)))
    assert caught.value.problem is Problem.BENCH_NO_PROMISE
    assert "96 MiB of memory (vm.overcommit_memory is 2)" in caught.value.message


@pytest.mark.parametrize(
    ("areas", "available", "problem"),
    [
        ({DISK: (4 * GIB, 0)}, 8 * GIB, Problem.BENCH_NO_SWAP),
        ({}, 8 * GIB, Problem.BENCH_NO_SWAP),
        ({VRAM: (GIB, GIB - 8 * MIB)}, 8 * GIB, Problem.BENCH_TOO_SHORT),
        ({VRAM: (GIB, 0)}, 2 * GIB, Problem.BENCH_TOO_SHORT),
    ],
)
def test_refused_before_anything_is_done(
    areas: dict[str, tuple[int, int]], available: int, problem: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure, "_job", None)
    with pytest.raises(VramswapError) as caught:
        asyncio.run(
            pressure.measure(512 * MIB, {VRAM}, lambda share, place: None, None, machine(tmp_path, areas, available))
        )
    assert caught.value.problem is problem


def test_other_swap_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, job = measured(tmp_path, monkeypatch, {VRAM: (4 * GIB, 0), DISK: (64 * MIB, 0)})
    assert len(job.asked) == 2 and found.refusal is not None
    assert "needs 576 MiB of other swap (64 MiB are free)" in pressure_text.table(found, word)
    told = found.as_dict()
    assert (told["size"], told["asked"], told["others"]) == (512 * MIB, 512 * MIB, [DISK])
    assert told["refusal"]["problem"] == "bench-others-short"
    assert told["refusal"]["arguments"]["needed"] == 576 * MIB
    # VRAM is swap again.
    assert VRAM in (tmp_path / "swaps").read_text()


@pytest.mark.parametrize(
    ("others", "takes"),
    [
        ({DISK: (8 * GIB, 0)}, 520 * MIB),
        # zram takes memory for what it has, which may be a part.
        ({ZRAM: (4 * GIB, 0)}, 776 * MIB),
        ({ZRAM: (4 * GIB, 4 * GIB - 128 * MIB), DISK: (8 * GIB, 0)}, 584 * MIB),
        ({DISK: (8 * GIB, 0), ZRAM: (4 * GIB, 0)}, 520 * MIB),
    ],
)
def test_memory_is_looked_at_again_when_the_pages_are_home(
    others: dict[str, tuple[int, int]], takes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas = {VRAM: (4 * GIB, 0), **others}
    # An eighth of the memory is for others.
    most = 8 * GIB - 2 * GIB - takes
    found, _ = measured(tmp_path, monkeypatch, dict(areas), home=most)
    assert len(found.runs) == 3 and found.as_dict()["refusal"] is None
    found, job = measured(tmp_path, monkeypatch, dict(areas), home=most + MIB)
    assert len(job.asked) == len(found.runs) == 2 and found.refusal is not None
    assert found.refusal.problem is Problem.BENCH_OTHERS_SHORT
    assert (found.refusal.arguments["memory"], found.refusal.arguments["room"]) == (takes, takes - MIB)


def test_what_was_measured_while_vram_was_swap_again_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas = {VRAM: (4 * GIB, 0), DISK: (8 * GIB, 0)}
    job = Job(machine(tmp_path, areas), areas)
    monkeypatch.setattr(pressure, "_job", job.run)

    @contextlib.asynccontextmanager
    async def away() -> AsyncIterator[None]:
        async with job.away():
            yield
        raise VramswapError(Problem.BENCH_PAUSE_ENDED)

    found = asyncio.run(pressure.measure(512 * MIB, {VRAM}, lambda share, place: None, away, tmp_path))
    assert len(job.asked) == 3 and [ran.place for ran in found.runs] == [Place.MEMORY, Place.VRAM]
    assert "Not compared with other swap: VRAM was swap again" in pressure_text.table(found, word)


@pytest.mark.parametrize("run", [1, 2])
@pytest.mark.parametrize("error", [None, VramswapError(Problem.BENCH_ENDED, signal=9)])
@pytest.mark.parametrize("others", [False, True])
def test_vram_that_is_turned_off_meanwhile_is_why_nothing_is_measured(
    others: bool, error: VramswapError | None, run: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the run with memory alone, which that does not disturb, and in that with VRAM; the next one is not begun."""
    areas = {VRAM: (4 * GIB, 0), DISK: (8 * GIB, 0)}
    job = Job(machine(tmp_path, areas), areas)

    async def turned_off(size: int, most: int) -> Figures:
        found = await job.run(size, most)
        if len(job.asked) == run:
            del job.areas[VRAM]
            job.show(job.areas)
            if error is not None and run == 2:
                raise error
        return found

    monkeypatch.setattr(pressure, "_job", turned_off)
    with pytest.raises(VramswapError) as caught:
        asyncio.run(pressure.measure(
            512 * MIB, {VRAM}, lambda share, place: None, job.away if others else None, tmp_path
        ))  # fmt: skip
    assert caught.value.problem is Problem.BENCH_TURNED_OFF
    assert len(job.asked) == run


def test_areas_of_one_priority_take_turns() -> None:
    disk, zram = Swap(DISK, "partition", 2 * MIB, 0, 5), Swap(ZRAM, "partition", 2 * MIB, MIB, 5)
    assert pressure._in_zram(2 * MIB, (disk, zram)) == MIB


ELSEWHERE = (
    "The pages did not go to VRAM alone: {} had them. The kernel fills the swap with the highest priority first."
)


@pytest.mark.parametrize("others", [False, True])
def test_pages_that_went_elsewhere(others: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be compared then, and no option changes that."""
    found, job = measured(tmp_path, monkeypatch, {ZRAM: (4 * GIB, 0), VRAM: (4 * GIB, 0)}, others)
    assert [ran.place for ran in found.runs[1:]] == [Place.ZRAM] * (len(job.asked) - 1)
    assert len(job.asked) == 2 + others
    assert [word(sentence) for sentence in pressure_text.sentences(found)] == [ELSEWHERE.format(ZRAM)]


def test_pages_that_went_to_several_places_and_to_none() -> None:
    runs = (Ran(Place.MEMORY, figures(1), {}), Ran(Place.SEVERAL, figures(2), {VRAM: 1, DISK: 1}))
    found = Result(MIB, MIB, runs, (Swap(DISK, "partition", 1, 0, 0),))
    assert [word(sentence) for sentence in pressure_text.sentences(found)] == [ELSEWHERE.format(f"{VRAM}, {DISK}")]
    refused = dataclasses.replace(found, refusal=VramswapError(Problem.BENCH_PAUSE_ENDED))
    assert "Not compared with other swap: VRAM was" in pressure_text.table(refused, word)
    nowhere = dataclasses.replace(found, runs=(runs[0], dataclasses.replace(runs[1], areas={})))
    assert [word(sentence) for sentence in pressure_text.sentences(nowhere)] == ["No pages went to swap."]


@pytest.mark.parametrize(
    ("vram", "other", "sentence"),
    [
        (figures(2), figures(7), "VRAM was 3.5 times as fast as the disk."),
        (figures(2), figures(1), "VRAM was slower: the disk was 2.0 times as fast."),
        (figures(2), figures(2.1), "VRAM was as fast as the disk."),
        # It had come back to a fifth of its pages when its time was over, half of which was for that.
        (figures(2), figures(15, seen=200), "VRAM was at least 22 times as fast as the disk."),
        # Of its time it had written for one second.
        (figures(2), figures(15, seen=100, seeing=14), "VRAM was at least 70 times as fast as the disk."),
        (figures(15, seen=500), figures(1), "VRAM was slower: the disk was at least 22 times as fast."),
        (figures(15, seen=500), figures(15, seen=200), "VRAM was about 2.0 times as fast as the disk."),
        (figures(15, seen=500), figures(15, seen=500), "VRAM was as fast as the disk."),
        (figures(2), figures(15, seen=0), "VRAM was faster than the disk; how many times cannot be told."),
        (figures(2), figures(15, seen=99), "VRAM was faster than the disk; how many times cannot be told."),
        (figures(15, seen=0), figures(1), "VRAM was slower than the disk; how many times cannot be told."),
        (figures(15, seen=0), figures(15, seen=0), "Whether VRAM was faster than the disk cannot be told."),
    ],
)
def test_the_verdict(vram: Figures, other: Figures, sentence: str) -> None:
    said = pressure_text.verdict(Ran(Place.VRAM, vram, {}), Ran(Place.DISK, other, {}))
    assert word(said) == sentence


def few(place: str, seen: int) -> str:
    return (
        f"In the run with {place} the program had come back to {seen} of its 1000 pages when its time was over, too few"
        " to reckon how long it would have taken."
    )


def longer(times: str) -> str:
    return f"With half of its pages in VRAM the program took {times} times as long as with memory for all."


@pytest.mark.parametrize(
    ("whole", "short", "said"),
    [
        (figures(1), figures(4), [longer("4.0")]),
        (figures(1), figures(15, seen=500), [longer("at least 22")]),
        (figures(15, seen=900), figures(15, seen=500), [longer("about 1.4")]),
        (figures(1), figures(15, seen=0), [few("VRAM", 0)]),
        (figures(15, seen=99), figures(15, seen=0), [few("memory alone", 99), few("VRAM", 0)]),
    ],
)
def test_what_too_little_memory_meant(whole: Figures, short: Figures, said: list[str]) -> None:
    runs = (Ran(Place.MEMORY, whole, {}), Ran(Place.VRAM, short, {VRAM: 1}))
    found = [word(sentence) for sentence in pressure_text.sentences(Result(MIB, MIB, runs))]
    assert found == [*said, "There is no other swap to compare with."]


def test_a_run_that_was_cut_short_says_how_far_it_came() -> None:
    runs = (Ran(Place.MEMORY, figures(1), {}), Ran(Place.VRAM, figures(15, 3000, seen=500), {VRAM: 1}))
    rows = pressure_text.table(Result(MIB, MIB, runs), word).splitlines()
    assert rows[2].split() == ["memory", "alone", "1.0", "12.0", "ms", "–"]
    assert rows[3].split() == ["VRAM", "15.0", "(75%)", "12.0", "ms", "400"]
    kept = Result(MIB, MIB, (runs[0], dataclasses.replace(runs[1], figures=dataclasses.replace(
        runs[1].figures, direct=False))))  # fmt: skip
    assert "zswap was on" in pressure_text.table(kept, word)


def test_the_job_sees_every_page_once() -> None:
    found = pressed.work(MIB, 60)
    assert (found.pages, found.written, found.seen, found.wrong, found.finished) == (256, 256, 256, 0, True)
    assert 0 < found.longest <= found.seconds and found.seeing < found.seconds
    cut = pressed.work(64 * MIB, 0)
    assert not cut.finished and cut.seen == 0
    assert (found.whole, cut.whole) == (found.seconds, None)


@pytest.mark.parametrize("place", [0, 8, 2000, PAGE - 1])
def test_a_page_is_wrong_wherever_it_is(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty(mmap.mmap):
        """Keeps two pages other than they were written: one byte of each."""

        def __setitem__(self, where: Any, value: Any) -> None:
            super().__setitem__(where, value)
            if isinstance(where, slice) and where.start in (0, 7 * PAGE):
                super().__setitem__(where.start + place, value[place] ^ 1)

    monkeypatch.setattr(mmap, "mmap", Faulty)
    found = pressed.work(MIB, 60)
    assert (found.seen, found.wrong) == (256, 2)


def test_a_group_by_systemd_and_by_hand(tmp_path: Path) -> None:
    async def made(systemd: Path) -> Confinement:
        async with control_group.confined(MIB, 2 * MIB, tmp_path, systemd) as group:
            # The kernel's own files go with a group.
            if group.folder is not None:
                # It is slowed down where it is short, and not ended.
                for name, limit in (("memory.high", MIB), ("memory.max", 2 * MIB)):
                    assert (group.folder / name).read_text() == str(limit)
                    (group.folder / name).unlink()
            return group

    (tmp_path / "fs/cgroup").mkdir(parents=True)
    (tmp_path / "systemd").mkdir()
    limits = {f"--property=MemoryHigh={MIB}", f"--property=MemoryMax={2 * MIB}"}
    assert {"--scope", *limits} <= set(asyncio.run(made(tmp_path / "systemd")).command)
    folder = asyncio.run(made(tmp_path / "none")).folder
    assert folder is not None and not folder.exists()
    with pytest.raises(VramswapError) as caught:
        asyncio.run(_confined_in(tmp_path / "nothing"))
    assert caught.value.problem is Problem.BENCH_NO_GROUP


def test_a_group_that_was_left_by_who_was_killed_goes_with_the_next(tmp_path: Path) -> None:
    groups, proc = tmp_path / "fs/cgroup", tmp_path / "proc"
    (proc / "1").mkdir(parents=True)
    (proc / "1/stat").write_text("1 (vramswapctl) S 0 1 1 0 -1 4194560 0 0")
    ours = f"vramswap-bench-{os.getpid()}"
    kept = ("vramswap-bench-1", "vramswap", "2", "user.slice")
    for name in (*kept, "vramswap-bench-2", ours):
        (groups / name).mkdir(parents=True)

    async def made() -> set[str]:
        async with control_group.confined(MIB, 2 * MIB, tmp_path, tmp_path / "none", proc) as group:
            assert group.folder is not None and group.folder.name == ours
            for path in group.folder.iterdir():
                path.unlink()
            return {path.name for path in groups.iterdir()}

    assert asyncio.run(made()) == {*kept, ours}


async def _confined_in(sys: Path) -> None:
    async with control_group.confined(MIB, MIB, sys, sys):
        raise AssertionError("there is no such group")


def test_zswap_is_passed_by_where_that_is_possible(tmp_path: Path) -> None:
    proc, sys = tmp_path / "proc", tmp_path / "sys"
    group = sys / "fs/cgroup/user/job"
    for folder in (proc / "self", group, sys / "module/zswap/parameters"):
        folder.mkdir(parents=True)
    (proc / "self/cgroup").write_text("1:name=systemd:/x\n0::/user/job\n")
    assert control_group.limit(proc, sys) is None
    (group / "memory.high").write_text("1048576\n")
    assert control_group.limit(proc, sys) == MIB
    assert control_group.without_zswap(proc, sys) and not (group / "memory.zswap.max").exists()
    (sys / "module/zswap/parameters/enabled").write_text("Y\n")
    (group / "memory.zswap.max").write_text("max")
    assert control_group.without_zswap(proc, sys) and (group / "memory.zswap.max").read_text() == "0"
    (group / "memory.zswap.max").unlink()
    (group / "memory.zswap.max").mkdir()
    assert not control_group.without_zswap(proc, sys)


def test_the_job_refuses_memory_without_a_limit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(control_group, "limit", lambda: 8 * MIB)
    monkeypatch.setattr(process, "end_with", lambda parent: None)
    monkeypatch.setattr(process, "be_killed_first", lambda: None)
    arguments = ["--size", str(MIB), "--seconds", "1", "--parent", "1", "--most"]
    assert pressed.main([*arguments, str(4 * MIB)]) == 1
    assert "does not limit its memory" in capsys.readouterr().err
    assert pressed.main([*arguments, str(8 * MIB)]) == 0


@pytest.mark.parametrize(
    ("limits", "mode", "said"),
    [
        ({resource.RLIMIT_AS: 40 * MIB}, 0, "a limit for whoever is started here is 40 MiB (`ulimit -v`)"),
        ({resource.RLIMIT_DATA: 8 * MIB}, 2, "a limit for whoever is started here is 8 MiB (`ulimit -d`)"),
        # There are limits, and they are not in the way.
        ({resource.RLIMIT_AS: GIB}, 2, "did not promise the program under pressure 16 MiB of memory (vm.overcommit"),
        ({}, 0, "vm.overcommit_memory is 0"),
    ],
)
@pytest.mark.parametrize("error", [OSError(errno.ENOMEM, "no"), MemoryError()])
def test_memory_that_is_refused(
    error: Exception, limits: dict[int, int], mode: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the way is told, and not that there is no control group."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self/statm").write_text(f"{30 * MIB // PAGE} 1 1 1 0 {4 * MIB // PAGE} 0\n")
    (tmp_path / "sys/vm").mkdir(parents=True)
    (tmp_path / "sys/vm/overcommit_memory").write_text(f"{mode}\n")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits.get(which, resource.RLIM_INFINITY),) * 2)
    told = refused(monkeypatch, error, tmp_path)
    assert said in told.message, told
    assert "--size" in told.remedy


@contextlib.asynccontextmanager
async def unconfined(high: int, most: int) -> AsyncIterator[Confinement]:
    """No group at all."""
    yield Confinement()


def refused(monkeypatch: pytest.MonkeyPatch, error: Exception, proc: Path) -> VramswapError:
    """What whoever starts the job makes of its end, when it is refused memory by ``error``."""
    why = pressed._refused

    def work(size: int, seconds: float) -> Figures:
        raise error

    async def run_job(*command: str) -> run.Finished:
        """In this process."""
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            status = pressed.main(command[command.index("--size") :])
        return run.Finished(status, output.getvalue(), "")

    monkeypatch.setattr(pressed, "work", work)
    monkeypatch.setattr(pressed, "_refused", lambda size: why(size, proc))
    monkeypatch.setattr(control_group, "limit", lambda: 8 * MIB)
    monkeypatch.setattr(process, "end_with", lambda parent: None)
    monkeypatch.setattr(process, "be_killed_first", lambda: None)
    monkeypatch.setattr(run, "run", run_job)
    monkeypatch.setattr(pressure, "confined", unconfined)
    with pytest.raises(VramswapError) as caught:
        asyncio.run(pressure._job(8 * MIB, 16 * MIB))
    return caught.value


@pytest.mark.parametrize("told", ["", "null", "7", "[]", '{"other": 1}'])
def test_what_is_not_the_jobs_answer_is_a_failure_with_a_reason(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_job(*command: str) -> run.Finished:
        return run.Finished(0, told, "something else")

    monkeypatch.setattr(run, "run", run_job)
    monkeypatch.setattr(pressure, "confined", unconfined)
    with pytest.raises(VramswapError, match="something else") as caught:
        asyncio.run(pressure._job(8 * MIB, 16 * MIB))
    assert caught.value.problem is Problem.BENCH_NO_GROUP


def test_memory_that_a_real_limit_refuses() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "from vramswap_gui.bench import pressed; from vramswap_gui.system import control_group, process\n"
        "control_group.limit = lambda: 1; process.be_killed_first = lambda: None; import os\n"
        "pressed.main(['--size', str(2 << 30), '--most', '1', '--seconds', '1', '--parent', str(os.getppid())])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["error"]["problem"] == "bench-own-limit"


def test_areas_are_of_one_kind_or_several() -> None:
    assert pressure._place({VRAM: 95, DISK: 5}, {VRAM}) is Place.VRAM
    assert pressure._place({VRAM: 50, DISK: 50}, {VRAM}) is Place.SEVERAL
    assert pressure._place({}, {VRAM}) is Place.SEVERAL
    assert pressure._place({"/swapfile": 9, DISK: 9}, {VRAM}) is Place.DISK
    assert Swap(ZRAM, "partition", 1, 0, 0).in_memory
