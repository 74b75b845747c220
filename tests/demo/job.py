# SPDX-License-Identifier: MIT
"""The job of the tray's user, done through the command line: status, on, write and verify, resize, off."""

from __future__ import annotations

import hashlib
import json
import random
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.demo.stack import BIN, FIRST_SIZE, DemoError, Stack
from tests.support.sockets import accepts
from vramswap_gui.units import MIB, format_size

_CHUNK: Final = MIB


def do(stack: Stack) -> None:
    """All steps, each printed. Raises DemoError at the first that fails."""
    ctl(stack, "status")
    ctl(stack, "on")
    if stack.plan.kernel:
        for segment in status(stack)["segments"]:
            verify(stack, Path(segment["device"]), int(segment["size"]))
    else:
        # What is swap now belongs to the kernel, so the same server writes and reads VRAM of its own beside it.
        beside = stack.folder / "beside"
        print(f"\n$ vramswap-server --listen {beside} --size {FIRST_SIZE}  (the swap itself is the kernel's now)")
        command = [str(BIN / "vramswap-server"), "--listen", str(beside), "--size", str(FIRST_SIZE)]
        process = stack.spawn("server", command)
        stack.wait("the server", lambda: accepts(beside))
        verify(stack, beside, FIRST_SIZE)
        process.terminate()
        process.wait()
    ctl(stack, "size", str(2 * FIRST_SIZE))
    ctl(stack, "status")
    ctl(stack, "off")
    ctl(stack, "status")


def ctl(stack: Stack, *arguments: str) -> None:
    """Print and run one ``vramswapctl``. Raises DemoError with the line it failed with."""
    print(f"\n$ vramswapctl {shlex.join(arguments)}", flush=True)
    print(_ctl(stack, *arguments), end="", flush=True)


def status(stack: Stack) -> Any:
    """The status as ``vramswapctl`` gives it to programs."""
    return json.loads(_ctl(stack, "status", "--json"))


def _ctl(stack: Stack, *arguments: str) -> str:
    done = stack.ctl(*arguments)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise DemoError(f"`vramswapctl {shlex.join(arguments)}` failed: {said} Logs: {stack.folder}/logs")
    return done.stdout


def verify(stack: Stack, path: Path, size: int) -> None:
    """Fill the VRAM served on ``path`` with random data through libnbd's nbdcopy, read it all back, and compare."""
    if shutil.which("nbdcopy") is None:
        raise DemoError("nbdcopy is not installed. Install the package libnbd-bin.")
    address = f"nbd+unix:///?socket={path}"
    print(f"\n$ nbdcopy - {address!r}   ({format_size(size)} of random data)", flush=True)
    written = hashlib.sha256()
    with subprocess.Popen(["nbdcopy", "-", address], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as copy:
        assert copy.stdin is not None
        try:
            for chunk in _data(size):
                written.update(chunk)
                copy.stdin.write(chunk)
        except BrokenPipeError:
            pass
        _finished(copy, stack)
    print(f"$ nbdcopy {address!r} -   (all of it read back)", flush=True)
    read = hashlib.sha256()
    with subprocess.Popen(["nbdcopy", address, "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as copy:
        assert copy.stdout is not None
        while chunk := copy.stdout.read(_CHUNK):
            read.update(chunk)
        _finished(copy, stack)
    if written.digest() != read.digest():
        raise DemoError(f"what was read from VRAM is not what was written. Please report it, with {stack.folder}/logs")
    print(f"{format_size(size)} written to VRAM and read back: every byte is the same.", flush=True)


def _data(size: int) -> Iterator[bytes]:
    source = random.Random()
    for offset in range(0, size, _CHUNK):
        yield source.randbytes(min(_CHUNK, size - offset))


def _finished(copy: subprocess.Popen[bytes], stack: Stack) -> None:
    error = copy.communicate()[1].decode(errors="replace").strip()
    if copy.returncode != 0:
        raise DemoError(f"nbdcopy failed: {error or 'it said nothing'}. Logs: {stack.folder}/logs")
