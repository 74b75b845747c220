"""When a GPU is given up."""

from __future__ import annotations

import pytest

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server.supervisor.gpu_loss import PATIENCE, Trouble, gpu_is_gone, heard, is_gone

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
        trouble = heard(trouble, None if code is None else VramswapError(code, "why"), now)
    assert is_gone(trouble, now) is gone


def test_what_is_said_then() -> None:
    error = gpu_is_gone(Trouble(VramswapError(FAILS, "CUDA failed."), 0))
    assert error.code is GONE
    assert "what was in its memory is lost. CUDA failed." in error.message
    assert error.remedy
