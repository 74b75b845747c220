# SPDX-License-Identifier: MIT
"""A pytest plugin: a skip that nobody expected fails the run, so that a missing tool cannot pass for a green run."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import pytest

_ROOT: Final = Path(__file__).parents[2]
#: Why a test that mounts something for itself alone cannot run, where :func:`root_is_mounted` says no.
NO_MOUNTS: Final = "needs a root folder that is a mount: one's own mounts could not be kept from others"


def root_is_mounted() -> bool:
    """Whether the root folder is a mount, as that of a chroot(1) into any folder is not (proc_pid_mountinfo(5))."""
    return any(line.split()[4] == "/" for line in Path("/proc/self/mountinfo").read_text().splitlines())


_SUITES: Final = ("sid", "trixie", "trixie-backports")


def _lacks(suite: str) -> bool:
    return not (_ROOT / "build/kernels" / suite / "vmlinuz").is_file()


#: How the reason of an expected skip begins → whether it can be true on this machine.
EXPECTED_SKIPS: Final[Mapping[str, Callable[[], bool]]] = {
    "needs a real NVIDIA GPU": lambda: not Path("/dev/nvidiactl").exists(),
    "needs a machine without the NVIDIA driver": lambda: Path("/proc/driver/nvidia").exists(),
    "needs an x86-64 processor": lambda: platform.machine() != "x86_64",
    # They are downloaded, unless they are there from before.
    **{f"needs a kernel from Debian's archive ({suite})": partial(_lacks, suite) for suite in _SUITES},
    NO_MOUNTS: lambda: not root_is_mounted(),
    "needs root": lambda: os.geteuid() != 0,
}

_unexpected: Final[dict[str, None]] = {}


def _note_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    # A tuple; a list when it comes from another process.
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple | list) else str(report.longrepr)
    reason = str(reason).removeprefix("Skipped: ")
    if not any(reason.startswith(prefix) and possible() for prefix, possible in EXPECTED_SKIPS.items()):
        _unexpected[f"{report.nodeid}: {reason}"] = None


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _note_skip(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    _note_skip(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _unexpected and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _unexpected:
        terminalreporter.section("UNEXPECTED SKIPS, THE RUN FAILED", sep="=", red=True, bold=True)
        for line in _unexpected:
            terminalreporter.write_line(line)
        terminalreporter.write_line("Expected ones are declared in tests/support/skips.py (EXPECTED_SKIPS).")
