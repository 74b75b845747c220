# SPDX-License-Identifier: MIT
"""Ctrl-C while a program is loaded, which takes most of a short command's time: it ends by it, without a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
#: Interrupts itself when it comes to load a module, and goes on as a console script does.
INTERRUPTED: Final = """
import os, signal, sys
class Interrupt:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)
moment, program = sys.argv[1:3]
sys.argv[:] = [program, *sys.argv[3:]]
sys.meta_path.insert(0, Interrupt)
import vramswap_gui.start
sys.exit(getattr(vramswap_gui.start, {"vramswap": "tray"}.get(program, program.removeprefix("vramswap").strip("-")))())
"""
#: Program, its arguments, and what is loaded at the moment: the first module of all, one on the way, a late one.
MOMENTS: Final = (
    ("vramswap", "--version", "vramswap_gui.tray.main"),
    ("vramswap", "--version", "argparse"),
    ("vramswapctl", "status", "vramswap_gui.ctl.main"),
    ("vramswapctl", "status", "vramswap_gui.settings"),
    ("vramswapctl", "status", "asyncio.base_events"),
    ("vramswapctl", "status", "vramswap_gui.ctl.commands.swap"),
    ("vramswap-helper", "--version", "vramswap_gui.helper.main"),
    ("vramswap-helper", "--version", "vramswap_gui.settings"),
    ("vramswap-server", "--version", "vramswap_gui.server.main"),
    ("vramswap-server", "--version", "vramswap_gui.server.messages"),
)


def interrupted(moment: str, *command: str, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    def as_a_shell_does() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.SIG_DFL)

    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED, moment, *command],
        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}, cwd=ROOT,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, preexec_fn=as_a_shell_does,
    )  # fmt: skip


@pytest.mark.parametrize(("program", "argument", "moment"), MOMENTS)
def test_while_it_is_loaded(program: str, argument: str, moment: str) -> None:
    done = interrupted(moment, program, argument)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_while_it_works() -> None:
    """There may be something to clean up, so it is an exception then."""
    done = interrupted("vramswap_gui.doctor.checks", "vramswapctl", "doctor")
    assert (done.returncode, done.stderr) == (130, "")


def test_what_was_to_be_ignored_is() -> None:
    done = interrupted("vramswap_gui.settings", "vramswapctl", "--version", ignored=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_program_begins_there() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        scripts = tomllib.load(file)["project"]["scripts"]
    assert {entry.partition(":")[0] for entry in scripts.values()} == {"vramswap_gui.start"}
    assert "from vramswap_gui.start import start" in (ROOT / "packaging/launcher.in").read_text()
