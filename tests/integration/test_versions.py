# SPDX-License-Identifier: MIT
"""Helper, server and command line of different versions: what one does not know of another does no harm."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.demo.stack import FIRST_SIZE, ROOT, Stack
from vramswap_gui import __version__

#: What makes other versions of programs.
VERSIONS: Final = ROOT / "tests/support/versions"
NEWER: Final = "99.0"

#: A stack, with a folder on Python's path of its programs, and other variables.
Start = Callable[..., Stack]


@pytest.fixture
def start(make_stack: Callable[..., Stack]) -> Start:
    def started(path: Path, **variables: str) -> Stack:
        stack = make_stack("polkit.addRule(function() { return polkit.Result.YES; });", start=False)
        stack.start(PYTHONPATH=str(path), **variables)
        return stack

    return started


def done(stack: Stack, *arguments: str) -> str:
    finished = stack.ctl(*arguments)
    assert finished.returncode == 0, finished
    return finished.stdout


def status(stack: Stack) -> Any:
    return json.loads(done(stack, "status", "--json"))


def check(stack: Stack, name: str) -> tuple[str, str, str]:
    """What the doctor says of it: verdict, what was found, remedy."""
    (found,) = [one for one in json.loads(stack.ctl("doctor", "--json").stdout) if one["name"] == name]
    return found["verdict"], found["found"], found["remedy"]


def test_the_server_becomes_a_newer_one_and_this_one_again(start: Start, tmp_path: Path) -> None:
    """With the swap on, and the same helper. No page is lost on either way."""
    other, path = tmp_path / "other", tmp_path / "path"
    other.mkdir()
    path.symlink_to(other)
    stack = start(path, VRAMSWAP_NEWER="server")
    done(stack, "on")
    assert status(stack)["server_version"] == __version__ and check(stack, "Server")[0] == "ok"
    address = f"nbd+unix:///?socket={stack.fake.devices()[0]}"
    data = os.urandom(FIRST_SIZE)
    subprocess.run(["nbdcopy", "-", address], input=data, check=True)

    def becomes(version: str) -> None:
        path.unlink()
        path.symlink_to(VERSIONS if version == NEWER else other)
        before = status(stack)
        done(stack, "upgrade")
        assert status(stack) == {**before, "server_version": version}
        assert subprocess.run(["nbdcopy", address, "-"], capture_output=True, check=True).stdout == data

    becomes(NEWER)
    verdict, found, remedy = check(stack, "Server")
    assert verdict == "warning" and NEWER in found and __version__ in found and "vramswapctl upgrade" in remedy
    # A helper that comes new takes over what it does not know in full.
    stack.kill("helper")
    stack.start_helper()
    assert (status(stack)["state"], status(stack)["server_version"]) == ("on", NEWER)
    becomes(__version__)
    done(stack, "off")
    assert status(stack)["server_version"] == ""


@pytest.mark.parametrize("why", ["strange", "broken"])
def test_one_that_cannot_take_over_does_not(start: Start, tmp_path: Path, why: str) -> None:
    """It would end, and the server with it."""
    path = tmp_path / "path"
    stack = start(path, VRAMSWAP_STRANGE="server")
    done(stack, "on")
    before = status(stack)
    if why == "strange":
        path.symlink_to(VERSIONS)
    else:
        path.mkdir()
        (path / "asyncio.py").write_text("raise ImportError('half of it is missing')")
    # The command line is of the version that was there before.
    stack.environment["PYTHONPATH"] = ""
    refused = stack.ctl("upgrade")
    assert (refused.returncode, refused.stdout) == (1, ""), refused
    said = {"strange": "format 2, which 100.0 does not know", "broken": "half of it is missing"}
    assert said[why] in refused.stderr and "The swap is on as before" in refused.stderr
    assert status(stack) == before
    path.rename(tmp_path / "gone")
    done(stack, "upgrade")
    assert status(stack) == before
    done(stack, "off")


def test_a_newer_helper_is_understood(start: Start) -> None:
    stack = start(VERSIONS, VRAMSWAP_NEWER="helper")
    assert status(stack)["version"] == NEWER
    assert "lent-for-good" in done(stack, "on")
    now = status(stack)
    assert (now["state"], now["cause"], now["reason"]["code"]) == ("on", "", "unknown")
    done(stack, "activity")
    done(stack, "config")
    verdict, found, remedy = check(stack, "Helper")
    assert verdict == "warning" and NEWER in found and __version__ in found and remedy
    done(stack, "off")


def test_an_older_helper_is_told_of(start: Start) -> None:
    stack = start(VERSIONS, VRAMSWAP_OLDER="helper")
    for command in (("pause",), ("battery",)):
        refused = stack.ctl(*command)
        assert (refused.returncode, refused.stdout) == (1, ""), refused
        assert "Different versions are running" in refused.stderr and refused.stderr.count("\n") == 1
    done(stack, "on")
    done(stack, "off")
