# SPDX-License-Identifier: MIT
"""The sum of a page is the CRC32C that others compute, by whatever way."""

from __future__ import annotations

import random

import pytest
from vramswap_gui.server.engine.engine import page_sum

PAGE = 4096


def crc32c(seed: int, data: bytes) -> int:
    """Bit by bit, as RFC 3720 defines it."""
    value = seed ^ 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def test_the_reference_is_right() -> None:
    assert crc32c(0, b"123456789") == 0xE3069283


@pytest.mark.parametrize("seed", [0, 1, 4097, 0xFFFFFFFF])
@pytest.mark.parametrize("kind", ["random", "zeroes", "one bit", "counting"])
@pytest.mark.parametrize("hardware", [True, False])
def test_all_ways_give_the_same(seed: int, kind: str, hardware: bool) -> None:
    page = {
        "random": random.Random(seed).randbytes(PAGE),
        "zeroes": bytes(PAGE),
        "one bit": bytes(PAGE - 1) + b"\x80",
        "counting": bytes(n & 255 for n in range(PAGE)),
    }[kind]
    assert page_sum(seed, page, hardware) == crc32c(seed, page)
