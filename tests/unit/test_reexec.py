# SPDX-License-Identifier: MIT
"""What a program of the server finds that another version left."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server.messages import Inheritance, Predecessor, SegmentRecord
from vramswap_gui.server.supervisor.counters import Counters
from vramswap_gui.server.supervisor.reexec import Legacy, adopted, resumed

#: It is made one that no child inherits, so it is none that others need.
FD = os.memfd_create("test-vram")
SEGMENT = {"index": 0, "size": 1 << 28, "fd": FD, "ident": "vramswap-1-0", "device": "/dev/nbd0"}
#: The least that there ever was.
LEFT: dict[str, Any] = {
    "format": 2, "gpu": {"uuid": "GPU-1"}, "engines": [{"pid": 7}], "segments": [SEGMENT], "ends": {}, "counters": None,
}  # fmt: skip


def left(state: object) -> int:
    """A descriptor as the program before leaves it."""
    fd = os.memfd_create("test-state")
    os.write(fd, json.dumps(state).encode())
    return fd


@pytest.mark.parametrize(
    ("more", "version"),
    [
        ({}, ""),
        (
            {"version": "9.9", "moon": 1, "engines": [{"pid": 7, "shade": 1}], "segments": [{**SEGMENT, "shade": 1}]},
            "9.9",
        ),
        ({"pool": {"live": 7}}, ""),
    ],
)
def test_what_is_not_known_is_passed_over(more: dict[str, Any], version: str) -> None:
    record = SegmentRecord(**SEGMENT)  # type: ignore[arg-type]
    inheritance = Inheritance({"uuid": "GPU-1"}, (Predecessor(7),), (record,), more.get("pool", {}))
    assert resumed(left({**LEFT, **more})) == Legacy(inheritance, {}, None, version=version)


@pytest.mark.parametrize(
    "state", [{**LEFT, "format": 4, "version": "9.9"}, {}, [], {**LEFT, "segments": [{"index": 0}]}]
)
def test_what_cannot_be_understood_is_refused(state: object) -> None:
    with pytest.raises(VramswapError) as caught:
        resumed(left(state))
    assert caught.value.problem is Problem.NOTHING_TO_RESUME
    assert "9.9" not in str(state) or "version 9.9" in caught.value.message


def test_one_that_counted_less_goes_on_counting() -> None:
    fd = os.memfd_create("test-counters")
    os.write(fd, (5).to_bytes(8, "little"))
    counters = Counters(fd)
    assert counters.read()["reads"] == 5 and counters.damage() == (0, 0)


def introduced(**more: Any) -> tuple[ipc.Message, list[int]]:
    """What an engine without a keeper says of itself, with a segment and its counters."""
    said = {"segments": [{"index": 0, "size": 1 << 28, "ident": "vramswap-1-1"}], "connections": True, "gpu": {}}
    return {**said, **more}, [os.memfd_create("test-vram"), os.memfd_create("test-counters")]


def test_of_two_engines_the_one_that_serves_speaks_for_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one was to be the next, and need not have heard everything."""
    serving = introduced(version="9.9", compression="lz4", pool={"live": 7})
    next_one = introduced(connections=False, version="9.9")
    monkeypatch.setattr(ipc, "orphans", lambda _: [(8, *next_one), (7, *serving)])
    found = adopted(tmp_path, sockets=tmp_path)
    assert found is not None
    assert (found.compression, found.inheritance.pool) == ("lz4", {"live": 7})
    assert found.inheritance.engines == (Predecessor(7), Predecessor(8, serves=False))
    (record,) = found.inheritance.segments
    assert [record.fd, found.counters] == serving[1]
    for fd in next_one[1]:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(fd)
    for fd in serving[1]:
        os.close(fd)
