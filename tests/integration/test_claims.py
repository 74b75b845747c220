# SPDX-License-Identifier: MIT
"""A write that comes late, after it was sent again over another connection and newer ones since, does no harm."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.fakegpu import FakeGpu
from tests.support.waiting import PATIENCE

#: Two workers with a connection each, of which the first one's copy hangs while the kernel gives its connection up.
_RESENT = """
import socket, struct, sys
from pathlib import Path
from tests.support.fakegpu import FakeGpu
from tests.support.server import wait_for
from vramswap_gui.server.engine.engine import Engine
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor.counters import Counters

READ, WRITE, TRIM = 0, 1, 4
command, verified = int(sys.argv[2]), sys.argv[3] == "verified"
gpu = FakeGpu(Path(sys.argv[1]), Path())
vram, counters, sums = Vram(), Counters(), PageSums(2 << 20)
engine = Engine(vram.context, 2, vram.can_batch, counters.address)
mapping, _ = vram.create(2 << 20)
engine.add_segment(0, mapping.base, mapping.size, sums.address if verified else 0)


def connect():
    ours, theirs = socket.socketpair()
    engine.add_connection(0, theirs.detach())
    ours.settimeout(30)
    return ours


def send(end, command, page, value, cookie=7):
    data = bytes([value]) * 4096 if command == WRITE else b""
    end.sendall(struct.pack(">IHHQQI", 0x25609513, 0, command, cookie, page * 4096, 4096) + data)


def reply(end):
    magic, error, cookie = struct.unpack(">IIQ", end.recv(16, socket.MSG_WAITALL))
    assert (magic, error) == (0x67446698, 0)
    return cookie


def read(end, page):
    send(end, READ, page, 0, 9)
    assert reply(end) == 9
    data = end.recv(4096, socket.MSG_WAITALL)
    assert data == data[:1] * 4096
    return data[0]


first, second = connect(), connect()
gpu["hang"] = 3
send(first, command, 0, 1)
wait_for(lambda: gpu["hanging"] == 4, "the first copy to hang")
# What follows it nobody has read yet.
send(first, command, 1, 1)
first.shutdown(socket.SHUT_RDWR)

send(second, command, 1, 1)
assert reply(second) == 7
send(second, WRITE, 1, 2)
assert reply(second) == 7
# The page under the copy is not written a second time, and not answered, while all others are.
send(second, command, 0, 1)
assert read(second, 1) == 2
second.setblocking(False)
try:
    assert not second.recv(1), "it was answered before the first copy was done"
except BlockingIOError:
    pass
second.settimeout(30)
gpu["hang"] = 0
assert reply(second) == 7
send(second, WRITE, 0, 2)
assert reply(second) == 7


def ended():
    engine.reap()
    return engine.connections(0) == 1


wait_for(ended, "the first connection to end")
assert (read(second, 0), read(second, 1)) == (2, 2)
second.close()
engine.close()
print("done")
"""


@pytest.mark.parametrize("verified", ["verified", "unverified"])
@pytest.mark.parametrize("command", [pytest.param(1, id="write"), pytest.param(4, id="discard")])
def test_what_was_sent_again_is_not_done_twice(gpu: FakeGpu, command: int, verified: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RESENT, gpu.folder, str(command), verified], env=os.environ | gpu.env(),
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
