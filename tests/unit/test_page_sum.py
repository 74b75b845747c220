# SPDX-License-Identifier: MIT
"""The sum of a page is the CRC32C that others compute, by whatever way."""

from __future__ import annotations

import random

import pytest
from vramswap_gui.server.engine.engine import SUM_WAYS, page_sum, sum_way, zero_page_sum

from tests.support.processor import best_way

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
@pytest.mark.parametrize("kind", ["random", "zeroes", "first bit", "last bit", "counting"])
@pytest.mark.parametrize("way", SUM_WAYS)
def test_all_ways_give_the_same(seed: int, kind: str, way: str) -> None:
    page = {
        "random": random.Random(seed).randbytes(PAGE),
        "zeroes": bytes(PAGE),
        "first bit": b"\x01" + bytes(PAGE - 1),
        "last bit": bytes(PAGE - 1) + b"\x80",
        "counting": bytes(n & 255 for n in range(PAGE)),
    }[kind]
    assert page_sum(seed, page, way) == crc32c(seed, page)


def test_the_best_way_that_the_processor_has_is_taken() -> None:
    assert sum_way() == best_way()


@pytest.mark.parametrize("seed", [0, 1, 4097, 0xFFFFFFFF])
def test_a_page_of_zeroes_need_not_be_looked_at(seed: int) -> None:
    assert zero_page_sum(seed) == crc32c(seed, bytes(PAGE))
