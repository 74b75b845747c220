"""Replaces the server's program by a newer one while it serves: the segments pass from one to the other.

The keeper becomes the new program with execve(2), which keeps its process id, its children and the descriptors that are
told to stay. The old engine serves on by itself until the new one has everything, so nothing waits but for the moment
of the exchange, and a new program that does not work does no harm.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NoReturn

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.system import run

_OPTIONS = ("--report", "--resume")


def become(state: dict[str, Any], keep: list[int]) -> NoReturn:
    """Start the program anew in this process, with ``state`` and the descriptors in it. Raises OSError."""
    fd = os.memfd_create("vramswap-state", 0)
    os.write(fd, json.dumps(state).encode())
    for kept in keep:
        os.set_inheritable(kept, True)
    run.become(command(sys.orig_argv, fd))


def command(arguments: list[str], fd: int) -> list[str]:
    """The command line of the next program: this one's, with another state to resume."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if not skip and argument not in _OPTIONS:
            kept.append(argument)
        skip = argument in _OPTIONS and not skip
    return [*kept, "--resume", str(fd)]


def resumed(fd: int) -> dict[str, Any]:
    """What :func:`become` left. Raises VramswapError."""
    try:
        with os.fdopen(fd, "rb") as file:
            file.seek(0)
            state: dict[str, Any] = json.load(file)
    except (OSError, ValueError) as error:
        raise VramswapError(
            ErrorCode.INVALID_ARGUMENT, f"There is nothing to resume ({error}).", "Leave --resume to the server itself."
        ) from None
    for fd in [state.get("counters", -1), *(segment["fd"] for segment in state["segments"])]:
        if fd >= 0:
            os.set_inheritable(fd, False)
    return state
