# SPDX-License-Identifier: MIT
"""Whether a swap file may be made, how large, and when it goes: as tables, and what must hold for all of them."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.waiting import PATIENCE
from vramswap_gui.api.status import Landing
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.helper import landing, landing_file
from vramswap_gui.helper.landing import LandingPlace
from vramswap_gui.helper.policy.landing import MOST_FILES, Ground, may_go, reserve, size, verdict
from vramswap_gui.helper.policy.sizing import Room, Shortfall, shortfall
from vramswap_gui.helper.steps import (
    EmptyFile,
    Goal,
    MakeFile,
    RemoveFile,
    Step,
    SwapOff,
    UseFile,
    World,
    done,
    failed,
    next_step,
)
from vramswap_gui.paths import LANDING_FOLDER
from vramswap_gui.system import disk, run, smallfile, swaps
from vramswap_gui.system.disk import Disk
from vramswap_gui.system.memory import Commit
from vramswap_gui.units import GIB, MIB

PLACE = Path("/var/lib/vramswap")
DISK = Disk("ext4", 100 * GIB, 50 * GIB)
PLAIN = Ground(PLACE, DISK)
CRYPT = Ground(PLACE, replace(DISK, encrypted=True))
SHORT = Shortfall(used=3 * GIB, room=GIB, missing=2 * GIB)


@pytest.mark.parametrize(
    ("name", "setting", "ground", "found"),
    [
        ("an encrypted disk", "auto", CRYPT, Landing.READY),
        ("one that is not", "auto", PLAIN, Landing.ASK),
        ("pages lie on a disk anyway", "auto", replace(PLAIN, swaps_in_the_clear=True), Landing.READY),
        ("somebody said so", "/var/lib/vramswap", PLAIN, Landing.READY),
        ("somebody said no", "off", CRYPT, Landing.OFF),
        ("memory is no place", "/tmp", Ground(PLACE, replace(DISK, kind="tmpfs")), Landing.UNFIT),
        ("nor a network", "/net", Ground(PLACE, replace(DISK, kind="nfs4")), Landing.UNFIT),
        ("nor layers", "auto", Ground(PLACE, replace(DISK, kind="overlay", encrypted=True)), Landing.UNFIT),
        ("others could put something there", "/srv", Ground(PLACE, replace(DISK, guarded=False)), Landing.UNFIT),
        ("it cannot be looked at", "/srv", Ground(PLACE, None), Landing.UNFIT),
    ],
)
def test_verdict(name: str, setting: str, ground: Ground, found: Landing) -> None:
    assert verdict(setting, ground) is found


@pytest.mark.parametrize(
    ("name", "setting", "ground", "files", "problem", "words"),
    [
        ("undecided", "auto", PLAIN, 0, Problem.LANDING_UNDECIDED, "config landing /var/lib/vramswap"),
        ("off", "off", CRYPT, 0, Problem.PAGES_DO_NOT_FIT, "Close programs that use 2 GiB"),
        ("unfit", "/tmp", Ground(PLACE, replace(DISK, kind="tmpfs")), 0, Problem.LANDING_UNFIT, "tmpfs"),
        ("unknown", "/tmp", Ground(PLACE, None), 0, Problem.LANDING_UNFIT, "unknown"),
        ("full", "auto", Ground(PLACE, replace(CRYPT.disk or DISK, free=6 * GIB)), 0, Problem.LANDING_TOO_SMALL,
         "has 1 GiB to spare"),
        ("too many", "auto", CRYPT, MOST_FILES, Problem.PAGES_DO_NOT_FIT, "room for 1 GiB"),
    ],
)  # fmt: skip
def test_refused(name: str, setting: str, ground: Ground, files: int, problem: Problem, words: str) -> None:
    with pytest.raises(VramswapError) as caught:
        size(setting, ground, files, SHORT)
    assert (caught.value.problem, caught.value.code) == (problem, ErrorCode.WONT_FIT)
    assert words in str(caught.value)
    assert "3 GiB of pages" in str(caught.value)


@given(
    used=st.integers(1, 64 * GIB), available=st.integers(0, 16 * GIB), free=st.integers(0, 100 * GIB),
    wish=st.integers(0, 64 * GIB),
)  # fmt: skip
def test_with_the_file_the_pages_fit_and_the_disk_is_not_full(used: int, available: int, free: int, wish: int) -> None:
    room = Room(16 * GIB, available)
    short = shortfall(used, room)
    if short is None:
        return
    disk = replace(DISK, free=free, encrypted=True)
    try:
        made = size("auto", Ground(PLACE, disk), 0, short, wish)
    except VramswapError:
        assert free < reserve(disk) + short.missing + short.missing // 8 + 4 * MIB
        return
    assert made % (2 * MIB) == 0
    assert free - made >= reserve(disk)
    # One page of a swap area is its header.
    assert shortfall(used, replace(room, swap_free=made - 4096)) is None


@pytest.mark.parametrize("ground", [PLAIN, Ground(PLACE, None), Ground(PLACE, replace(DISK, free=0, encrypted=True))])
def test_what_is_only_promised_is_no_matter_of_room(ground: Ground) -> None:
    short = Shortfall(0, GIB, 0, promised=3 * GIB, size=3 * GIB, commit=Commit(GIB, GIB))
    with pytest.raises(VramswapError) as caught:
        size("auto", ground, 0, short)
    assert caught.value.problem is Problem.COMMIT_LIMIT


def test_the_kernels_sum_is_made_up_for_too() -> None:
    short = Shortfall(used=0, room=GIB, missing=0, promised=3 * GIB)
    assert size("auto", CRYPT, 0, short) >= 3 * GIB


@pytest.mark.parametrize(
    ("name", "used", "room", "lent_free", "goes"),
    [
        ("empty", 0, Room(16 * GIB, 0), 0, True),
        ("memory is plentiful", 2 * GIB, Room(16 * GIB, 9 * GIB), 0, True),
        ("memory would be short again", 2 * GIB, Room(16 * GIB, 5 * GIB), 0, False),
        ("there is VRAM for it", 2 * GIB, Room(16 * GIB, 0), 3 * GIB, True),
        ("VRAM would be full", 2 * GIB, Room(16 * GIB, 0), 2 * GIB, False),
        ("other swap is no reason", 2 * GIB, Room(16 * GIB, 2 * GIB, swap_free=8 * GIB), GIB, False),
    ],
)
def test_when_it_goes(name: str, used: int, room: Room, lent_free: int, goes: bool) -> None:
    assert may_go(used, room, lent_free) is goes


def steps(world: World, goal: Goal, fails: Step | None = None) -> list[Step]:
    """What is done until the goal is reached, on a machine where all but one step succeeds."""
    files, landed, swapped, taken = set(world.files), set(world.landed), set(world.swapped), []
    while (step := next_step(replace(world, files=frozenset(files), landed=frozenset(landed),
                                     swapped=frozenset(swapped)), goal)) is not None:  # fmt: skip
        taken.append(step)
        if step == fails:
            goal = failed(step, world, began_empty=False) or Goal()
            continue
        match step:
            case MakeFile():
                files.add(7)
            case UseFile(number):
                landed.add(number)
            case EmptyFile(number):
                landed.discard(number)
            case RemoveFile(number):
                files.discard(number)
            case SwapOff(index):
                swapped.discard(index)
                world = replace(world, devices={})
        goal = done(goal, step, 7 if isinstance(step, MakeFile) else None)
    return taken


LENT = World(True, {0: "/dev/nbd0"}, frozenset({0}))


def test_steps() -> None:
    assert steps(LENT, Goal(leave=(0,), land=GIB)) == [MakeFile(GIB), UseFile(7), SwapOff(0)]
    assert steps(LENT, Goal(leave=(0,), land=GIB), fails=UseFile(7)) == [MakeFile(GIB), UseFile(7), RemoveFile(7)]
    in_use = replace(LENT, files=frozenset({1, 2}), landed=frozenset({1}))
    assert steps(in_use, Goal()) == [RemoveFile(2)]
    assert steps(in_use, Goal(clear=(1,))) == [RemoveFile(2), EmptyFile(1), RemoveFile(1)]


def test_a_file_is_roots_alone_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "vramswap-landing-0" / "swap"
    assert landing_file.main(["make", str(path), str(3 * MIB)]) == 0
    found = path.stat()
    assert (found.st_mode & 0o777, found.st_size, found.st_blocks * 512 >= 3 * MIB) == (0o600, 3 * MIB, True)
    # What is there already is not overwritten, be it what it may.
    assert landing_file.main(["make", str(path), str(MIB)]) == 1
    assert path.stat().st_size == 3 * MIB
    assert landing_file.main(["remove", str(path)]) == 0
    assert list((tmp_path / "new").iterdir()) == []
    assert landing_file.main(["remove", str(path)]) == 0


def test_what_cannot_be_made_whole_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vramswap-landing-0" / "swap"
    assert landing_file.main(["make", str(path), str(1 << 62)]) == 1
    assert capsys.readouterr().err.strip()
    assert list(tmp_path.iterdir()) == []
    assert landing_file.main(["shrink", str(path)]) == 1


async def test_under_systemd_the_file_is_made_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a mount namespace of its own the helper could not write it, and there the program finds its libraries."""
    commands: list[tuple[str, ...]] = []

    async def run_it(*command: str) -> run.Finished:
        commands.append(command)
        return run.Finished(0, "", "")

    monkeypatch.setattr(run, "run", run_it)
    monkeypatch.setenv("PYTHONPATH", "/usr/lib/vramswap")
    place = LandingPlace(tmp_path / "state", tmp_path, tmp_path, tmp_path, outside=True)
    number = await place.make("auto", 2 * MIB)
    await place.use(number)
    await place.empty(number)
    await place.remove(number)
    assert [command[0] for command in commands] == ["systemd-run"] * 5
    assert "--setenv=PYTHONPATH=/usr/lib/vramswap" in commands[0]
    file = str(tmp_path / "state/vramswap-landing-0/swap")
    assert [[word for word in command if word in ("make", "mkswap", "swapon", "swapoff", "remove", file)]
            for command in commands] == [["make", file], ["mkswap", file], ["swapon", file], ["swapoff", file],
                                         ["remove", file]]  # fmt: skip


@pytest.mark.parametrize("folder", ["linked", "linked/../real"])
async def test_a_file_has_the_name_that_the_kernel_has_for_it(tmp_path: Path, folder: str) -> None:
    """Or it would be none of ours: never emptied, and in the way of the next one."""
    real = tmp_path / "disk/real"
    real.mkdir(parents=True)
    (tmp_path / "linked").symlink_to(real)
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n")
    place = LandingPlace(tmp_path / "own", tmp_path, tmp_path, tmp_path, outside=False)
    number = await place.make(str(tmp_path / folder), MIB)
    file = real / f"{LANDING_FOLDER}0/swap"
    assert file.exists() and place.files == {number: file}
    (tmp_path / "swaps").write_text(f"Filename Type Size Used Priority\n{file} file 1020 0 -2\n")
    assert list(place.areas(swaps.read(tmp_path))) == [number]
    later = LandingPlace(tmp_path / "own", tmp_path, tmp_path, tmp_path, outside=False)
    await later.find(str(tmp_path / folder))
    assert list(later.files.values()) == [file]
    await later.remove(0)
    assert not file.exists()


async def test_a_disk_that_never_answers_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a network whose other end is gone: whoever looks at it never comes back."""
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n")
    hung, good = tmp_path / "hung", tmp_path / "good"
    answers, asked = threading.Event(), list[Path]()

    def entries(folder: Path) -> list[Path]:
        asked.append(folder)
        if folder == hung:
            answers.wait()
        return [folder / f"{LANDING_FOLDER}0"]

    monkeypatch.setattr(smallfile, "entries", entries)
    monkeypatch.setattr(disk, "look", lambda folder, *_: DISK if entries(folder) else None)
    monkeypatch.setattr(landing, "_SECONDS", 0.05)
    place = LandingPlace(good, tmp_path, tmp_path, tmp_path, outside=False)
    try:
        await place.find(str(hung))
        assert list(place.files.values()) == [good / f"{LANDING_FOLDER}0/swap"]
        for _ in range(3):
            ground = await place.look(str(hung), ())
            assert (ground.disk, verdict(str(hung), ground)) == (None, Landing.UNFIT)
        assert asked.count(hung) == 1
        assert (await place.look("auto", ())).disk == DISK
    finally:
        answers.set()
    asking, _ = place._asked[hung]
    await asyncio.wait_for(asking, PATIENCE)
    monkeypatch.setattr(landing, "_SECONDS", PATIENCE)
    assert (await place.look(str(hung), ())).disk == DISK
