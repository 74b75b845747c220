# SPDX-License-Identifier: MIT
"""The control socket's messages: there and back, and whatever comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.api import control
from vramswap_gui.api.control import (
    Answer,
    BadRequest,
    ControlVerb,
    EngineState,
    GpuInfo,
    Request,
    SegmentInfo,
    ServerStatus,
)
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.units import GIB

STATUS = ServerStatus(
    "1.0", 10, 11, EngineState.LOST, VramswapError(Problem.GPU_GONE_BECAUSE, why=VramswapError(Problem.GPU_FAILS)),
    "kernel", GpuInfo("Card", "GPU-1", "0000:01:00.0", 8 * GIB, GIB, True), (SegmentInfo(0, GIB, "/dev/nbd0", 4),),
    True,
)  # fmt: skip


@pytest.mark.parametrize("verb", ControlVerb)
def test_requests_there_and_back(verb: ControlVerb) -> None:
    asked = Request(verb, dict.fromkeys(verb.takes, 7), 3)
    assert control.request(asked.line()) == asked
    # The keeper's own deadlines are shorter (server/supervisor/keeper.py), and its clients wait for those.
    assert verb.patience > 0


@pytest.mark.parametrize(
    "answer", [Answer(1), Answer(None, {"a": [1]}), Answer(2, error=VramswapError(Problem.CANCELLED))]
)
def test_answers_there_and_back(answer: Answer) -> None:
    assert control.answer(answer.line()) == answer


@pytest.mark.parametrize("status", [ServerStatus(), STATUS])
def test_a_status_there_and_back(status: ServerStatus) -> None:
    wire = json.loads(json.dumps(status.to_wire()))
    assert ServerStatus.from_wire(wire) == status
    assert ServerStatus.from_wire({**wire, "moon": "full", "gpu": {**wire["gpu"], "phase": 1}}) == status


def test_what_another_version_lacks_is_empty() -> None:
    assert ServerStatus.from_wire({"engine": "running"}) == ServerStatus(engine=EngineState.RUNNING)
    assert ServerStatus.from_wire({"engine": "dreaming"}).engine is EngineState.STARTING


@given(st.binary(max_size=60) | st.dictionaries(
    st.sampled_from(["id", "verb", "size", "index"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([*ControlVerb, "", "start"]),
).map(lambda fields: json.dumps(fields).encode()))  # fmt: skip
def test_whatever_comes(line: bytes) -> None:
    try:
        asked: Any = control.request(line)
    except BadRequest as bad:
        assert bad.error.code is ErrorCode.INVALID_ARGUMENT and bad.error.remedy
    else:
        assert asked.arguments.keys() == set(asked.verb.takes)
