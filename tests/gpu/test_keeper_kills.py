# SPDX-License-Identifier: MIT
"""Keepers that die on a real card, in the middle of verbs: the next one takes over, and no page is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from tests.support import card
from tests.support.children import children
from tests.support.nbd_client import READ, WRITE, header
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.units import KIB, MIB

pytestmark = card.NEEDED

KILLS: Final = 10
STARTS: Final = 8
SIZE: Final = 256 * MIB
BLOCK: Final = 256 * KIB
VERBS: Final[list[tuple[str, dict[str, int]]]] = [("add", {"size": SIZE}), ("status", {}), ("upgrade", {})]


class Server:
    """Keepers, one after the other, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.control = folder / "control.sock"
        (folder / "devices").mkdir()
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vramswap_gui.server.main", "--control", str(self.control),
             "--attach", str(self.folder / "devices"), "--threads", "4"],
            start_new_session=True,
        )  # fmt: skip
        wait_for(lambda: self.process.poll() is not None or self._serves(), "a server")
        assert self.process.poll() is None

    def next_engine(self) -> None:
        """Kill the engine, and wait until the next one begins."""
        (engine,) = children(self.process.pid)
        os.kill(engine, signal.SIGKILL)
        wait_for(lambda: set(children(self.process.pid)) - {engine}, "the next engine")

    def _serves(self) -> bool:
        try:
            return bool(self.ask("status")["engine"] == "running")
        except (OSError, ValueError):
            return False

    def send(self, verb: str, **arguments: int) -> socket.socket:
        end = socket.socket(socket.AF_UNIX)
        try:
            end.connect(str(self.control))
            end.sendall(json.dumps({"id": 1, "verb": verb, **arguments}).encode() + b"\n")
        except BaseException:
            end.close()
            raise
        return end

    def ask(self, verb: str, **arguments: int) -> Any:
        with self.send(verb, **arguments) as end:
            answer = json.loads(end.makefile("rb").readline())
        return answer.get("result", answer)


def pages(block: int, version: int) -> bytes:
    return random.Random(block << 20 | version).randbytes(4 * KIB) * (BLOCK // (4 * KIB))


def write(end: socket.socket, block: int, data: bytes) -> None:
    end.sendall(header(WRITE, block * BLOCK, BLOCK, 1) + data)
    assert take(end, 16) == struct.pack(">IIQ", 0x67446698, 0, 1)


def read(end: socket.socket, block: int) -> bytes:
    end.sendall(header(READ, block * BLOCK, BLOCK, 1))
    assert take(end, 16) == struct.pack(">IIQ", 0x67446698, 0, 1)
    return take(end, BLOCK)


def take(end: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = end.recv(count - len(data))
        assert part, "the connection ended"
        data += part
    return bytes(data)


def test_keepers_die_in_the_middle_of_verbs(tmp_path: Path) -> None:
    server = Server(tmp_path)
    device = server.ask("add", size=SIZE)["device"]
    versions = dict.fromkeys(range(SIZE // BLOCK), 0)
    numbers = random.Random(11)
    checked = 0
    pauses = []
    try:
        for _ in range(KILLS):
            export = Export(Path(device), SIZE, server.process.pid, 0.0)
            with export.connect() as end:
                for block in versions:
                    if versions[block]:
                        assert read(end, block) == pages(block, versions[block]), f"block {block} is wrong"
                        checked += 1
                    if numbers.random() < 0.5 or not versions[block]:
                        versions[block] += 1
                        write(end, block, pages(block, versions[block]))
                verb, arguments = numbers.choice(VERBS)
                beside = server.send(verb, **arguments)
                time.sleep(numbers.random() * 0.3)
                os.kill(server.process.pid, signal.SIGKILL)
                server.process.wait()
                began = time.monotonic()
                # The engine serves on, whatever it was doing.
                assert read(end, 0) == pages(0, versions[0])
                beside.close()
                server.start()
                pauses.append(time.monotonic() - began)
        with Export(Path(device), SIZE, server.process.pid, 0.0).connect() as end:
            for block, version in versions.items():
                assert read(end, block) == pages(block, version), f"block {block} is wrong"
                checked += 1
        for segment in server.ask("status")["segments"]:
            server.ask("remove", index=segment["index"])
        server.ask("quit")
        assert server.process.wait(60) == 0
    finally:
        server.process.kill()
    print(
        f"\n{KILLS} keepers killed, {checked} blocks of 256 KiB verified, 0 wrong;"
        f" the next one after {sorted(pauses)[len(pauses) // 2]:.2f} s (median), {max(pauses):.2f} s (longest)"
    )


def test_engines_have_everything_before_they_have_the_card(tmp_path: Path) -> None:
    """Keeper and engine die while the next engine starts, which then is all there is of the pages."""
    server = Server(tmp_path)
    device = server.ask("add", size=SIZE)["device"]
    numbers = random.Random(12)
    blocks = range(0, SIZE // BLOCK, 4)
    try:
        with Export(Path(device), SIZE, server.process.pid, 0.0).connect() as end:
            for block in blocks:
                write(end, block, pages(block, 1))
        for _ in range(STARTS):
            server.next_engine()
            time.sleep(numbers.random() * 0.4)
            server.process.kill()
            server.process.wait()
            server.start()
            with Export(Path(device), SIZE, server.process.pid, 0.0).connect() as end:
                for block in blocks:
                    assert read(end, block) == pages(block, 1), f"block {block} is wrong"
        server.ask("remove", index=0)
        server.ask("quit")
        assert server.process.wait(60) == 0
    finally:
        server.process.kill()
    print(f"\n{STARTS} engines alone had it all, {STARTS * len(blocks)} blocks of 256 KiB verified, 0 wrong")
