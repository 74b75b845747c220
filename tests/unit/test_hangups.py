# SPDX-License-Identifier: MIT
"""What is kept of a kernel device's connections, to learn of their end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import PATIENCE, until
from vramswap_gui.server import messages as m
from vramswap_gui.server.exports import nbd_kernel
from vramswap_gui.server.exports.nbd_kernel import NbdKernelExports

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

    def disconnect(self, number: int) -> None:
        """The keeper lets go of what it has by itself."""

    def is_taken(self, end: socket.socket) -> bool:
        inodes = [os.fstat(taken.fileno()).st_ino for taken in self.ends]
        return os.fstat(end.fileno()).st_ino in inodes


class Place:
    """A keeper's exports, what they report, and what goes wrong on its loop."""

    def __init__(self, proc: Path = Path("/proc"), sys: Path = Path("/nowhere")) -> None:
        self.events: asyncio.Queue[m.Event] = asyncio.Queue()
        self.wrong: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.wrong.append(context))
        self.exports = NbdKernelExports(self.events.put_nowait, proc, sys)

    async def next(self) -> m.Event:
        return await asyncio.wait_for(self.events.get(), PATIENCE)

    async def look(self) -> None:
        """Until it is known who listens."""
        await until(lambda: self.exports._devices[0].all_known, "a look at who listens")

    async def connect(self, gen: int) -> list[socket.socket]:
        """Make a connection ready; the engine's ends of it."""
        self.exports.prepare(0, gen, SIZE, "ident")
        assert await self.next() == m.DevicePrepared(0)
        return [socket.socket(fileno=fd) for fd in self.exports.hand_over(0).sockets]

    async def attach(self) -> list[socket.socket]:
        """Make a device with a first connection, of which is known who listens."""
        engine = await self.connect(1)
        self.exports.attach(0, SIZE, "ident", 1)
        assert isinstance(await self.next(), m.DeviceLinked)
        await self.look()
        return engine

    async def replace(self, gen: int, engine: list[socket.socket]) -> list[socket.socket]:
        """Have another engine's connections in the place of those that end."""
        self.exports.drop_ends(0)
        close(engine)
        fresh = await self.connect(gen)
        self.exports.reconnect(0, gen)
        assert isinstance(await self.next(), m.DeviceLinked)
        return fresh


class Workers:
    """The kernel's that listen on a device's connections, as a folder of processes shows them: all, at first."""

    def __init__(self, proc: Path) -> None:
        self._proc = proc
        for pid in range(m.CONNECTIONS):
            folder = proc / f"{100 + pid}"
            folder.mkdir()
            (folder / "stat").write_text(f"{100 + pid} (kworker/u5:{pid}) I 2 0 0 0 -1 69238880 0 0\n")
            (folder / "comm").write_text(f"kworker/u5:{pid}+nbd0-recv\n")

    def listen(self, count: int) -> None:
        for pid in range(m.CONNECTIONS):
            with (self._proc / f"{100 + pid}/comm").open("r+b", buffering=0) as file:
                file.seek(len("kworker/u5:0"))
                file.write(b"+" if pid < count else b"-")

    def watched(self) -> int:
        """How many of them can be asked what they do."""
        return sum(target.startswith(f"{self._proc}/") for target in descriptors())


def descriptors() -> list[str]:
    """What this process has open. A look at who listens has more for a moment, but no sockets."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(path.readlink()))
    return found


def sockets() -> int:
    return sum(target.startswith("socket:") for target in descriptors())


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
    yield driver
    close(driver.ends)


async def test_connections_are_replaced_again_and_again(driver: Driver, tmp_path: Path) -> None:
    """Each that the kernel gives up is heard of once, and nothing is left of those before."""
    workers, place = Workers(tmp_path), Place(tmp_path)
    engine = await place.attach()
    before = len(descriptors())
    for number in range(20):
        driver.ends[number % len(driver.ends)].shutdown(socket.SHUT_RDWR)
        assert await place.next() == m.HungUp(0, 1)
        place.exports.drop_ends(0)
        fresh = await place.connect(1)
        close(engine)
        engine = fresh
        workers.listen(0)
        place.exports.reconnect(0, 1)
        assert isinstance(await place.next(), m.DeviceLinked)
        workers.listen(m.CONNECTIONS)
        await place.look()
    assert len(descriptors()) == before
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
    workers, place = Workers(tmp_path), Place(tmp_path)
    engine = await place.attach()
    linked, first = sockets(), driver.ends
    place.exports.drop_ends(0)
    close(engine)
    workers.listen(1)
    fresh = await place.connect(2)
    place.exports.reconnect(0, 2)
    await asyncio.sleep(0.3)
    assert (driver.ends, place.events.empty()) == (first, True)
    assert sockets() == linked + m.CONNECTIONS, "what the kernel has of those before is kept"
    workers.listen(0)
    assert isinstance(await place.next(), m.DeviceLinked)
    assert driver.ends != first
    workers.listen(m.CONNECTIONS)
    await place.look()
    assert sockets() == linked
    close(fresh)
    place.exports.close()


async def test_a_worker_that_waits_for_the_new_connections_is_not_waited_for(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again and again: no more is kept than what one may still wait on, and that until it is known not to."""
    monkeypatch.setattr(nbd_kernel, "_HEAR", 0.05)
    workers, place = Workers(tmp_path), Place(tmp_path)
    engine = await place.attach()
    linked = sockets()

    for gen in range(2, 6):
        engine = await place.replace(gen, engine)
        assert sockets() == linked + min(gen - 1, 2) * m.CONNECTIONS
    workers.listen(0)
    engine = await place.replace(6, engine)
    workers.listen(m.CONNECTIONS)
    await place.look()
    workers.listen(0)
    engine = await place.replace(7, engine)
    assert sockets() == linked
    place.exports.close()
    close(engine)


async def test_a_worker_that_nobody_knows_has_a_moment(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the kernel does not tell who listens, or an engine died before anybody looked; once for all devices."""
    monkeypatch.setattr(nbd_kernel, "_HEAR", PATIENCE)
    monkeypatch.setattr(nbd_kernel, "_PAUSE", 0.5)
    place = Place(tmp_path)
    engine = await place.connect(1)
    place.exports.attach(0, SIZE, "ident", 1)
    assert isinstance(await place.next(), m.DeviceLinked)
    place.exports.drop_ends(0)
    fresh = await place.connect(2)
    close(engine)
    asked = time.monotonic()
    place.exports.reconnect(0, 2)
    assert isinstance(await asyncio.wait_for(place.events.get(), PATIENCE / 2), m.DeviceLinked)
    assert time.monotonic() - asked >= 0.5
    place.exports.close()
    close(fresh)


async def test_what_the_kernel_may_still_listen_on_goes_to_the_next_program(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of its workers was waited for in vain; after that the keeper is replaced, and then the engine."""
    monkeypatch.setattr(nbd_kernel, "_HEAR", 0.05)
    workers, place = Workers(tmp_path), Place(tmp_path)
    engine = await place.attach()
    linked = sockets()
    fresh = await place.replace(2, engine)
    kept = [os.dup(fd) for fd in place.exports.kept_ends()[0]]
    place.exports.close()
    after = Place(tmp_path)
    after.exports.inherit(0, SIZE, "ident", "/dev/nbd0", kept)
    assert sockets() == linked + m.CONNECTIONS
    workers.listen(m.CONNECTIONS)
    await after.look()
    workers.listen(0)
    fresh = await after.replace(3, fresh)
    assert sockets() == linked, "nothing listens on those before"
    assert after.events.empty()
    after.exports.close()
    close(fresh)


async def test_of_a_device_that_is_gone_nothing_is_kept(driver: Driver, tmp_path: Path) -> None:
    workers, place = Workers(tmp_path), Place(tmp_path)
    before = sockets()
    engine = await place.attach()
    place.exports.detach(0, True)
    assert await place.next() == m.DeviceDetached(0)
    place.exports.drop_ends(0)
    close(engine)
    close(driver.ends)
    assert (sockets(), workers.watched()) == (before, 0)
    place.exports.close()


async def test_a_queue_that_cannot_be_changed_now_keeps_nobody_from_its_connections(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel waits for requests that are in it, and those for a new engine's connections."""
    monkeypatch.setattr(nbd_kernel, "TUNE_SECONDS", 0.05)
    scheduler = tmp_path / "block/nbd0/queue/scheduler"
    scheduler.parent.mkdir(parents=True)
    os.mkfifo(scheduler)
    place = Place(tmp_path, tmp_path)
    engine = await place.connect(1)
    place.exports.attach(0, SIZE, "ident", 1)
    assert isinstance(await place.next(), m.DeviceLinked)
    fresh = await place.replace(2, engine)
    assert scheduler.read_text() == "none", "it is changed as soon as that can be"
    place.exports.close()
    close(fresh)
