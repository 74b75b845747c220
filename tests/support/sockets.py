# SPDX-License-Identifier: MIT
"""Unix sockets of programs that start."""

from __future__ import annotations

import socket
from pathlib import Path


def accepts(path: Path) -> bool:
    """Whether somebody listens. A socket is there before that: between bind(2) and listen(2)."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
