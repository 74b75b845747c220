# SPDX-License-Identifier: MIT
"""Names that are any bytes, places that cannot be written, and parts that are gone: a sentence, or it works."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.demo.stack import BIN, Stack
from tests.support.ctl import done, refused, status
from tests.support.refusing import refusing
from tests.support.waiting import PATIENCE, wait_for

#: As people's disks have them, as the kernel writes them into /proc/swaps.
NAMES = (
    "/mnt/Disque\u00a0dur/swapfile".encode(), b"/mnt/\xfc\xe9/swap", b"/a\xc2\x85b\x0cc\x1cd", rb"/swap\040file\012",
    b"/\x1b[2J<b>x</b>",
)  # fmt: skip
COMMANDS = ((), ("status",), ("doctor",), ("config",), ("off",), ("sleep",), ("wake",), ("watch",), ("report",))


def run(*arguments: str, environment: Mapping[str, str], **how: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [str(BIN / "vramswapctl"), *arguments], env=dict(environment), stdin=subprocess.DEVNULL, check=False,
        timeout=PATIENCE, **{"capture_output": True, **how},
    )  # fmt: skip


def is_a_sentence(ended: subprocess.CompletedProcess[bytes]) -> bool:
    """It worked, or there is one line that says why not."""
    said = ended.stderr.decode()
    assert "Traceback" not in said and "Exception" not in said, said
    return ended.returncode in (0, 1) and len(said.splitlines()) <= 1


def test_somebody_elses_swap_may_have_any_name(stack: Stack) -> None:
    done(stack, "on")
    with stack.fake.swaps.open("ab") as file:
        file.writelines(name + b"\tfile\t2048\t0\t-2\n" for name in NAMES)
    assert status(stack)["state"] == "on"
    assert "of VRAM" in done(stack, "size", "128M")
    done(stack, "sleep")
    done(stack, "wake")
    done(stack, "off")
    left = stack.fake.swaps.read_bytes()
    assert [name for name in NAMES if name not in left] == []


def test_without_polkit_nothing_of_ours_keeps_the_machine_awake(stack: Stack) -> None:
    stack.kill("polkit")
    assert stack.ctl("sleep").returncode == 0
    stack.kill("helper")
    assert stack.ctl("sleep").returncode == 0
    stack.kill("dbus-daemon")
    assert stack.ctl("sleep").returncode == 0


def test_pages_keep_it_awake(stack: Stack) -> None:
    done(stack, "on")
    stack.kill("polkit")
    ended = stack.ctl("sleep")
    # Whether root needs polkit for it is the helper's affair; without a word of it nothing was brought home.
    assert (ended.returncode == 0) is not bool(stack.fake.devices())


@pytest.mark.parametrize(
    ("bus", "commands"),
    [
        ("unix:path=/nonexistent/bus", COMMANDS),
        # How a connection fails, all of them are told alike.
        *((bus, (("status",), ("sleep",))) for bus in
          ("unix:path=/dev/null", "tcp:host=localhost,port=1", "nonsense", "", "unix:", "unix:abstract=\u00fc\udcff")),
    ],
)  # fmt: skip
def test_a_dead_bus(bus: str, commands: Sequence[tuple[str, ...]]) -> None:
    environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": bus}
    for arguments in commands:
        ended = run(*arguments, environment=environment)
        assert is_a_sentence(ended), (arguments, ended)
        assert ended.returncode == (0 if arguments in (("sleep",), ("report",)) else 1), (arguments, ended)


#: One variable each that is not there, or is of no use.
LACKING = (
    {"HOME": ""}, {"HOME": "/nonexistent"}, {"XDG_RUNTIME_DIR": "/proc"}, {"PATH": ""}, {"USER": "\udcff"},
    {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/dev/null"}, {"DISPLAY": ":99999"},
)  # fmt: skip


def test_an_environment_that_lacks_something(stack: Stack) -> None:
    for changes in LACKING:
        environment = stack.environment | changes
        for name in [name for name, value in changes.items() if not value]:
            del environment[name]
        for arguments in (("status",), ("doctor",), ("report",), ("config",)):
            assert is_a_sentence(run(*arguments, environment=environment)), (changes, arguments)


@pytest.mark.parametrize("arguments", [("on",), ("status", "--json"), ("config", "gpu"), ("doctor",), ("watch",)])
def test_output_that_cannot_be_written(stack: Stack, arguments: tuple[str, ...]) -> None:
    environment = dict(stack.environment)
    # Who has it set never sees what is lost at the end.
    del environment["PYTHONUNBUFFERED"]
    with Path("/dev/full").open("wb") as full:
        ended = run(*arguments, environment=environment, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert ended.returncode == 1 and is_a_sentence(ended), ended
    assert b"The answer cannot be written: No space left on device. What was asked for is done" in ended.stderr
    assert bool(stack.fake.devices()) is (arguments == ("on",))
    reader, writer = os.pipe()
    os.close(reader)
    ended = run(*arguments, environment=environment, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


#: What tells of the machine and of the past: nothing that a person asks for depends on it.
TELLING: Final = (
    "/pressure/memory", "/bus/pci/devices", "/class/power_supply", "/nbd0/stat", "/proc/vmstat", "/cgroup/memory.max",
    "/vm/overcommit_memory", "/driver/nvidia/version", "/self/mountinfo", "/run/activity", "/run/.activity",
    "/run/.today", "/run/paused", "/run/.paused", "/run/battery", "/self/comm", "/runtime_status",
)  # fmt: skip


def test_what_only_tells_may_be_refused(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    """To a helper in a container, or under a security module, much is."""
    stack = make_stack(start=False)
    stack.around = refusing(tmp_path, TELLING)
    stack.start()
    for arguments in (("on",), ("size", "128M"), ("mode", "always"), ("sleep",), ("wake",), ("activity",)):
        done(stack, *arguments)
    assert "128 MiB" in done(stack, "status")
    # A pause that cannot be noted is none.
    assert "Operation not permitted" in refused(stack, "pause", "1h")
    assert done(stack, "off") == "off\n"
    log = (stack.folder / "logs/helper").read_text()
    assert "Looking at the machine failed" not in log and "Traceback" not in log, log


def test_what_is_needed_is_named_where_it_is_refused(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    stack = make_stack(start=False)
    stack.around = refusing(tmp_path, ["/meminfo", "/run/.hand"])
    stack.start()
    # Done, and not undone by the mode; but a helper that takes over will not know.
    assert "Operation not permitted" in refused(stack, "on") and stack.fake.devices()
    # Whether pages would fit anywhere cannot be said, so they stay.
    assert "meminfo" in refused(stack, "off") and stack.fake.devices()
    stack.kill("helper")
    stack.around = list
    stack.start_helper()
    assert done(stack, "off") == "off\n"


def test_a_full_run(make_stack: Callable[..., Stack]) -> None:
    """Where nothing can be written the swap is not turned on, or works all the same; either way it says so."""
    stack = make_stack(start=False)
    # A file system of a few pages, all of them used.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(stack.control.parent)], check=True)
    try:
        filler = os.open(stack.control.parent / "filler", os.O_WRONLY | os.O_CREAT)
        with pytest.raises(OSError):
            while True:
                os.write(filler, bytes(4096))
        os.close(filler)
        stack.start()
        for arguments in (("status",), ("on",), ("status",), ("mode", "always"), ("sleep",), ("wake",), ("off",)):
            assert is_a_sentence(run(*arguments, environment=stack.environment)), arguments
        wait_for(lambda: json.loads(run("status", "--json", environment=stack.environment).stdout)["state"] == "off",
                 "off")  # fmt: skip
    finally:
        stack.stop()
        subprocess.run(["umount", "--lazy", str(stack.control.parent)], check=True)
