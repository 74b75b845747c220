# SPDX-License-Identifier: MIT
"""What a step asks of the machine it runs in, and how it tells the outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.waiting import wait_for
from tests.system.swapped import Filling, available, cached, command, used
from vramswap_gui.units import MIB

#: The outside reads one JSON object a line from it.
REPORT: Final = Path("/dev/ttyS1")
CONTROL: Final = Path("/run/vramswap/control.sock")
#: What happens here takes many times longer than on a processor that is not emulated.
PATIENCE: Final = 300.0
#: How much more than memory programs use.
EXCESS: Final = 120 * MIB
#: Bytes that are too few to matter.
_LITTLE: Final = 8 * MIB

# How a machine is started: with what the kernel is told, or with other firmware. Else with BIOS, and nothing is told.
RESUME: Final = "resume=/dev/vdc"
UEFI: Final = "uefi"


def tell(**what: object) -> None:
    """One message to the outside."""
    with REPORT.open("w") as port:
        port.write(json.dumps(what) + "\n")


def ctl(*arguments: str, status: int = 0) -> str:
    """What ``vramswapctl`` prints, which must end with ``status``."""
    done = subprocess.run(
        ["vramswapctl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE
    )
    assert done.returncode == status, f"vramswapctl {' '.join(arguments)} ended with {done.returncode}: {done.stdout}"
    return done.stdout


def status() -> dict[str, Any]:
    """The helper's status."""
    found: dict[str, Any] = json.loads(ctl("status", "--json"))
    return found


def swaps() -> list[str]:
    """The devices that are swap."""
    return [line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]]


def swapped() -> int:
    """Bytes of pages in VRAM."""
    return sum(used(device) for device in swaps() if device.startswith(("/dev/nbd", "/dev/ublkb")))


def overfilled(seed: int) -> Filling:
    """Memory is being filled past its end, and pages are in VRAM."""
    filling = Filling.start(available() + EXCESS, seed)
    filling.reaches(EXCESS // 2, swapped, PATIENCE)
    return filling


def server() -> dict[str, Any] | None:
    """What the server says of itself, None while there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(str(CONTROL))
            connection.sendall(b'{"id": 1, "verb": "status"}\n')
            with connection.makefile() as lines:
                line = lines.readline()
        except (ConnectionError, FileNotFoundError):
            return None
        # One that ends meanwhile says nothing.
        found: dict[str, Any] | None = json.loads(line)["result"] if line else None
        return found


def pids(name: str) -> list[int]:
    """The processes of that name."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        # One that ends meanwhile has none.
        with contextlib.suppress(OSError):
            if path.read_text().strip() == name:
                found.append(int(path.parent.name))
    return found


def unit(name: str, what: str) -> str:
    """A property of a systemd unit."""
    return command("systemctl", "show", "--value", f"--property={what}", name).strip()


def log(since: float, *arguments: str) -> str:
    """The journal's lines since a time (seconds since 1970)."""
    return command("journalctl", "--no-pager", "--output=short-monotonic", f"--since=@{since:.3f}", *arguments)


def follows(word: str) -> None:
    """The setting at_boot says ``word``, on or off, once a helper that has just started has looked."""
    wait_for(lambda: ctl("config", "at_boot").strip() == word, f"at_boot that is {word}", PATIENCE)


def reclaim(size: int) -> None:
    """Have the kernel page out what nobody used lately, of every process, PID 1 and the session's included."""
    # It ends with an error when there was less to be had.
    with contextlib.suppress(OSError):
        Path("/sys/fs/cgroup/memory.reclaim").write_text(str(size))


def evict() -> None:
    """Have what was paged out be in swap alone: the kernel keeps it in memory too until somebody needs that."""

    def gone() -> bool:
        reclaim(cached())
        return cached() < _LITTLE

    wait_for(gone, f"pages that are in swap alone, not {cached() // MIB} MiB that are in memory too", PATIENCE)


class Holder:
    """A program with pages that can be verified (hold.py)."""

    def __init__(self, mib: int, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.vm.hold", str(mib), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._ask("") == "held", "the holder did not start"

    def verify(self) -> None:
        """Every page must be right."""
        assert self._ask("verify") == "wrong: 0"

    def end(self) -> None:
        """Give the memory back."""
        self._process.kill()
        self._process.wait()

    def _ask(self, word: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if word:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@contextlib.contextmanager
def holding(mib: int, *arguments: str) -> Iterator[Holder]:
    """Pages that are held meanwhile."""
    holder = Holder(mib, *arguments)
    try:
        yield holder
    finally:
        holder.end()


def kill(pid: int) -> None:
    """As abruptly as can be."""
    assert pid > 1, pid
    os.kill(pid, signal.SIGKILL)


def turn_off() -> None:
    """No swap and no server."""
    ctl("off")
    assert swaps() == [], swaps()
    wait_for(lambda: server() is None, "the server's end", PATIENCE)
