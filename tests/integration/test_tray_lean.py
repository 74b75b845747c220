"""What the tray costs as users have it, with an icon and nothing open: memory, processor time, what is loaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.demo.stack import Stack
from tests.support.tray_driver import display, display_server, start_host
from tests.support.waiting import wait_for

__all__ = ["display", "display_server"]

#: Bytes of memory that are the hidden tray's (PSS, with what it shares with nobody here).
MEMORY: Final = 62_000_000
#: Seconds of watching, and of processor time in them, in clock ticks: none of its own is to come up.
WATCHED: Final = 10.0
TICKS: Final = 2
#: While its window is open: at most one percent of a core, of which a second has a hundred ticks.
OPEN_TICKS: Final = 10


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
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    host.terminate()
    host.wait()


def processor_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_a_hidden_tray_is_small_and_still(tray: subprocess.Popen[bytes], display: str) -> None:
    def has_icon() -> bool:
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--pid", str(tray.pid)],
            env=os.environ | {"DISPLAY": display}, capture_output=True, check=False,
        )  # fmt: skip
        return bool(found.stdout.split())

    wait_for(has_icon, "the icon")

    def still() -> bool:
        before = processor_ticks(tray.pid)
        time.sleep(2)
        return processor_ticks(tray.pid) == before

    wait_for(still, "the end of its start")
    before = processor_ticks(tray.pid)
    time.sleep(WATCHED)
    ticks = processor_ticks(tray.pid) - before
    memory = next(
        int(line.split()[1]) << 10
        for line in Path(f"/proc/{tray.pid}/smaps_rollup").read_text().splitlines()
        if line.startswith("Pss:")
    )
    print(f"\n{memory / 1e6:.1f} MB (PSS), {ticks} ticks in {WATCHED:g} s")
    assert ticks <= TICKS
    maps = Path(f"/proc/{tray.pid}/maps").read_text()
    assert "libnvidia" not in maps
    assert memory <= MEMORY


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
        subprocess.run([Path(sys.executable).with_name("vramswap")], env=environment, check=True)
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", "^VRAM swap"],
            env=os.environ | {"DISPLAY": display}, capture_output=True, check=False,
        )  # fmt: skip
        return bool(found.stdout.split())

    wait_for(shown, "the window")
    time.sleep(5)
    before = processor_ticks(tray.pid)
    time.sleep(WATCHED)
    ticks = processor_ticks(tray.pid) - before
    print(f"\n{ticks} ticks in {WATCHED:g} s")
    assert 0 < ticks <= OPEN_TICKS
