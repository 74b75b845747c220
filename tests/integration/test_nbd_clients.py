# SPDX-License-Identifier: MIT
"""Real NBD clients against the real server: what they write they read, and wrong requests are refused."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import subprocess
from pathlib import Path

import pytest
from vramswap_gui.bench.load import Generator

from tests.support.server import EXPORT_SIZE, Server
from tests.support.waiting import wait_for
from vramswap_gui.bench.results import Load
from vramswap_gui.units import MIB

#: Debian's clients bring modules for Debian's own Python, which must come first.
SYSTEM = os.environ | {"PATH": "/usr/bin:/bin"}


def client(*command: str) -> str:
    """The output of a client that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, env=SYSTEM, check=False)
    assert done.returncode == 0, done
    return done.stdout


def connect(server: Server) -> socket.socket:
    """A connection in its transmission phase."""
    end = socket.socket(socket.AF_UNIX)
    end.connect(str(server.socket))
    assert end.recv(18, socket.MSG_WAITALL)[:8] == b"NBDMAGIC"
    end.sendall(struct.pack(">I8sII", 3, b"IHAVEOPT", 1, 0))
    size, _ = struct.unpack(">QH", end.recv(10, socket.MSG_WAITALL))
    assert size == EXPORT_SIZE
    return end


def request(
    command: int, offset: int, length: int, *, flags: int = 0, magic: int = 0x25609513, cookie: int = 7
) -> bytes:
    return struct.pack(">IHHQQI", magic, flags, command, cookie, offset, length)


def answer(end: socket.socket, payload: int = 0) -> tuple[int, bytes]:
    """The error and the payload of the next reply, which must carry the cookie of :func:`request`."""
    magic, error, cookie = struct.unpack(">IIQ", end.recv(16, socket.MSG_WAITALL))
    assert (magic, cookie) == (0x67446698, 7)
    return error, end.recv(payload, socket.MSG_WAITALL) if payload and not error else b""


def ended(end: socket.socket) -> bool:
    """Whether the server let go of the connection; with requests of ours unread, that shows as a reset."""
    try:
        return end.recv(1) == b""
    except ConnectionResetError:
        return True


def test_nbdinfo_sees_the_export(export: Server) -> None:
    (info,) = json.loads(client("nbdinfo", "--json", "--no-content", export.uri))["exports"]
    assert info["export-size"] == EXPORT_SIZE
    assert (info["block_size_minimum"], info["block_size_preferred"]) == (512, 4096)
    assert info["can_multi_conn"]
    assert info["can_flush"]
    assert info["can_fua"]
    assert info["can_trim"]
    assert info["can_zero"]
    assert not info["is_read_only"]
    assert client("nbdinfo", "--list", "--no-content", export.uri).count('export="') == 1


def test_nbdcopy_brings_back_what_it_took(export: Server, tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.write_bytes(random.Random(1).randbytes(EXPORT_SIZE))
    client("nbdcopy", str(original), export.uri)
    client("nbdcopy", export.uri, str(copy))
    assert copy.read_bytes() == original.read_bytes()


def test_qemu_io_patterns_zeroes_and_discard(export: Server) -> None:
    client(
        "qemu-io", "-f", "raw", export.uri,
        "-c", "write -P 0x5a 1M 40M", "-c", "write -f -P 0xa5 5M 4k", "-c", "write -z 2M 1M", "-c", "flush",
        "-c", "write -P 0x5a 49M 3M", "-c", "discard 50M 1M", "-c", "read -P 0x5a 49M 1M", "-c", "read -P 0 50M 1M",
        "-c", "read -P 0x5a 51M 1M", "-c", "read -P 0x5a 1M 1M", "-c", "read -P 0 2M 1M", "-c", "read -P 0x5a 3M 2M",
        "-c", "read -P 0xa5 5M 4k", "-c", "read -P 0x5a 5124k 1M", "-c", "read -P 0 41M 1M",
    )  # fmt: skip


def test_fio_verifies_its_data(export: Server, tmp_path: Path) -> None:
    client(
        "fio", "--name=verify", "--ioengine=nbd", f"--uri={export.uri}", "--rw=randrw", "--bsrange=4k-64k",
        "--size=32M", "--iodepth=16", "--verify=crc32c", "--verify_fatal=1", "--randseed=1",
        f"--aux-path={tmp_path}",
    )  # fmt: skip


def test_nbdsh_is_refused_what_is_wrong(export: Server) -> None:
    script = """
import errno
h.set_strict_mode(0)
refused = {
    "beyond the end": lambda: h.pread(512, 64 << 20),
    "across the end": lambda: h.pread(8192, (64 << 20) - 4096),
    "offset overflow": lambda: h.pread(512, (1 << 63) - 512),
    "unaligned read": lambda: h.pread(100, 1),
    "unaligned write": lambda: h.pwrite(b"x" * 512, 1),
    "write beyond the end": lambda: h.pwrite(b"x" * 512, 64 << 20),
    "trim beyond the end": lambda: h.trim(512, 64 << 20),
    "zero across the end": lambda: h.zero(1 << 20, (64 << 20) - 512),
    "cache": lambda: h.cache(512, 0),
}
for name, call in refused.items():
    try:
        call()
        print(name, "was not refused")
    except nbd.Error as error:
        if error.errnum != errno.EINVAL:
            print(name, "gave", error)
h.pwrite(b"abcd" * 128, 512)
print(h.pread(512, 512)[:8].decode())
"""
    assert client("nbdsh", "--uri", export.uri, "--command", script) == "abcdabcd\n"


@pytest.mark.parametrize(
    ("command", "offset", "length", "flags"),
    [
        pytest.param(0, 0, 64 * MIB, 0, id="read of more than the largest request"),
        pytest.param(0, (1 << 64) - 512, 1024, 0, id="offset and length overflow 64 bits"),
        pytest.param(4, 512, 0xFFFFFE00, 0, id="trim longer than the export"),
        pytest.param(6, 0, 512, 1 << 4, id="fast zero, which was not offered"),
        pytest.param(0, 0, 512, 1 << 2, id="do not fragment, which was not offered"),
        pytest.param(7, 0, 512, 0, id="block status, which was not negotiated"),
        pytest.param(99, 0, 512, 0, id="unknown command"),
    ],
)
def test_a_wrong_request_is_refused_and_the_connection_lives(
    export: Server, command: int, offset: int, length: int, flags: int
) -> None:
    with connect(export) as end:
        end.sendall(request(command, offset, length, flags=flags))
        assert answer(end) == (22, b"")
        end.sendall(request(0, 0, 512))
        assert answer(end, 512) == (0, bytes(512))


def test_a_refused_write_is_read_to_its_end(export: Server) -> None:
    with connect(export) as end:
        end.sendall(request(1, EXPORT_SIZE, 1 * MIB) + b"x" * MIB + request(0, 0, 512))
        assert answer(end) == (22, b"")
        assert answer(end, 512) == (0, bytes(512))


def test_a_wrong_magic_ends_its_connection_only(export: Server) -> None:
    with connect(export) as good, connect(export) as bad:
        bad.sendall(request(3, 0, 0) + request(0, 0, 512, magic=0xBAD) + request(0, 0, 512))
        assert answer(bad) == (0, b"")
        assert ended(bad)
        good.sendall(request(0, 0, 512))
        assert answer(good, 512) == (0, bytes(512))


def test_disconnect_answers_what_was_asked_before(export: Server) -> None:
    with connect(export) as end:
        end.sendall(request(1, 0, 512) + b"z" * 512 + request(2, 0, 0))
        assert answer(end) == (0, b"")
        assert ended(end)


def test_requests_may_come_in_any_pieces(export: Server) -> None:
    """A byte at a time, and many at once."""
    with connect(export) as end:
        for byte in request(1, 4096, 512) + bytes(range(256)) * 2:
            end.sendall(bytes([byte]))
        assert answer(end) == (0, b"")
        end.sendall(b"".join(request(0, 4096, 512) for _ in range(2000)))
        for _ in range(2000):
            assert answer(end, 512) == (0, bytes(range(256)) * 2)


def test_a_client_that_does_not_read_harms_nobody(export: Server) -> None:
    with connect(export) as greedy, connect(export) as modest:
        greedy.setblocking(False)
        asked = b"".join(request(0, 0, 32 * MIB) for _ in range(64))
        assert greedy.send(asked) == len(asked)
        for _ in range(50):
            modest.sendall(request(0, 0, 4096))
            assert answer(modest, 4096) == (0, bytes(4096))


@pytest.mark.parametrize(("block_size", "connections"), [(4096, 8), (65536, 8), (512 * 1024, 4)])
def test_many_connections_at_once_mix_nothing_up(export: Server, block_size: int, connections: int) -> None:
    ends = [connect(export) for _ in range(connections)]
    try:
        load = Generator([end.fileno() for end in ends], EXPORT_SIZE, block_size)
        load.run(Load(block_size, 8, 100, 60, sequential=True, requests=300))
        load.run(Load(block_size, 8, 50, 60, requests=64 * MIB // block_size // 4))
    finally:
        for end in ends:
            end.close()


def test_an_engine_that_is_killed_leaves_the_data(export: Server, tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.write_bytes(random.Random(2).randbytes(EXPORT_SIZE))
    client("nbdcopy", str(original), export.uri)
    for _ in range(3):
        export.kill_engine()
        client("nbdcopy", export.uri, str(copy))
        assert copy.read_bytes() == original.read_bytes()


def test_a_context_that_breaks_is_replaced(export: Server) -> None:
    with connect(export) as end:
        end.sendall(request(1, 0, 512) + b"k" * 512)
        assert answer(end) == (0, b"")
        old = export.engine()
        export.gpu.break_contexts()
        # No answer, and so no error: the connection ends, and a client such as the kernel asks again elsewhere.
        end.sendall(request(0, 0, 512))
        assert ended(end)
    wait_for(lambda: export.engine() not in (0, old), "a new engine")
    with connect(export) as end:
        end.sendall(request(0, 0, 512))
        assert answer(end, 512) == (0, b"k" * 512)


def test_a_copy_that_fails_once_is_done_again(export: Server) -> None:
    with connect(export) as end:
        for count in range(1, 4):
            export.gpu["failing_copies"] = 1
            end.sendall(request(1, 0, 512) + bytes([count]) * 512)
            assert answer(end) == (0, b"")
            export.gpu["failing_copies"] = 1
            end.sendall(request(0, 0, 512))
            assert answer(end, 512) == (0, bytes([count]) * 512)
        assert export.gpu["failing_copies"] == 0
