"""What one program of the server leaves to the next: by replacing itself, or by dying while its engine lives.

To be upgraded the keeper becomes the new program with execve(2), which keeps its process id, its children and the
descriptors that are told to stay. The old engine serves on by itself until the new one has everything, so nothing waits
but for the moment of the exchange, and a new program that does not work does no harm. A keeper that died has left an
engine that holds everything too, and a new keeper takes over from that in the same way.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server.messages import Inheritance, Predecessor, SegmentRecord
from vramswap_gui.system import nbd, run

_OPTIONS = ("--report", "--resume")
#: Of the state that one version leaves to another.
_FORMAT: Final = 2


@dataclass(frozen=True, slots=True)
class Legacy:
    """All that is left: what the machine is to know, the kept ends of connections, and the counters' descriptor."""

    inheritance: Inheritance
    ends: Mapping[int, list[int]]
    counters: int | None


def become(legacy: Legacy) -> NoReturn:
    """Start the program anew in this process, with what it is to know and the descriptors in it. Raises OSError."""
    state = {
        "format": _FORMAT,
        "gpu": dict(legacy.inheritance.gpu),
        "engines": [asdict(engine) for engine in legacy.inheritance.engines],
        "segments": [asdict(segment) for segment in legacy.inheritance.segments],
        "ends": {str(index): ends for index, ends in legacy.ends.items()},
        "counters": legacy.counters,
    }
    kept = [segment.fd for segment in legacy.inheritance.segments]
    kept += [fd for ends in legacy.ends.values() for fd in ends]
    kept += [legacy.counters] if legacy.counters is not None else []
    fd = os.memfd_create("vramswap-state", 0)
    try:
        os.write(fd, json.dumps(state).encode())
        for number in kept:
            os.set_inheritable(number, True)
        run.become(command(sys.orig_argv, fd))
    finally:
        # Only when it failed.
        for number in kept:
            os.set_inheritable(number, False)
        os.close(fd)


def command(arguments: list[str], fd: int) -> list[str]:
    """The command line of the next program: this one's, with another state to resume."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if not skip and argument not in _OPTIONS:
            kept.append(argument)
        skip = argument in _OPTIONS and not skip
    return [*kept, "--resume", str(fd)]


def resumed(fd: int) -> Legacy:
    """What :func:`become` left. Raises VramswapError."""
    try:
        with os.fdopen(fd, "rb") as file:
            file.seek(0)
            state: dict[str, Any] = json.load(file)
        legacy = _parse(state)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VramswapError(
            ErrorCode.INVALID_ARGUMENT, f"There is nothing to resume ({error}).", "Leave --resume to the server itself."
        ) from None
    for number in (
        *(segment.fd for segment in legacy.inheritance.segments),
        *(fd for ends in legacy.ends.values() for fd in ends),
        *((legacy.counters,) if legacy.counters is not None else ()),
    ):
        os.set_inheritable(number, False)
    return legacy


def _parse(state: dict[str, Any]) -> Legacy:
    return Legacy(
        Inheritance(
            state["gpu"],
            tuple(Predecessor(**engine) for engine in state["engines"]),
            tuple(SegmentRecord(**segment) for segment in state["segments"]),
        ),
        {int(index): list(ends) for index, ends in state["ends"].items()},
        state["counters"],
    )


def adopted(folder: Path, sockets: Path | None = None) -> Legacy | None:
    """What engines without a keeper hold, those that are found in ``folder``; None when there are none.

    ``sockets``: the folder of sockets that simulate devices, where there are no real ones.
    """
    devices = nbd.ours()
    engines: list[Predecessor] = []
    segments: dict[int, SegmentRecord] = {}
    gpu: Mapping[str, Any] = {}
    counters: int | None = None
    for pid, message, fds in ipc.orphans(folder):
        try:
            held = [(int(s["index"]), int(s["size"]), str(s["ident"])) for s in message["segments"]]
            if len(fds) != len(held) + 1:
                raise ValueError
            serves = bool(message["connections"])
            gpu = message["gpu"] or gpu
        except (KeyError, TypeError, ValueError):
            for fd in fds:
                os.close(fd)
            continue
        engines.append(Predecessor(pid, serves))
        for (index, size, ident), fd in zip(held, fds, strict=False):
            if index in segments:
                os.close(fd)
                continue
            if sockets is not None:
                device = str(sockets / f"nbd{index}")
            else:
                device = devices[ident].device if ident in devices else ""
            segments[index] = SegmentRecord(index, size, fd, ident, device)
        if counters is None:
            counters = fds[-1]
        else:
            os.close(fds[-1])
    if not engines:
        return None
    return Legacy(Inheritance(gpu, tuple(engines), tuple(segments.values())), {}, counters)
