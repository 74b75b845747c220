# SPDX-License-Identifier: MIT
"""What an engine does that has no keeper."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.engine import main as engine
from vramswap_gui.server.engine.driver import NbdDriver, UblkDriver
from vramswap_gui.server.engine.life import LOOKS, TRY_SECONDS, Life, Step
from vramswap_gui.server.engine.main import EngineOptions
from vramswap_gui.server.messages import SegmentRecord
from vramswap_gui.server.supervisor.counters import Counters
from vramswap_gui.server.supervisor.recovery import PATIENCE_SERVED
from vramswap_gui.system.devices import Device
from vramswap_gui.units import MIB

IDENT = "vramswap-0000000a-1"


def looks(life: Life, count: int, **seen: bool) -> list[Step]:
    state = {"unserved": True, "eldest": True} | seen
    return [life.look([IDENT], 0, **state) for _ in range(count)]


def test_it_serves_what_nobody_has_served_for_a_while() -> None:
    life = Life(orphaned=True)
    assert looks(life, LOOKS) == [Step.STAY] * (LOOKS - 1) + [Step.SERVE]
    # It may have been in vain.
    assert looks(life, LOOKS) == [Step.STAY] * (LOOKS - 1) + [Step.SERVE]


def test_nobody_is_to_serve_beside_it() -> None:
    assert Step.SERVE not in looks(Life(), 2 * LOOKS)
    assert Step.SERVE not in looks(Life(orphaned=True), 2 * LOOKS, eldest=False)
    assert Step.SERVE not in looks(Life(orphaned=True), 2 * LOOKS, unserved=False)


def test_a_new_keeper_is_given_time() -> None:
    life = Life(orphaned=True)
    looks(life, LOOKS - 1)
    life.introduced()
    assert looks(life, LOOKS) == [Step.STAY] * (LOOKS - 1) + [Step.SERVE]


class Serving:
    """An engine, as the kernel's driver sees it."""

    def __init__(self, connections: int = 0) -> None:
        self.done: list[str] = []
        self._connections = connections

    def connections(self, index: int) -> int:
        return self._connections

    def fence(self, index: int) -> None:
        self.done.append("fence")

    def add_connection(self, index: int, fd: int) -> None:
        os.close(fd)
        self.done.append("connection")

    def add_queue(self, index: int, device: str) -> None:
        self.done.append(device)


class Ublk:
    """The driver's control device."""

    def __init__(self, done: list[str], released: bool) -> None:
        self._done, self._released = done, released

    def begin_recovery(self, number: int) -> bool:
        self._done.append("begin")
        return self._released

    def end_recovery(self, number: int, pid: int) -> None:
        assert pid == os.getpid()
        self._done.append("end")


@pytest.mark.parametrize(
    ("connections", "released", "done"),
    [(0, True, ["begin", "/dev/ublkc4", "end"]), (0, False, ["begin"]), (1, False, ["end"])],
    ids=["nobody has begun", "the kernel is not done with who served it", "its keeper died before the last step"],
)
def test_a_ublk_device_is_recovered_from_where_its_keeper_left_it(
    connections: int, released: bool, done: list[str]
) -> None:
    serving = Serving(connections)
    driver = UblkDriver.__new__(UblkDriver)
    driver._control = Ublk(serving.done, released)  # type: ignore[assignment]
    device = Device("/dev/ublkb4", 4, IDENT, waits=True)
    assert driver.is_unserved(serving, 0, device)
    driver.serve(serving, 0, device)
    assert serving.done == done


def test_whose_device_it_is_has_to_be_known() -> None:
    nbd, ublk = NbdDriver.__new__(NbdDriver), UblkDriver.__new__(UblkDriver)
    assert nbd.is_unserved(Serving(), 0, Device("/dev/nbd0", 0, IDENT))
    assert not nbd.is_unserved(Serving(1), 0, Device("/dev/nbd0", 0, IDENT))
    assert not nbd.is_unserved(Serving(), 0, Device("/dev/nbd0", 0, None))
    assert not nbd.is_unserved(Serving(), 0, Device("/dev/ublkb0", 0, IDENT, waits=True))
    assert not ublk.is_unserved(Serving(), 0, Device("/dev/ublkb0", 0, IDENT))
    assert not ublk.is_unserved(Serving(), 0, Device("/dev/nbd0", 0, IDENT))


class Start:
    """An engine that finds no GPU at first, and its channel."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keeper, self._end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._left = (SegmentRecord(0, MIB, os.dup(0), IDENT),)
        #: Of the kernel's devices, what each look finds; and of each try, whether there is a GPU.
        self.there = [Device("/dev/nbd0", 0, IDENT)]
        self.tries: Iterator[bool] = iter(())
        self.now = 0.0
        self.error: Exception = VramswapError(Problem.GPU_FAILS)
        monkeypatch.setattr("vramswap_gui.system.devices.found", lambda: self.there)
        self.before: tuple[int, ...] = ()
        monkeypatch.setattr("time.sleep", self._pass)
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr(engine.Commands, "begin", self._begin)

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def _begin(self, *_: object) -> str:
        if not next(self.tries):
            raise self.error
        return "begun"

    def __call__(self, holds: bool = True) -> object:
        options = EngineOptions("GPU", 1, True, Counters(), before=self.before, left=self._left if holds else ())
        self.loop = engine._Loop(self._end, options.holdings(), options)
        return self.loop._commands


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    return Start(monkeypatch)


@pytest.mark.parametrize(("error", "tries"), [(VramswapError(Problem.GPU_FAILS), 20), (MemoryError(), 200)])
def test_who_alone_has_the_pages_waits_for_the_gpu(start: Start, error: Exception, tries: int) -> None:
    start.keeper.close()
    start.error = error
    start.tries = iter([False] * tries + [True])
    assert start() == "begun"


@pytest.mark.parametrize("reason", ["a keeper has them too", "it has none", "the GPU is gone", "nobody wants them"])
def test_else_it_ends(start: Start, reason: str) -> None:
    start.tries = iter([False] * 100)
    if reason != "a keeper has them too":
        start.keeper.close()
    if reason == "nobody wants them":
        start.there = []
    with pytest.raises(VramswapError):
        start(holds=reason != "it has none")
    tries = {"the GPU is gone": PATIENCE_SERVED / TRY_SECONDS, "nobody wants them": LOOKS - 1}.get(reason, 0)
    assert start.now == tries * TRY_SECONDS


def test_it_does_not_end_beside_one_that_serves(start: Start) -> None:
    """Of sockets that simulate devices nobody says whether they are used."""
    start.there, start.tries = [], iter([False] * 2 * LOOKS + [True])
    start.before = (os.pidfd_open(os.getpid()),)
    start.keeper.close()
    assert start() == "begun"
    assert Step.END not in [Life(orphaned=True).look([], 0, unserved=False, eldest=False) for _ in range(2 * LOOKS)]


def test_one_that_cannot_be_watched_is_there(start: Start) -> None:
    ended = os.fork()
    if not ended:
        os._exit(0)
    pidfd = os.pidfd_open(ended)
    os.waitpid(ended, 0)
    start.tries = iter([True])
    start()
    assert start.loop._is_eldest()
    for before, eldest in (((pidfd,), True), ((pidfd, -1), False), ((os.pidfd_open(os.getpid()), pidfd), False)):
        start.before, start.tries = before, iter([True])
        start()
        assert start.loop._is_eldest() is eldest
