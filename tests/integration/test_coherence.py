# SPDX-License-Identifier: MIT
"""What the kernel relies on with several connections: a read sees every write that was answered before it was asked."""

from __future__ import annotations

import random
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.nbd_client import READ, WRITE, header
from tests.support.server import Server
from vramswap_gui.bench.export import Export
from vramswap_gui.units import KIB, MIB

BLOCK = 4 * KIB
WORDS = BLOCK // 8
#: So little that requests of all connections overlap all the time.
REGION = MIB
SIZES = (4 * KIB, 12 * KIB, 64 * KIB, 160 * KIB, 400 * KIB)
CONNECTIONS = 8
REQUESTS = 250


@dataclass(frozen=True)
class Write:
    version: int
    asked: float
    answered: float


class History:
    """All writes to each block, noted from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self.writes: dict[int, dict[int, Write]] = defaultdict(lambda: {0: Write(0, 0.0, 0.0)})

    def next_version(self) -> int:
        with self._lock:
            self._version += 1
            return self._version

    def note(self, blocks: range, write: Write) -> None:
        with self._lock:
            for block in blocks:
                self.writes[block][write.version] = write


def client(export: Export, seed: int, history: History, reads: list[tuple[int, int, float, float]]) -> None:
    """One connection: random reads and writes in turn. Reads are noted as block, version, asked, answered."""
    choose = random.Random(seed)
    with export.connect() as end, end.makefile("rb") as replies:
        for cookie in range(REQUESTS):
            size = choose.choice(SIZES)
            offset = choose.randrange(0, REGION - size + 1, BLOCK)
            blocks = range(offset // BLOCK, (offset + size) // BLOCK)
            write = choose.random() < 0.5
            version = history.next_version() if write else 0
            asked = time.monotonic()
            end.sendall(header(WRITE if write else READ, offset, size, cookie))
            if write:
                end.sendall(struct.pack("=Q", version) * (size // 8))
            magic, error, answered_cookie = struct.unpack(">IIQ", replies.read(16))
            assert (magic, error, answered_cookie) == (0x67446698, 0, cookie)
            data = b"" if write else replies.read(size)
            answered = time.monotonic()
            if write:
                history.note(blocks, Write(version, asked, answered))
            for number, block in enumerate(blocks if data else ()):
                words = struct.unpack_from(f"={WORDS}Q", data, number * BLOCK)
                # Two requests under way at once may mix; each word must still be somebody's.
                reads.extend((block, found, asked, answered) for found in set(words))


def stale(history: History, reads: list[tuple[int, int, float, float]]) -> Iterator[str]:
    """What no order of the requests explains."""
    for block, version, asked, answered in reads:
        write = history.writes[block].get(version)
        if write is None or write.asked > answered:
            yield f"block {block}: nobody had written {version}"
        elif any(write.answered < other.asked and other.answered < asked for other in history.writes[block].values()):
            yield f"block {block}: {version} was overwritten before it was asked for"


def test_connections_see_each_others_writes(export: Server) -> None:
    target = Export(export.socket, REGION, export.process.pid, 0.0)
    history = History()
    reads: list[tuple[int, int, float, float]] = []
    failures: list[BaseException] = []

    def run(seed: int) -> None:
        try:
            client(target, seed, history, reads)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(reads) > CONNECTIONS * REQUESTS
    assert list(stale(history, reads)) == []


def test_a_stale_read_is_found() -> None:
    history = History()
    history.note(range(1), Write(1, 1.0, 2.0))
    history.note(range(1), Write(2, 3.0, 4.0))
    assert list(stale(history, [(0, 2, 5.0, 6.0), (0, 1, 3.5, 6.0)])) == []
    assert len(list(stale(history, [(0, 1, 5.0, 6.0), (0, 0, 5.0, 6.0), (0, 9, 5.0, 6.0), (0, 2, 0.5, 2.5)]))) == 4
