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
_CORES: Final = len(os.sched_getaffinity(0))


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores, because many tests wait."""
    return _CORES + 2


def _limit(item: pytest.Item) -> float:
    """Seconds that a test may take, where it says so itself because it takes long; 0 for all others."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


def _chain(item: pytest.Item) -> str:
    """What is the same for tests that need the same thing, which takes long to make. A guest is for one test alone."""
    return item.nodeid if item.get_closest_marker("system") else str(item.path)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Once it is known which tests are to run."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return _ORDER.index(folder) if folder in _ORDER else len(_ORDER)

    longest_first = sorted((item for item in items if _limit(item)), key=_limit, reverse=True)
    chains: dict[str, list[pytest.Item]] = {}
    for item in longest_first:
        chains.setdefault(_chain(item), []).append(item)
    others = sorted((item for item in items if not _limit(item)), key=place)
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = spread(list(chains.values()), others, processes, _CORES)
