# SPDX-License-Identifier: MIT
"""``make fuzz``: packed pages under AddressSanitizer, then libFuzzer on what clients send, with clang: half of the time
each. ``python -m tests.fuzz SECONDS``; the exit status is 0 when nothing was wrong."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import ROOT, build
from tests.support.fakegpu import FakeGpu
from tests.support.fakegpu import build as build_gpu
from tests.tsan import compile_engine, runtime
from vramswap_gui.units import GIB


def seeds(folder: Path) -> None:
    """Inputs that are right, from which libFuzzer makes others."""
    folder.mkdir(parents=True, exist_ok=True)
    for command in (0, 1, 3, 4, 6):
        requests = b"".join(
            struct.pack(">IHHQQI", 0x25609513, 0, command, cookie, cookie * 4096, length)
            for cookie, length in enumerate((4096, 65536, 512, 393216))
        )
        (folder / f"seed-{command}").write_bytes(struct.pack(">I", command) + requests)


def packed(out: Path, seconds: float) -> bool:
    """Cases of packed pages (packed.py), from seeds that no run before had; whether nothing was wrong."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    compile_engine(out, "address")
    gpu = FakeGpu(out / "gpu", build_gpu(out / "libraries"), GIB)
    environment = {
        "LD_PRELOAD": runtime("asan"), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONPATH": f"{out}:{ROOT}",
    }  # fmt: skip
    return not subprocess.run(
        [sys.executable, "-P", "-m", "tests.fuzz.packed", str(seconds), str(int(time.time()) * 1000)], cwd=out,
        env=os.environ | gpu.env() | environment, check=False,
    ).returncode  # fmt: skip


def main() -> int:
    seconds = float(sys.argv[1]) / 2
    out = ROOT / "build/fuzz"
    if not packed(out / "packed", seconds):
        return 1
    compiler = shutil.which("clang++") or next(
        (path for version in range(22, 13, -1) if (path := shutil.which(f"clang++-{version}"))), None
    )
    if compiler is None:
        print("clang++ is missing: `sudo apt install clang` (Debian, Ubuntu).", file=sys.stderr)
        return 1
    program = build(out, compiler, "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined")
    seeds(out / "corpus")
    return subprocess.run(
        [program, f"-max_total_time={seconds:.0f}", "-max_len=4096", "-print_final_stats=1", str(out / "corpus")],
        check=False, cwd=out,
    ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
