"""Decisions about sizes, as pure functions. Everything is in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.settings import Config
from vramswap_gui.units import GIB, MAX_SEGMENTS, MIB, MIN_SIZE, SIZE_STEP, format_size, round_down, round_up

#: Steps in which the swap grows and shrinks: small enough to give way to a game, large enough that 16 are plenty.
_SEGMENT: Final = 512 * MIB
#: Memory that must stay available after pages came home, so that bringing them home does not cause swapping.
_MARGIN_SHARE: Final = 20
_MARGIN_MOST: Final = GIB
#: Kept free besides on a card that drives a display: what opens on the screen needs VRAM at once.
DISPLAY_HEADROOM: Final = 512 * MIB


@dataclass(frozen=True, slots=True)
class Vram:
    """The GPU's memory as the policy sees it; ``ours`` is what segments hold of it already."""

    total: int
    free: int
    ours: int
    #: Whether a display is plugged into the card.
    display: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """Where pages can go when a segment is removed."""

    total: int
    available: int
    #: Free room in swap areas other than those being removed.
    other_swap_free: int


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


def headroom(config: Config, display: bool) -> int:
    """What is lent to nobody."""
    return config.headroom + (DISPLAY_HEADROOM if display else 0)


def maximum(config: Config, vram: Vram) -> int:
    """The most that can be lent now: what is free and ours, less the headroom, within the configured maximum."""
    most = round_down(max(0, vram.free + vram.ours - headroom(config, vram.display)), SIZE_STEP)
    return min(most, round_down(config.maximum, SIZE_STEP)) if config.maximum else most


def largest(config: Config, vram: Vram) -> int:
    """The most that may be asked for: with no other program on the GPU, so much could be lent."""
    return maximum(config, Vram(vram.total, vram.total, 0, vram.display))


def target(config: Config, vram: Vram) -> int:
    """The size to have: the wanted one, or less while other programs use the VRAM. Raises VramswapError."""
    if config.maximum and config.size > config.maximum:
        raise VramswapError(
            ErrorCode.INVALID_ARGUMENT,
            f"{format_size(config.size)} is more than the largest size allowed here, {format_size(config.maximum)}.",
            "Choose a smaller size, or have an administrator raise the setting “maximum”.",
        )
    ever = largest(config, vram)
    if config.size > ever:
        raise VramswapError(
            ErrorCode.OUT_OF_VRAM,
            f"{format_size(config.size)} cannot be lent: the GPU has {format_size(vram.total)} of VRAM, of which"
            f" {format_size(headroom(config, vram.display))} are kept free.",
            f"Choose at most {format_size(ever)}, or lower the setting “headroom”.",
        )
    most = maximum(config, vram)
    if most < MIN_SIZE:
        raise VramswapError(
            ErrorCode.OUT_OF_VRAM,
            f"Only {format_size(vram.free + vram.ours)} of VRAM are free, of which"
            f" {format_size(headroom(config, vram.display))} are not to be lent.",
            "Close programs that use the GPU, or lower the setting “headroom”.",
        )
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


def reshape(areas: Sequence[Area], size: int) -> Steps:
    """How to get from ``areas`` to ``size`` in all, moving as few pages as can be."""
    kept = sorted(areas, key=lambda area: area.index)
    removed: list[Area] = []

    def have() -> int:
        return sum(area.size for area in kept)

    while have() > size:
        # The last ones have the lowest priorities, so they are the emptiest, unless the kernel thought otherwise.
        removed.append(min(kept, key=lambda area: (area.used, -area.index)))
        kept.remove(removed[-1])
    missing = size - have()
    if 0 < missing < MIN_SIZE:
        missing = 0
    while missing and len(kept) >= MAX_SEGMENTS:
        # No number is left: the smallest one makes room for one that is larger by what is missing.
        removed.append(min(kept, key=lambda area: (area.size, -area.index)))
        kept.remove(removed[-1])
        missing += removed[-1].size
    add = split(missing, MAX_SEGMENTS - len(kept)) if missing else ()
    return Steps(tuple(area.index for area in removed), add)


def margin(memory: Memory) -> int:
    """Memory that has to stay available."""
    return min(memory.total // _MARGIN_SHARE, _MARGIN_MOST)


def require_room(used: int, memory: Memory) -> None:
    """Raises VramswapError WONT_FIT, with numbers, unless ``used`` bytes of pages can leave VRAM."""
    room = max(0, memory.available - margin(memory)) + memory.other_swap_free
    if used > room:
        raise VramswapError(
            ErrorCode.WONT_FIT,
            f"{format_size(used)} of pages are in VRAM, and memory and other swap have room for {format_size(room)}.",
            f"Close programs that use {format_size(used - room)} or more, then try again. Nothing was changed.",
        )


def priority(config: Config, index: int) -> int:
    """The swap priority of a segment: the kernel fills the first one first."""
    return config.priority - index


def sentence(size: int, aim: int) -> str:
    """Why the swap, which is on, has the size it has, for a person."""
    if size < aim:
        return f"{format_size(size)} of {format_size(aim)}: other programs use the rest of the VRAM."
    return f"{format_size(size)} of VRAM are lent as swap."
