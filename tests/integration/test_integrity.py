# SPDX-License-Identifier: MIT
"""Every page is verified: what is hurt in VRAM or on the way is found, and nobody else's page is in the way."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.demo.stack import FIRST_SIZE, Stack
from tests.support.ctl import done, server_pid, status
from tests.support.fakegpu import FakeGpu
from tests.support.nbd_client import PAGE, Client, crowd
from tests.support.server import Server, ask, is_running, running
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.units import MIB

SIZE = 16 * MIB


class Served:
    """A server with one segment on a socket, as it stands for a device."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.gpu = server.gpu

    def ask(self, verb: str, **arguments: int) -> Any:
        return ask(self.folder / "control", verb, **arguments)

    def found(self) -> tuple[int, int]:
        """How many pages were read twice, and how many were wrong then too."""
        counted = self.ask("counters")
        return counted["reread"], counted["damaged"]

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        with contextlib.closing(self.connect()) as end:
            yield Client(end)

    def connect(self) -> socket.socket:
        end: socket.socket = Export(self.folder / "nbd0", SIZE, self.server.process.pid, 0.0).connect()
        return end

    def is_running(self) -> bool:
        return is_running(self.folder / "control")


@pytest.fixture
def served(gpu: FakeGpu, tmp_path: Path) -> Iterator[Served]:
    control = tmp_path / "control"
    with running(gpu, control, "--control", str(control), "--attach", str(tmp_path), "--threads", "2") as server:
        made = Served(server, tmp_path)
        made.ask("add", size=SIZE)
        yield made
        wait_for(made.is_running, "an engine")
        made.ask("remove", index=0)


def pages(count: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(count * PAGE)


def test_a_bit_that_was_hurt_on_the_way_is_read_again(served: Served) -> None:
    data = pages(8)
    with served.client() as client:
        client.write(0, data)
        served.gpu["flips_out"] = 1
        assert client.read(0, len(data)) == data
        assert served.found() == (1, 0)
        served.gpu["flips_out"] = 1
        assert client.read(5 * PAGE) == data[5 * PAGE : 6 * PAGE]
        assert served.found() == (2, 0)


def test_a_bit_that_was_hurt_in_vram_is_told_and_one_page_is_lost(served: Served) -> None:
    data = pages(8)
    with served.client() as client:
        client.write(64 * PAGE, data)
        served.gpu.flip(66 * PAGE + 1000)
        for number in range(8):
            expected = None if number == 2 else data[number * PAGE : (number + 1) * PAGE]
            assert client.read((64 + number) * PAGE) == expected, number
        # Of several pages that are read at once the kernel learns one thing.
        assert client.read(64 * PAGE, len(data)) is None
        assert served.found() == (2, 2)
        assert served.ask("status")["damaged"] == [0, 2]
        client.write(66 * PAGE, pages(1, 9))
        assert client.read(66 * PAGE) == pages(1, 9)
        # What went wrong when it was written is found when it is read.
        served.gpu["flips_in"] = 1
        client.write(67 * PAGE, pages(1, 8))
        assert client.read(67 * PAGE) is None


def ended(client: Client, size: int) -> bool:
    """Whether a read of so much ends the connection."""
    try:
        client.read(0, size)
    except (AssertionError, OSError, struct.error):
        return True
    return False


def test_a_page_that_is_lost_ends_a_read_of_many_others_once(served: Served) -> None:
    """The reply to what goes out in parts may have begun as a success. When the kernel asks again, it is told."""
    large = 512 << 10
    with served.client() as client:
        client.write(0, pages(large // PAGE))
        served.gpu.flip(100 * PAGE + 5)
        assert ended(client, large)
    for _ in range(2):
        with served.client() as client:
            assert client.read(0, large) is None
            assert client.read(0, 100 * PAGE) == pages(100)
            assert client.read(101 * PAGE) == pages(large // PAGE)[101 * PAGE : 102 * PAGE]


def test_a_bad_place_is_used_no_more(served: Served) -> None:
    """Whatever happens to it: what is written there the next time is elsewhere. The next engine and the next program
    know that too."""

    def lose(number: int) -> None:
        served.gpu.flip(number * PAGE + 9)
        assert client.read(number * PAGE) is None

    with served.client() as client:
        client.write(0, pages(64))
        for number in range(8, 24):
            lose(number)
        # Lost is lost, also by parts, until all of it is written anew.
        served.gpu.flip(9 * PAGE + 9)
        assert client.read(9 * PAGE) is None
        assert client.read(9 * PAGE + 512, 512) is None
        with pytest.raises(AssertionError):
            client.write(9 * PAGE, bytes(512))
        with pytest.raises(AssertionError):
            client.write(8 * PAGE + 512, bytes(2 * PAGE))
        assert client.read(9 * PAGE) == bytes(PAGE)
        assert client.read(8 * PAGE) is None and client.read(10 * PAGE) is None
        client.write(8 * PAGE, pages(16, 2))
        before = served.found()
        for number in range(8, 24):
            served.gpu.flip(number * PAGE + 9)
        assert client.read(0, 64 * PAGE) == pages(8) + pages(16, 2) + pages(64)[24 * PAGE :]
        assert client.read(9 * PAGE + 1024, 512) == pages(16, 2)[PAGE + 1024 : PAGE + 1536]
        client.write(10 * PAGE + 512, pages(1, 3)[:1024])
        wanted = bytearray(pages(16, 2)[2 * PAGE : 3 * PAGE])
        wanted[512:1536] = pages(1, 3)[:1024]
        assert client.read(10 * PAGE) == bytes(wanted)
        client.discard(11 * PAGE, PAGE)
        client.zero(12 * PAGE, PAGE)
        assert client.read(11 * PAGE, 2 * PAGE) == bytes(2 * PAGE)
        assert served.found() == before
        # There is room for so many of them.
        lose(30)
        client.write(30 * PAGE, pages(1, 4))
        lose(30)
    for change in (served.server.kill_engine, lambda: served.ask("upgrade")):
        with contextlib.suppress(ValueError, OSError):
            change()
        wait_for(served.is_running, "who comes next")
        with served.client() as client:
            assert client.read(30 * PAGE) is None
            assert client.read(13 * PAGE, 11 * PAGE) == pages(16, 2)[5 * PAGE :]


def test_a_page_of_another_place_is_not_taken(served: Served) -> None:
    with served.client() as client:
        client.write(0, pages(1) + pages(1))
        path = max(served.gpu.folder.glob("vram-*"), key=lambda path: path.stat().st_size)
        client.write(8 * PAGE, pages(2, 3))
        with path.open("r+b") as file:
            file.seek(8 * PAGE)
            file.write(pages(2, 3)[PAGE:] + pages(2, 3)[:PAGE])
        assert client.read(8 * PAGE) is None
        assert client.read(9 * PAGE) is None
        assert client.read(PAGE) == pages(1)


def test_zeroes_and_what_was_never_written(served: Served) -> None:
    with served.client() as client:
        assert client.read(0, 32 * PAGE) == bytes(32 * PAGE)
        client.write(0, pages(32))
        client.zero(PAGE, 4 * PAGE)
        client.discard(8 * PAGE, 8 * PAGE)
        wanted = bytearray(pages(32))
        wanted[PAGE : 5 * PAGE] = bytes(4 * PAGE)
        wanted[8 * PAGE : 16 * PAGE] = bytes(8 * PAGE)
        assert client.read(0, 32 * PAGE) == bytes(wanted)
        for number in (2, 9):
            served.gpu.flip(number * PAGE + 77)
            assert client.read(number * PAGE) is None
        # A part of a page says nothing of all of it, until it is written as a whole.
        client.write(20 * PAGE + 512, bytes(512))
        wanted[20 * PAGE + 512 : 20 * PAGE + 1024] = bytes(512)
        assert client.read(20 * PAGE) == bytes(wanted[20 * PAGE : 21 * PAGE])
        served.gpu.flip(20 * PAGE)
        assert client.read(20 * PAGE) is not None
        client.write(20 * PAGE, pages(1))
        served.gpu.flip(20 * PAGE)
        assert client.read(20 * PAGE) is None


def test_the_next_engine_and_the_next_keeper_know_the_sums(served: Served) -> None:
    data = pages(256)
    with served.client() as client:
        client.write(0, data)
    served.server.kill_engine()
    wait_for(served.is_running, "the next engine")
    with served.client() as client:
        assert client.read(0, 64 * PAGE) == data[: 64 * PAGE]
        served.gpu.flip(3 * PAGE)
        assert client.read(3 * PAGE) is None
    served.ask("status")
    with contextlib.suppress(ValueError, OSError):
        served.ask("upgrade")
    wait_for(served.is_running, "the next program")
    with served.client() as client:
        served.gpu.flip(4 * PAGE)
        assert client.read(4 * PAGE) is None
        assert client.read(5 * PAGE) == data[5 * PAGE : 6 * PAGE]


def test_an_engine_without_a_keeper_hands_them_over(gpu: FakeGpu, tmp_path: Path) -> None:
    """As a helper does it: another server is started, and takes over."""
    control = tmp_path / "control"
    command = [sys.executable, "-P", "-m", "vramswap_gui.server.main", "--control", str(control), "--attach",
               str(tmp_path), "--threads", "2"]  # fmt: skip
    first = subprocess.Popen(command, env=os.environ | gpu.env())
    wait_for(control.is_socket, "the server")
    served = Served(Server(first, gpu, control), tmp_path)  # type: ignore[arg-type]
    wait_for(served.is_running, "an engine")
    served.ask("add", size=SIZE)
    with served.client() as client:
        client.write(0, pages(16))
    first.kill()
    first.wait()
    with running(gpu, control, "--control", str(control), "--attach", str(tmp_path), "--threads", "2") as server:
        served = Served(server, tmp_path)
        wait_for(served.is_running, "an engine")
        with served.client() as client:
            assert client.read(0, 16 * PAGE) == pages(16)
            gpu.flip(5 * PAGE + 5)
            assert client.read(5 * PAGE) is None
        served.ask("remove", index=0)


def test_clients_that_write_what_others_write_and_read_alarm_nobody(served: Served) -> None:
    """No order is promised among requests that are under way, and any outcome is right."""
    served.gpu["slow_copy_us"] = 50
    ends = [served.connect() for _ in range(6)]
    with ThreadPoolExecutor() as pool:
        errors = list(pool.map(crowd, ends, range(len(ends)), [400] * len(ends)))
    assert errors == [[]] * len(ends)
    assert served.found()[1] == 0
    for end in ends:
        end.close()
    served.gpu["slow_copy_us"] = 0
    # And afterwards all is known that is written.
    with served.client() as client:
        for number in range(6):
            client.write(number * PAGE, pages(1, number))
            served.gpu.flip(number * PAGE)
            assert client.read(number * PAGE) is None, number


def test_status_and_doctor_tell(stack: Stack) -> None:
    done(stack, "on")
    assert status(stack)["damaged"] == [0, 0]
    path = Path(stack.fake.devices()[0])
    with contextlib.closing(Export(path, FIRST_SIZE, server_pid(stack), 0.0).connect()) as end:
        client = Client(end)
        client.write(100 * PAGE, pages(1))
        stack.gpu["flips_out"] = 1
        assert client.read(100 * PAGE) == pages(1)
        stack.gpu.flip(100 * PAGE)
        assert client.read(100 * PAGE) is None
    wait_for(lambda: status(stack)["damaged"] == [1, 1], "the helper to see it")
    assert "pages lost: 1, right when they were read once more: 1" in done(stack, "status")
    (check,) = [one for one in json.loads(stack.ctl("doctor", "--json").stdout) if one["name"] == "Pages in VRAM"]
    assert (check["verdict"], check["found"][:24]) == ("warning", "1 came back damaged and ")
    done(stack, "off")
