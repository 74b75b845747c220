# SPDX-License-Identifier: MIT
"""A server of its own for a measurement, and connections to it: live swap is never touched."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import socket
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.system import run

#: As much as the system allows; more lets a large transfer go on while the other side is busy.
_SOCKET_BUFFER: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Export:
    """A running server: its socket, its size in bytes, its process, and the seconds from its start until it served."""

    path: Path
    size: int
    pid: int
    ready_after: float

    def connect(self) -> socket.socket:
        """A connection past the handshake (the NBD protocol's doc/proto.md, NBD_OPT_GO). Raises VramswapError."""
        end = socket.socket(socket.AF_UNIX)
        try:
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, _SOCKET_BUFFER)
            end.connect(str(self.path))
            _handshake(end)
        except (OSError, ValueError) as error:
            end.close()
            raise VramswapError(Problem.BENCH_FAILED, why=str(error)) from None
        return end

    def memory(self) -> int:
        """Bytes of memory that keeper and engine hold together (proportional set size, proc_pid_smaps_rollup(5))."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        total = 0
        for pid in (str(self.pid), *children):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
        return total


@contextlib.asynccontextmanager
async def export(size: int, gpu: str, threads: int) -> AsyncIterator[Export]:
    """Serve ``size`` bytes of VRAM for as long as the context lasts. Raises VramswapError with the server's reason."""
    # With nothing around it: the server takes its socket away, also after us.
    path = Path(tempfile.gettempdir()) / f"vramswap-bench-{secrets.token_hex(6)}"
    heard, told = os.pipe()
    # Its other end is nobody's but ours, so that the server goes with this process, however that ends.
    lasts, held = os.pipe()
    command = [sys.executable, "-P", "-m", "vramswap_gui.server.main", "--listen", str(path), "--size", str(size),
               "--threads", str(threads), "--report", str(told), "--as-long-as", str(lasts)]  # fmt: skip
    if gpu:
        command += ["--gpu", gpu]
    begun = time.monotonic()
    with os.fdopen(heard) as report, os.fdopen(held, "wb") as life:
        try:
            pid = run.start_detached(command, Path(os.devnull), [told, lasts])
        finally:
            os.close(told)
            os.close(lasts)
        try:
            outcome = json.loads(await asyncio.to_thread(report.readline) or "null")
            if outcome is None or "error" in outcome:
                raise VramswapError.from_dict((outcome or {}).get("error", {"message": "The server ended at once."}))
            yield Export(path, size, pid, time.monotonic() - begun)
        finally:
            life.close()
            await asyncio.to_thread(os.waitpid, pid, 0)
            path.unlink(missing_ok=True)


def _handshake(end: socket.socket) -> None:
    greeting = _take(end, 18)
    if greeting[:16] != b"NBDMAGICIHAVEOPT":
        raise ValueError("it is no NBD server")
    end.sendall(struct.pack(">I", 3) + b"IHAVEOPT" + struct.pack(">IIIH", 7, 6, 0, 0))
    while True:
        _, _, kind, length = struct.unpack(">QIII", _take(end, 20))
        _take(end, length)
        if kind == 1:
            return
        if kind >> 31:
            raise ValueError("it refused the export")


def _take(end: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = end.recv(count - len(data))
        if not part:
            raise ValueError("it closed the connection")
        data += part
    return data
