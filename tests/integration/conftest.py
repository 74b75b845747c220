"""Fixtures of the integration tests: the simulated GPU and servers on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakegpu import FakeGpu, build
from tests.server import Server, running
from vramswap_gui.units import GIB, MIB

EXPORT_SIZE = 64 * MIB


@pytest.fixture(scope="session")
def gpu_libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the simulated libcuda.so.1 and libnvidia-ml.so.1."""
    return build(tmp_path_factory.mktemp("fakegpu-libraries"))


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
