# SPDX-License-Identifier: MIT
"""What is known of ublk devices without the driver: names, identities, and when the driver is left alone."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import struct
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import main
from vramswap_gui.server import messages as m
from vramswap_gui.server.exports import ublk as exports
from vramswap_gui.server.messages import Transport
from vramswap_gui.system import ours, ublk


@pytest.mark.parametrize("ident", ["vramswap-0badcafe-1", "vramswap-ffffffff-65535", "vramswap-00000000-0"])
def test_an_identity_there_and_back(ident: str) -> None:
    info = ublk.Info(3, ublk.identity(ident), started=True)
    assert info.ours
    assert (info.ident, info.device) == (ident, "/dev/ublkb3")


def test_serials_that_do_not_fit_begin_anew() -> None:
    assert ublk.identity("vramswap-0badcafe-65537") == ublk.identity("vramswap-0badcafe-1")


@pytest.mark.parametrize("known", [0, 1, 0x7672 << 48, 0xFFFF << 48])
def test_devices_of_others(known: int) -> None:
    assert not ublk.Info(0, known, started=True).ours


def test_names() -> None:
    assert ublk.number_of(ublk.block_device(12)) == 12
    assert [ublk.number_of(other) for other in ("/dev/nbd0", "/dev/ublkb", "/dev/ublkbx", "/dev/ublkc0")] == [None] * 4


def kernel(root: Path, release: str) -> Path:
    (root / "sys/kernel").mkdir(parents=True)
    (root / "sys/kernel/osrelease").write_text(f"{release}\n")
    return root


@pytest.mark.parametrize("release", ["6.12.94+deb13-amd64", "6.18.15", "7.1.9", "", "plan9"])
def test_the_driver_of_an_old_kernel_is_not_even_asked(release: str, tmp_path: Path) -> None:
    found = exports.unusable(kernel(tmp_path, release))
    assert found is not None and found.problem is Problem.UBLK_TOO_OLD


@pytest.mark.parametrize("release", ["7.2.13+deb14-amd64", "7.10.0", "8.0"])
def test_a_newer_kernel_is_asked(release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ublk, "CONTROL", tmp_path / "ublk-control")
    found = exports.unusable(kernel(tmp_path, release))
    assert found is not None and found.problem is Problem.UBLK_NOT_LOADED


def test_devices_that_are_there_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    assert main.choose("nbd", ["", "/dev/ublkb0"])[0] is Transport.UBLK
    assert main.choose("ublk", ["/dev/nbd0"])[0] is Transport.NBD
    monkeypatch.setattr(exports, "unusable", lambda: None)
    # One that never became a device decides nothing.
    assert main.choose("ublk", [""])[0] is Transport.UBLK
    assert main.choose("auto", ()) == (Transport.UBLK, Reason(ReasonCode.DRIVER_BEST))
    assert main.choose("nbd", ()) == (Transport.NBD, Reason(ReasonCode.DRIVER_SET))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (VramswapError(Problem.UBLK_TOO_OLD, oldest="7.2"), ReasonCode.UBLK_TOO_OLD),
        (VramswapError(Problem.UBLK_NOT_LOADED), ReasonCode.UBLK_NOT_LOADED),
        (VramswapError(Problem.UBLK_LACKS, what="USER_COPY"), ReasonCode.UBLK_LACKS),
        (VramswapError(Problem.UBLK_WITHOUT_RING, why="no"), ReasonCode.UBLK_WITHOUT_RING),
        (VramswapError(Problem.UBLK_REFUSED, command="make", device="it", why="no"), ReasonCode.UBLK_REFUSED),
    ],
)
def test_whatever_is_in_the_way_means_nbd(
    error: VramswapError, code: ReasonCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "unusable", lambda: error)
    assert main.choose("auto", ()) == (Transport.NBD, Reason(code, error.arguments))
    with pytest.raises(VramswapError, match=error.message):
        main.choose("ublk", ())


class Driver:
    """The driver's control device: a command's bytes, as the kernel would fill them in."""

    def __init__(self, features: int = 0xFFFFFFFF, cleared: int = 0) -> None:
        self.features, self.cleared = features, cleared
        self.asked: list[str] = []
        #: Those that are there: whether they are started, and by what they are known.
        self.devices: dict[int, tuple[bool, int]] = {}

    def do(
        self, control: ublk.UblkControl, doing: str, command: int, number: int = -1, refusal: int = 0, **more: int
    ) -> int:
        self.asked.append(doing)
        if doing == "ask":
            struct.pack_into("=Q", control._buffer, 0, self.features)
        elif doing == "make":
            flags = struct.unpack_from("=Q", control._buffer, 24)[0]
            struct.pack_into("=I", control._buffer, 12, 5)
            struct.pack_into("=Q", control._buffer, 24, flags & ~self.cleared)
        elif doing == "show":
            if number not in self.devices:
                assert refusal == errno.ENODEV
                return refusal
            started, known = self.devices[number]
            ublk._INFO.pack_into(control._buffer, 0, 1, 32, int(started), 0, number, 0, 0, known)
        elif doing == "delete":
            self.devices.pop(number, None)
        return 0


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    return kernel(tmp_path, "7.2.13")


def drive(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(control: ublk.UblkControl) -> None:
        control._buffer = ctypes.create_string_buffer(128)

    monkeypatch.setattr(ublk.UblkControl, "__init__", begin)
    monkeypatch.setattr(ublk.UblkControl, "close", lambda control: None)
    monkeypatch.setattr(ublk.UblkControl, "_do", lambda control, *words, **more: driver.do(control, *words, **more))


def test_a_driver_that_says_what_it_lacks_makes_nothing(newer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(features=~(1 << 7) & 0xFFFFFFFF)
    drive(driver, monkeypatch)
    assert exports.unusable(newer) == VramswapError(Problem.UBLK_LACKS, what="USER_COPY")
    assert driver.asked == ["ask"]


def test_a_driver_that_clears_a_flag_without_a_word(newer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(cleared=1 << 4)
    drive(driver, monkeypatch)
    assert exports.unusable(newer) == VramswapError(Problem.UBLK_LACKS, what="USER_RECOVERY_REISSUE")
    assert driver.asked == ["ask", "make", "delete"]


def test_a_driver_that_has_everything_is_left_with_nothing(newer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver()
    drive(driver, monkeypatch)
    assert exports.unusable(newer) is None
    assert driver.asked == ["ask", "make", "size", "delete"]


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Devices that servers left: two that one was tried with, one it did not come to start, one that is served, and
    somebody else's."""
    driver = Driver()
    drive(driver, monkeypatch)
    tried, ident = ublk.identity("vramswap-00000000-0"), ublk.identity("vramswap-0badcafe-1")
    driver.devices = {0: (False, tried), 1: (False, tried), 2: (False, ident), 3: (True, ident + 1), 4: (False, 77)}
    for number in driver.devices:
        (tmp_path / f"class/ublk-char/ublkc{number}").mkdir(parents=True)
    return driver


def test_what_a_server_left_goes_before_another_driver_is_taken(left: Driver, newer: Path, tmp_path: Path) -> None:
    left.cleared = 1 << 4
    assert exports.unusable(newer, tmp_path) is not None
    assert sorted(left.devices) == [3, 4]


def test_what_a_server_left_goes_when_nobody_comes_after_it(
    left: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: 1)
    assert exports.end_strays(tmp_path, kept=["vramswap-0badcafe-2"]) == []
    assert exports.end_strays(tmp_path) == ["/dev/ublkb3"]
    assert sorted(left.devices) == [3, 4]


def test_ours_by_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "ublk").mkdir(parents=True)
    (folder / "ublk/ublkb1").touch()
    assert ours.is_ours("/dev/ublkb1", (), tmp_path, tmp_path, folder)
    assert not ours.is_ours("/dev/ublkb2", (), tmp_path, tmp_path, folder)


class Control:
    """The driver, which makes and starts devices."""

    def sweep(self, sys: Path) -> None:
        """Nothing is left of a server before."""

    def add(self, ident: str, size: int) -> int:
        return size >> 20

    def start(self, number: int, pid: int) -> None:
        """Done."""


async def test_a_queue_that_cannot_be_changed_now_keeps_no_device_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "UblkControl", Control)
    monkeypatch.setattr(exports, "TUNE_SECONDS", 0.05)
    scheduler = tmp_path / "block/ublkb0/queue/scheduler"
    scheduler.parent.mkdir(parents=True)
    os.mkfifo(scheduler)
    events: asyncio.Queue[m.Event] = asyncio.Queue()
    devices = exports.UblkExports(events.put_nowait, tmp_path / "marks", sys=tmp_path)
    for index in range(2):
        devices.prepare(index, 1, index << 20, f"vramswap-0badcafe-{index}")
        assert await asyncio.wait_for(events.get(), PATIENCE) == m.DevicePrepared(index)
        devices.attach(index, index << 20, f"vramswap-0badcafe-{index}", 1)
        assert await asyncio.wait_for(events.get(), PATIENCE) == m.DeviceLinked(index, f"/dev/ublkb{index}")
    assert scheduler.read_text() == "none"


class Asking:
    """A ring behind which somebody asks for the next page as soon as the last one was refused."""

    def __init__(self, _: int) -> None:
        self.answered: list[int] = []
        self._queued: list[int] = []
        self._done: list[tuple[int, int]] = [(0, 0)]

    def push(self, fd: int, command: int, payload: bytes, tag: int) -> None:
        self._queued.append(tag)

    def send(self) -> None:
        self.answered += self._queued
        self._done += [((tag + 1) % ublk.DEPTH, 0) for tag in self._queued]
        self._queued = []

    def enter(self, wait: int, seconds: float) -> list[tuple[int, int]]:
        self.send()
        done, self._done = self._done, []
        return done


def test_whoever_asks_while_others_are_refused_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ublk, "Ring", Asking)
    refusal = ublk.Refusal(None, 0)  # type: ignore[arg-type]
    ring = refusal._ring
    assert isinstance(ring, Asking)
    for number in range(1, 4):
        assert refusal.serve(0)
        assert ring.answered == list(range(number))
