# SPDX-License-Identifier: MIT
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from vramswap_gui import __version__
from vramswap_gui.api.control import from_fields
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server.messages import Inheritance, Kind, Predecessor, SegmentRecord
from vramswap_gui.system import devices, run

_OPTIONS = ("--report", "--resume")
#: Of the state that one version leaves to another. What is added is passed over by those that do not know it; only
#: what they could not go on without makes it another format: the second one is that with a pool.
_FORMATS: Final = (2, 3)


@dataclass(frozen=True, slots=True)
class Legacy:
    """All that is left: what the machine is to know, the kept ends of connections, and two descriptors: what is
    counted into, and what the sentry watches (-1: there is none)."""

    inheritance: Inheritance
    ends: Mapping[int, list[int]]
    counters: int | None
    sentry: int = -1
    #: Of the program that left it.
    version: str = ""
    #: By what it packs pages; empty: it does not.
    compression: str = ""


def become(legacy: Legacy) -> NoReturn:
    """Start the program anew in this process, with what it is to know and the descriptors in it. Raises OSError."""
    has_pool = any(segment.kind is Kind.EXTENT for segment in legacy.inheritance.segments)
    state = {
        "format": format_of(has_pool),
        "version": __version__,
        "gpu": dict(legacy.inheritance.gpu),
        "pool": dict(legacy.inheritance.pool),
        "engines": [asdict(engine) for engine in legacy.inheritance.engines],
        "segments": [asdict(segment) for segment in legacy.inheritance.segments],
        "ends": {str(index): ends for index, ends in legacy.ends.items()},
        "counters": legacy.counters,
        "sentry": legacy.sentry,
        "compression": legacy.compression if has_pool else "",
    }
    kept = [fd for segment in legacy.inheritance.segments for fd in segment.descriptors]
    kept += [fd for ends in legacy.ends.values() for fd in ends]
    kept += [legacy.counters] if legacy.counters is not None else []
    kept += [legacy.sentry] if legacy.sentry >= 0 else []
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
        raise VramswapError(Problem.NOTHING_TO_RESUME, why=str(error)) from None
    for number in (
        *(fd for segment in legacy.inheritance.segments for fd in segment.descriptors),
        *(fd for ends in legacy.ends.values() for fd in ends),
        *((legacy.counters,) if legacy.counters is not None else ()),
        *((legacy.sentry,) if legacy.sentry >= 0 else ()),
    ):
        os.set_inheritable(number, False)
    return legacy


def format_of(has_pool: bool) -> int:
    """The format of what is left, with a pool or without."""
    return _FORMATS[has_pool]


def understands(format: int) -> bool:
    """Whether this program can go on with what is left in a format."""
    return format in _FORMATS


def _parse(state: dict[str, Any]) -> Legacy:
    if not understands(state["format"]):
        raise ValueError(f"format {state['format']} of version {state.get('version', '')}")
    return Legacy(
        Inheritance(
            state["gpu"],
            tuple(from_fields(Predecessor, engine) for engine in state["engines"]),
            tuple(_segment(segment) for segment in state["segments"]),
            dict(state.get("pool", {})),
        ),
        {int(index): list(ends) for index, ends in state["ends"].items()},
        state["counters"],
        int(state.get("sentry", -1)),
        str(state.get("version", "")),
        str(state.get("compression", "")),
    )


def _segment(wire: Mapping[str, Any]) -> SegmentRecord:
    return from_fields(SegmentRecord, {**wire, "kind": Kind(wire.get("kind", Kind.PLAIN))})


@dataclass(frozen=True, slots=True)
class _Orphan:
    """What an engine without a keeper says of itself, and the descriptors that it hands over."""

    engine: Predecessor
    gpu: Mapping[str, Any]
    pool: Mapping[str, Any]
    #: Their devices are still to be found.
    segments: tuple[SegmentRecord, ...]
    counters: int
    sentry: int
    version: str
    compression: str


def _introduced(pid: int, message: ipc.Message, fds: list[int]) -> _Orphan | None:
    """None for one that speaks in another way; its descriptors are closed."""
    try:
        # A version that knows no extents finds more descriptors than it can explain, and lets the engine serve on.
        known = [*message["segments"], *message.get("extents", ())]
        watched = bool(message.get("sentry"))
        if len(fds) != len(known) + sum(bool(one.get("sums")) for one in known) + watched + 1:
            raise ValueError
        sums = iter(fds[len(known) :])
        segments = tuple(
            SegmentRecord(
                int(one["index"]), int(one["size"]), fd, str(one["ident"]),
                sums=next(sums) if one.get("sums") else -1, kind=Kind(one.get("kind", Kind.PLAIN)),
            )
            for one, fd in zip(known, fds, strict=False)
        )  # fmt: skip
        return _Orphan(
            Predecessor(pid, bool(message["connections"])), dict(message["gpu"]), dict(message.get("pool", {})),
            segments, fds[-1], fds[-2] if watched else -1, str(message.get("version", "")),
            str(message.get("compression", "")),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        for fd in fds:
            os.close(fd)
        return None


def _ours() -> dict[str, str]:
    """The devices of ours that programs can use, by identity. Raises VramswapError: when it cannot be told which."""
    try:
        found = devices.found()
    except OSError as error:
        raise VramswapError(Problem.SYSTEM_REFUSED, why=os.strerror(error.errno or 0)) from error
    nameless = next((device for device in found if device.ident is None), None)
    if nameless is not None:
        raise VramswapError(Problem.DEVICE_NAMELESS, device=nameless.path)
    return devices.named(found)


def adopted(folder: Path, sockets: Path | None = None) -> Legacy | None:
    """What engines without a keeper hold, those that are found in ``folder``; None when there are none.

    ``sockets``: the folder of sockets that simulate devices, where there are no real ones. Raises VramswapError: what
    cannot be seen now, an engine that says nothing or which devices there are, is no reason to go without it.
    """
    found = [orphan for one in ipc.orphans(folder) if (orphan := _introduced(*one)) is not None]
    if not found:
        return None
    # Whoever serves speaks for all: another one was about to, and need not know everything yet.
    found.sort(key=lambda orphan: not orphan.engine.serves)
    there = {} if sockets is not None else _ours()
    segments: dict[int, SegmentRecord] = {}
    for segment in (segment for orphan in found for segment in orphan.segments):
        index = segment.index
        if index in segments:
            # Two hold it: one that served, and one that was to be the next.
            for fd in segment.descriptors:
                os.close(fd)
            continue
        device = str(sockets / f"nbd{index}") if sockets is not None else there.get(segment.ident, "")
        if segment.kind is Kind.EXTENT:
            device = ""
        segments[index] = replace(segment, device=device)
    for orphan in found[1:]:
        for fd in (orphan.counters, orphan.sentry):
            if fd >= 0:
                os.close(fd)
    gpu = next((orphan.gpu for orphan in found if orphan.gpu), {})
    pool = next((orphan.pool for orphan in found if orphan.pool), {})
    inheritance = Inheritance(gpu, tuple(orphan.engine for orphan in found), tuple(segments.values()), pool)
    first = found[0]
    return Legacy(inheritance, {}, first.counters, first.sentry, first.version, first.compression)
