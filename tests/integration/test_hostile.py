# SPDX-License-Identifier: MIT
"""Any bytes may come, in any number of connections: the server refuses, serves the others, and keeps nothing."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vramswap_gui.bench.load import Generator

from tests.support.fakegpu import FakeGpu
from tests.support.nbd_client import READ, WRITE, header
from tests.support.server import Server, running
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.bench.results import Load
from vramswap_gui.units import MIB

SIZE = 64 * MIB
CHURN = 6_000
#: Connections open at a time, at the most: a server that cannot keep up would refuse some.
AT_A_TIME = 32
#: Examples run against one server, whose fixtures are the same for all of them.
RELAXED = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)


@pytest.fixture
def control(gpu: FakeGpu, tmp_path: Path) -> Iterator[Server]:
    """A server that obeys a control socket and attaches to Unix sockets."""
    path = tmp_path / "control"
    with running(gpu, path, "--control", str(path), "--attach", str(tmp_path), "--threads", "1") as server:
        yield server


def ask(server: Server, line: bytes) -> list[Any]:
    """The answers to some bytes, after which no more comes."""
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(str(server.socket))
        try:
            end.sendall(line)
            end.shutdown(socket.SHUT_WR)
            with end.makefile("rb") as answers:
                return [json.loads(answer) for answer in answers]
        except (BrokenPipeError, ConnectionResetError):
            return []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "verb", "size", "index", "x"]), inner),
)
#: Requests that are nearly right, which get further than noise does; none of them may succeed but ``status``.
NEARLY = st.fixed_dictionaries(
    {"verb": st.sampled_from(["status", "add", "remove", "Status", "", "start"])},
    optional={
        "id": JSON,
        "size": st.integers(-(1 << 70), 1 << 70).map(lambda size: 2 * size + 1) | JSON,
        "index": st.integers(-(1 << 70), 1 << 70) | JSON,
    },
)  # fmt: skip


@RELAXED
@given(st.binary(max_size=6000) | (JSON | NEARLY).map(lambda value: json.dumps(value).encode() + b"\n"))
def test_the_control_socket_takes_anything(control: Server, line: bytes) -> None:
    for answer in ask(control, line):
        assert set(answer) in ({"id", "error"}, {"id", "result"})
        if "error" in answer:
            assert answer["error"]["code"] != "Internal"
            assert answer["error"]["message"]
    (status,) = ask(control, b'{"id": 1, "verb": "status"}\n')
    assert status["id"] == 1
    assert status["result"]["engine"] == "running"
    assert status["result"]["segments"] == []


REQUEST = st.builds(
    lambda magic, flags, command, cookie, offset, length: struct.pack(
        ">IHHQQI", magic, flags, command, cookie, offset, length
    ),
    st.sampled_from([0x25609513] * 8 + [0x25609514, 0]),
    st.integers(0, 65535),
    st.sampled_from([0, 1, 3, 4, 5, 6, 7, 99, 65535]),
    st.integers(0, (1 << 64) - 1),
    st.sampled_from([0, 1, 511, 512, SIZE - 512, SIZE, 1 << 63, (1 << 64) - 512, (1 << 64) - 1]),
    st.sampled_from([0, 1, 512, 4096, 4097, 32 * MIB, 0x7FFFFFFF, 0xFFFFFFFF]),
)


@RELAXED
@given(st.lists(REQUEST | st.binary(max_size=200), min_size=1, max_size=8))
def test_the_data_path_takes_anything(export: Server, pieces: list[bytes]) -> None:
    engine = export.engine()
    with Export(export.socket, SIZE, export.process.pid, 0.0).connect() as end:
        end.settimeout(PATIENCE)
        with ThreadPoolExecutor(1) as pool:
            answers = pool.submit(drain, end)
            with contextlib.suppress(OSError):
                end.sendall(b"".join(pieces))
                # A large write that was announced must not keep anybody waiting for the rest of it.
                end.shutdown(socket.SHUT_WR)
            answers.result()
    with Export(export.socket, SIZE, export.process.pid, 0.0).connect() as end:
        generator = Generator([end.fileno()], SIZE, 4096)
        generator.run(Load(4096, 1, 50, 20, requests=10))
    assert export.engine() == engine


def drain(end: socket.socket) -> None:
    """Read until the server closes."""
    with contextlib.suppress(ConnectionError):
        while end.recv(1 << 16):
            pass


def test_what_comes_and_goes_leaves_nothing(export: Server) -> None:
    """Descriptors and memory after thousands of connections, cut off at every stage, are what they were before."""
    draw = random.Random(1)
    path = Path(f"/proc/{export.process.pid}")

    def come_and_go(count: int) -> None:
        for number in range(count):
            if number % 8 == 0:
                # Who is greeted has waited for all who came before, and is one of those that are counted.
                Export(export.socket, SIZE, export.process.pid, 0.0).connect().close()
                wait_for(lambda: sum(descriptors()) <= sum(start) + AT_A_TIME - 8, "earlier connections to be closed")
            match draw.randrange(3):
                case 0:
                    with socket.socket(socket.AF_UNIX) as end:
                        end.connect(str(export.socket))
                case 1:
                    with socket.socket(socket.AF_UNIX) as end:
                        end.connect(str(export.socket))
                        end.sendall(draw.randbytes(draw.randrange(40)))
                case 2:
                    with Export(export.socket, SIZE, export.process.pid, 0.0).connect() as end:
                        end.sendall(header(WRITE, 0, 4096) + bytes(draw.randrange(4096)))

    def descriptors() -> tuple[int, int]:
        return len(list((path / "fd").iterdir())), len(list(Path(f"/proc/{export.engine()}/fd").iterdir()))

    def anonymous(pid: int) -> int:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss_Anon"))

    def settled() -> bool:
        # The look whether the server is there was a connection, too.
        before = descriptors()
        time.sleep(0.2)
        return descriptors() == before

    def all_closed() -> bool:
        # On a busy machine the first count may have come a connection too early, and so be one too high.
        return all(now <= then for now, then in zip(descriptors(), start, strict=True))

    wait_for(settled, "the server to have started")
    start = descriptors()
    # Buffers of connections are kept for the next ones, so first there are as many at a time as there will ever be.
    with contextlib.ExitStack() as ends:
        for _ in range(AT_A_TIME):
            end = ends.enter_context(Export(export.socket, SIZE, export.process.pid, 0.0).connect())
            end.sendall(header(READ, 0, 4096))
            assert len(end.recv(16 + 4096, socket.MSG_WAITALL)) == 16 + 4096
    come_and_go(CHURN // 4)
    wait_for(all_closed, "all descriptors to be closed")
    keeper, engine = anonymous(export.process.pid), anonymous(export.engine())
    come_and_go(CHURN)
    wait_for(all_closed, "all descriptors to be closed")
    assert anonymous(export.process.pid) - keeper < MIB
    assert anonymous(export.engine()) - engine < 4 * MIB
