"""How the swap gets from what is to what is wanted, one step at a time: pure functions.

A verb is a :class:`Goal`. Before each step it is seen anew what is so, a :class:`World`, and :func:`next_step` says
what to do about it. So it does not matter who died in between, helper, server or engine, nor who else turned swap off.
A step that fails changes the goal (:func:`failed`) into that of taking back what was half done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class World:
    """What is so: whether the server obeys, its segments' devices by number, and which of those are swap."""

    server: bool
    devices: Mapping[int, str]
    swapped: frozenset[int]


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted: these segments go, in this order; then these sizes come; then perhaps the server ends."""

    leave: tuple[int, ...] = ()
    come: tuple[int, ...] = ()
    end: bool = False
    #: The segment that was just made, and is to become swap.
    fresh: int | None = None


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
class Quit:
    """Have the server end."""


Step = Add | SwapOn | SwapOff | Remove | Disconnect | Quit


def next_step(world: World, goal: Goal) -> Step | None:
    """What to do now; None when what is wanted is so."""
    for index in sorted(world.devices, reverse=True):
        if index in world.swapped:
            continue
        if index == goal.fresh:
            return SwapOn(index)
        # Half-made by somebody who died, or turned off by somebody else: it only takes VRAM.
        return Remove(index) if world.server else Disconnect(index)
    for index in goal.leave:
        if index in world.swapped:
            return SwapOff(index)
    if goal.come:
        return Add(goal.come[0])
    if goal.end and world.server and not world.devices:
        return Quit()
    return None


def done(goal: Goal, step: Step, made: int | None = None) -> Goal:
    """The goal after a step; ``made``: the number of the segment that was added."""
    match step:
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
        case Add() | SwapOn() if began_empty:
            # All or nothing: what came before the failure goes too.
            return Goal(leave=tuple(sorted(world.devices, reverse=True)), end=True)
        case SwapOn():
            return Goal()
        case _:
            return None
