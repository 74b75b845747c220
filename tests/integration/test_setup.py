# SPDX-License-Identifier: MIT
"""packaging/setup.sh decides rightly what to install and how, and nothing is done twice. apt and pip are stand-ins."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import wait_for

PACKAGING = Path(__file__).parents[2] / "packaging"

DPKG_QUERY = 'for name in $INSTALLED; do echo "installed $name"; done; echo "config-files fio"'
APT_CACHE = 'for name; do :; done; case " $RELEASE " in *" $name "*) exit 0;; esac; exit 1'
PYTHON = f"""case "$*" in
    "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo venv >>"$LOG" ;;
    "-m pip "*) echo "pip ${{*##* }}" >>"$LOG"; exit "${{PIP_STATUS:-0}}" ;;
    *) exec {sys.executable} "$@" ;;
esac"""


class Checkout:
    """A checkout with the real script and list, on a machine made of recording stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.programs = folder / "bin"
        self.programs.mkdir()
        shutil.copytree(PACKAGING, folder / "packaging")
        (folder / "vramswap_gui").mkdir()
        for name in ("pyproject.toml", "setup.py", "vramswap_gui/engine.pyx"):
            (folder / name).write_text("")
        self.program("dpkg-query", DPKG_QUERY)
        self.program("apt-cache", APT_CACHE)
        self.program("apt-get", 'echo "apt-get $*" >>"$LOG"')
        self.program("id", 'echo "$UID_HERE"')
        self.program("python3", PYTHON)

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.programs / name).chmod(0o755)

    def names(self, *sections: str) -> list[str]:
        """The first alternative of every line of the list's ``sections``."""
        found, section = [], ""
        for line in (self.folder / "packaging/debian-packages.txt").read_text().splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            elif line and not line.startswith("#") and section in sections:
                found.append(line.split(" | ")[0])
        return found

    def setup(self, what: str, installed: list[str], uid: int = 1000, **environment: str) -> tuple[int, str, list[str]]:
        """Run the script; its exit status, its stderr, and the lines recorded."""
        self.log.write_text("")
        with self.begin(what, installed, uid, **environment) as process:
            _, error = process.communicate()
        return process.returncode, error, self.log.read_text().splitlines()

    def begin(self, what: str, installed: list[str], uid: int = 1000, **environment: str) -> subprocess.Popen[str]:
        """Start the script."""
        return subprocess.Popen(
            ["/bin/sh", "packaging/setup.sh", what], cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": f"{self.programs}:{os.environ['PATH']}", "LOG": str(self.log), "UID_HERE": str(uid),
                 "INSTALLED": " ".join(installed), "RELEASE": "", **environment},
        )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_nothing_missing_needs_no_root_and_nothing_is_done_twice(checkout: Checkout) -> None:
    installed = checkout.names("run", "build", "demo")
    assert checkout.setup("run", installed) == (0, "", ["venv", "pip .[test]"])
    assert checkout.setup("run", installed) == (0, "", [])


def test_of_two_at_once_one_waits_and_finds_it_done(checkout: Checkout) -> None:
    installed = checkout.names("run", "build", "demo")
    gate = checkout.folder / "gate"
    os.mkfifo(gate)
    checkout.program("python3", PYTHON.replace("exit ", f'read -r _ <"{gate}"; exit '))
    with checkout.begin("run", installed) as first:
        wait_for(lambda: checkout.log.exists() and "pip" in checkout.log.read_text(), "the first to build")
        with checkout.begin("run", installed) as second:
            # The kernel's list marks who waits for a lock so (proc_locks(5)).
            wait_for(lambda: re.search(rf"-> FLOCK .* {second.pid} ", Path("/proc/locks").read_text()), "the second")
            gate.write_text("go on\n")
            assert (second.wait(), first.wait()) == (0, 0)
    assert checkout.log.read_text().splitlines() == ["venv", "pip .[test]"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "setup.py", "vramswap_gui/engine.pyx"])
def test_a_changed_source_of_the_build_builds_again_in_the_same_environment(checkout: Checkout, changed: str) -> None:
    installed = checkout.names("run", "build", "demo")
    checkout.setup("run", installed)
    (checkout.folder / changed).write_text("# changed\n")
    assert checkout.setup("run", installed) == (0, "", ["pip .[test]"])


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    installed = checkout.names("run", "build", "demo")
    checkout.setup("run", installed)
    (checkout.folder / ".venv/bin/python").unlink()
    assert checkout.setup("run", installed) == (0, "", ["venv", "pip .[test]"])


def test_a_failed_build_is_tried_again_and_leaves_what_was_built_before(checkout: Checkout) -> None:
    installed = checkout.names("run", "build", "demo")
    old = checkout.folder / "vramswap_gui/engine.abi3.so"
    old.write_text("built before")
    os.utime(old, (0, 0))
    status, error, _ = checkout.setup("run", installed, PIP_STATUS="1")
    assert status == 1 and "pip could not build" in error
    assert old.read_text() == "built before"
    assert checkout.setup("run", installed) == (0, "", ["pip .[test]"])
    # The stand-in built nothing, so this is none of the new ones.
    assert not old.exists()


def test_without_root_or_sudo_the_command_is_printed(checkout: Checkout) -> None:
    checkout.program("sudo", "exit 1")
    installed = [name for name in checkout.names("run", "build", "demo") if name != "dbus"]
    status, error, done = checkout.setup("run", installed, RELEASE="dbus")
    assert status == 1 and done == []
    assert "apt-get update && apt-get install --no-install-recommends dbus" in error


def test_root_installs_what_is_missing_alone(checkout: Checkout) -> None:
    installed = [name for name in checkout.names("run", "build", "demo", "test") if name not in ("dbus", "fio")]
    status, _, done = checkout.setup("test", installed, uid=0, RELEASE="dbus fio xvfb")
    assert status == 0
    assert done[:2] == ["apt-get update -q", "apt-get install -y -q --no-install-recommends dbus fio"]


def test_sudo_that_asks_nothing_is_used(checkout: Checkout) -> None:
    checkout.program("sudo", '[ "$1" = -n ] || exit 9; shift; [ "$1" = true ] || echo "sudo $*" >>"$LOG"; exec "$@"')
    installed = [name for name in checkout.names("run", "build", "demo") if name != "dbus"]
    status, _, done = checkout.setup("run", installed, RELEASE="dbus")
    assert status == 0
    assert done[:2] == ["sudo flock --close /var/lib/dpkg apt-get update -q", "apt-get update -q"]


def test_run_does_not_need_what_only_tests_need(checkout: Checkout) -> None:
    checkout.program("sudo", "exit 1")
    installed = checkout.names("run", "build", "demo")
    assert checkout.setup("run", installed)[0] == 0
    status, error, _ = checkout.setup("test", installed)
    assert status == 1 and "user-mode-linux" in error


@pytest.mark.parametrize(
    ("release", "expected"),
    [("libglib2.0-0t64", "libglib2.0-0t64"), ("libglib2.0-0", "libglib2.0-0"), ("", "libglib2.0-0")],
)
def test_of_alternatives_the_one_of_the_release_is_chosen(checkout: Checkout, release: str, expected: str) -> None:
    installed = [name for name in checkout.names("run", "build", "demo") if not name.startswith("libglib")]
    done = checkout.setup("run", installed, uid=0, RELEASE=release)[2]
    assert done[1] == f"apt-get install -y -q --no-install-recommends {expected}"
    assert checkout.setup("run", [*installed, "libglib2.0-0"])[0] == 0


def test_an_unsuitable_python_is_refused_by_name(checkout: Checkout) -> None:
    status, error, done = checkout.setup("run", checkout.names("run", "build", "demo"), PYTHON="/bin/false")
    assert (status, done) == (1, []) and "PYTHON=/bin/false is not a Python 3.11 to 3.14." in error
