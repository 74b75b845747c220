# SPDX-License-Identifier: MIT
"""The way down without systemd: who is ended for room, who is spared, and in which order things go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper import swap_area, way_down

KERNEL_THREAD = 0x00200000
#: pid, name, parent, session, flags, state
INIT, OPENRC, SCRIPT, THIS = (
    (1, "init", 0, 1),
    (50, "openrc", 1, 50),
    (51, "openrc-run.sh", 50, 50),
    (52, "python3", 51, 50),
)
MACHINE: Sequence[tuple[int, str, int, int]] = (
    INIT, OPENRC, SCRIPT, THIS,
    (60, "sibling", 50, 50),
    (70, "vramswap-keeper", 1, 70), (71, "vramswap-engine", 70, 71), (72, "vramswap-sentry", 70, 70),
    (80, "bash", 1, 80), (81, "fire) R 1 1 (fox", 80, 80), (82, "mdmon", 1, 82),
)  # fmt: skip


def put(proc: Path, pid: int, name: str, parent: int, session: int, flags: int = 0, state: str = "S") -> None:
    (proc / str(pid)).mkdir(parents=True)
    fields = [state, parent, pid, session, 0, -1, flags, *[0] * 40]
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(map(str, fields))}\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    folder = tmp_path / "proc"
    for process in MACHINE:
        put(folder, *process)
    put(folder, 2, "kthreadd", 0, 0, KERNEL_THREAD)
    put(folder, 90, "gone", 80, 80, state="Z")
    (folder / "mounts").write_text("")
    (folder / "swaps").write_text("Filename Type Size Used Priority\n")
    (folder / "meminfo").write_text("MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The runtime folder, in its folder."""
    made = tmp_path / "run/vramswap"
    made.mkdir(parents=True)
    return made


def test_who_shuts_down_and_who_holds_pages_are_spared(proc: Path, folder: Path) -> None:
    assert sorted(way_down.others(proc, folder.parent, THIS[0])) == [80, 81, 82]


def test_whom_the_init_spares_is_spared(proc: Path, folder: Path) -> None:
    (folder.parent / "sendsigs.omit.d").mkdir()
    (folder.parent / "sendsigs.omit.d/mdadm").write_text("82\n")
    (folder.parent / "sendsigs.omit").write_text("80 none\n")
    assert list(way_down.others(proc, folder.parent, THIS[0])) == [81]


class Kernel:
    """Swap that can be turned off once there is room, and who is asked for it in which order."""

    def __init__(self, proc: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.proc = proc
        self.room = True
        self.done: list[str] = []
        (folder / "devices").write_text("/dev/nbd0\n")
        self._on("/dev/nbd0", "/dev/sda2")
        monkeypatch.setattr(swap_area, "off", self._off)
        monkeypatch.setattr(way_down, "_end_others", self._end_others)

    def _on(self, *devices: str) -> None:
        lines = "".join(f"{device} partition 1024 1020 1000\n" for device in devices)
        (self.proc / "swaps").write_text(f"Filename Type Size Used Priority\n{lines}")

    async def _off(self, device: str) -> None:
        self.done.append(f"off {device}")
        if not self.room:
            raise VramswapError(Problem.SWAP_REFUSED, program="swapoff", device=device, why="Cannot allocate memory")
        self._on("/dev/sda2")

    async def _end_others(self, proc: Path, run_folder: Path) -> None:
        self.done.append("end")
        self.room = self.room or "stuck" not in self.done


@pytest.fixture
def kernel(proc: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(proc, folder, monkeypatch)


async def test_pages_that_fit_cost_nobody_anything(kernel: Kernel, folder: Path, tmp_path: Path) -> None:
    assert await way_down.take_down(folder, kernel.proc, tmp_path / "sys")
    # The disk's swap is not ours.
    assert kernel.done == ["off /dev/nbd0"]
    assert not (folder.parent / "sendsigs.omit.d").exists()


async def test_programs_make_room_for_pages_that_do_not_fit(
    kernel: Kernel, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kernel.room = False
    assert await way_down.take_down(folder, kernel.proc, tmp_path / "sys")
    assert "every program is ended" in capfd.readouterr().err
    assert kernel.done == ["off /dev/nbd0", "end", "off /dev/nbd0"]


async def test_pages_without_room_are_not_asked_for_before_programs_are_ended(
    kernel: Kernel, folder: Path, tmp_path: Path
) -> None:
    """The kernel would kill the one who asks for them first, and then whom it likes."""
    (kernel.proc / "meminfo").write_text("MemTotal: 8000000 kB\nMemAvailable: 0 kB\n")
    assert await way_down.take_down(folder, kernel.proc, tmp_path / "sys")
    # Where nobody is left to be ended there is nothing to lose.
    assert kernel.done == ["end", "off /dev/nbd0"]


async def test_one_of_ours_is_no_room_for_the_pages_of_another(kernel: Kernel, folder: Path, tmp_path: Path) -> None:
    (folder / "devices").write_text("/dev/nbd0\n/dev/nbd1\n")
    lines = "/dev/nbd0 partition 1024 1020 1000\n/dev/nbd1 partition 4096 0 999\n"
    (kernel.proc / "swaps").write_text(f"Filename Type Size Used Priority\n{lines}")
    (kernel.proc / "meminfo").write_text("MemTotal: 8000000 kB\nMemAvailable: 0 kB\n")
    assert await way_down.take_down(folder, kernel.proc, tmp_path / "sys")
    assert kernel.done[0] == "end"


async def test_a_server_that_is_still_needed_is_to_be_spared(kernel: Kernel, folder: Path, tmp_path: Path) -> None:
    kernel.room = False
    kernel.done.append("stuck")
    assert not await way_down.take_down(folder, kernel.proc, tmp_path / "sys")
    assert (folder.parent / "sendsigs.omit.d/vramswap").read_text().split() == ["70", "71", "72"]


async def test_without_swap_nothing_is_done(proc: Path, folder: Path, tmp_path: Path) -> None:
    assert await way_down.take_down(folder, proc, tmp_path / "sys")
