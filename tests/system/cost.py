# SPDX-License-Identifier: MIT
"""Weighs the kernel's two drivers on one of Debian's kernels: ``python -m tests.system.cost``, by hand, some minutes.

Instructions that a page costs, everybody's together, and how long one waits whose engine dies. What is counted does not
depend on this machine: the guest's processor takes a nanosecond for each instruction. A real one is some times as fast.

With ``--codecs`` it is what packing costs beside that, of pages as a Python program has them, by NBD.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.system import debian_kernel, qemu, uml

_SUITE: Final = "sid"
_CODECS: Final = ("off", "lz4", "zstd")
_FOUND: Final = {
    "page-out, instructions": r"page-out: (\d+) ",
    "page-in, instructions": r"page-in: (\d+) ",
    "slowest page at a death, ms": r"at a death: ([\d ]+) ms",
    "slowest page at an upgrade, ms": r"at an upgrade: ([\d ]+) ms",
}


def main() -> int:
    """The exit status is 0 when all rounds came to their end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--codecs", action="store_true", help="weigh the ways to pack pages instead")
    options = parser.parse_args()
    kinds = [("nbd", codec) for codec in _CODECS] if options.codecs else [("nbd",), ("ublk",)]
    patterns = {what: pattern for what, pattern in _FOUND.items() if not options.codecs or "page-" in what}
    kernel = debian_kernel.get(_SUITE)
    if kernel is None:
        print(f"There is no kernel to be had from Debian's {_SUITE}.")
        return 1
    found: dict[tuple[str, str], list[int]] = {}
    with tempfile.TemporaryDirectory(prefix="vramswap-cost-") as name:
        uml.build(Path(name))
        # In turns, so that what drifts does so for all.
        for _ in range(options.rounds):
            for kind in kinds:
                result = qemu.run(
                    kernel, "tests.system.cost_scenario", *kind, built=Path(name), counted=True,
                    memory=448 + 64 * len(kind[1:]), vram=80 + 48 * len(kind[1:]),
                )  # fmt: skip
                if result.status:
                    print(result.output[-8000:])
                    return 1
                for what, pattern in patterns.items():
                    match = re.search(pattern, result.output)
                    assert match, result.output
                    print(f"{kind[-1]:5} {what}: {match[1]}", flush=True)
                    found.setdefault((what, kind[-1]), []).extend(map(int, match[1].split()))
    for (what, kind_of), values in sorted(found.items()):
        print(f"{what:30} {kind_of:5} {statistics.median(values):9,.0f}   ({min(values):,} to {max(values):,})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
