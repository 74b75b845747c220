# SPDX-License-Identifier: MIT
"""``make run`` on a machine without a display: the whole job, and an end in the middle of it, leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.demo.plan import Plan
from tests.demo.stack import FOLDERS

ROOT = Path(__file__).parents[2]


class Demo:
    """A running demonstration whose processes can be told from all others."""

    def __init__(self) -> None:
        self.mark = f"VRAMSWAP_DEMO_TEST={uuid.uuid4()}"
        environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        name, value = self.mark.split("=")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.demo"], cwd=ROOT, env={**environment, name: value}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def read_until(self, words: str) -> str:
        """The output up to the line with ``words``."""
        assert self.process.stdout is not None
        text = ""
        for line in self.process.stdout:
            text += line
            if words in line:
                return text
        raise AssertionError(f"“{words}” never came:\n{text}")

    def left_behind(self) -> list[str]:
        """The command lines of processes that still run, and folders that are still there."""
        left = sorted(str(path) for path in Path("/tmp").glob(f"{FOLDERS}{self.process.pid}-*"))
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (process / "environ").read_bytes():
                    left.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return left


def test_the_whole_job_without_a_display() -> None:
    demo = Demo()
    text = demo.process.communicate()[0]
    assert demo.process.returncode == 0, text
    assert "SIMULATED" in text.splitlines()[0] or "Nothing is simulated" in text.splitlines()[0]
    commands = [line.split()[2] for line in text.splitlines() if line.startswith("$ vramswapctl")]
    assert commands == ["status", "on", "size", "status", "off", "status"]
    assert "every byte is the same" in text
    assert demo.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_in_the_middle_takes_everything_down(number: signal.Signals) -> None:
    demo = Demo()
    demo.read_until("random data")
    demo.process.send_signal(number)
    text = demo.process.communicate()[0]
    assert demo.process.returncode == 0, text
    assert "stopped" in text
    assert demo.left_behind() == []


@pytest.mark.parametrize(
    ("plan", "said", "unsaid"),
    [
        (Plan("", "", "", "DISPLAY"), ["Nothing is simulated", "tray"], ["SIMULATED"]),
        (Plan("no card", "", "", ""), ["SIMULATED: the GPU: no card", "no display"], ["polkit", "kernel"]),
        (Plan("no card", "no nbd", "no root", ""), ["no card", "no nbd", "no root"], ["Nothing is simulated"]),
    ],
)
def test_the_first_line_says_what_is_simulated(plan: Plan, said: list[str], unsaid: list[str]) -> None:
    assert all(words in plan.banner for words in said)
    assert not any(words in plan.banner for words in unsaid)
    assert "\n" not in plan.banner
