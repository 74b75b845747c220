# SPDX-License-Identifier: MIT
"""For every test: what it inherits, how it ends when it hangs, and which skips are expected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.support.order import spread

pytest_plugins = ("tests.support.session", "tests.support.hung", "tests.support.skips")

# A machine that is busy is no fault.
settings.register_profile("vramswap", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vramswap")

#: The folders of tests in the order in which they run.
_ORDER: Final = ("gpu", "integration", "unit")
#: What takes a minute or more: kernels, in the order of how long, and linters.
_LONG: Final = (
    "test_ublk.py",
    "test_pressure.py",
    "test_kernel_nbd.py",
    "test_handover.py",
    "test_udev.py",
    "test_linters.py",
)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, because many tests wait."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return _ORDER.index(folder) if folder in _ORDER else len(_ORDER)

    long = sorted((item for item in items if item.path.name in _LONG), key=lambda item: _LONG.index(item.path.name))
    others = sorted((item for item in items if item.path.name not in _LONG), key=place)
    items[:] = spread(long, others, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
