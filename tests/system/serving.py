# SPDX-License-Identifier: MIT
"""The server in the guest of a scenario."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.support.waiting import wait_for

SERVER: Final = Path(sys.executable).with_name("vramswap-server")
CONTROL: Final = Path("/run/x/control.sock")


def engines() -> list[int]:
    """Every engine there is, one that is only beginning too."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "comm").read_text().strip() == "vramswap-engine":
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def command(*options: str, program: Sequence[str] = (str(SERVER),)) -> list[str]:
    """What starts one."""
    return [*program, "--control", str(CONTROL), "--attach", "kernel", "--threads", "2", *options]


def keeper_dies_between_two_engines(engine: int, transport: str) -> int:
    """A keeper takes over from the last one's engine, and dies when it has ended that, and nobody serves yet; unless it
    is quicker. The engine that it leaves."""
    pidfd = os.pidfd_open(engine)
    doomed = subprocess.Popen(command("--transport", transport))
    select.select([pidfd], [], [])
    doomed.kill()
    doomed.wait()
    os.close(pidfd)
    # Its init may not have come to see the end of the one before.
    (left,) = set(engines()) - {engine}
    return left


class Server:
    """The server's process and its control socket."""

    def __init__(self, *options: str, program: Sequence[str] = (str(SERVER),)) -> None:
        CONTROL.parent.mkdir(mode=0o700, exist_ok=True)
        self.process = subprocess.Popen(command(*options, program=program))
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        wait_for(
            lambda: self.process.poll() is not None or self._socket.connect_ex(str(CONTROL)) == 0, "the control socket"
        )
        assert self.process.poll() is None, "the server did not start"
        self._lines = self._socket.makefile("rb")

    def upgrade(self) -> None:
        """Have it become the program that is installed, in the same process."""
        self._socket.sendall(json.dumps({"id": 7, "verb": "upgrade"}).encode() + b"\n")
        assert self._lines.readline() == b"", "it did not become another program"
        wait_for(self._is_reached, "the program that it became")

    def _is_reached(self) -> bool:
        """Whether it answers on a new connection. One may still reach the program before, and end with it."""
        self._connect()
        try:
            return bool(self.ask("status"))
        except (OSError, ValueError):
            return False

    def ask(self, verb: str, **arguments: object) -> dict[str, Any]:
        """One request's result or its error, as the server words it."""
        self._socket.sendall(json.dumps({"id": 7, "verb": verb, **arguments}).encode() + b"\n")
        answer = json.loads(self._lines.readline())
        assert answer.pop("id") == 7
        found: dict[str, Any] = answer.get("result", answer)
        return found

    def engine(self) -> int:
        """The engine's process id once it serves."""
        status: dict[str, Any] = {}

        def serves() -> bool:
            status.update(self.ask("status"))
            return bool(status["engine"] == "running" and status["engine_pid"])

        wait_for(serves, "an engine")
        return int(status["engine_pid"])
