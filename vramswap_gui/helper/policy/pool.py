# SPDX-License-Identifier: MIT
"""VRAM in which the pages of all segments lie packed: in what parts it is lent, and how much swap it earns. Pure
decisions, in bytes.

Of such VRAM the server says how much more swap it could hold whatever the pages are like (``offer``). As pages turn out
to be smaller than they are elsewhere, that grows, and is made a segment of. When those that are written later are not
so small, it falls below nothing long before the VRAM is full, and a segment goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from vramswap_gui.api.control import PoolInfo
from vramswap_gui.helper.policy.sizing import Area, Steps, emptiest_first, split
from vramswap_gui.units import MAX_EXTENTS, MIB, MIN_SIZE, SIZE_STEP, round_down, round_up

#: By what pages are packed when nobody says by what.
_BEST: Final = "lz4"
#: Extents are multiples of the largest chunk that the server divides them into, but for one that is smaller.
_EXTENT_STEP: Final = 32 * MIB
#: Of the segments that there can be, one in so many comes at the start; the others have to be earned.
_FIRST: Final = 4
#: More is earned when so many per cent of the swap are in use, or when it is so few per cent of the VRAM, …
_FULL: Final = 60
_FRESH: Final = 75
#: … and not less at once than a share of the VRAM, as the kernel has few places for swap. Another share of what is
#: offered stays, so that the next page which is not so small does not undo it.
_LEAST_SHARE: Final = 12
_MARGIN_SHARE: Final = 32


def codec(setting: str) -> str:
    """What the server is to pack pages by; ``off``: by nothing."""
    return _BEST if setting == "auto" else setting


def extent(aim: int, largest: int) -> int:
    """The size of extents that come to ``aim`` with little left over, and suffice if it is to be ``largest`` later."""
    least = min(round_up(-(-largest // MAX_EXTENTS), _EXTENT_STEP), round_down(aim, _EXTENT_STEP))
    if not least:
        return round_down(aim, SIZE_STEP)
    return max(range(least, 2 * least, _EXTENT_STEP), key=lambda each: (aim - aim % each, -each))


def extents(size: int, each: int) -> int:
    """How many extents ``size`` is: one at least, as nothing is lent otherwise."""
    return max(1, min(size // each, MAX_EXTENTS))


def first(pool: PoolInfo, most: int) -> tuple[int, ...]:
    """The segments of a pool that has none, of the ``most`` that there can be."""
    # Where too little is offered for any, the server says so, with numbers.
    return split(max(MIN_SIZE, round_down(pool.offer, SIZE_STEP)), max(1, most // _FIRST))


def balance(areas: Sequence[Area], pool: PoolInfo, most: int) -> Steps:
    """The segment that is to come because it is earned, or to go because it is not any more."""
    if pool.offer < 0:
        return Steps(remove=tuple(area.index for area in emptiest_first(areas)[:1]) if len(areas) > 1 else ())
    swap, used = sum(area.size for area in areas), sum(area.used for area in areas)
    size = round_down(pool.offer - pool.vram // _MARGIN_SHARE, SIZE_STEP)
    if len(areas) >= most or size < max(MIN_SIZE, pool.vram // _LEAST_SHARE):
        return Steps()
    # VRAM that has only just come is offered whole, but for the reserve, and is of use at once.
    fresh = swap * 100 < pool.vram * _FRESH
    return Steps(add=(size,)) if fresh or used * 100 > swap * _FULL else Steps()


def taken(areas: Sequence[Area], pool: PoolInfo, most: int) -> int:
    """How much of the VRAM is in use: what pages take; as far as swap is full that no more is earned for, all of it."""
    swap, used = sum(area.size for area in areas), sum(area.used for area in areas)
    if not swap or len(areas) >= most or balance(areas, pool, most).add:
        return pool.live
    return max(pool.live, pool.vram * used // swap)


def leaving(areas: Iterable[Area], pool: PoolInfo, count: int, least: int = 0) -> tuple[int, ...]:
    """Segments that go, in this order and as far as need be, so that ``count`` extents are enough.

    What each of them has in VRAM nobody knows before it is gone: it is taken for its share of all. ``least``: so many.
    """
    missing = (pool.extents - count) * pool.size - pool.offer
    going: list[int] = []
    for area in emptiest_first(areas):
        if missing <= 0 and len(going) >= least:
            break
        going.append(area.index)
        missing -= area.size - area.used + (area.used * min(pool.live, pool.pages) // pool.pages if pool.pages else 0)
    return tuple(going)
