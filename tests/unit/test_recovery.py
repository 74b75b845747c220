# SPDX-License-Identifier: MIT
"""When a GPU is given up."""

from __future__ import annotations

import pytest
from cuda.bindings import driver

from tests.support.errors import failure
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.server.engine import engine, vram
from vramswap_gui.server.supervisor.recovery import (
    BACKOFF,
    CONTEXT_LOST,
    LONGEST,
    PATIENCE,
    STEADY,
    YOUNG,
    Recovery,
    Trouble,
    heard,
    is_gone,
)

FAILS = ErrorCode.SERVER_FAILED
GONE = ErrorCode.NO_GPU
BUSY = ErrorCode.OUT_OF_VRAM


@pytest.mark.parametrize(
    ("name", "ends", "gone"),
    [
        ("nothing is said", [], False),
        ("one failure", [(0, GONE)], False),
        ("failures, not for long", [(0, GONE), (PATIENCE - 1, GONE)], False),
        ("failures for long", [(0, GONE), (PATIENCE, GONE)], True),
        ("different failures of the GPU", [(0, FAILS), (9, GONE), (PATIENCE, FAILS)], True),
        ("a crash loop", [(second, None) for second in range(100)], False),
        ("a crash between them", [(0, GONE), (9, None), (PATIENCE, GONE)], False),
        ("others have all the VRAM", [(second, BUSY) for second in range(100)], False),
        ("no driver while it is updated", [(second, ErrorCode.NO_DRIVER) for second in range(100)], False),
        ("it fails again after others had the VRAM", [(0, GONE), (9, BUSY), (PATIENCE, GONE)], False),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_when_a_gpu_is_given_up(name: str, ends: list[tuple[float, ErrorCode | None]], gone: bool) -> None:
    trouble: Trouble | None = None
    now = 0.0
    for now, code in ends:
        trouble = heard(trouble, None if code is None else failure(code, "why"), now)
    assert is_gone(trouble, now) is gone


@pytest.mark.parametrize(
    "error",
    [
        VramswapError(Problem.ENGINE_FAILED, what="MemoryError"), VramswapError(Problem.CODEC_MISSING, library="lz4"),
        VramswapError(Problem.GPU_OCCUPIED, call="cuDevicePrimaryCtxRetain"),
        VramswapError(Problem.VRAM_TOO_FULL, call="cuMemHostAlloc"),
    ],
    ids=lambda error: error.problem,
)  # fmt: skip
def test_what_is_no_fault_of_the_gpus(error: VramswapError) -> None:
    """For good or bad, the VRAM is whole, and whoever serves it does so."""
    recovery = Recovery()
    recovery.failed(failure(GONE), 0.0)
    for second in range(1, 600, 10):
        recovery.failed(error, float(second))
        assert not recovery.is_gone(float(second), served=False)
    assert recovery.trouble == Trouble(error, None)


def test_what_cuda_says_of_a_gpu_that_others_have() -> None:
    said = {
        driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY: Problem.VRAM_TOO_FULL,
        driver.CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE: Problem.GPU_OCCUPIED,
        driver.CUresult.CUDA_ERROR_UNKNOWN: Problem.CUDA_FAILED,
    }
    for status, problem in said.items():
        with pytest.raises(VramswapError) as caught:
            vram._call(lambda status=status: (status,))
        assert caught.value.problem is problem


def test_what_is_said_then() -> None:
    recovery = Recovery()
    recovery.failed(failure(FAILS, "CUDA failed."), 0.0)
    error = recovery.gpu_is_gone()
    assert error.code is GONE
    assert "what was in its memory is lost. CUDA failed." in error.message
    assert error.remedy


def test_one_that_hangs_is_no_sign_of_a_lost_gpu() -> None:
    recovery = Recovery()
    for second in range(0, 600, 45):
        recovery.hung(failure(FAILS, "it did not open the GPU in time"), float(second))
    assert not recovery.is_gone(600.0, served=False)
    assert recovery.trouble is not None


def test_who_crashes_again_and_again_is_tried_less_often() -> None:
    recovery = Recovery()
    pauses = []
    now = 0.0
    for _ in range(len(BACKOFF) + 2):
        recovery.died(11, now, now + 1)
        pauses.append(recovery.retry_at - now - 1)
        now = recovery.retry_at
    assert pauses == pytest.approx([*BACKOFF[1:], BACKOFF[-1], BACKOFF[-1], BACKOFF[-1]])
    recovery.died(11, now, now + YOUNG)
    assert recovery.retry_at == now + YOUNG


def test_who_was_killed_did_not_crash() -> None:
    recovery = Recovery()
    for second in range(20):
        recovery.died(9, float(second), second + 0.5)
        assert recovery.retry_at == second + 0.5


def test_who_follows_a_late_engine_is_given_more_time() -> None:
    recovery = Recovery()
    patience = []
    for second in range(100):
        patience.append((recovery.patience(2.0), recovery.patience(LONGEST + 5)))
        # One that serves for a short while may be as late in a moment.
        recovery.serves(float(second), second + STEADY - 1)
        recovery.late()
    assert patience[:7] == [(seconds, LONGEST + 5) for seconds in (2.0, 4.0, 8.0, 16.0, 32.0, LONGEST, LONGEST)]
    assert patience[-1] == patience[6]
    recovery.serves(0.0, STEADY)
    assert recovery.patience(2.0) == 2.0


def test_the_engine_says_by_its_status_that_the_gpu_fails() -> None:
    recovery = Recovery()
    recovery.died(CONTEXT_LOST << 8, 0.0, 1.0)
    assert recovery.trouble is not None and recovery.trouble.since == 1.0
    assert CONTEXT_LOST == engine.CONTEXT_LOST
