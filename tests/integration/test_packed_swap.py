# SPDX-License-Identifier: MIT
"""Swap whose pages are packed, by the real helper and server: it is earned, given up, and makes way for others."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.demo.stack import Stack
from tests.support.ctl import done, engine_pid, is_left_as_before, refused, status
from tests.support.nbd_client import PAGE, Client
from tests.support.policy import Make, becomes, begin, started
from tests.support.waiting import wait_for
from vramswap_gui.bench.export import Export
from vramswap_gui.units import KIB, MIB

#: Pages that the kernel sends at once.
BATCH: Final = 64
#: Of the GPU's 2 GiB there are four extents of 64 MiB.
LENT: Final = 256 * MIB


def packed(make: Make, **settings: object) -> Stack:
    """A stack that lends all of it."""
    stack = started(make, "always", **{"size": LENT, "compression": '"lz4"', **settings})
    begin(stack)
    becomes(stack, "on")
    return stack


@contextlib.contextmanager
def device(segment: Any) -> Iterator[Client]:
    with contextlib.closing(Export(Path(segment["device"]), segment["size"], 0, 0.0).connect()) as end:
        yield Client(end)


def fill(
    stack: Stack, share: float, *, dense: bool = False, segments: slice = slice(None)
) -> dict[tuple[str, int], bytes]:
    """Have the simulated kernel swap pages out to so much of each segment; what the first page of each batch is.

    They become a third or so, or with ``dense`` no smaller.
    """
    draw, written = random.Random(1), {}
    words = [struct.pack("=Q", draw.getrandbits(48)) for _ in range(100)]
    texts = [b"".join(draw.choices(words, k=PAGE // 8 - 1)) for _ in range(BATCH)]
    for segment in status(stack)["segments"][segments]:
        # The first page has the header.
        pages = int((segment["size"] // PAGE - 1) * share) // BATCH * BATCH
        with device(segment) as client:
            for first in range(1, pages + 1, BATCH):
                batch = [draw.randbytes(PAGE) if dense else draw.randbytes(8) + page for page in texts]
                client.write(first * PAGE, b"".join(batch))
                written[segment["device"], first] = batch[0]
        stack.fake.use(segment["device"], pages * PAGE // KIB)
    return written


def is_there(written: dict[tuple[str, int], bytes], known: Any) -> None:
    """``known``: the status."""
    for segment in known["segments"]:
        with device(segment) as client:
            for (name, page), data in written.items():
                if name == segment["device"]:
                    assert client.read(page * PAGE) == data


def next_engine(stack: Stack) -> int:
    try:
        return engine_pid(stack)
    except IndexError:
        return 0


def test_swap_is_earned_and_survives_the_engine_and_the_helper(make_stack: Make) -> None:
    stack = packed(make_stack)
    before = status(stack)
    assert (before["lent"], before["compression"], before["packed"][0]) == (LENT, "lz4", LENT)
    # All that can be held of any pages, beside the reserve.
    assert LENT * 3 // 4 < before["size"] < LENT
    written = fill(stack, 0.9)
    wait_for(lambda: status(stack)["size"] > before["size"], "a segment that was earned")
    earned = status(stack)
    assert earned["lent"] == LENT
    assert 2 < earned["ratio"] < 6
    assert "of 256 MiB of VRAM, " in done(stack, "status")
    wait_for(lambda: "more of swap were earned" in done(stack, "activity"), "what is told of it")
    stack.kill("helper")
    os.kill(first := engine_pid(stack), signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{first}").exists() and next_engine(stack), "another engine")
    is_there(written, earned)
    stack.start_helper()
    after = becomes(stack, "on")
    assert after["lent"] == LENT
    assert after["size"] >= earned["size"]
    is_there(written, after)
    done(stack, "off")
    is_left_as_before(stack)


def test_vram_makes_way_without_swapoff_as_long_as_the_rest_holds_the_pages(make_stack: Make) -> None:
    stack = packed(make_stack)
    devices = {segment["device"] for segment in status(stack)["segments"]}
    written = fill(stack, 0.9)
    done(stack, "size", "192M")
    less = status(stack)
    assert less["lent"] == 192 * MIB, (less, done(stack, "activity"))
    # What was earned meanwhile, and is empty, may go.
    assert devices <= {segment["device"] for segment in less["segments"]}
    is_there(written, less)
    # The other way round there is room for more at once.
    done(stack, "size", "256M")
    more = status(stack)
    assert more["lent"] == LENT
    is_there(written, more)
    done(stack, "off")


def test_pages_that_got_worse_take_a_segment_before_there_is_no_room(make_stack: Make) -> None:
    stack = packed(make_stack)
    first = len(status(stack)["segments"])
    fill(stack, 0.9)
    wait_for(lambda: len(status(stack)["segments"]) > first, "a segment that was earned")
    fill(stack, 0.9, dense=True, segments=slice(first))
    wait_for(lambda: "not packed so well any more" in done(stack, "activity"), "a segment that went")
    becomes(stack, "on")
    assert status(stack)["lent"] == LENT
    done(stack, "off")
    is_left_as_before(stack)


def test_a_size_that_can_hold_no_segment_is_refused_with_numbers(make_stack: Make) -> None:
    stack = started(make_stack, "off", size=16 * MIB, compression='"lz4"')
    begin(stack)
    assert "16 MiB of VRAM are too little to pack pages in; 48 MiB are needed." in refused(stack, "on")
    is_left_as_before(stack)
    done(stack, "size", "48M")
    done(stack, "on")
    assert status(stack)["lent"] == 32 * MIB
    done(stack, "off")
