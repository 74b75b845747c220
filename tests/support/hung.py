# SPDX-License-Identifier: MIT
"""A pytest plugin: a test whose time is up ends, whatever it waits for.

pytest-timeout raises one exception in the test. ``with Popen(…)`` then waits once more for a program that does not
end, and a fixture that is torn down may as well. So a while later all programs are killed that descend from this
process or carry its mark, and with them ends every wait for one. What is not ended even by that ends with the process:
pytest-xdist reports the test and goes on in another one.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

#: Seconds that a test has for its end, after its time was up: before its programs are killed, and then before all is.
GRACE: Final = float(os.environ.get("TEST_GRACE", "60"))
#: In the environment of every program that is started here, however far from this process it got.
_MARK: Final = "TEST_PROCESS_OF"
_OURS: Final = f"{_MARK}={uuid.uuid4()}"

_watched: Final[pytest.StashKey[threading.Event]] = pytest.StashKey()


def programs() -> set[int]:
    """The process ids of all programs that run because of this one."""
    parents: dict[int, int] = {}
    marked: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(folder.name)
            parents[pid] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if _OURS.encode() in (folder / "environ").read_bytes().split(b"\0"):
                marked.add(pid)
    found = marked | {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _watch(limit: float, over: threading.Event, stderr: int) -> None:
    """End a test that lasts longer than ``limit`` seconds and a grace."""
    if over.wait(limit + GRACE):
        return
    os.write(stderr, b"\nA test goes on after its time; the programs that it started are killed.\n")
    faulthandler.dump_traceback(stderr)
    for _ in range(10):
        for pid in programs():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if over.wait(GRACE / 10):
            return
    os.write(stderr, b"\nIt goes on even so; this process ends.\n")
    os._exit(3)


def pytest_configure() -> None:
    name, value = _OURS.split("=")
    os.environ[name] = value


def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Watch a test that has a limit; pytest-timeout does its own part after this."""
    item.stash[_watched] = over = threading.Event()
    # What is captured of a test would end with this process.
    stderr = sys.__stderr__.fileno() if sys.__stderr__ else 2
    threading.Thread(target=_watch, args=(settings.timeout, over, stderr), daemon=True).start()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    yield
    if _watched in item.stash:
        item.stash[_watched].set()
