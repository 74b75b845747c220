# SPDX-License-Identifier: MIT
"""Who has the VRAM: processes as programs, and programs as parts of a bar."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.api.status import Segment, State, Status
from vramswap_gui.system.nvml import Program
from vramswap_gui.tray.readings import GpuView, ProgramView, _by_name
from vramswap_gui.tray.vram_usage import Holder, shares
from vramswap_gui.units import GIB, MIB

GPU = GpuView("GPU", 8 * GIB, 1 * GIB, 7 * GIB)
OFF = Status()
ON = Status(State.ON, segments=(Segment("/dev/nbd0", 3 * GIB, 0, 1000), Segment("/dev/nbd1", GIB, 0, 999)))
LENT = replace(GPU, used=5 * GIB, free=3 * GIB)


def programs(**sizes: int | None) -> tuple[ProgramView, ...]:
    return tuple(ProgramView(name, size) for name, size in sizes.items())


@pytest.mark.parametrize(
    ("name", "gpu", "status", "used", "headroom", "expected"),
    [
        ("nothing is known", None, OFF, 0, 0, "pages 0, reserved 0"),
        ("the GPU sleeps", GpuView(asleep=True), ON, GIB, 512, "pages 1024, reserved 3072"),
        ("off", GPU, OFF, 0, 512, "pages 0, reserved 0, others 1024, headroom 512, free 6656"),
        ("on", LENT, ON, GIB, 512, "pages 1024, reserved 3072, others 1024, headroom 512, free 2560"),
        ("no headroom", LENT, ON, GIB, 0, "pages 1024, reserved 3072, others 1024, free 3072"),
        (
            "named", replace(LENT, programs=programs(Xorg=300 * MIB, game=200 * MIB)), ON, 0, 0,
            "pages 0, reserved 4096, Xorg 300, game 200, others 524, free 3072",
        ),
        (
            "too many names", replace(LENT, programs=programs(a=400 * MIB, b=300 * MIB, c=200 * MIB, d=100 * MIB)), OFF,
            0, 0, "pages 0, reserved 0, a 400, b 300, c 200, others 4220, free 3072",
        ),
        (
            "names without numbers", replace(LENT, programs=programs(Xorg=None, game=None)), ON, 0, 0,
            "pages 0, reserved 4096, others 1024, free 3072",
        ),
        (
            "one number is missing", replace(LENT, programs=programs(game=24 * MIB, Xorg=None)), ON, 0, 0,
            "pages 0, reserved 4096, game 24, others 1000, free 3072",
        ),
        (
            "nobody else", replace(LENT, used=4 * GIB, programs=()), ON, 0, 0,
            "pages 0, reserved 4096, others 0, free 4096",
        ),
        (
            "all of it is named", replace(LENT, programs=programs(game=GIB)), ON, 0, 0,
            "pages 0, reserved 4096, game 1024, free 3072",
        ),
        (
            "programs say more than the card", replace(LENT, programs=programs(game=GIB, Xorg=GIB)), ON, 0, 0,
            "pages 0, reserved 4096, game 1024, free 3072",
        ),
        (
            "the swap grew since", replace(GPU, used=3 * GIB), ON, 5 * GIB, 0,
            "pages 4096, reserved 0, others 0, free 4096",
        ),
        (
            "the headroom is taken", replace(GPU, used=7 * GIB + 768 * MIB), OFF, 0, 512,
            "pages 0, reserved 0, others 7936, headroom 256, free 0",
        ),
    ],
)  # fmt: skip
def test_parts(name: str, gpu: GpuView | None, status: Status, used: int, headroom: int, expected: str) -> None:
    found = shares(gpu, status, used, headroom * MIB)
    words = (share.label if share.holder is Holder.PROGRAM else share.holder for share in found)
    assert ", ".join(f"{word} {share.size // MIB}" for word, share in zip(words, found, strict=True)) == expected
    assert all(share.label for share in found)


@given(
    *(st.integers(0, 1 << 36) for _ in range(5)),
    st.none() | st.lists(st.none() | st.integers(0, 1 << 36), max_size=6),
)
def test_the_parts_are_the_whole(
    total: int, taken: int, lent: int, used: int, headroom: int, sizes: list[int | None] | None
) -> None:
    status = Status(segments=(Segment("/dev/nbd0", lent, used, 1),))
    views = None if sizes is None else tuple(ProgramView(str(n), size) for n, size in enumerate(sizes))
    found = shares(GpuView("GPU", total, taken, 0, programs=views), status, used, headroom)
    assert all(share.size >= 0 for share in found)
    assert sum(share.size for share in found) == (max(total, lent) if total else lent)


def test_processes_become_programs() -> None:
    found = _by_name(
        [
            Program(10, "Xorg", 100),
            Program(11, "firefox", 70),
            Program(12, "vramswap-server", 4096, ours=True),
            Program(13, "firefox", 60),
            Program(14, "firefox", None),
            Program(15, "", 5),
            Program(16, "mystery", None),
        ]
    )
    assert [(view.name, view.used) for view in found] == [
        ("firefox", 130),
        ("Xorg", 100),
        ("Process 15", 5),
        ("mystery", None),
    ]
