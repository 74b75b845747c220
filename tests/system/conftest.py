# SPDX-License-Identifier: MIT
"""The fixtures of the tests on a real kernel."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.once import once
from tests.system import uml, uml_kernel


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all guests need, compiled once."""
    return once(tmp_path_factory, "guest", uml.build)


@pytest.fixture(scope="session", params=["newest", pytest.param("installed", marks=pytest.mark.release)])
def boot(request: pytest.FixtureRequest, built: Path) -> Callable[..., uml.Result]:
    """Runs a scenario in a guest, as :func:`uml.run`: with a new kernel, and before a release with an old one too."""
    kernel = {"newest": uml_kernel.newest, "installed": uml_kernel.installed}[request.param]()
    return functools.partial(uml.run, built=built, kernel=kernel)
