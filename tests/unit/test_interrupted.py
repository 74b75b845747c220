# SPDX-License-Identifier: MIT
"""Ctrl-C while a program is loaded, which takes most of a short command's time: it ends by it, without a word.

While a command works it is asked to end, also by a service manager and by a terminal that is closed.
"""

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
            os.kill(os.getpid(), int(number))
number, moment, program = sys.argv[1:4]
sys.argv[:] = [program, *sys.argv[4:]]
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


#: A command that has something to clean up, which takes a while. The signals come while it waits, to another thread, so
#: that they interrupt no call: one that comes just before a call begins does not either.
CLEANING: Final = """
import asyncio, os, signal, sys, threading
from vramswap_gui.ctl import main
from vramswap_gui.ctl.commands import upkeep
def send(number):
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
async def wait_for(number):
    signal.pthread_sigmask(signal.SIG_BLOCK, {int(number)})
    threading.Timer(0.01, send, (int(number),)).start()
    await asyncio.sleep(3600)
async def work(options):
    try:
        await wait_for(sys.argv[1])
    finally:
        await asyncio.sleep(0.01)
        print("cleans up", flush=True)
        for number in sys.argv[2:]:
            await wait_for(number)
        print("is done", flush=True)
upkeep.report = work
sys.exit(main.main(["report"]))
"""
ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(*arguments: str, number: int = signal.SIGINT, ignored: bool = False) -> subprocess.CompletedProcess[str]:
    def as_a_shell_does() -> None:
        signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)

    return subprocess.run(
        [sys.executable, "-c", *arguments],
        env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}, cwd=ROOT,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, preexec_fn=as_a_shell_does,
    )  # fmt: skip


def interrupted(
    moment: str, *command: str, number: int = signal.SIGINT, ignored: bool = False
) -> subprocess.CompletedProcess[str]:
    return run(INTERRUPTED, str(int(number)), moment, *command, number=number, ignored=ignored)


@pytest.mark.parametrize(("program", "argument", "moment"), MOMENTS)
def test_while_it_is_loaded(program: str, argument: str, moment: str) -> None:
    done = interrupted(moment, program, argument)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("number", ENDING)
def test_while_it_works(number: int) -> None:
    """There may be something to clean up, so it is an exception then."""
    done = interrupted("vramswap_gui.doctor.checks", "vramswapctl", "doctor", number=number)
    assert (done.returncode, done.stderr) == (128 + number, "")


@pytest.mark.parametrize("number", ENDING)
def test_what_is_to_be_cleaned_up_is(number: int) -> None:
    done = run(CLEANING, str(int(number)), number=number)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "cleans up\nis done\n", "")


@pytest.mark.parametrize("second", ENDING)
def test_who_cannot_wait_for_that_asks_again(second: int) -> None:
    done = run(CLEANING, str(int(signal.SIGTERM)), str(int(second)), number=second)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, "cleans up\n", "")


@pytest.mark.parametrize("number", ENDING)
def test_what_was_to_be_ignored_is(number: int) -> None:
    done = interrupted("vramswap_gui.settings", "vramswapctl", "--version", number=number, ignored=True)
    assert (done.returncode, done.stderr) == (0, "")
    busy = interrupted("vramswap_gui.doctor.checks", "vramswapctl", "report", number=number, ignored=True)
    assert (busy.returncode, busy.stderr) == (0, "")


def test_each_program_begins_there() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        scripts = tomllib.load(file)["project"]["scripts"]
    assert {entry.partition(":")[0] for entry in scripts.values()} == {"vramswap_gui.start"}
    assert "from vramswap_gui.start import start" in (ROOT / "packaging/launcher.in").read_text()
