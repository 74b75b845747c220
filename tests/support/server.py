# SPDX-License-Identifier: MIT
"""Runs the real ``vramswap-server`` on the simulated GPU, for tests."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.children import children
from tests.support.fakegpu import FakeGpu
from tests.support.sockets import accepts
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.units import MIB

#: What the fixture ``export`` serves.
EXPORT_SIZE: Final = 64 * MIB
SERVER: Final = Path(sys.executable).with_name("vramswap-server")


def answer(control: Path, verb: str, **arguments: int) -> dict[str, Any]:
    """A server's answer to one request on its control socket."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(control))
        asking.sendall(json.dumps({"id": 1, "verb": verb, **arguments}).encode() + b"\n")
        return dict(json.loads(asking.makefile().readline()))


def ask(control: Path, verb: str, **arguments: int) -> Any:
    """Its result."""
    return answer(control, verb, **arguments)["result"]


def engine_state(control: Path) -> str:
    """How it is with the engine; empty while nobody says so, as between two keepers, when not even the socket is
    there."""
    with contextlib.suppress(OSError, ValueError):
        return str(ask(control, "status")["engine"])
    return ""


def is_running(control: Path) -> bool:
    """Whether an engine serves, and a keeper says so."""
    return engine_state(control) == "running"


class Server:
    """A running server; ``process`` is its keeper."""

    def __init__(self, process: subprocess.Popen[str], gpu: FakeGpu, socket_path: Path) -> None:
        self.process = process
        self.gpu = gpu
        self.socket = socket_path
        self.killed = False

    @property
    def uri(self) -> str:
        """What NBD clients call it."""
        return f"nbd+unix:///?socket={self.socket}"

    def engine(self) -> int:
        """The engine's process id, or 0 while there is none."""
        return next(iter(children(self.process.pid)), 0)

    def kill_engine(self) -> None:
        """Kill the engine with -9 and wait for the next one to serve."""
        old = self.engine()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: self.engine() not in (0, old), "a new engine")

    def kill(self) -> None:
        """Kill the keeper with -9; its engine lives on while it has a reason."""
        self.killed = True
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(
    gpu: FakeGpu, path: Path, *arguments: str, around: Callable[[list[str]], list[str]] = list
) -> Iterator[Server]:
    """The server with ``arguments``, ready when ``path`` accepts; ended by SIGTERM, which must succeed.

    ``around``: puts what becomes the server before its command.
    """
    process = subprocess.Popen(
        around([str(SERVER), *arguments]), env=os.environ | gpu.env(), stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: process.poll() is not None or accepts(path), "the server")
        assert process.poll() is None, process.communicate()[1]
        server = Server(process, gpu, path)
        yield server
        if server.killed:
            return
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (0, "")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def refused(gpu: FakeGpu, *arguments: str, env: dict[str, str] | None = None) -> str:
    """The one line with which the server refuses ``arguments``; it must exit with status 1."""
    done = subprocess.run(
        [SERVER, *arguments], env=os.environ | gpu.env() | (env or {}), capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 1, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line
