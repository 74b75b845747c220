# SPDX-License-Identifier: MIT
"""What a scenario asks of the guest it runs in: its swaps, its memory, and programs that must succeed."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.units import MIB

#: mlockall(2)
_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
#: Bytes of a request.
_STEP: Final = 64 << 10
#: On a file system that is never swapped out.
_HOG: Final = Path("/run/gpu/hog")


def say(text: str) -> None:
    """Print what happens, and when."""
    print(f"{time.monotonic():7.1f} {text}", flush=True)


def command(*arguments: str) -> str:
    """Run a program that must succeed; returns what it printed."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}"
    return done.stdout


def size(device: str) -> int:
    """Bytes that can be swapped out to ``device``, 0 when it is no swap."""
    return _of_swap(device, 2)


def used(device: str) -> int:
    """Bytes swapped out to ``device``, 0 when it is no swap."""
    return _of_swap(device, 3)


def _of_swap(device: str, field: int) -> int:
    lines = [line.split() for line in Path("/proc/swaps").read_text().splitlines()[1:]]
    return next((int(fields[field]) << 10 for fields in lines if fields[0] == device), 0)


def write(device: str, size: int) -> None:
    """Fill so much of a device, past all caches."""
    with _direct(device, os.O_WRONLY) as (fd, buffer):
        for offset in range(0, size, _STEP):
            buffer[:] = _bytes_at(offset)
            assert os.pwritev(fd, [buffer], offset) == _STEP


def verify(device: str, size: int) -> None:
    """Every byte of it is as :func:`write` has written it."""
    with _direct(device, os.O_RDONLY) as (fd, buffer):
        for offset in reversed(range(0, size, _STEP)):
            assert os.preadv(fd, [buffer], offset) == _STEP
            assert buffer[:] == _bytes_at(offset), f"wrong bytes at {offset}"


@contextlib.contextmanager
def _direct(device: str, flags: int) -> Iterator[tuple[int, mmap.mmap]]:
    fd = os.open(device, flags | os.O_DIRECT)
    try:
        with mmap.mmap(-1, _STEP) as buffer:
            yield fd, buffer
    finally:
        os.close(fd)


def _bytes_at(offset: int) -> bytes:
    return random.Random(offset).randbytes(_STEP)


def stay_in_memory() -> None:
    """Have this process miss no page from here on: what was paged out comes back, and what it shares with the one it
    was forked from becomes its own."""
    assert ctypes.CDLL(None).mlockall(_MCL_CURRENT | _MCL_FUTURE) == 0


def available() -> int:
    """Bytes that can be allocated without swapping, as the kernel guesses."""
    return _of_memory("MemAvailable")


@contextlib.contextmanager
def scarce(left: int) -> Iterator[None]:
    """Inside, no more than ``left`` bytes are available: what has the rest gives none back.

    A program would take each page of it with a fault, which takes minutes in a guest.
    """
    with _HOG.open("wb", buffering=0) as hog:
        while available() > left:
            hog.write(bytes(MIB))
    try:
        yield
    finally:
        _HOG.unlink()


def cached() -> int:
    """Bytes of what is swapped that are in memory too."""
    return _of_memory("SwapCached")


def still_in_memory(hog: int) -> int:
    """Take all memory for a moment, and as many bytes more; then as :func:`cached`."""
    command(sys.executable, "-c", f"b'x' * {available() + hog}")
    return cached()


def _of_memory(name: str) -> int:
    """Bytes, see proc_meminfo(5)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"no {name}")


@dataclass(slots=True)
class Filling:
    """A fill of memory under way in another process (tests/system/fill.py)."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    @classmethod
    def start(cls, size: int, seed: int, *options: str, rounds: int = 0) -> Filling:
        """It fills again and again until :meth:`finish`, however long what is done meanwhile takes; or so often."""
        command = [sys.executable, "-m", "tests.system.fill", str(size // MIB), "--seed", str(seed), "--until-told"]
        process = subprocess.Popen(
            [*command, "--rounds", str(rounds), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        filling = cls(process)
        filling.reader = threading.Thread(target=filling._read, daemon=True)
        filling.reader.start()
        return filling

    @classmethod
    def resting(cls, size: int, seed: int, *options: str) -> Filling:
        """One that has written all its pages, and does nothing until it gets SIGCONT."""
        filling = cls.start(size, seed, "--rest", *options, rounds=1)
        wait_for(lambda: filling.lines or not filling.running(), "the end of its growth")
        assert filling.running(), filling.lines
        return filling

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            print(f"  fill: {line}", end="", flush=True)
            self.lines.append(line.strip())

    def running(self) -> bool:
        return self.process.poll() is None

    def reaches(self, amount: int, swapped: Callable[[], int], patience: float = PATIENCE) -> None:
        """Wait until so many bytes are swapped out. If it does not come to that it is ended, and AssertionError says
        how far it came."""
        try:
            wait_for(lambda: swapped() >= amount or not self.running(), "pages that are swapped out", patience)
            assert self.running(), "the fill ended"
        except AssertionError as error:
            self.process.kill()
            far = f"{swapped() // MIB} MiB are swapped out, not {amount // MIB}, and {available() // MIB} are available"
            raise AssertionError(f"{error}: {far}; {self.lines}") from None

    def finish(self) -> None:
        """Wait for the end of the round; every page must have been right."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        status = self.process.wait()
        assert self.reader is not None
        self.reader.join()
        assert status == 0, f"the fill ended with {status}: {self.lines}"
        assert self.lines[-1] == "pages wrong: 0"


def paged_out(size: int) -> str:
    """A Python program that has ``size`` bytes swapped out, says so, and reads them when its input ends."""
    return f"""
import mmap, sys
memory = mmap.mmap(-1, {size}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(0, {size}, 4096):
    memory[page] = 1
memory.madvise(21)  # MADV_PAGEOUT, see madvise(2); the module does not name it
print("swapped", flush=True)
sys.stdin.read()
assert sum(memory[page] for page in range(0, {size}, 4096)) == {size} // 4096
"""
