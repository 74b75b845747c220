# SPDX-License-Identifier: MIT
"""How the swap gets from what is to what is wanted, one step at a time: pure functions.

A verb is a :class:`Goal`. Before each step it is seen anew what is so, a :class:`World`, and :func:`next_step` says
what to do about it. So it does not matter who died in between, helper, server or engine, nor who else turned swap off.
A step that fails changes the goal (:func:`failed`) into that of taking back what was half done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class World:
    """What is so: whether the server obeys, its segments' devices by number, and which of those are swap.

    Those have numbers below zero that no server has (:func:`numbered`).
    """

    server: bool
    devices: Mapping[int, str]
    swapped: frozenset[int]
    #: The swap files that were made for pages that fit nowhere else, by number, and which of them are swap.
    files: frozenset[int] = frozenset()
    landed: frozenset[int] = frozenset()
    #: Extents of VRAM, where pages are packed; and whether none of them can go before a segment has.
    extents: int = 0
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted: these segments go, in this order; then these sizes come; then perhaps the server ends."""

    leave: tuple[int, ...] = ()
    come: tuple[int, ...] = ()
    end: bool = False
    #: The segment that was just made, and is to become swap.
    fresh: int | None = None
    #: Before all that a swap file of so many bytes is there, for pages that fit nowhere else.
    land: int = 0
    #: The file that was just made, and is to become swap.
    ground: int | None = None
    #: And these files are not needed any more.
    clear: tuple[int, ...] = ()
    #: There are to be so many extents, of so many bytes each, and segments leave as far as that takes. None: they stay.
    extents: int | None = None
    extent: int = 0


@dataclass(frozen=True, slots=True)
class Add:
    """Have the server make a segment."""

    size: int


@dataclass(frozen=True, slots=True)
class SwapOn:
    """Have the kernel swap on a segment's device."""

    index: int


@dataclass(frozen=True, slots=True)
class SwapOff:
    """Have the kernel bring a segment's pages home."""

    index: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Have the server take back a segment that is no swap."""

    index: int


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Take a device that is no swap from the kernel's driver, as no server does."""

    index: int


@dataclass(frozen=True, slots=True)
class Extend:
    """Have the server take another extent of VRAM into the pool."""

    size: int


@dataclass(frozen=True, slots=True)
class Shrink:
    """Have the server give an extent back, if its pages have room in the others."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Have the server end."""


@dataclass(frozen=True, slots=True)
class MakeFile:
    """Have a swap file made on a disk."""

    size: int


@dataclass(frozen=True, slots=True)
class UseFile:
    """Have the kernel swap to it."""

    number: int


@dataclass(frozen=True, slots=True)
class EmptyFile:
    """Have the kernel bring its pages to where they have room."""

    number: int


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Remove one that is no swap."""

    number: int


Step = (
    Add | SwapOn | SwapOff | Remove | Disconnect | Extend | Shrink | Quit | MakeFile | UseFile | EmptyFile | RemoveFile
)


def numbered(known: Mapping[int, str], swapped: Collection[str]) -> dict[int, str]:
    """The devices that a server has, by its numbers; and what is swap besides, whose pages nobody has: it has to
    be turned off all the same."""
    lost = sorted(set(swapped) - set(known.values()))
    return {**{-number: device for number, device in enumerate(lost, 1)}, **known}


def with_made(known: Mapping[int, str], index: int, device: str) -> dict[int, str]:
    """The devices that a server has after it made one.

    A number may have been that of one which somebody took away, and which is swap still; and a device that of a segment
    which the server took back without being asked.
    """
    return {number: other for number, other in known.items() if number >= 0 and other != device} | {index: device}


def next_step(world: World, goal: Goal) -> Step | None:
    """What to do now; None when what is wanted is so."""
    return _mended(world, goal) or _wanted(world, goal)


def _mended(world: World, goal: Goal) -> Step | None:
    """What to do about what is half made, by somebody who died, or was turned off by somebody else."""
    for number in sorted(world.files - world.landed):
        return UseFile(number) if number == goal.ground else RemoveFile(number)
    for index in sorted(world.devices, reverse=True):
        if index in world.swapped:
            continue
        if index == goal.fresh:
            return SwapOn(index)
        # It only takes VRAM.
        return Remove(index) if world.server and index >= 0 else Disconnect(index)
    return None


def _wanted(world: World, goal: Goal) -> Step | None:
    if goal.land:
        return MakeFile(goal.land)
    count = world.extents if goal.extents is None else goal.extents
    if world.extents > count and not world.stuck:
        return Shrink()
    if world.extents > count or goal.extents is None:
        for index in goal.leave:
            if index in world.swapped:
                return SwapOff(index)
    if world.extents < count:
        return Extend(goal.extent)
    if goal.come:
        return Add(goal.come[0])
    for number in goal.clear:
        if number in world.landed:
            return EmptyFile(number)
    if goal.end and world.server and not world.devices:
        return Quit()
    return None


def done(goal: Goal, step: Step, made: int | None = None) -> Goal:
    """The goal after a step; ``made``: the number of the segment that was added, or of the file."""
    match step:
        case MakeFile():
            return replace(goal, land=0, ground=made)
        case UseFile():
            return replace(goal, ground=None)
        case EmptyFile(number) | RemoveFile(number):
            return replace(goal, clear=tuple(other for other in goal.clear if other != number))
        case Add():
            return replace(goal, come=goal.come[1:], fresh=made)
        case SwapOn():
            return replace(goal, fresh=None)
        case SwapOff(index) | Remove(index) | Disconnect(index):
            # The server gives the number to the next segment, which is to stay.
            return replace(goal, leave=tuple(other for other in goal.leave if other != index))
        case Quit():
            return replace(goal, end=False)
        case _:
            return goal


def failed(step: Step, world: World, began_empty: bool) -> Goal | None:
    """The goal after a step that failed: to take back what that left half done; None when nothing is to be done.

    ``began_empty``: there was no swap before, and then there is to be none, nor a server.
    """
    match step:
        case Add() | SwapOn() | Extend() if began_empty:
            # All or nothing: what came before the failure goes too.
            return Goal(leave=tuple(sorted(world.devices, reverse=True)), end=True)
        case SwapOn() | UseFile():
            return Goal()
        case _:
            return None
