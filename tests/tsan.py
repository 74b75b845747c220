# SPDX-License-Identifier: MIT
"""Runs the engine under ThreadSanitizer, with connections that come and go: ``make tsan``.

It builds the data path anew into build/tsan, with gcc's -fsanitize=thread. The exit status is 0 when no race was found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from vramswap_gui.bench.load import Generator

from tests.support.fakegpu import FakeGpu, build
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


def compile_engine(tree: Path) -> None:
    """The package in ``tree``, with a data path that the sanitizer watches."""
    shutil.copytree(ROOT / "vramswap_gui", tree / "vramswap_gui", ignore=shutil.ignore_patterns("*.so", "*.cpp"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "setup.py"):
        shutil.copy(ROOT / name, tree)
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=tree, check=True, env=os.environ | {"VRAMSWAP_SANITIZE": "thread"},
    )  # fmt: skip


def main() -> int:
    """Build, load, and show what was found."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    compile_engine(FOLDER)
    library = subprocess.run(
        ["gcc", "-print-file-name=libtsan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    gpu = FakeGpu(FOLDER / "gpu", build(FOLDER / "libraries"), GIB)
    socket = FOLDER / "export"
    environment = {
        "LD_PRELOAD": library,
        "TSAN_OPTIONS": f"log_path={FOLDER}/race exitcode=0 report_signal_unsafe=0",
        "PYTHONPATH": str(FOLDER),
    }
    statuses = [serve(gpu, environment, socket, *more) for more in ((), ("--compression", "lz4"))]
    races = sorted(FOLDER.glob("race.*"))
    for race in races:
        print(race.read_text(encoding="utf-8"))
    print("races were found" if races else "no race was found")
    return int(bool(races) or any(statuses))


def serve(gpu: FakeGpu, environment: dict[str, str], socket: Path, *more: str) -> int:
    """A server under load, as it is or with its pages packed; its exit status."""
    # The sanitizer wants its addresses where they would be without randomisation.
    server = subprocess.Popen(
        ["setarch", "-R", sys.executable, "-P", "-m", "vramswap_gui.server.main",
         "--listen", str(socket), "--size", str(SIZE), "--threads", "4", *more],
        env=os.environ | gpu.env() | environment, cwd=FOLDER,
    )  # fmt: skip
    try:
        wait_for(lambda: server.poll() is not None or accepts(socket), "the server")
        for block_size in (4 * KIB, 64 * KIB, 512 * KIB):
            for _ in range(ROUNDS):
                ends = [Export(socket, SIZE, server.pid, 0.0).connect() for _ in range(CONNECTIONS)]
                done = Generator([end.fileno() for end in ends], SIZE, block_size).run(
                    Load(block_size, 8, 50, 60, requests=300)
                )
                for end in ends:
                    end.close()
            what = " ".join((*more, f"{block_size // KIB} KiB"))
            print(f"{what}: {ROUNDS} × {done.requests} requests over {CONNECTIONS} connections")
    finally:
        server.terminate()
        server.wait()
    return server.returncode


if __name__ == "__main__":
    sys.exit(main())
