# SPDX-License-Identifier: MIT
"""What the real helper and the real server tell a journal, which has its socket where journald has it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.demo.stack import FIRST_SIZE, Stack
from tests.support.ctl import done, refused
from tests.support.fakegpu import FakeGpu
from tests.support.journald import Journald, listening
from tests.support.server import ask, is_running, running
from tests.support.skips import NO_MOUNTS, root_is_mounted
from tests.support.waiting import wait_for
from vramswap_gui import __version__
from vramswap_gui.units import MIB


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journald]:
    if not root_is_mounted():
        pytest.skip(NO_MOUNTS)
    with listening(tmp_path / "journal") as journal:
        yield journal


def comm(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text()


def test_the_helper_tells_what_happens(make_stack: Callable[..., Stack], journal: Journald) -> None:
    stack = make_stack(start=False)
    stack.around = journal.before
    stack.start()
    assert journal.last("started")["VRAMSWAP_VERSION"] == __version__
    done(stack, "on")
    on = journal.last("on")
    assert on["MESSAGE"] == "256 MiB of VRAM are swap, in 1 segment. User 0 asked for it."
    assert (on["VRAMSWAP_SIZE"], on["VRAMSWAP_UID"], on["VRAMSWAP_GPU"]) == (f"{FIRST_SIZE}", "0", "0000:01:00.0")
    assert (on["PRIORITY"], on["SYSLOG_IDENTIFIER"]) == ("5", "vramswap-helper")
    done(stack, "size", "384M")
    assert "64 GiB cannot be lent" in refused(stack, "size", "64G")
    done(stack, "off")
    stack.gpu["no_device"] = 1
    refused(stack, "on")
    assert journal.last("failed")["VRAMSWAP_ERROR"] == "NoGpu"
    assert journal.events() == ["started", "on", "setting", "resized", "refused", "off", "failed"]
    resized, wrong = journal.last("resized"), journal.last("refused")
    assert (resized["VRAMSWAP_FROM"], resized["VRAMSWAP_SIZE"]) == (f"{FIRST_SIZE}", f"{384 * MIB}")
    assert (wrong["VRAMSWAP_VERB"], wrong["VRAMSWAP_ERROR"], wrong["PRIORITY"]) == ("Resize", "OutOfVram", "4")
    # Nothing of it is on stderr besides.
    assert stack.last_words("helper") == "it said nothing"


def test_the_server_tells_of_its_engine_and_its_devices(tmp_path: Path, gpu: FakeGpu, journal: Journald) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, who alone may make a mount namespace")
    control = tmp_path / "control"
    arguments = ("--control", str(control), "--attach", str(tmp_path), "--threads", "1")
    with running(gpu, control, *arguments, around=journal.before) as server:
        first, device = server.engine(), str(tmp_path / "nbd0")
        assert [comm(server.process.pid), comm(first)] == ["vramswap-keeper\n", "vramswap-engine\n"]
        ask(control, "add", size=64 * MIB)
        server.kill_engine()
        wait_for(lambda: "engine" in journal.events(), "the line about the engine")
        second = server.engine()
        # Its answer is that this program ends.
        with pytest.raises(json.JSONDecodeError):
            ask(control, "upgrade")
        wait_for(lambda: "upgraded" in journal.events(), "the line about the upgrade")
        # It is written before anybody can ask the new program.
        wait_for(lambda: is_running(control), "the new program")
        ask(control, "remove", index=0)
    wait_for(lambda: "ended" in journal.events(), "the last line")
    assert journal.events("vramswap-server") == ["started", "attached", "engine", "upgraded", "detached", "ended"]
    assert journal.last("attached")["VRAMSWAP_DEVICE"] == device
    died = journal.last("engine")
    assert (died["VRAMSWAP_SIGNAL"], died["VRAMSWAP_ENGINE"]) == ("9", f"{second}")
    assert float(died["VRAMSWAP_SECONDS"]) > 0
    assert died["MESSAGE"].startswith(f"The engine was ended by SIGKILL. Process {second} serves in its place, after ")
