# SPDX-License-Identifier: MIT
"""Programs of their own, because the simulated GPU is loaded by their environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from tests.support.fakegpu import FakeGpu
from tests.support.waiting import PATIENCE


def said(gpu: FakeGpu, *arguments: object, env: Mapping[str, str] | None = None) -> str:
    """What a Python program says that has this GPU. It has to end well, and to complain of nothing."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], env=os.environ | gpu.env() | dict(env or {}), capture_output=True,
        text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout
