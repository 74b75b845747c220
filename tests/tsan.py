# SPDX-License-Identifier: MIT
"""Runs the engine under ThreadSanitizer, with connections that come and go: ``make tsan``.

It builds the data path anew into build/tsan, with gcc's -fsanitize=thread. The exit status is 0 when no race was found,
and nothing else went wrong.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from vramswap_gui.bench.load import Generator

from tests.support.claims import CASES
from tests.support.fakegpu import FakeGpu, build
from tests.support.nbd_client import PAGE, Client
from tests.support.page_model import Pages
from tests.support.server import answer, ask
from tests.support.sockets import accepts
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.bench.results import Load
from vramswap_gui.units import GIB, KIB, MIB

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "build/tsan"
SIZE: Final = 64 * MIB
CONNECTIONS: Final = 8
ROUNDS: Final = 4
#: VRAM for pages that cannot be packed, which find room there only because the cleaner makes some.
TIGHT: Final = 44 * MIB
KEPT: Final = 32 * MIB
#: Of a pool: each is half of what is served otherwise.
EXTENTS: Final = 4
#: Writes of half a MiB.
LARGE: Final = 200
#: Cases of tests/support/claims.py. The sanitizer's own memory cannot all be locked.
CLAIMS: Final = tuple(case for case in CASES if case != "faults")
#: Where a read may meet a write of its page, in VRAM, which to the sanitizer is memory: one that nobody waits for any
#: more, or that is sent beside a write.
MEETING: Final = ("driver", "replaced", "changing")


def compile_engine(tree: Path, sanitizer: str = "thread") -> None:
    """The package in ``tree``, with a data path that the sanitizer watches."""
    shutil.copytree(ROOT / "vramswap_gui", tree / "vramswap_gui", ignore=shutil.ignore_patterns("*.so", "*.cpp"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "setup.py"):
        shutil.copy(ROOT / name, tree)
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=tree, check=True, env=os.environ | {"VRAMSWAP_SANITIZE": sanitizer},
    )  # fmt: skip


def runtime(name: str) -> str:
    """A sanitizer's library, which has to be loaded before all else."""
    command = ["gcc", f"-print-file-name=lib{name}.so"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    """Build, load, and show what was found."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    compile_engine(FOLDER)
    library = runtime("tsan")
    gpu = FakeGpu(FOLDER / "gpu", build(FOLDER / "libraries"), GIB)
    socket = FOLDER / "export"
    environment = {
        "LD_PRELOAD": library,
        "TSAN_OPTIONS": f"log_path={FOLDER}/race exitcode=0 report_signal_unsafe=0",
        "PYTHONPATH": str(FOLDER),
    }
    packed = ("--compression", "lz4")
    failed = [
        serve(gpu, environment, socket, everywhere),
        serve(gpu, environment, socket, everywhere, *packed),
        serve(gpu, environment, socket, where_little_is_left, *packed, "--vram", str(TIGHT)),
        lend(gpu, environment),
        *(claims(gpu, environment, case) for case in CLAIMS),
    ]
    races = sorted(FOLDER.glob("race.*"))
    for race in races:
        print(race.read_text(encoding="utf-8"))
    print("races were found" if races else "no race was found")
    return int(bool(races) or any(failed))


def program(module: str, *arguments: str) -> list[str]:
    # The sanitizer wants its addresses where they would be without randomisation.
    return ["setarch", "-R", sys.executable, "-P", "-m", module, *arguments]


def claims(gpu: FakeGpu, environment: dict[str, str], case: str) -> bool:
    """Connections are given up while copies hang; whether that went wrong."""
    environment = environment | {"PYTHONPATH": f"{FOLDER}:{ROOT}"}
    if case in MEETING:
        copies = FOLDER / "copies"
        copies.write_text("race:copy_now\n", encoding="utf-8")
        environment["TSAN_OPTIONS"] += f" suppressions={copies}"
    done = subprocess.run(
        program("tests.support.claims", case, str(gpu.folder)),
        env=os.environ | gpu.env() | environment, cwd=FOLDER, check=False,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    print(f"claims, {case}: exit status {done.returncode}", flush=True)
    return done.returncode != 0


@contextlib.contextmanager
def server(gpu: FakeGpu, environment: dict[str, str], path: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """One that accepts at ``path``, until it was asked to end and has ended."""
    process = subprocess.Popen(
        program("vramswap_gui.server.main", "--threads", "4", *arguments), cwd=FOLDER,
        env=os.environ | gpu.env() | environment,
    )  # fmt: skip
    try:
        wait_for(lambda: process.poll() is not None or accepts(path), "the server")
        yield process
    finally:
        process.terminate()
        process.wait()


def serve(
    gpu: FakeGpu, environment: dict[str, str], socket: Path, load: Callable[[Export, str], None], *more: str
) -> bool:
    """A server under load, as it is or with its pages packed; whether its end is a wrong one."""
    with server(gpu, environment, socket, "--listen", str(socket), "--size", str(SIZE), *more) as process:
        load(Export(socket, SIZE, process.pid, 0.0), " ".join(more))
    return process.returncode != 0


def lend(gpu: FakeGpu, environment: dict[str, str]) -> bool:
    """A pool, extents of which come and go beside writes; whether the server's end is a wrong one."""
    control = FOLDER / "control"
    arguments = ("--control", str(control), "--attach", str(FOLDER), "--compression", "lz4")
    with server(gpu, environment, control, *arguments) as process:
        for _ in range(EXTENTS):
            ask(control, "extend", size=SIZE // 2)
        made = ask(control, "add", size=KEPT)
        export = Export(Path(made["device"]), KEPT, process.pid, 0.0)
        with ThreadPoolExecutor() as pool:
            writing = [pool.submit(over_and_over, export, part) for part in range(CONNECTIONS)]
            gone = 0
            while not all(one.done() for one in writing):
                # It is refused when writers want the room.
                if "error" not in answer(control, "shrink"):
                    gone += 1
                    ask(control, "extend", size=SIZE // 2)
            assert sum(one.result() for one in writing) == 0
            print(f"{gone} extents went and came back", flush=True)
            assert gone
            helped = pool.submit(large_ones, export)
            while not helped.done():
                if "error" not in answer(control, "shrink"):
                    ask(control, "extend", size=SIZE // 2)
            helped.result()
        pages = ask(control, "counters")["helped"]
        print(f"{pages} pages were packed by others than who had received them", flush=True)
        assert pages
        ask(control, "remove", index=0)
    return process.returncode != 0


def everywhere(export: Export, what: str) -> None:
    """Whatever the generator asks for."""
    for block_size in (4 * KIB, 64 * KIB, 512 * KIB):
        for _ in range(ROUNDS):
            ends = [export.connect() for _ in range(CONNECTIONS)]
            done = Generator([end.fileno() for end in ends], SIZE, block_size).run(
                Load(block_size, 8, 50, 60, requests=300)
            )
            for end in ends:
                end.close()
        print(f"{what} {block_size // KIB} KiB: {ROUNDS} × {done.requests} requests over {CONNECTIONS} connections")


def where_little_is_left(export: Export, what: str) -> None:
    """Pages that cannot be packed, over and over: each write needs room that the cleaner makes, and none is refused."""
    with ThreadPoolExecutor() as pool:
        refused = sum(pool.map(over_and_over, [export] * CONNECTIONS, range(CONNECTIONS)))
    assert refused == 0, f"{refused} writes found no room"
    print(f"{what}: {4 * KEPT // MIB} MiB written over {CONNECTIONS} connections", flush=True)


def large_ones(export: Export) -> None:
    """Write after write that those who have nothing to do pack some of, each read back."""
    pages = Pages(1)
    with contextlib.closing(export.connect()) as end:
        client = Client(end)
        for number in range(LARGE):
            data = b"".join(pages.any() for _ in range(512 * KIB // PAGE))
            place = number * len(data) % KEPT
            assert client.offer(place, data)
            assert client.read(place, len(data)) == data


def over_and_over(export: Export, part: int) -> int:
    """How many of one connection's writes found no room. It has pages of its own, and verifies what it reads."""
    draw = random.Random(part)
    pages = KEPT // PAGE // CONNECTIONS
    first, held, refused = part * pages, dict[int, bytes](), 0
    with contextlib.closing(export.connect()) as end:
        client = Client(end)
        for _ in range(4 * pages):
            page = first + draw.randrange(pages)
            data = draw.randbytes(PAGE)
            if client.offer(page * PAGE, data):
                held[page] = data
            else:
                refused += 1
            page = draw.choice(list(held))
            assert client.read(page * PAGE) == held[page]
    return refused


if __name__ == "__main__":
    sys.exit(main())
