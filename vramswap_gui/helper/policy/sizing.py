# SPDX-License-Identifier: MIT
"""Decisions about sizes, as pure functions. Everything is in bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from vramswap_gui.api.limits import Vram
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper.policy.limits import of, require_consistent
from vramswap_gui.settings import Config
from vramswap_gui.system.memory import Commit
from vramswap_gui.system.swaps import MOST_AREAS, ZRAM_SHARE
from vramswap_gui.units import GIB, MAX_SEGMENTS, MIB, MIN_SIZE, SIZE_STEP, round_down, round_up

#: Steps in which the swap grows and shrinks: small enough to give way to a game, large enough that 16 are plenty.
_SEGMENT: Final = 512 * MIB
#: Memory that must stay available after pages came home, so that bringing them home does not cause swapping.
_MARGIN_SHARE: Final = 20
_MARGIN_MOST: Final = GIB


@dataclass(frozen=True, slots=True)
class Room:
    """Where pages can go when segments are removed."""

    total: int
    available: int
    #: Free room in swap areas other than those being removed, on a disk …
    swap_free: int = 0
    #: … and in zram, which takes memory for what it has.
    zram_free: int = 0
    #: Where the kernel holds programs to a sum.
    commit: Commit | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """A segment in use: its number, which also orders the priorities, and how full it is."""

    index: int
    size: int
    used: int


@dataclass(frozen=True, slots=True)
class Steps:
    """How to get to another size: first these segments go, in this order, then these sizes are added."""

    remove: tuple[int, ...] = ()
    add: tuple[int, ...] = ()


def target(config: Config, vram: Vram) -> int:
    """The size to have: the wanted one, or less while other programs use the VRAM, or where the card has less to lend
    than it had when somebody asked for so much. Raises VramswapError."""
    require_consistent(config)
    found = of(config, vram)
    most = found.largest if found.now is None else found.now
    if not most:
        free = vram.total if vram.free is None else vram.free + vram.ours
        raise VramswapError(Problem.NO_VRAM_FREE, free=max(0, free), kept=found.headroom)
    return min(round_down(config.size, SIZE_STEP) or most, most)


def split(size: int, segments: int) -> tuple[int, ...]:
    """``size`` as at most ``segments`` sizes, equal but for the last; no sliver at the end."""
    unit = max(_SEGMENT, round_up(-(-size // segments), SIZE_STEP))
    whole, rest = divmod(size, unit)
    sizes = [unit] * whole
    if rest and sizes and (rest < MIN_SIZE or len(sizes) == segments):
        sizes[-1] += rest
    elif rest:
        sizes.append(rest)
    return tuple(sizes)


def most_segments(others: int) -> int:
    """How many segments there can be when ``others`` have that many swap areas; one is always tried."""
    return max(1, min(MAX_SEGMENTS, MOST_AREAS - others))


def reshape(areas: Sequence[Area], size: int, most: int = MAX_SEGMENTS) -> Steps:
    """How to get from ``areas`` to ``size`` in all, in ``most`` segments, moving as few pages as can be."""
    kept = sorted(areas, key=lambda area: area.index)
    removed: list[Area] = []

    def have() -> int:
        return sum(area.size for area in kept)

    while have() > size:
        removed.append(emptiest_first(kept)[0])
        kept.remove(removed[-1])
    missing = size - have()
    if 0 < missing < MIN_SIZE:
        missing = 0
    while missing and kept and len(kept) >= most:
        # No number is left: the smallest one makes room for one that is larger by what is missing.
        removed.append(min(kept, key=lambda area: (area.size, -area.index)))
        kept.remove(removed[-1])
        missing += removed[-1].size
    add = split(missing, most - len(kept)) if missing else ()
    return Steps(tuple(area.index for area in removed), add)


def emptiest_first(areas: Iterable[Area]) -> list[Area]:
    """The last ones have the lowest priorities, so they are the emptiest, unless the kernel thought otherwise."""
    return sorted(areas, key=lambda area: (area.used, -area.index))


def margin(room: Room) -> int:
    """Memory that has to stay available."""
    return min(room.total // _MARGIN_SHARE, _MARGIN_MOST)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Pages that fit nowhere."""

    used: int
    #: What there is room for, and what is missing.
    room: int
    missing: int
    #: Where the kernel holds programs to a sum: by how much that would be broken, the sum, and of what use it is.
    promised: int = 0
    size: int = 0
    commit: Commit | None = None

    def refusal(self) -> VramswapError:
        """WONT_FIT, with numbers."""
        if self.missing or self.commit is None:
            return VramswapError(Problem.PAGES_DO_NOT_FIT, used=self.used, room=self.room, missing=self.missing)
        commit = self.commit
        return VramswapError(
            Problem.COMMIT_LIMIT, limit=commit.limit, size=self.size, used=commit.used, missing=self.promised
        )


def shortfall(used: int, room: Room, size: int = 0) -> Shortfall | None:
    """What is in the way of ``used`` bytes of pages that are to leave VRAM; None when nothing is.

    ``size``: of the areas that they are in. The kernel's limit for all programs together falls by so much, and
    swapoff(2) fails when they were promised more than what is left (``__vm_enough_memory`` of mm/util.c), be the areas
    ever so empty.
    """
    spare = max(0, room.available - margin(room))
    fits = spare + room.swap_free + min(room.zram_free // ZRAM_SHARE, spare)
    missing = max(0, used - fits)
    promised = 0 if room.commit is None else max(0, size - room.commit.room)
    return Shortfall(used, fits, missing, promised, size, room.commit) if missing or promised else None


def priority(config: Config, index: int) -> int:
    """The swap priority of a segment: the kernel fills the first one first."""
    return config.priority - index
