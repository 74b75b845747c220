"""Kills the engine under load for as long as it takes: ``make soak KILLS=1000``, two seconds or so for each.

A guest's kernel, its NBD driver and its swap are real; every page is verified.
"""

from __future__ import annotations

import re
import sys
import time

from tests.system import uml

_PER_KILL = 20.0
_START = 300.0


def main() -> int:
    """The exit status is 0 when no page was wrong."""
    kills = int(sys.argv[1])
    began = time.monotonic()
    result = uml.run("tests.system.nbd_scenario", str(kills), limit=_START + _PER_KILL * kills)
    pauses = [float(seconds) for seconds in re.findall(r"killed, back after ([0-9.]+) s", result.output)]
    wrong = [int(pages) for pages in re.findall(r"pages wrong: (\d+)", result.output)]
    print(result.output[-2000:])
    seconds = time.monotonic() - began
    print(f"{len(pauses)} engines killed in {seconds:.0f} s, {len(wrong)} fills, {sum(wrong)} pages wrong")
    if pauses:
        print(
            f"the next engine was there after {sorted(pauses)[len(pauses) // 2]} s (median), {max(pauses)} s (longest)"
        )
    return int(result.status != 0 or len(pauses) != kills or any(wrong))


if __name__ == "__main__":
    sys.exit(main())
