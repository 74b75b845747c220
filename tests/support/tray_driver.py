# SPDX-License-Identifier: MIT
"""The real tray in a process of its own under Xvfb, and hands for it: clicks, keys, and looks at what it shows."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.waiting import PATIENCE, wait_for

ROOT: Final = Path(__file__).parents[2]


class Tray:
    """A tray that runs."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self.environment = environment
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.tray_app", *arguments],
            cwd=ROOT, env=environment, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.do("noop")

    def do(self, verb: str, argument: Any = None) -> Any:
        """One command to the process; what it answers."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({verb: argument}) + "\n")
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, f"the tray does not answer {verb}"
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        answer = json.loads(line)
        assert not (isinstance(answer, dict) and "broken" in answer), answer
        return answer

    def state(self) -> Any:
        return self.do("state")

    def wait(self, **wanted: Any) -> None:
        """Until the state has these values."""
        wait_for(lambda: wanted.items() <= self.state().items(), f"{wanted}")

    def xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self.environment, check=True)

    def aim(self, name: str) -> tuple[int, int, int]:
        """The middle of a part and its width, once it stays where it is: what is read of the machine moves it."""
        place, still = self.do("where", name), 0
        end = time.monotonic() + PATIENCE
        while still < 3:
            assert time.monotonic() < end, f"{name} does not stay where it is"
            time.sleep(0.05)
            before, place = place, self.do("where", name)
            still = still + 1 if place == before else 0
        x, y, width, _ = place
        return x, y, width

    def click(self, name: str, *, at: float = 0.5, button: str = "1") -> None:
        """Click on a part; ``at`` is how far from its left end."""
        x, y, width = self.aim(name)
        self.xdotool("mousemove", str(round(x + (at - 0.5) * width)), str(y), "click", button)

    def keys(self, *names: str) -> None:
        """Press keys, as xdotool names them."""
        self.xdotool("key", *names)

    def go_to(self, name: str) -> None:
        """Press Tab until the control of that name has the focus."""
        for _ in range(40):
            if self.state()["focus"] == name:
                return
            before = self.state()["focus"]
            self.keys("Tab")
            wait_for(lambda: self.state()["focus"] != before, "the next control")  # noqa: B023
        raise AssertionError(f"Tab does not lead to {name}")

    def drag(self, end: float) -> None:
        """Move the handle of the slider to a share of its width."""
        self.hold(end)
        self.xdotool("mouseup", "1")

    def hold(self, end: float) -> None:
        """Move the handle without letting go of it."""
        wait_for(self._take_hold, "hold of the slider's handle")
        before = self.state()["size"]
        x, y, width = self.aim("slider")
        self.xdotool("mousemove", "--sync", str(x + round((end - 0.5) * width)), str(y))
        wait_for(lambda: self.state()["size"] != before, "the handle to move")

    def _take_hold(self) -> bool:
        """Whether it worked: it does not while the slider takes no input, or where the handle has just moved."""
        x, y, _ = self.aim("handle")
        self.xdotool("mousemove", "--sync", str(x), str(y), "mousedown", "1")
        # The command may overtake the press.
        for _ in range(20):
            if self.state()["dragging"]:
                return True
            time.sleep(0.05)
        self.xdotool("mouseup", "1")
        return False

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit status and stderr after a signal."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors


@pytest.fixture
def display_server(display: str) -> subprocess.Popen[bytes]:
    """The process behind the display."""
    return _servers[display]


_servers: Final[dict[str, subprocess.Popen[bytes]]] = {}


@pytest.fixture
def display() -> Iterator[str]:
    """A virtual X display."""
    reader, writer = os.pipe()
    # Else it starts anew when the only program on it ends, be it one that had a look.
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writer], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader) as pipe:
        number = pipe.readline().strip()
    assert number, "Xvfb did not start"
    _servers[f":{number}"] = server
    yield f":{number}"
    server.terminate()
    server.wait()


def start_host(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A real XEmbed tray host; returns when icons can come to it."""
    process = subprocess.Popen(
        ["trayer", "--edge", "bottom", "--align", "right", "--width", "10", "--height", "24"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: process.poll() is not None or _has_owner(environment["DISPLAY"], "_NET_SYSTEM_TRAY_S0"), "a host")
    return process


def _has_owner(display: str, selection: str) -> bool:
    """Whether somebody plays a role on a display, by ICCCM 2.8: each has the selection of its role."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = x11.XGetSelectionOwner.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    assert connection, f"{display} cannot be reached"
    atom = x11.XInternAtom(connection, selection.encode(), False)
    owner = x11.XGetSelectionOwner(connection, ctypes.c_ulong(atom))
    x11.XCloseDisplay(connection)
    return bool(owner)


def start_manager(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A real window manager: with one, windows get frames, and keys go to the one that is in front."""
    process = subprocess.Popen(["openbox"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: process.poll() is not None or _has_owner(environment["DISPLAY"], "WM_S0"), "a window manager")
    return process


def in_host(tray: Tray) -> None:
    """Wait until the icon is where it can be clicked."""
    wait_for(lambda: tray.state()["icon"] and tray.do("where", "icon")[2] > 8, "the icon in the tray")
