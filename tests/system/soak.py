# SPDX-License-Identifier: MIT
"""Kills engine, keeper and helper beside verbs and under load: ``make soak KILLS=1000``, some seconds for each.

A guest's kernel, its driver and its swap are real; every page is verified. That is User-Mode Linux with NBD, and with
``TRANSPORT=ublk`` one of Debian's kernels in an emulated machine; with ``ARGS=--emulated`` it is for NBD too.
``COMPRESSION=lz4`` (or ``zstd``) has pages packed. ``ARGS="--beside 16"`` divides the deaths among so many guests, of
which as many run at a time as there are cores.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.system import debian_kernel, qemu, uml

_PER_KILL = 180.0
_START = 600.0
_SUITE = "sid"
#: MiB: as much as may be lent, which is the guest's, and what a small machine has beside.
MEMORY: Final = 512
VRAM: Final = 256
#: And so much more where pages are packed.
MORE: Final = 32


def _run(emulated: bool, packs: bool, *arguments: str, limit: float) -> uml.Result:
    """Run the scenario in a guest of one kind or the other."""
    scenario, vram = "tests.system.soak_scenario", VRAM + (MORE if packs else 0)
    if not emulated:
        return uml.run(scenario, *arguments, memory=MEMORY + (64 + MORE if packs else 0), vram=vram, limit=limit)
    kernel = debian_kernel.get(_SUITE)
    if kernel is None:
        return uml.Result(None, f"There is no kernel to be had from Debian's {_SUITE}.\n")
    with tempfile.TemporaryDirectory(prefix="vramswap-soak-") as built:
        uml.build(Path(built))
        return qemu.run(
            kernel, scenario, *arguments, built=Path(built), memory=MEMORY + (128 + MORE if packs else 64),
            vram=vram, limit=limit,
        )  # fmt: skip


def main() -> int:
    """The exit status is 0 when no page was wrong and everything was well after each death."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--transport", choices=("nbd", "ublk"), default="nbd")
    parser.add_argument("--compression", choices=("off", "lz4", "zstd"), default="off")
    parser.add_argument("--emulated", action="store_true")
    parser.add_argument("--beside", type=int, default=1, help="guests")
    parser.add_argument("--verbose", action="store_true", help="show what the guest says, also when all is well")
    options = parser.parse_args()
    began = time.monotonic()
    emulated, packs = options.emulated or options.transport == "ublk", options.compression != "off"

    def guest(number: int) -> uml.Result:
        kills = options.kills // options.beside + (number < options.kills % options.beside)
        arguments = (str(kills), str(options.seed + number), options.transport, options.compression)
        result = _run(emulated, packs, *arguments, limit=_START + _PER_KILL * kills)
        if options.verbose or result.status != 0:
            print(result.output, flush=True)
        return result

    with ThreadPoolExecutor(options.beside) as guests:
        results = list(guests.map(guest, range(options.beside)))
    output = "\n".join(result.output for result in results)
    found = re.findall(
        r"death \d+: ([a-z ]+?)(?: beside (\w+).*?)?, \d+ of \d+ MiB swapped; on again after ([0-9.]+) s", output
    )
    fills = [int(pages) for pages in re.findall(r"pages wrong: (\d+)", output)]
    print(f"{len(found)} deaths in {time.monotonic() - began:.0f} s, {len(fills)} fills, {sum(fills)} pages wrong")
    for (victim, verb), count in sorted(Counter((victim, verb) for victim, verb, _ in found).items()):
        times = sorted(float(seconds) for who, beside, seconds in found if (who, beside) == (victim, verb))
        what = f"{victim} {f'beside {verb}' if verb else ''}"
        print(f"{count:5} × {what:25} on again after {times[len(times) // 2]} s (median), {times[-1]} s (longest)")
    failed = sum(result.status != 0 for result in results)
    if options.beside > 1:
        print(f"{failed} of {options.beside} guests did not come to their end")
    return int(failed > 0 or len(found) != options.kills or any(fills))


if __name__ == "__main__":
    sys.exit(main())
