# SPDX-License-Identifier: MIT
"""VRAM in which the pages of all segments lie packed: in what parts it is lent, and how much swap it earns. Pure
decisions, in bytes.

Of such VRAM the server says how much more swap it could hold whatever the pages are like (``offer``). As pages turn out
to be smaller than they are elsewhere, that grows, and is made a segment of. When those that are written later are not
so small, it falls below nothing long before the VRAM is full, and a segment goes.

What the kernel has forgotten lies on in VRAM where it did not say so, as it does of whole clusters alone; and what was
forgotten leaves holes between what was not. Both are seen to while nobody moves anything: a segment of which much is
stale is swapped off, which forgets all of it, and comes again when it is earned; and the server has time to clean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vramswap_gui.api.control import PoolInfo
from vramswap_gui.helper.policy.sizing import Area, Room, Steps, emptiest_first, shortfall, split
from vramswap_gui.units import MAX_EXTENTS, MIB, MIN_PACKED, MIN_SIZE, SIZE_STEP, round_down, round_up

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
#: Nothing is cleaned before nobody moved more for so many seconds than such a share of the VRAM from look to look, …
CALM_SECONDS: Final = 10.0
_STILL_SHARE: Final = 4096
#: … nor unless so many per cent of it are stale, or holes. Of the holes so many may stay then, as the server can get
#: down to a sixteenth, so that what was cleaned is not cleaned again; and the rest of what is stale.
_WASTE: Final = 10
_HOLES: Final = 7
#: No segment goes that has more than so many times in use what it has stale, as what is in use is moved for it; nor
#: unless more than such a share of it is stale: one that has nothing but its header would go whenever it is earned.
_MOVED: Final = 4
_STALE_SHARE: Final = 32


def codec(setting: str) -> str:
    """What the server is to pack pages by; ``off``: by nothing."""
    return _BEST if setting == "auto" else setting


def extent(aim: int, largest: int) -> int:
    """The size of extents that come to ``aim`` with little left over, and suffice if it is to be ``largest`` later."""
    least = min(round_up(-(-largest // MAX_EXTENTS), _EXTENT_STEP), round_down(aim, _EXTENT_STEP))
    if not least:
        return round_down(aim, SIZE_STEP)
    return max(range(least, 2 * least, _EXTENT_STEP), key=lambda each: (aim - aim % each, -each))


def fitting(size: int, each: int, largest: int) -> int:
    """The size that extents of ``each`` are to have: another one when ``size`` is less than one of them."""
    return each if size >= each else extent(size, largest)


def extents(size: int, each: int) -> int:
    """How many of these extents ``size`` is: one at least, as nothing is lent otherwise."""
    return max(1, min(size // each, MAX_EXTENTS))


def whole(size: int, each: int, largest: int) -> int:
    """What of ``size`` can be lent; 0: it is too little to pack anything in."""
    each = fitting(size, each, largest)
    return extents(size, each) * each if size >= MIN_PACKED else 0


def first(pool: PoolInfo, most: int) -> tuple[int, ...]:
    """The segments of a pool that has none, of the ``most`` that there can be."""
    # Where too little is offered for any, the server says so, with numbers.
    return split(max(MIN_SIZE, round_down(pool.offer, SIZE_STEP)), max(1, most // _FIRST))


def balance(areas: Sequence[Area], pool: PoolInfo, most: int) -> Steps:
    """The segment that is to come because it is earned, or to go because it is not any more."""
    if pool.offer < 0:
        return Steps(remove=tuple(area.index for area in emptiest_first(areas)[:1]) if len(areas) > 1 else ())
    swap, used = sum(area.size for area in areas), sum(area.used for area in areas)
    size = _offered(pool)
    if len(areas) >= most or size < _worth_a_place(pool):
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
        missing -= area.size - area.used + _taken(area.used, pool)
    return tuple(going)


@dataclass(frozen=True, slots=True)
class Calm:
    """Since when nobody moves anything, None while somebody does; and what was in use, and stored, at the last look."""

    since: float | None = None
    used: int = 0
    pages: int = 0


def calm(before: Calm, areas: Iterable[Area], pool: PoolInfo, pressed: bool, now: float) -> Calm:
    """The same at another look; ``pressed``: tasks wait for memory."""
    used = sum(area.used for area in areas)
    moved = abs(used - before.used) + abs(pool.pages - before.pages)
    still = not pressed and moved <= pool.vram // _STILL_SHARE
    since = now if before.since is None else before.since
    return Calm(since if still else None, used, pool.pages)


def is_calm(seen: Calm, now: float) -> bool:
    """Whether it has been so for long enough."""
    return seen.since is not None and now >= seen.since + CALM_SECONDS


def stale(areas: Iterable[Area], pool: PoolInfo) -> Mapping[int, int]:
    """How much of each segment is stored that the kernel has forgotten."""
    shares = dict(pool.shares)
    return {area.index: max(0, shares.get(area.index, 0) - area.used) for area in areas}


def rotation(areas: Sequence[Area], pool: PoolInfo, room: Room, most: int) -> Steps:
    """The segment that is to be swapped off because much of what it has in VRAM is stale, if that is worth it.

    What is not stale has to have room in memory. Where hardly any swap would be left another segment comes first. Each
    time one goes less is stored than before, so it ends.
    """
    going = _stalest(areas, pool, room)
    if going is None:
        return Steps()
    only, left = len(areas) < 2, sum(area.size for area in areas) - going.size
    size = _offered(pool)
    # The only one goes for any other, as nothing else frees what it holds; what remains small beside many only takes
    # one of the few places.
    if left * 100 < pool.vram * _FRESH and len(areas) < most and size >= (MIN_SIZE if only else _worth_a_place(pool)):
        return Steps(add=(size,))
    return Steps() if only else Steps(remove=(going.index,))


def _stalest(areas: Sequence[Area], pool: PoolInfo, room: Room) -> Area | None:
    """The segment with the most that the kernel has forgotten, of those that could go; None if it is not worth it."""
    forgotten = stale(areas, pool)
    little = _is_at_most(_WASTE - _HOLES, _taken(sum(forgotten.values()), pool), pool)
    if little or _is_at_most(_WASTE, waste(areas, pool), pool):
        return None
    # Into other swap it would be moved again soon.
    memory = replace(room, swap_free=0, zram_free=0)
    for area in sorted(areas, key=lambda area: (-forgotten[area.index], area.index)):
        worth = forgotten[area.index] * _MOVED > area.used and forgotten[area.index] * _STALE_SHARE > area.size
        if worth and shortfall(area.used, memory, area.size) is None:
            return area
    return None


def compaction(areas: Iterable[Area], pool: PoolInfo, last: PoolInfo | None) -> int | None:
    """How many bytes may still be holes when the server has cleaned; None if that is not worth it.

    ``last``: the pool when it was told to do so before. What has not changed since cannot be done.
    """
    if last is not None and (pool.holes, pool.live) == (last.holes, last.live):
        return None
    fine = _is_at_most(_HOLES, pool.holes, pool) or _is_at_most(_WASTE, waste(areas, pool), pool)
    return None if fine else pool.vram * _HOLES // 100


def waste(areas: Iterable[Area], pool: PoolInfo) -> int:
    """How much of the VRAM is of no use as it is: holes, and what the kernel has forgotten."""
    return pool.holes + _taken(sum(stale(areas, pool).values()), pool)


def _offered(pool: PoolInfo) -> int:
    """What can be made a segment of, less the margin."""
    return round_down(pool.offer - pool.vram // _MARGIN_SHARE, SIZE_STEP)


def _worth_a_place(pool: PoolInfo) -> int:
    """What one of the few places for swap is taken for."""
    return max(MIN_SIZE, pool.vram // _LEAST_SHARE)


def _is_at_most(share: int, size: int, pool: PoolInfo) -> bool:
    return size * 100 <= pool.vram * share


def _taken(pages: int, pool: PoolInfo) -> int:
    """What so many bytes of pages take of the VRAM, each its share of all."""
    return pages * min(pool.live, pool.pages) // pool.pages if pool.pages else 0
