# SPDX-License-Identifier: MIT
"""For every test: what it inherits, how it ends when it hangs, and which skips are expected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

pytest_plugins = ("tests.support.session", "tests.support.hung", "tests.support.skips")

#: The folders of tests in the order in which they run: what takes longest begins first.
_ORDER: Final = ("system", "gpu", "integration", "unit")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, because many tests wait."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(here).parts[0]
        return _ORDER.index(folder) if folder in _ORDER else len(_ORDER)

    items.sort(key=place)
