# SPDX-License-Identifier: MIT
"""The real ``vramswapctl`` on a stack of tests/demo/stack.py, what it shows, and the processes behind that."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from tests.demo.stack import Stack
from tests.support.children import children
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.api.dbus import BUS_NAME, INTERFACE, OBJECT_PATH
from vramswap_gui.api.status import Status, status_from_wire
from vramswap_gui.bus.connection import PROPERTIES, Bus, BusError, plain


def done(stack: Stack, *arguments: str) -> str:
    """The output of a command that must succeed."""
    result = stack.ctl(*arguments)
    assert (result.returncode, result.stderr) == (0, ""), result
    return result.stdout


def refused(stack: Stack, *arguments: str) -> str:
    """The one line of a command that must be refused."""
    result = stack.ctl(*arguments)
    assert result.returncode == 1, result
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("vramswapctl: ")
    return line.removeprefix("vramswapctl: ")


def status(stack: Stack) -> Any:
    """What ``vramswapctl status --json`` shows, without a start of a program for each of the many questions.

    A machine may be so busy that a bus or a helper answers later than the product waits; then it is asked again.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            found = asyncio.run(_status(stack.environment["DBUS_SYSTEM_BUS_ADDRESS"]))
        except BusError as error:
            if "not answer" not in str(error) or time.monotonic() > end:
                raise
        else:
            return json.loads(json.dumps(found.as_dict()))


async def _status(address: str) -> Status:
    bus = await Bus.connect(address)
    try:
        (wire,) = await bus.call(BUS_NAME, OBJECT_PATH, PROPERTIES, "GetAll", "s", INTERFACE, reply="a{sv}")
        return status_from_wire(plain(wire), Status())
    finally:
        bus.close()


def server_pid(stack: Stack) -> int:
    """The server's process, or 0. An engine that lost its keeper has the same command line, but another name."""
    mark = f"--control\0{stack.control}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "cmdline").read_bytes() and (process / "comm").read_text() == "vramswap-keeper\n":
                return int(process.name)
        except OSError:
            continue
    return 0


def is_left_as_before(stack: Stack) -> None:
    """No swap; and soon no server, which ends after it has answered, and so no VRAM in use."""
    assert stack.fake.devices() == []
    wait_for(lambda: server_pid(stack) == 0 and not list(stack.kernel.glob("nbd*")), "the server's end")


def engine_pid(stack: Stack) -> int:
    """The process that serves."""
    return children(server_pid(stack))[0]
