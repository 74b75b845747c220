# SPDX-License-Identifier: MIT
"""``make fuzz``: libFuzzer on the data path, with clang. ``python -m tests.fuzz SECONDS``; the exit status is its."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

from tests.fuzz import ROOT, build


def seeds(folder: Path) -> None:
    """Inputs that are right, from which libFuzzer makes others."""
    folder.mkdir(parents=True, exist_ok=True)
    for command in (0, 1, 3, 4, 6):
        requests = b"".join(
            struct.pack(">IHHQQI", 0x25609513, 0, command, cookie, cookie * 4096, length)
            for cookie, length in enumerate((4096, 65536, 512, 393216))
        )
        (folder / f"seed-{command}").write_bytes(struct.pack(">I", command) + requests)


def main() -> int:
    compiler = shutil.which("clang++") or next(
        (path for version in range(22, 13, -1) if (path := shutil.which(f"clang++-{version}"))), None
    )
    if compiler is None:
        print("clang++ is missing: `sudo apt install clang` (Debian, Ubuntu).", file=sys.stderr)
        return 1
    out = ROOT / "build/fuzz"
    program = build(out, compiler, "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined")
    seeds(out / "corpus")
    return subprocess.run(
        [program, f"-max_total_time={sys.argv[1]}", "-max_len=4096", "-print_final_stats=1", str(out / "corpus")],
        check=False, cwd=out,
    ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
