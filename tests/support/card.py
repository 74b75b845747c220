# SPDX-License-Identifier: MIT
"""A real card, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.support.children import children
from vramswap_gui.bench.export import Export
from vramswap_gui.system import gpu, nvml

#: The marks of a test that needs it.
NEEDED: Final = [
    pytest.mark.gpu,
    pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="needs a real NVIDIA GPU"),
]


def used() -> int:
    """Bytes of VRAM in use on the first card, as NVML tells it."""
    reading = nvml.read(gpu.list_pci()[0], held=True)
    assert reading is not None and reading.used is not None
    return reading.used


def engine(server: Export) -> int:
    """The engine's process id, or 0."""
    return next(iter(children(server.pid)), 0)
