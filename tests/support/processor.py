# SPDX-License-Identifier: MIT
"""What the kernel says that this machine's processor can (proc_cpuinfo(5))."""

from __future__ import annotations

import platform
from pathlib import Path


def best_way() -> str:
    """How sums of pages are to be made here: one of engine.SUM_WAYS."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    if platform.machine() != "x86_64" or "sse4_2" not in flags:
        return "tables"
    return "folding" if {"avx", "avx2", "pclmulqdq", "vpclmulqdq"} <= set(flags) else "instruction"
