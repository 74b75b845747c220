# SPDX-License-Identifier: MIT
"""Fixtures of the integration tests: the simulated GPU and servers on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.demo.plan import Plan
from tests.demo.stack import Stack
from tests.support.fakegpu import FakeGpu, build
from tests.support.once import once
from tests.support.server import EXPORT_SIZE, Server, running
from tests.support.tray_driver import display, display_server
from tests.support.widgets import application, qt
from vramswap_gui.units import GIB

#: Fixtures that are made elsewhere.
__all__ = ["application", "display", "display_server", "qt"]


@pytest.fixture(scope="session")
def gpu_libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the simulated libcuda.so.1 and libnvidia-ml.so.1."""
    return once(tmp_path_factory, "fakegpu-libraries", build)


@pytest.fixture
def gpu(tmp_path: Path, gpu_libraries: Path) -> FakeGpu:
    """A simulated GPU of 1 GiB."""
    return FakeGpu(tmp_path / "gpu", gpu_libraries, vram=GIB)


@pytest.fixture
def export(tmp_path: Path, gpu: FakeGpu) -> Iterator[Server]:
    """A server with one export of 64 MiB on a Unix socket."""
    path = tmp_path / "export"
    with running(gpu, path, "--listen", str(path), "--size", str(EXPORT_SIZE), "--threads", "2") as server:
        yield server


SIMULATED = Plan(gpu="a test", kernel="a test", polkit="", display="")


@pytest.fixture
def make_stack(gpu_libraries: Path) -> Iterator[Callable[..., Stack]]:
    """Starts bus, polkitd and helper on the simulated GPU and kernel; everything ends with the test."""
    if os.geteuid() != 0:
        pytest.skip("needs root, who alone may start polkitd")
    stacks: list[Stack] = []

    def make(rules: str = "", *, start: bool = True) -> Stack:
        stack = Stack(SIMULATED, rules, gpu_libraries)
        stacks.append(stack)
        if start:
            stack.start()
        return stack

    yield make
    for stack in stacks:
        # A test that failed in the middle may have left something held, and then the end would not come.
        if hasattr(stack, "fake"):
            stack.fake.let_go()
        trouble = stack.stop()
        stack.remove()
        assert trouble == []


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """The usual stack, started."""
    return make_stack()
