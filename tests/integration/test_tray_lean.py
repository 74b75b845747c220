# SPDX-License-Identifier: MIT
"""What the tray costs as users have it, with an icon and nothing open: memory, wake-ups, reads, what is loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.demo.stack import Stack
from tests.support.tray_driver import start_host
from tests.support.waiting import wait_for

#: Bytes of memory that are the hidden tray's (PSS, with what it shares with nobody here).
MEMORY: Final = 62_000_000
#: Bytes of it that are in no file, and so nobody's else, whoever else has Qt loaded.
OWN: Final = 28_000_000
#: Seconds of watching. What is counted in them is no more on a machine that is busy. A hidden tray sleeps through them
#: once it has started; Qt ends that start with timers of its own, one at a time until a minute after (of what it has
#: drawn and of threads), so that the seconds it sleeps through are waited for.
WATCHED: Final = 10.0
#: In a second of an open window, which is read once: how often its threads wake up, and ask the kernel for data.
OPEN_WAKE_UPS: Final = 30.0
OPEN_READS: Final = 60.0


@pytest.fixture
def tray(display: str, stack: Stack, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``vramswap --hidden`` in a tray host, on the bus of a helper that waits."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    chosen = tmp_path / ".config/vramswap/vramswap.conf"
    chosen.parent.mkdir(parents=True)
    chosen.write_text("[General]\nwelcomed=true\n")
    environment = stack.environment | {
        "DISPLAY": display, "XDG_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path), "QT_QPA_PLATFORM": "xcb",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/no-session-bus",
    }  # fmt: skip
    host = start_host(environment)
    process = subprocess.Popen([Path(sys.executable).with_name("vramswap")], env=environment)
    # Before that another start would be the first one.
    wait_for((runtime / "vramswap-tray").exists, "the tray to take its place")
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    host.terminate()
    host.wait()


def wake_ups(pid: int) -> int:
    """How often a thread of a process has gone to sleep (proc_pid_status(5)), which is how often one was woken."""
    counted = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        lines = status.read_text().splitlines()
        counted += sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:"))
    return counted


def reads(pid: int) -> int:
    """How often a process has asked for data (proc_pid_io(5))."""
    lines = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(lines["syscr"])


def watched(pid: int, is_well: Callable[[float, float], bool]) -> Callable[[], bool]:
    """A look at what a process does, for ``wait_for``: wake-ups and reads in a second, told every WATCHED seconds."""
    before = time.monotonic(), wake_ups(pid), reads(pid)

    def look() -> bool:
        nonlocal before
        began, woken, asked = before
        if (seconds := time.monotonic() - began) < WATCHED:
            return False
        before = time.monotonic(), wake_ups(pid), reads(pid)
        figures = (before[1] - woken) / seconds, (before[2] - asked) / seconds
        print("\n{:.1f} wake-ups and {:.1f} reads a second".format(*figures))
        return is_well(*figures)

    return look


def test_a_hidden_tray_is_small_and_still(tray: subprocess.Popen[bytes], display: str) -> None:
    def has_icon() -> bool:
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--pid", str(tray.pid)],
            env=os.environ | {"DISPLAY": display}, capture_output=True, check=False,
        )  # fmt: skip
        return bool(found.stdout.split())

    wait_for(has_icon, "the icon")

    wait_for(watched(tray.pid, lambda woken, asked: woken == asked == 0), f"{WATCHED:g} seconds that it sleeps through")
    lines = Path(f"/proc/{tray.pid}/smaps_rollup").read_text().splitlines()[1:]
    held = {line.split()[0]: int(line.split()[1]) << 10 for line in lines}
    memory, own = held["Pss:"], held["Anonymous:"]
    print(f"\n{memory / 1e6:.1f} MB (PSS), {own / 1e6:.1f} its own")
    maps = Path(f"/proc/{tray.pid}/maps").read_text()
    assert "libnvidia" not in maps
    assert memory <= MEMORY and own <= OWN


def test_an_open_window_costs_little(tray: subprocess.Popen[bytes], stack: Stack, display: str, tmp_path: Path) -> None:
    """With the swap on, all that can be shown is there and read every second."""
    assert stack.ctl("on").returncode == 0
    environment = {name: value for name, value in stack.environment.items() if name != "PYTHONPATH"}
    environment |= {
        "DISPLAY": display, "XDG_RUNTIME_DIR": str(tmp_path / "runtime"), "HOME": str(tmp_path),
        "QT_QPA_PLATFORM": "xcb",
    }  # fmt: skip

    def shown() -> bool:
        # A second start asks the first one for its window.
        asked = subprocess.run(
            [Path(sys.executable).with_name("vramswap")], env=environment, check=False, stderr=subprocess.PIPE
        )
        # One that is busy with its own start answers later.
        assert asked.returncode == 0 or b"does not answer" in asked.stderr, asked
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", "^VRAM swap"],
            env=os.environ | {"DISPLAY": display}, capture_output=True, check=False,
        )  # fmt: skip
        return bool(found.stdout.split())

    wait_for(shown, "the window")

    def is_cheap(woken: float, asked: float) -> bool:
        return 0 < woken <= OPEN_WAKE_UPS and 0 < asked <= OPEN_READS

    wait_for(watched(tray.pid, is_cheap), f"{WATCHED:g} seconds of a window that has started")
