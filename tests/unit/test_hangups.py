# SPDX-License-Identifier: MIT
"""What is kept of a kernel device's connections, to learn of their end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import PATIENCE
from vramswap_gui.server import messages as m
from vramswap_gui.server.exports import nbd_kernel
from vramswap_gui.server.exports.nbd_kernel import NbdKernelExports
from vramswap_gui.system import smallfile

SIZE = 1 << 20


class Driver:
    """The kernel's, with the ends that it was given last."""

    def __init__(self) -> None:
        self.ends: list[socket.socket] = []

    def connect(self, fds: Sequence[int], size: int, **_: object) -> int:
        self.reconfigure(0, fds, "")
        return 0

    def reconfigure(self, number: int, fds: Sequence[int], ident: str) -> None:
        for end in self.ends:
            end.close()
        self.ends = [socket.socket(fileno=os.dup(fd)) for fd in fds]

    def is_taken(self, end: socket.socket) -> bool:
        inodes = [os.fstat(taken.fileno()).st_ino for taken in self.ends]
        return os.fstat(end.fileno()).st_ino in inodes


class Place:
    """A keeper's exports, what they report, and what goes wrong on its loop."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self.events: asyncio.Queue[m.Event] = asyncio.Queue()
        self.wrong: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.wrong.append(context))
        self.exports = NbdKernelExports(self.events.put_nowait, proc)

    async def next(self) -> m.Event:
        return await asyncio.wait_for(self.events.get(), PATIENCE)

    async def connect(self, gen: int) -> list[socket.socket]:
        """Make a connection ready; the engine's ends of it."""
        self.exports.prepare(0, gen, SIZE, "ident")
        assert await self.next() == m.DevicePrepared(0)
        return [socket.socket(fileno=fd) for fd in self.exports.hand_over(0).sockets]


class Workers:
    """The kernel's that listen on a device's connections, as a folder of processes shows them."""

    def __init__(self, proc: Path) -> None:
        self.proc = proc

    def listen(self, count: int) -> None:
        for pid in range(m.CONNECTIONS):
            folder = self.proc / f"{100 + pid}"
            folder.mkdir(exist_ok=True)
            (folder / "stat").write_text(f"{100 + pid} (kworker/u5:{pid}) I 2 0 0 0 -1 69238880 0 0\n")
            smallfile.write(folder / "comm", f"kworker/u5:{pid}{'+' if pid < count else '-'}nbd0-recv\n")


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def close(ends: list[socket.socket]) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    driver = Driver()
    monkeypatch.setattr(nbd_kernel, "NbdControl", lambda: driver)
    monkeypatch.setattr(nbd_kernel, "is_taken", driver.is_taken)
    monkeypatch.setattr(nbd_kernel, "tune_queue", lambda *_: None)
    yield driver
    close(driver.ends)


async def test_connections_are_replaced_again_and_again(driver: Driver) -> None:
    """Each that the kernel gives up is heard of once, and nothing is left of those before."""
    place = Place()
    engine = await place.connect(1)
    place.exports.attach(0, SIZE, "ident", 1)
    assert isinstance(await place.next(), m.DeviceLinked)
    before = descriptors()
    for number in range(20):
        driver.ends[number % len(driver.ends)].shutdown(socket.SHUT_RDWR)
        assert await place.next() == m.HungUp(0, 1)
        place.exports.drop_ends(0)
        fresh = await place.connect(1)
        close(engine)
        engine = fresh
        place.exports.reconnect(0, 1)
        assert isinstance(await place.next(), m.DeviceLinked)
    assert descriptors() == before
    assert place.events.empty()
    close(engine)
    place.exports.close()
    assert place.wrong == []


async def test_connections_of_a_program_before_end_after_others_were_made_ready(driver: Driver) -> None:
    place = Place()
    pairs = [socket.socketpair() for _ in range(m.CONNECTIONS)]
    # The driver has them too, so they stay when their numbers go.
    driver.reconfigure(0, [kernel.fileno() for kernel, _ in pairs], "ident")
    place.exports.inherit(0, SIZE, "ident", "/dev/nbd0", [kernel.detach() for kernel, _ in pairs])
    fresh = await place.connect(1)
    close([end for _, end in pairs])
    place.exports.reconnect(0, 1)
    assert isinstance(await place.next(), m.DeviceLinked)
    close(fresh)
    assert await place.next() == m.HungUp(0, 1)
    place.exports.close()
    assert place.wrong == []


async def test_connections_are_replaced_once_the_kernel_listens_no_more_on_those_before(
    driver: Driver, tmp_path: Path
) -> None:
    """Else one of its workers would wait on what is freed under it."""
    workers = Workers(tmp_path)
    workers.listen(m.CONNECTIONS)
    place = Place(tmp_path)
    engine = await place.connect(1)
    place.exports.attach(0, SIZE, "ident", 1)
    assert isinstance(await place.next(), m.DeviceLinked)
    linked = descriptors()
    first = driver.ends
    place.exports.drop_ends(0)
    close(engine)
    fresh = await place.connect(2)
    workers.listen(1)
    place.exports.reconnect(0, 2)
    await asyncio.sleep(0.1)
    assert (driver.ends, place.events.empty()) == (first, True)
    assert descriptors() == linked + m.CONNECTIONS, "what the kernel has of those before is kept"
    workers.listen(0)
    assert isinstance(await place.next(), m.DeviceLinked)
    assert driver.ends != first
    assert descriptors() == linked
    close(fresh)
    place.exports.close()


async def test_a_worker_that_waits_for_the_new_connections_is_not_waited_for(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nbd_kernel, "_HEAR", 0.05)
    workers = Workers(tmp_path)
    workers.listen(m.CONNECTIONS)
    place = Place(tmp_path)
    engine = await place.connect(1)
    place.exports.attach(0, SIZE, "ident", 1)
    assert isinstance(await place.next(), m.DeviceLinked)
    linked = descriptors()
    place.exports.drop_ends(0)
    close(engine)
    fresh = await place.connect(2)
    workers.listen(1)
    place.exports.reconnect(0, 2)
    assert isinstance(await place.next(), m.DeviceLinked)
    assert descriptors() == linked + m.CONNECTIONS, "what it waits on must not go under it"
    place.exports.close()
    close(fresh)


async def test_where_the_kernel_does_not_tell_who_listens_nobody_is_waited_for(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nbd_kernel, "_HEAR", PATIENCE)
    place = Place(tmp_path)
    engine = await place.connect(1)
    place.exports.attach(0, SIZE, "ident", 1)
    assert isinstance(await place.next(), m.DeviceLinked)
    place.exports.drop_ends(0)
    fresh = await place.connect(2)
    close(engine)
    place.exports.reconnect(0, 2)
    assert isinstance(await asyncio.wait_for(place.events.get(), PATIENCE / 2), m.DeviceLinked)
    place.exports.close()
    close(fresh)
