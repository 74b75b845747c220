# SPDX-License-Identifier: MIT
"""Engines whose copies hang while connections are given up: ``python -m tests.support.claims CASE FOLDER …``.

A process of its own for each case, because the simulated GPU is loaded by its environment. See test_claims.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import random
import select
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vramswap_gui.server.engine.engine import Engine

from tests.support.fakegpu import FakeGpu
from tests.support.nbd_client import DISC, FLUSH, PAGE, READ, REPLY, REPLY_MAGIC, TRIM, WRITE, header
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor.counters import Counters
from vramswap_gui.units import GIB, MIB

SIZE: Final = 32 * MIB
PAGES: Final = SIZE // PAGE
#: What a page's sum says when it is not known, when it is lost, and as an earlier version has it while such a page is
#: written; see linear.pxd.
UNKNOWN: Final = 0
HURT: Final = 2
MENDING: Final = 3
#: The simulated GPU: every copy hangs, one hangs, that one does.
ALL, ONE, ONE_HANGS = 1, 3, 4


def message(command: int, page: int, value: int = 0, cookie: int = 7, pages: int = 1) -> bytes:
    """A request, with its data."""
    data = bytes([value]) * PAGE * pages if command == WRITE else b""
    return header(command, page * PAGE, pages * PAGE, cookie) + data


class Bench:
    """An engine with one segment."""

    def __init__(self, folder: str, workers: int, verified: bool = True) -> None:
        self.gpu = FakeGpu(Path(folder), Path())
        self.vram, self.counters, self.sums = Vram(), Counters(), PageSums(SIZE)
        self.verified = verified
        self.engine: Any = Engine(self.vram.context, workers, self.vram.can_batch, self.counters.address)
        self.mapping, _ = self.vram.create(SIZE)
        self.add_segment(0)

    def add_segment(self, index: int) -> None:
        sums = self.sums.address if self.verified else 0
        self.engine.add_segment(index, self.mapping.base, self.mapping.size, sums)

    def connect(self, index: int = 0) -> End:
        ours, theirs = socket.socketpair()
        self.engine.add_connection(index, theirs.detach())
        return End(ours)

    def hang_over(self, end: End, command: int = WRITE, page: int = 0) -> None:
        """Have one copy hang."""
        self.gpu["hang"] = ONE
        end.send(command, page, 1)
        wait_for(lambda: self.gpu["hanging"] == ONE_HANGS, "the copy to hang")

    def go_on(self) -> None:
        self.gpu["hang"] = 0

    def wait_for_connections(self, count: int) -> None:
        def there() -> bool:
            self.engine.reap()
            return bool(self.engine.connections(0) == count)

        wait_for(there, f"{count} connections to be left")

    def words(self) -> ctypes.Array[ctypes.c_uint32]:
        """The sums."""
        return (ctypes.c_uint32 * PAGES).from_address(self.sums.address)

    def write_late(self, page: int, pages: int = 1) -> None:
        """By a connection that was given up before what it brought was taken."""
        ours, theirs = socket.socketpair()
        with ours:
            ours.sendall(message(WRITE, page, 9, pages=pages))
            ours.shutdown(socket.SHUT_RDWR)
            before = self.engine.connections(0)
            self.engine.add_connection(0, theirs.detach())
            self.wait_for_connections(before)

    def write_all(self) -> None:
        """Every page can be written: nothing is claimed for ever."""
        end = self.connect()
        for page in range(0, PAGES, 128):
            end.done(WRITE, page, 7, pages=128)
        end.socket.close()
        self.wait_for_connections(0)

    def end(self, *ends: End) -> None:
        for end in ends:
            end.socket.close()
        self.wait_for_connections(0)
        self.write_all()
        self.engine.close()


@dataclass(slots=True, eq=False)
class End:
    """The kernel's end of a connection."""

    socket: socket.socket

    def __post_init__(self) -> None:
        self.socket.settimeout(PATIENCE)

    def send(self, command: int, page: int, value: int = 0, **more: int) -> None:
        self.socket.sendall(message(command, page, value, **more))

    def give_up(self) -> None:
        """As nbd_mark_nsock_dead() does it."""
        self.socket.shutdown(socket.SHUT_RDWR)

    def error(self) -> int:
        """That of the next reply."""
        magic, error, _ = REPLY.unpack(self.socket.recv(REPLY.size, socket.MSG_WAITALL))
        assert magic == REPLY_MAGIC
        return int(error)

    def done(self, command: int, page: int, value: int = 0, **more: int) -> None:
        self.send(command, page, value, **more)
        assert self.error() == 0

    def read(self, page: int) -> int | None:
        """What the page is filled with; None when it is damaged."""
        self.send(READ, page)
        if self.error():
            return None
        data = self.socket.recv(PAGE, socket.MSG_WAITALL)
        assert data == data[:1] * PAGE
        return data[0]

    def is_silent(self) -> bool:
        return not select.select([self.socket], [], [], 0)[0]


def resent(bench: Bench, command: int) -> None:
    """The kernel gives a connection up, sends its requests over another one, and newer ones."""
    # The third one has the first one's worker, and what it brings nobody has read yet.
    first, second, third = (bench.connect() for _ in range(3))
    bench.hang_over(first, command)
    third.send(command, 1, 1)
    first.give_up()
    third.give_up()
    second.done(command, 1, 1)
    second.done(WRITE, 1, 2)
    # The page under the copy is not written a second time, and not answered, while all others are read.
    second.send(command, 0, 1)
    assert second.read(1) == 2
    assert second.is_silent(), "it was answered before the first copy was done"
    bench.go_on()
    assert second.error() == 0
    second.done(WRITE, 0, 2)
    bench.wait_for_connections(1)
    assert (second.read(0), second.read(1)) == (2, 2)
    bench.end(second)


def sums(bench: Bench) -> None:
    """What is known of a page outlasts a late request to write it, which is forgotten."""
    end = bench.connect()
    end.done(WRITE, 60, 2, pages=10)
    words = list(bench.words())
    bench.write_late(58, pages=14)
    assert list(bench.words()) == words
    bench.gpu.flip(65 * PAGE + 100)
    assert [end.read(page) for page in range(60, 70)] == [2] * 5 + [None] + [2] * 4
    bench.end(end)


def changing(bench: Bench) -> None:
    """A page that is just being written is not taken for one that was hurt."""
    first, second = bench.connect(), bench.connect()
    second.done(WRITE, 0, 2)
    bench.hang_over(first)
    bench.gpu.flip(100)
    second.send(READ, 0)
    assert second.error() == 0
    second.socket.recv(PAGE, socket.MSG_WAITALL)
    bench.go_on()
    assert first.error() == 0
    assert second.read(0) == 1
    bench.end(first, second)


def lost(bench: Bench) -> None:
    """A page that is lost still is after requests to write it that were forgotten, until one is done."""
    end = bench.connect()
    end.done(WRITE, 5, 1, pages=3)
    bench.gpu.flip(6 * PAGE + 100)
    assert end.read(6) is None
    bench.write_late(5, pages=3)
    assert bench.words()[6] == HURT
    assert [end.read(page) for page in range(5, 8)] == [1, None, 1]
    # Nor is it found again by a write of a part of it.
    end.socket.sendall(header(WRITE, 6 * PAGE, 512) + bytes(512))
    assert end.error() == errno.EIO
    assert end.read(6) is None
    end.done(WRITE, 5, 3, pages=3)
    assert end.read(6) == 3
    bench.end(end)


def retired(bench: Bench) -> None:
    """Connections end while what they brought is claimed, and the batches are full."""
    one = bench.connect()
    ends = [bench.connect() for _ in range(20)]
    bench.hang_over(one)
    for number, end in enumerate(ends):
        pages = range(100 + number * 64, 100 + number * 64 + 64)
        end.socket.sendall(b"".join(header(WRITE, page * PAGE, 512) + bytes(512) for page in pages))
    for end in ends:
        # What is sent to it fails, and so its worker knows that it is over.
        end.socket.shutdown(socket.SHUT_RD)
        end.send(FLUSH, 0)
    bench.go_on()
    bench.wait_for_connections(1)
    bench.end(one)


def crowded(bench: Bench) -> None:
    """Half of many connections are given up while every copy hangs, and all are fenced in the middle of it."""
    draw = random.Random(1)
    for turn in range(3):
        ends = [bench.connect() for _ in range(40)]
        bench.gpu["hang"] = ALL
        for number, end in enumerate(ends):
            end.socket.setblocking(False)
            pages = [(number + 40 * k) * 2 % PAGES for k in range(90)]
            with contextlib.suppress(BlockingIOError):
                end.socket.send(b"".join(message(draw.choice((WRITE, TRIM)), page, 3) for page in pages))
        time.sleep(0.1)
        for end in draw.sample(ends, 20):
            end.give_up()
        threading.Timer(0.2, bench.go_on).start()
        if turn == 1:
            bench.engine.fence(0)
        for end in ends:
            end.socket.close()
        bench.wait_for_connections(0)
        bench.write_all()


def killed(bench: Bench) -> None:
    """Whatever an engine before, or an earlier version, left where the sums are."""
    words = bench.words()
    for number in range(PAGES):
        words[number] = number % 256
    end = bench.connect()
    end.done(TRIM, PAGES - 1)
    lost = [number % 256 in (HURT, MENDING) for number in range(PAGES - 1)]
    assert words[: PAGES - 1] == [HURT if one else UNKNOWN for one in lost]
    assert [end.read(page) is None for page in range(512)] == lost[:512]
    bench.end(end)


def parts(bench: Bench) -> None:
    """Discards of nearly all of it, in parts, beside writes all over it."""
    draw = random.Random(2)
    ends = [bench.connect() for _ in range(6)]
    for end in ends:
        data = b""
        for number in range(20):
            if draw.random() < 0.3:
                data += header(TRIM, draw.randrange(64) * 512, SIZE - 65536)
            else:
                start, length = draw.randrange(SIZE - MIB) // 512 * 512, draw.randrange(1, 1024) * 512
                data += header(WRITE, start, length) + bytes([number]) * length
        threading.Thread(target=end.socket.sendall, args=(data,), daemon=True).start()
    for end in ends:
        assert [end.error() for _ in range(20)] == [0] * 20
    bench.end(*ends)


def waiting(bench: Bench) -> None:
    """Who waits for another worker's copy does not wait at a run, and shows no heartbeat when it takes long."""
    first, second = bench.connect(), bench.connect()
    bench.hang_over(first)
    second.send(WRITE, 0, 1)
    time.sleep(1.5)
    before = bench.counters.heartbeats()[:2]
    bench.engine.poke()
    time.sleep(0.5)
    assert bench.counters.heartbeats()[:2] == before
    bench.go_on()
    assert second.error() == 0
    bench.end(first, second)


def faults(bench: Bench) -> None:
    """Nothing that a request needs is touched for the first time by it."""
    # MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT
    assert ctypes.CDLL(None).mlockall(1 | 2 | 4) == 0
    # M_MMAP_THRESHOLD: memory that is worth it is the kernel's, which is there once it is touched.
    assert ctypes.CDLL(None).mallopt(-3, 128 << 10) == 1
    for number in range(1, 300):
        bench.add_segment(number)
    # Of this one there is only the end, and its claims take many pages.
    large = 16 * GIB
    bench.engine.add_segment(300, bench.mapping.base + SIZE - large, large)
    one, two = bench.connect(0), bench.connect(300)
    near = (1, 1025, 2049, 3073)
    pages = [(large - SIZE) // PAGE + page for page in near]
    for _ in range(3):
        for page in near:
            one.done(WRITE, page, 1)
    for page in pages:
        # Claims nothing.
        assert two.read(page) == 1

    def of_workers() -> int:
        others = [task for task in Path("/proc/self/task").iterdir() if task.name != str(os.getpid())]
        stats = [(task / "stat").read_text().rpartition(")")[2].split() for task in others]
        return sum(int(fields[7]) for fields in stats)

    before = of_workers()
    for page in pages:
        two.done(WRITE, page, 1)
    assert of_workers() == before


def goodbye(bench: Bench) -> None:
    """What came before a client's last request is done, though it hung up at once."""
    second = bench.connect()
    bench.gpu["hang"] = ALL
    second.send(WRITE, 20, 5)
    wait_for(lambda: bench.gpu["hanging"] == ALL, "a copy to hang")
    first = bench.connect()
    first.socket.sendall(message(WRITE, 9, 4) + message(DISC, 0))
    first.socket.close()
    bench.go_on()
    assert second.error() == 0
    bench.wait_for_connections(1)
    assert second.read(9) == 4
    bench.end(second)


@dataclass(slots=True, eq=False)
class Range:
    """Pages that are written and read as one, at most one request at a time."""

    page: int
    pages: int
    value: int = 0
    request: Request | None = None


@dataclass(slots=True, eq=False)
class Request:
    pages: Range
    op: int
    value: int
    cookie: int
    end: End
    until: float


@dataclass
class Driver:
    """The kernel's, in small: what is late is sent again over another connection, and the old one is given up."""

    bench: Bench
    draw: random.Random
    ends: list[End] = field(default_factory=list)
    came: dict[End, bytes] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)
    cookies: int = 0
    resent: int = 0

    def connect(self) -> None:
        while len(self.ends) < 7:
            self.bench.engine.reap()
            self.ends.append(self.bench.connect())
            self.ends[-1].socket.setblocking(False)

    def begin(self, pages: Range) -> None:
        reads = self.draw.random() < 0.4
        op = READ if reads else self.draw.choice((WRITE,) * 6 + (TRIM,))
        self._send(pages, op, self.draw.randrange(1, 256) if op == WRITE else 0)

    def _send(self, pages: Range, op: int, value: int) -> None:
        self.cookies += 1
        end = self.draw.choice(self.ends)
        until = time.monotonic() + self.draw.choice((0.01, 0.05, 0.1, 0.3))
        pages.request = self.requests[self.cookies] = Request(pages, op, value, self.cookies, end, until)
        data = message(op, pages.page, value, self.cookies, pages.pages)
        try:
            whole = end.socket.send(data) == len(data)
        except OSError:
            whole = False
        if not whole:
            self.give_up(end)

    def give_up(self, end: End) -> None:
        if end not in self.ends:
            return
        self.ends.remove(end)
        self.came.pop(end, None)
        end.give_up()
        self.connect()
        again = [request for request in self.requests.values() if request.end is end]
        self.draw.shuffle(again)
        for request in again:
            del self.requests[request.cookie]
        for request in again:
            self.resent += 1
            self._send(request.pages, request.op, request.value)
        end.socket.close()

    def replace(self) -> None:
        """As the keeper has it done when the kernel gave up some."""
        for end in self.draw.sample(self.ends, self.draw.randrange(1, 4)):
            self.give_up(end)
        threading.Timer(self.draw.random() * 0.1, self.bench.go_on).start()
        self.bench.engine.fence(0)
        for end in list(self.ends):
            self.give_up(end)

    def receive(self, end: End) -> None:
        try:
            more = end.socket.recv(MIB)
        except OSError:
            more = b""
        if not more:
            self.give_up(end)
            return
        data = self.came.get(end, b"") + more
        while len(data) >= REPLY.size:
            _, error, cookie = REPLY.unpack_from(data)
            request = self.requests[cookie]
            length = REPLY.size + (request.pages.pages * PAGE if request.op == READ else 0)
            assert error == 0
            if len(data) < length:
                break
            self._finish(request, data[REPLY.size : length])
            data = data[length:]
        self.came[end] = data

    def _finish(self, request: Request, data: bytes) -> None:
        del self.requests[request.cookie]
        pages = request.pages
        pages.request = None
        if request.op == READ:
            assert set(data) == {pages.value}, f"page {pages.page}: {set(data)}, not {pages.value}"
        else:
            pages.value = request.value

    def late(self) -> None:
        for request in list(self.requests.values()):
            if request.cookie in self.requests and time.monotonic() > request.until:
                self.give_up(request.end)


def driver(bench: Bench, replaced: float = 0.0) -> None:
    """Workers hang and connections are given up at random for some seconds, and all of them are ``replaced`` with that
    probability at each look."""
    draw = random.Random(1)
    ranges = [Range(8 * number, draw.choice((1, 1, 2, 3, 8))) for number in range(24)]
    kernel = Driver(bench, draw)
    kernel.connect()
    until, hangs_until = time.monotonic() + 3, 0.0
    while time.monotonic() < until or kernel.requests:
        now, over = time.monotonic(), time.monotonic() > until
        if over or now > hangs_until:
            bench.go_on()
            if not over and draw.random() < 0.02:
                bench.gpu["hang"], hangs_until = ONE, now + draw.random() * 0.4
        for pages in ranges:
            if pages.request is None and not over:
                kernel.begin(pages)
        for end in select.select([end.socket for end in kernel.ends], [], [], 0.002)[0]:
            found = next((one for one in kernel.ends if one.socket is end), None)
            if found is not None:
                kernel.receive(found)
        if draw.random() < 0.01:
            kernel.give_up(draw.choice(kernel.ends))
        if draw.random() < replaced:
            kernel.replace()
        kernel.late()
    bench.go_on()
    assert kernel.resent > 50
    bench.end(*kernel.ends)


#: Case → how many workers it needs, and what it does.
CASES: Final[dict[str, tuple[int, Callable[[Bench], None]]]] = {
    "write": (2, lambda bench: resent(bench, WRITE)),
    "discard": (2, lambda bench: resent(bench, TRIM)),
    "sums": (2, sums),
    "changing": (2, changing),
    "lost": (2, lost),
    "retired": (1, retired),
    "crowded": (2, crowded),
    "killed": (2, killed),
    "parts": (3, parts),
    "waiting": (2, waiting),
    "faults": (1, faults),
    "goodbye": (1, goodbye),
    "driver": (3, driver),
    "replaced": (3, lambda bench: driver(bench, 0.02)),
}


def main() -> None:
    workers, case = CASES[sys.argv[1]]
    # Kept to the end: workers look for connections, and count.
    bench = Bench(sys.argv[2], workers, verified=sys.argv[3:] != ["unverified"])
    status = 0
    try:
        case(bench)
        print("done", flush=True)
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)


if __name__ == "__main__":
    main()
