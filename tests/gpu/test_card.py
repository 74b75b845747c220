# SPDX-License-Identifier: MIT
"""The real server on a real card. Run by hand where one is at hand: ``make test ARGS="tests/gpu -s"``."""

from __future__ import annotations

import os
import signal
import time

import pytest
from vramswap_gui.bench.load import Generator

from tests.support import card
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import export
from vramswap_gui.bench.results import Load, Measured
from vramswap_gui.system import gpu, nvml
from vramswap_gui.units import GIB, KIB, MIB, SIZE_STEP, format_size

pytestmark = card.NEEDED

BLOCK = 512 * KIB
#: What a CUDA context may take besides what it serves.
CONTEXT = GIB


def sweep(generator: Generator, size: int, write_percent: int) -> Measured:
    """Every block once, checked."""
    blocks = size // BLOCK
    measured: Measured = generator.run(Load(BLOCK, 4, write_percent, 300, sequential=True, requests=blocks))
    assert measured.requests == blocks
    return measured


async def test_eight_gib_are_written_verified_and_given_back() -> None:
    before = card.used()
    async with export(8 * GIB, "", 8) as server:
        assert 8 * GIB <= card.used() - before <= 8 * GIB + CONTEXT
        with server.connect() as end:
            generator = Generator([end.fileno()], server.size, BLOCK)
            written = sweep(generator, server.size, 100)
            read = sweep(generator, server.size, 0)
        print(f"\n{format_size(written.bytes)} written at {written.bandwidth / 1e9:.1f} GB/s and read back at"
              f" {read.bandwidth / 1e9:.1f} GB/s, every byte right; {format_size(card.used() - before)} of VRAM in use,"
              f" {format_size(server.memory())} of memory, ready after {server.ready_after:.2f} s")  # fmt: skip
    wait_for(lambda: card.used() <= before + 16 * MIB, "the VRAM is given back")
    print(f"VRAM in use before {format_size(before)}, after {format_size(card.used())}")


async def test_the_data_outlive_the_engine() -> None:
    async with export(GIB, "", 4) as server:
        with server.connect() as end:
            generator = Generator([end.fileno()], server.size, BLOCK)
            sweep(generator, server.size, 100)
            for _ in range(3):
                old = card.engine(server)
                os.kill(old, signal.SIGKILL)
                killed = time.monotonic()
                wait_for(lambda old=old: card.engine(server) != old, "the engine is dead")  # type: ignore[misc]
                # A client of a socket connects again by itself; here the same descriptor is given a new connection.
                with server.connect() as again:
                    os.dup2(again.fileno(), end.fileno())
                generator.run(Load(BLOCK, 1, 0, 60, requests=1))
                print(f"\nserving again {time.monotonic() - killed:.2f} s after kill -9")
                assert card.engine(server) not in (0, old)
                sweep(generator, server.size, 0)


async def test_a_size_that_the_card_does_not_have_is_refused() -> None:
    reading = nvml.read(gpu.list_pci()[0], held=True)
    assert reading is not None
    before = card.used()
    assert reading.total is not None
    with pytest.raises(Exception, match=r"too little free memory|OUT_OF_MEMORY"):
        async with export((reading.total // SIZE_STEP + 1) * SIZE_STEP, "", 1):
            pass
    wait_for(lambda: card.used() <= before + 16 * MIB, "nothing is left of it")
