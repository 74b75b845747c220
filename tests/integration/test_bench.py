# SPDX-License-Identifier: MIT
"""What is left of a measurement whose program was killed: no server of its own, with its VRAM, and no file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fakegpu import FakeGpu
from tests.support.server import SERVER
from tests.support.sockets import accepts
from tests.support.waiting import wait_for
from vramswap_gui.system import process, smallfile
from vramswap_gui.units import MIB

CTL = Path(sys.executable).with_name("vramswapctl")
SIZE = 64 * MIB


def served(folder: Path) -> list[Path]:
    """Whoever is or was a server on a socket below ``folder``: keeper, engine, and who compiles its copy kernel."""
    found = process.folders()
    return [one for one in found if str(folder) in smallfile.text(one / "cmdline") and process.look(one)]


def names(folder: Path) -> set[str]:
    return {smallfile.text(one / "comm") for one in served(folder)}


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command has its files; nobody else has its name, short enough for a socket, in a command line."""
    return tmp_path_factory.mktemp("bench")


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(served, id="it was just started"),
        pytest.param(lambda folder: "vramswap-keeper" in names(folder), id="it has no engine"),
        pytest.param(lambda folder: "vramswap-engine" in names(folder), id="its engine starts"),
        pytest.param(lambda folder: any(map(accepts, folder.iterdir())), id="it serves"),
    ],
)
def test_a_server_goes_with_the_measurement_that_started_it(
    moment: Callable[[Path], object], gpu: FakeGpu, folder: Path
) -> None:
    command = [str(CTL), "bench", "--size", str(SIZE), "--seconds", "60"]
    environment = os.environ | gpu.env() | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as measuring:
        try:
            wait_for(lambda: moment(folder) or measuring.poll() is not None, "its server")
            assert measuring.poll() is None, measuring.communicate()
        finally:
            measuring.kill()
    try:
        wait_for(lambda: not served(folder), "the end of its server")
        assert not list(folder.iterdir())
    finally:
        for left in served(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(left.name), signal.SIGKILL)


def test_a_server_that_somebody_started_by_hand_stays(gpu: FakeGpu, folder: Path) -> None:
    """Also when whoever started it is killed."""
    path = folder / "socket"
    code = "import subprocess, sys; subprocess.run(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)"
    command = [str(SERVER), "--listen", str(path), "--size", str(SIZE)]
    with subprocess.Popen([sys.executable, "-c", code, *command], env=os.environ | gpu.env()) as starting:
        wait_for(lambda: accepts(path) or starting.poll() is not None, "the server")
        starting.kill()
    keeper = next(int(one.name) for one in served(folder) if smallfile.text(one / "comm") == "vramswap-keeper")
    time.sleep(1)
    assert accepts(path)
    os.kill(keeper, signal.SIGTERM)
    wait_for(lambda: not served(folder), "its end")
