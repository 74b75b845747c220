# SPDX-License-Identifier: MIT
"""The data path takes any bytes in any order of events; for longer, and guided by what was reached: ``make fuzz``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import build
from tests.support.fakegpu import FakeGpu

INPUTS = 500
#: Seconds for packed pages; one case is done in any case.
PACKED = 3


def test_any_requests_in_any_order_of_events(tmp_path: Path) -> None:
    program = build(tmp_path, "g++", "-DSTANDALONE", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")
    seed = int(time.time())
    done = subprocess.run(
        [program, str(INPUTS), str(seed)], capture_output=True, text=True, check=False,
        env=os.environ | {"ASAN_OPTIONS": "detect_leaks=1"},
    )  # fmt: skip
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-3000:]}"
    assert done.stdout == f"{INPUTS} inputs\n"


def test_anything_in_any_order_to_packed_pages(gpu: FakeGpu) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.packed", str(PACKED), str(int(time.time()) * 1000)], capture_output=True,
        text=True, check=False, env=os.environ | gpu.env(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert " cases of packed pages" in done.stdout
