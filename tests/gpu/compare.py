# SPDX-License-Identifier: MIT
"""Builds of the server beside each other on a real card: the same load on each in turn, alone and beside a rival.

``python -m tests.gpu.compare NAME=TREE[,CODEC]… [--beside nothing compute render:7] [--rounds 3]``; every TREE is a
checkout with its extension built in place, and with a CODEC its pages are packed: such as no codec makes smaller, but
with ``--keeps 0.25``, of each of which it has to keep that part. ``NAME=!COMMAND`` is somebody else's server, which
serves NBD on the socket ``{socket}``, with ``{size}`` MiB and ``{threads}`` threads, until it is ended. The load comes
from the checkout that this module is in. Medians over the rounds, with the spread in percent.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import mmap
import os
import random
import shlex
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.bench.load import Generator

from vramswap_gui.bench.export import Export
from vramswap_gui.bench.pages import PAGE
from vramswap_gui.bench.results import Load, Measured
from vramswap_gui.errors import VramswapError
from vramswap_gui.units import GIB, KIB, MIB

SIZE: Final = 2 * GIB


@dataclass(frozen=True, slots=True)
class Case:
    """One load, and which figure of it counts."""

    block_size: int
    connections: int
    depth: int
    write_percent: int
    sequential: bool = False

    @property
    def title(self) -> str:
        kind = {0: "read", 100: "write"}.get(self.write_percent, "mixed")
        order = " seq" if self.sequential else ""
        return f"{self.block_size // KIB}K {kind}{order} {self.connections}x{self.depth}"


CASES: Final = (
    Case(4 * KIB, 1, 1, 0),
    Case(4 * KIB, 1, 1, 100),
    Case(4 * KIB, 1, 32, 0),
    Case(4 * KIB, 1, 32, 100),
    Case(4 * KIB, 1, 32, 100, sequential=True),
    Case(4 * KIB, 4, 16, 0),
    Case(4 * KIB, 4, 16, 100),
    Case(4 * KIB, 4, 8, 30),
    Case(4 * KIB, 8, 16, 0),
    Case(4 * KIB, 8, 16, 100),
    Case(128 * KIB, 1, 4, 0),
    Case(128 * KIB, 1, 4, 100),
    Case(433 * KIB // 512 * 512, 1, 4, 100),
    Case(512 * KIB, 1, 4, 100),
    Case(512 * KIB, 4, 1, 100),
    Case(512 * KIB, 4, 4, 100),
)


class Rival:
    """A program beside us, and how fast it is."""

    def __init__(self, what: str) -> None:
        self.file = Path(tempfile.mkstemp(prefix="rival-")[1])
        kind, _, milliseconds = what.partition(":")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.gpu.rival", kind, self.file, *filter(None, [milliseconds])]
        )
        self.file.write_bytes(bytes(8))
        while self.count() < 10:
            assert self.process.poll() is None, "the rival ended"
            time.sleep(0.05)

    def count(self) -> int:
        with self.file.open("rb") as opened, mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ) as map_:
            count: int = struct.unpack("=Q", map_)[0]
        return count

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def serving(where: str, threads: int) -> contextlib.AbstractContextManager[Export]:
    """The server of a tree, with a codec's name behind it or without, or of a command."""
    return serving_command(where[1:], threads) if where.startswith("!") else serving_tree(where, threads)


@contextlib.contextmanager
def serving_command(command: str, threads: int) -> Iterator[Export]:
    """Somebody else's server."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        words = [word.format(socket=path, size=SIZE // MIB, threads=threads) for word in shlex.split(command)]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=folder)
        server = Export(path, SIZE, process.pid, 0.0)
        try:
            give_up = time.monotonic() + 20
            while True:
                assert process.poll() is None and time.monotonic() < give_up, f"{words[0]} does not serve"
                with contextlib.suppress(VramswapError), server.connect():
                    break
                time.sleep(0.05)
            yield server
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def serving_tree(where: str, threads: int) -> Iterator[Export]:
    """The server of a checkout."""
    name, _, codec = where.partition(",")
    tree = Path(name).resolve()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        ours, theirs = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vramswap_gui.server.main", "--listen", path, "--size", str(SIZE),
             "--threads", str(threads), "--report", str(theirs), *(["--compression", codec] if codec else [])],
            env=os.environ | {"PYTHONPATH": f"{tree}:{os.environ.get('PYTHONPATH', '')}"}, cwd=folder,
            pass_fds=[theirs],
        )  # fmt: skip
        os.close(theirs)
        with os.fdopen(ours) as report:
            outcome = json.loads(report.readline() or "null")
        assert outcome is not None and "error" not in outcome, outcome
        try:
            yield Export(path, SIZE, process.pid, 0.0)
        finally:
            process.terminate()
            process.wait()


def page(keeps: float) -> bytes:
    """Of which a codec has to keep that part."""
    kept = random.Random(1).randbytes(round(PAGE * keeps))
    return kept + bytes(PAGE - len(kept))


def run(server: Export, case: Case, seconds: float, verify: bool, data: bytes) -> Measured:
    ends = [server.connect() for _ in range(case.connections)]
    generator = Generator([end.fileno() for end in ends], SIZE, case.block_size, data)
    load = Load(case.block_size, case.depth, case.write_percent, seconds, case.sequential, verify=verify)
    measured: Measured = generator.run(load)
    for end in ends:
        end.close()
    return measured


def figure(case: Case, runs: list[Measured]) -> str:
    if case.connections * case.depth == 1:
        values = [each.p50 / 1e3 for each in runs]
        unit = "µs"
    elif case.block_size == 4 * KIB:
        values, unit = [each.iops / 1e3 for each in runs], "k"
    else:
        values, unit = [each.bandwidth / 1e9 for each in runs], "GB/s"
    middle = statistics.median(values)
    spread = (max(values) - min(values)) / middle * 100
    p99 = statistics.median(each.p99 for each in runs) / 1e3
    digits = 2 if unit == "GB/s" else 1 if unit == "µs" else 0
    return f"{middle:8.{digits}f} {unit} ±{spread:3.0f}% p99 {p99:7.0f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.compare")
    parser.add_argument("trees", nargs="+", metavar="NAME=TREE[,CODEC]|NAME=!COMMAND")
    parser.add_argument("--beside", nargs="+", default=["nothing"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--only", nargs="+", default=[""], help="cases whose title has one of these in it")
    parser.add_argument("--keeps", type=float, default=1.0, help="the part of a page that a codec has to keep")
    parser.add_argument(
        "--unverified", action="store_true", help="believe what comes back, as for a server without copies"
    )
    options = parser.parse_args()
    trees = dict(each.split("=", 1) for each in options.trees)
    cases = [case for case in CASES if any(part in case.title for part in options.only)]
    data = page(options.keeps)
    for beside in options.beside:
        rival = None if beside == "nothing" else Rival(beside)
        alone = 0.0
        if rival:
            began, before = time.monotonic(), rival.count()
            time.sleep(1)
            alone = (rival.count() - before) / (time.monotonic() - began)
        found: dict[tuple[str, Case], list[Measured]] = defaultdict(list)
        rate: dict[tuple[str, Case], list[float]] = defaultdict(list)
        memory: dict[str, int] = {}
        for _ in range(options.rounds):
            for name, tree in trees.items():
                with serving(tree, options.threads) as server:
                    for case in cases:
                        began, before = time.monotonic(), rival.count() if rival else 0
                        found[name, case].append(run(server, case, options.seconds, not options.unverified, data))
                        if rival:
                            rate[name, case].append((rival.count() - before) / (time.monotonic() - began) / alone)
                    memory[name] = server.memory()
        print(f"\n== beside {beside}; memory " + ", ".join(f"{name} {size >> 20} MiB" for name, size in memory.items()))
        if rival:
            print(f"   the rival alone: {alone:.0f}/s; in brackets its share of that while we run")
            rival.end()
        print(f"{'':22}" + "".join(f"{name:>40}" for name in trees))
        for case in cases:
            cells = []
            for name in trees:
                share = f" [{statistics.median(rate[name, case]):.2f}]" if rival else ""
                cells.append(f"{figure(case, found[name, case]) + share:>40}")
            print(f"{case.title:22}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
