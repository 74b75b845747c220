# SPDX-License-Identifier: MIT
"""An engine that lost its keeper is found by the next one whatever it does, and never taken for gone while it lives."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.children import children
from tests.support.fakegpu import FakeGpu
from tests.support.server import SERVER, Server, ask, is_running, refused, running
from tests.support.sockets import accepts
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.units import MIB

SIZE = 16 * MIB


@contextlib.contextmanager
def orphaned(gpu: FakeGpu, folder: Path, busy: bool = False) -> Iterator[int]:
    """An engine with a segment, whose keeper was killed; its process id.

    ``busy``: it hangs over a copy of a worker's, and over a question of its keeper's as well.
    """
    control = folder / "control.sock"
    with running(gpu, control, "--control", str(control), "--attach", str(folder)) as server:
        device = ask(control, "add", size=SIZE)["device"]
        engine = server.engine()
        client = socket.socket(socket.AF_UNIX)
        if busy:
            hang(gpu, control, device, client)
        server.kill()
        try:
            with client:
                yield engine
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(engine, signal.SIGKILL)


def hang(gpu: FakeGpu, control: Path, device: str, client: socket.socket) -> None:
    client.connect(device)
    client.recv(18, socket.MSG_WAITALL)
    client.sendall(struct.pack(">I", 3) + struct.pack(">8sII", b"IHAVEOPT", 1, 0))
    client.recv(10, socket.MSG_WAITALL)
    # It alone.
    gpu["hang"] = 3
    client.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 7, 0, 4096))
    wait_for(lambda: gpu["hanging"] == 4, "the copy to begin")
    # Nobody hears the answer: to give VRAM back, its copies are waited for.
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(control))
        asking.sendall(b'{"id": 1, "verb": "remove", "index": 0}\n')
        wait_for(lambda: asks_in_vain(control), "it to hang over the question")


def asks_in_vain(control: Path) -> bool:
    return not any(segment["index"] == 0 for segment in ask(control, "status")["segments"])


def taken_over(gpu: FakeGpu, folder: Path) -> subprocess.Popen[str]:
    control = folder / "control.sock"
    return subprocess.Popen(
        [str(SERVER), "--control", str(control), "--attach", str(folder)], env=os.environ | gpu.env(), text=True,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_who_hangs_over_a_question_is_taken_over(gpu: FakeGpu, tmp_path: Path) -> None:
    with orphaned(gpu, tmp_path, busy=True) as engine, ended(taken_over(gpu, tmp_path)):
        wait_for(lambda: not Path(f"/proc/{engine}").exists(), "the next engine to take over")
        wait_for(lambda: is_running(tmp_path / "control.sock"), "an engine")


def test_who_does_not_move_is_waited_for(gpu: FakeGpu, tmp_path: Path) -> None:
    with orphaned(gpu, tmp_path) as engine:
        os.kill(engine, signal.SIGSTOP)
        with ended(taken_over(gpu, tmp_path)) as keeper:
            assert ipc.engines(tmp_path) == [engine]
            end_strays = [str(SERVER), "--end-strays", str(tmp_path / "control.sock")]
            done = subprocess.run(end_strays, capture_output=True, text=True, check=True, timeout=PATIENCE)
            assert (done.stdout, f"engine {engine} serves on" in done.stderr) == ("", True)
            with pytest.raises(VramswapError) as silent:
                ipc.orphans(tmp_path, 0.5)
            assert (silent.value.problem, silent.value.arguments["pid"]) == (Problem.ENGINE_SILENT, engine)
            assert keeper.poll() is None
            os.kill(engine, signal.SIGCONT)
            wait_for(lambda: not Path(f"/proc/{engine}").exists(), "the next engine to take over")
            assert [s["size"] for s in ask(tmp_path / "control.sock", "status")["segments"]] == [SIZE]


def test_an_engine_that_is_gone_is_nobody(gpu: FakeGpu, tmp_path: Path) -> None:
    with orphaned(gpu, tmp_path) as engine:
        os.kill(engine, signal.SIGKILL)
        assert ipc.orphans(tmp_path) == []
        assert ipc.engines(tmp_path) == []
        assert not list(tmp_path.glob("engine-*"))


def test_an_engine_that_has_a_keeper_introduces_itself_to_nobody(gpu: FakeGpu, tmp_path: Path) -> None:
    control = tmp_path / "control.sock"
    with running(gpu, control, "--control", str(control), "--attach", str(tmp_path)) as server:
        assert ipc.engines(tmp_path) == [server.engine()]
        with pytest.raises(VramswapError):
            ipc.orphans(tmp_path, 1.0)
        assert "Another server" in refused(gpu, "--control", str(control), "--attach", str(tmp_path))
        assert serves(server, control)


def serves(server: Server, control: Path) -> bool:
    return server.process.poll() is None and is_running(control)


def test_who_only_begins_has_all_there_is(gpu: FakeGpu, tmp_path: Path) -> None:
    """The engine before and its keeper die while the next one hangs over its GPU, and has been asked for nothing."""
    control, data = tmp_path / "control.sock", os.urandom(SIZE)
    with running(gpu, control, "--control", str(control), "--attach", str(tmp_path)) as server:
        address = f"nbd+unix:///?socket={ask(control, 'add', size=SIZE)['device']}"
        subprocess.run(["nbdcopy", "-", address], input=data, check=True)
        gpu["hang"] = 1
        served = server.engine()
        os.kill(served, signal.SIGKILL)
        begun = wait_for(lambda: next((pid for pid in ipc.engines(tmp_path) if pid != served), 0), "the next engine")
        server.kill()
        try:
            with ended(taken_over(gpu, tmp_path)):
                wait_for(lambda: accepts(control), "a keeper that has what that engine has")
                gpu["hang"] = 0
                assert subprocess.run(["nbdcopy", address, "-"], capture_output=True, check=True).stdout == data
                wait_for(lambda: not Path(f"/proc/{begun}").exists(), "the end of an engine that is not needed")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(begun, signal.SIGKILL)


def test_who_has_nothing_goes_with_its_keeper(gpu: FakeGpu, tmp_path: Path) -> None:
    """Though it hangs: others wait for its end before they tell that pages are lost."""
    gpu["hang"] = 1
    with ended(taken_over(gpu, tmp_path)) as keeper:
        engine = wait_for(lambda: next(iter(children(keeper.pid)), 0), "an engine")
        wait_for(lambda: gpu["hanging"], "it to hang")
        # Nor does it count as somebody who has pages.
        assert ipc.engines(tmp_path) == []
        keeper.kill()
        wait_for(lambda: not Path(f"/proc/{engine}").exists(), "its end")


def test_who_comes_after_others_knows_when_they_have_ended(gpu: FakeGpu, tmp_path: Path) -> None:
    """Only then could it serve by itself."""
    with orphaned(gpu, tmp_path) as before:
        gpu["hang"] = 1
        with ended(taken_over(gpu, tmp_path)):
            after = wait_for(
                lambda: next((pid for pid in ipc.engines(tmp_path) if pid != before), 0), "the next engine"
            )
            watched = [path.read_text() for path in Path(f"/proc/{after}/fdinfo").iterdir()]
            assert [line for text in watched for line in text.splitlines() if line.startswith("Pid:")] == [
                f"Pid:\t{before}"
            ]
