# SPDX-License-Identifier: MIT
"""While another program computes, nothing that a request waits for goes where that program's work goes."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from vramswap_gui.bench.load import Generator

from tests.support.fakegpu import FakeGpu
from tests.support.nbd_client import header
from tests.support.server import Server, running
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.bench.results import Load, Measured
from vramswap_gui.units import KIB, MIB

SIZE = 16 * MIB
#: What goes by the compute channel takes so long, in microseconds.
TURN = 200_000


@pytest.fixture
def server(gpu: FakeGpu, tmp_path: Path) -> Iterator[Server]:
    """One worker, so that all requests are in its batches."""
    path = tmp_path / "export"
    with running(gpu, path, "--listen", str(path), "--size", str(SIZE), "--threads", "1") as server:
        yield server
        gpu["computing_us"] = 0


def connect(server: Server) -> socket.socket:
    return Export(server.socket, SIZE, server.process.pid, 0.0).connect()


def load(server: Server, write_percent: int, requests: int) -> Measured:
    with connect(server) as end:
        measured: Measured = Generator([end.fileno()], SIZE, 4 * KIB).run(
            Load(4 * KIB, 32, write_percent, 60, requests=requests)
        )
    return measured


def send(end: socket.socket, command: int, offset: int, length: int, payload: bytes = b"") -> None:
    end.sendall(header(command, offset, length) + payload)


def answered(end: socket.socket, length: int = 0) -> bytes:
    answer = end.recv(16 + length, socket.MSG_WAITALL)
    assert answer[:8] == struct.pack(">II", 0x67446698, 0)
    return answer[16:]


def test_a_program_that_comes_and_goes_is_noticed_and_forgotten(server: Server) -> None:
    gpu = server.gpu
    wait_for(lambda: (load(server, 100, 100), gpu["channel_copies"])[1] > 0, "the way for a free GPU")
    gpu["computing_us"] = TURN
    load(server, 100, 100)
    before = gpu["channel_copies"]
    load(server, 70, 3000)
    assert gpu["channel_copies"] == before
    gpu["computing_us"] = 0
    wait_for(lambda: (load(server, 100, 100), gpu["channel_copies"])[1] > before, "the way for a free GPU")


def test_no_request_finds_out_by_waiting(gpu: FakeGpu, server: Server) -> None:
    """It is a word of the engine's own that is set by the compute channel, and no page."""
    # Before it served, the engine tried what is fastest on this card.
    before = gpu["channel_copies"]
    gpu["computing_us"] = TURN
    for _ in range(5):
        load(server, 100, 100)
    assert gpu["channel_copies"] == before


def test_what_comes_in_pieces_is_not_copied_in_pieces(gpu: FakeGpu, server: Server) -> None:
    before = gpu["channel_copies"]
    gpu["computing_us"] = TURN
    draw = random.Random(7)
    with connect(server) as end:
        for length in (KIB, 4 * KIB, 28 * KIB, 32 * KIB, 128 * KIB, 433 * KIB, MIB):
            data = draw.randbytes(length)
            send(end, 1, 4096, length)
            place = 0
            while place < length:
                piece = min(draw.randrange(1, 30000), length - place)
                end.sendall(data[place : place + piece])
                place += piece
            answered(end)
            send(end, 0, 4096, length)
            assert answered(end, length) == data
            # Write zeroes.
            send(end, 6, 4096 + length // 2, length // 2)
            answered(end)
            send(end, 0, 4096, length)
            assert answered(end, length) == data[: length // 2] + bytes(length // 2)
    assert gpu["channel_copies"] == before
