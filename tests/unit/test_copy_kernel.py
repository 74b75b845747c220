# SPDX-License-Identifier: MIT
"""From how many scattered pages on the kernel copies them, by what was measured."""

from __future__ import annotations

import pytest
from vramswap_gui.server.engine.engine import kernel_pays_from

NEVER = 1 << 30


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        ([(64, 640, 40), (32, 320, 30), (16, 160, 20), (8, 80, 15), (4, 40, 12), (2, 20, 11)], 2),
        ([(64, 640, 40), (32, 320, 30), (16, 160, 20), (8, 80, 15), (4, 40, 40), (2, 20, 11)], 8),
        ([(64, 640, 40), (32, 30, 30), (16, 160, 20)], 64),
        ([(64, 40, 640), (32, 320, 30)], NEVER),
        # Somebody else came in the middle, or was there all the time.
        ([(64, 640, 40), (32, 320, 30)], 16),
        ([(64, 640, 40), (32, 320, 30), (16, 160, 20), (8, 80, 15)], 8),
        ([], 16),
    ],
)
def test_it_pays_from_there_on(ways: list[tuple[int, int, int]], expected: int) -> None:
    assert kernel_pays_from(ways, 16) == expected
