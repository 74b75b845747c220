# SPDX-License-Identifier: MIT
"""The fixture of the tests on a real kernel."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from tests.support.once import once
from tests.system import uml


@pytest.fixture(scope="session")
def boot(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., uml.Result]:
    """Runs a scenario in a guest, as :func:`uml.run`; what all guests need is compiled once."""
    return functools.partial(uml.run, built=once(tmp_path_factory, "guest", uml.build))
