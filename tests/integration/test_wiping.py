# SPDX-License-Identifier: MIT
"""VRAM is zeroed before anybody can read it, and before it is given back, whoever ends it and how.

The simulated card's allocations are files, so what was given back can be looked at, as the next program would.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from vramswap_gui.bench.load import Generator

from tests.support.fakegpu import FakeGpu
from tests.support.server import Server, ask, is_running, running
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.bench.results import Load
from vramswap_gui.units import MIB

SIZE = 16 * MIB
BLOCK = 64 << 10


def write(device: Path) -> None:
    """All of it, and nothing is zero."""
    end = Export(device, SIZE, 0, 0.0).connect()
    Generator([end.fileno()], SIZE, BLOCK).run(Load(BLOCK, 4, 100, 60, requests=4 * SIZE // BLOCK))
    end.close()


def is_zero(file: IO[bytes]) -> bool:
    file.seek(0)
    return not any(file.read().strip(b"\0"))


@contextlib.contextmanager
def serving(gpu: FakeGpu, folder: Path) -> Iterator[tuple[Server, Path, IO[bytes]]]:
    """A server with a segment that was written, the segment's socket, and its VRAM."""
    control = folder / "control.sock"
    gpu["dirty"] = 1
    with running(gpu, control, "--control", str(control), "--attach", str(folder)) as server:
        device = Path(ask(control, "add", size=SIZE)["device"])
        (path,) = gpu.folder.glob(f"vram-*-{SIZE}-*")
        with path.open("rb") as vram:
            assert is_zero(vram), "what somebody left there can be read"
            write(device)
            assert not is_zero(vram), "the test cannot see what is written"
            yield server, control, vram


def remove(server: Server, control: Path) -> None:
    ask(control, "remove", index=0)


def remove_after_a_death(server: Server, control: Path) -> None:
    server.kill_engine()
    wait_for(lambda: is_running(control), "an engine")
    ask(control, "remove", index=0)


def remove_without_an_engine(server: Server, control: Path) -> None:
    """The next one wipes it."""
    server.gpu["no_device"] = 1
    os.kill(server.engine(), signal.SIGKILL)
    wait_for(lambda: not is_running(control), "its end to be noticed")
    ask(control, "remove", index=0)
    server.gpu["no_device"] = 0
    wait_for(lambda: is_running(control), "an engine")
    wait_for(lambda: not ask(control, "status")["segments"], "the segment to be wiped")


def end(server: Server, control: Path) -> None:
    ask(control, "remove", index=0)
    server.process.terminate()


@pytest.mark.parametrize("give_back", [remove, remove_after_a_death, remove_without_an_engine, end])
def test_what_is_given_back_is_zero(gpu: FakeGpu, tmp_path: Path, give_back: Callable[[Server, Path], None]) -> None:
    with serving(gpu, tmp_path) as (server, control, vram):
        give_back(server, control)
        wait_for(lambda: is_zero(vram), "the VRAM to be wiped")


def test_an_engine_without_a_keeper_wipes_at_its_end(gpu: FakeGpu, tmp_path: Path) -> None:
    """It ends when nobody is connected any more."""
    wiped = []
    with contextlib.suppress(AssertionError), serving(gpu, tmp_path) as (server, _, vram):
        engine = server.engine()
        server.process.kill()
        wait_for(lambda: not Path(f"/proc/{engine}").exists(), "the end of the engine")
        wiped.append(is_zero(vram))
    assert wiped == [True]
