# SPDX-License-Identifier: MIT
"""The load generator against a server of a few lines: it accepts right answers and finds each kind of wrong one."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from vramswap_gui.bench.load import Generator

from vramswap_gui.bench.results import Load, LoadFailed
from vramswap_gui.units import MIB

Fault = Callable[[int, bytearray], int]


def serve(end: socket.socket, memory: bytearray, spoil: Fault | None) -> None:
    """Answer NBD requests from ``memory``; ``spoil`` may change a reply or return an error number."""
    with end, end.makefile("rb") as incoming:
        count = 0
        while len(header := incoming.read(28)) == 28:
            _, _, command, cookie, offset, length = struct.unpack(">IHHQQI", header)
            payload = b""
            if command == 1:
                memory[offset : offset + length] = incoming.read(length)
            else:
                payload = bytes(memory[offset : offset + length])
            count += 1
            reply = bytearray(struct.pack(">IIQ", 0x67446698, 0, cookie) + payload)
            if spoil is not None and (error := spoil(count, reply)):
                reply[:] = struct.pack(">IIQ", 0x67446698, error, cookie)
            try:
                end.sendall(reply)
            except OSError:
                return


def generator(connections: int, block_size: int = 4096, spoil: Fault | None = None) -> Generator:
    size = 16 * MIB
    memory = bytearray(size)
    ours = []
    for _ in range(connections):
        client, server = socket.socketpair()
        threading.Thread(target=serve, args=(server, memory, spoil), daemon=True).start()
        ours.append(client)
    made = Generator([end.fileno() for end in ours], size, block_size)
    KEPT.extend(ours)
    return made


#: The ends of a test's connections.
KEPT: list[socket.socket] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """With them end the threads that answer, and give back what they have."""
    yield
    while KEPT:
        KEPT.pop().close()


@pytest.mark.parametrize("write_percent", [0, 50, 100])
@pytest.mark.parametrize("sequential", [False, True])
def test_right_answers_are_counted(write_percent: int, sequential: bool) -> None:
    measured = generator(2).run(Load(4096, 8, write_percent, 60, sequential=sequential, requests=500))
    assert measured.requests == 2 * 500
    assert measured.bytes == measured.requests * 4096
    assert 0 < measured.p50 <= measured.p99 <= measured.p999


def test_what_was_written_in_one_run_is_checked_in_the_next() -> None:
    load = generator(1)
    load.run(Load(4096, 4, 100, 60, requests=2000))
    assert load.run(Load(4096, 4, 0, 60, requests=2000)).requests == 2000


def flip_a_bit(count: int, reply: bytearray) -> int:
    if len(reply) > 16 and count > 300:
        reply[-1] ^= 1
    return 0


def wrong_cookie(count: int, reply: bytearray) -> int:
    reply[15] ^= 0x80
    return 0


def wrong_magic(count: int, reply: bytearray) -> int:
    reply[0] ^= 1
    return 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (flip_a_bit, "wrong data"),
        (wrong_cookie, "answers nothing"),
        (wrong_magic, "answers nothing"),
        (lambda count, reply: 5, r"error \(error 5\)"),
    ],
)
def test_wrong_answers_are_found(spoil: Fault, message: str) -> None:
    load = generator(1, spoil=spoil)
    with pytest.raises(LoadFailed, match=message):
        # 16 MiB in order: everything is written once, then read.
        load.run(Load(4096, 1, 100, 60, sequential=True, requests=4096))
        load.run(Load(4096, 1, 0, 60, sequential=True, requests=600))


def test_a_server_that_goes_away_is_named() -> None:
    load = generator(1)
    KEPT[-1].shutdown(socket.SHUT_RDWR)
    with pytest.raises(LoadFailed, match="closed the connection"):
        load.run(Load(4096, 1, 0, 60, requests=1))
