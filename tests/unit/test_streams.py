# SPDX-License-Identifier: MIT
"""Standard streams that are full, closed, or read by nobody: each program says so, or goes without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

BIN: Final = Path(sys.executable).parent
PROGRAMS: Final = ("vramswap", "vramswapctl", "vramswap-helper", "vramswap-server")
#: What becomes of the standard output, and what is said of that.
LOST: Final = {">/dev/full": "No space left on device", ">&-": "Bad file descriptor"}
#: What becomes of the standard error.
UNHEARD: Final = ("2>/dev/full", "2>&-", "2> >(true)")


def run(streams: str, program: str, *arguments: str, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program with its ``streams`` redirected, as a shell does it; a reader that is gone counts as no failure."""
    environment = os.environ | {
        "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent", "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": unbuffered,
    }  # fmt: skip
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$0" "$@" {streams}', str(BIN / program), *arguments],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("streams", LOST)
@pytest.mark.parametrize(("argument", "unbuffered"), [("--version", ""), ("--help", "1")])
def test_an_answer_that_cannot_be_written(program: str, streams: str, argument: str, unbuffered: str) -> None:
    """Who writes it at once may pass over that, as argparse does."""
    done = run(streams, program, argument, unbuffered=unbuffered)
    said = f"{program}: The answer cannot be written: {LOST[streams]}."
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said) and done.stderr.count("\n") == 1


@pytest.mark.parametrize(("streams", "expected"), [(">/dev/full", (1, 1)), ("| true", (0, 0))])
def test_who_writes_it_may_let_that_through(streams: str, expected: tuple[int, int], tmp_path: Path) -> None:
    """As argparse does in Debian 12."""
    (tmp_path / "speaking.py").write_text(
        "def main():\n    for _ in range(9999):\n        print('x' * 99, flush=True)\n"
    )
    program = "import sys; from vramswap_gui.start import start; sys.exit(start('speaking'))"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"$0" "$@" {streams}', sys.executable, "-c", program], text=True, check=False,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}, stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == expected, done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_who_has_enough(program: str, unbuffered: str) -> None:
    done = run("| true", program, "--help", unbuffered=unbuffered)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("streams", UNHEARD)
def test_a_complaint_that_nobody_hears(streams: str) -> None:
    """It changes nothing of what was to be done, and does not turn up among the answers."""
    refused = run(streams, "vramswapctl", "on")
    assert (refused.returncode, refused.stdout) == (1, "")
    misused = run(streams, "vramswapctl", "nonsense")
    assert (misused.returncode, misused.stdout) == (2, "")
    answered = run(streams, "vramswapctl", "--version")
    assert answered.returncode == 0 and answered.stdout.startswith("vramswapctl ")


def test_what_is_opened_does_not_take_the_place_of_a_stream() -> None:
    """Else what a library writes to standard error would go into a file or a socket that has its number."""
    code = "import os; from vramswap_gui import streams; streams.prepare(); print(os.open('/dev/null', os.O_RDONLY))"
    done = subprocess.run(
        ["bash", "-c", '"$0" -c "$1" <&- 2>&-', sys.executable, code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and int(done.stdout) > 2
