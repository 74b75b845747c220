# SPDX-License-Identifier: MIT
"""VRAM that is paused for a measurement: for how long, what that asks of a person, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable
from typing import cast

import pytest

from vramswap_gui.api.dbus import LONGEST_PAUSE
from vramswap_gui.api.status import Cause, Segment, Status
from vramswap_gui.client import Client
from vramswap_gui.ctl.pause import paused
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.units import GIB

#: A moment, in seconds since 1970.
NOON = 1_800_000_000
ON = Status(segments=(Segment("/dev/nbd0", 4 * GIB, GIB, 1000),))


class Helper:
    """Stands in for the client of a helper that has pages in VRAM.

    ``late``: seconds that the way home takes. ``refusal``: what it says to the first request, or to the second one.
    ``paused``: for how long there was a pause before, with pages that stayed.
    """

    def __init__(
        self,
        late: int = 0,
        stays: VramswapError | None = None,
        refusal: VramswapError | None = None,
        second: bool = False,
        paused: int = 0,
    ) -> None:
        self.late = late
        self.stays = stays
        self.refusal = refusal
        self.second = second
        self.now = NOON
        self.status = dataclasses.replace(ON, paused_until=NOON + paused if paused else 0)
        self.asked: list[int] = []

    async def pause(self, seconds: int) -> None:
        self.asked.append(seconds)
        if self.refusal is not None and len(self.asked) == 1 + self.second:
            raise self.refusal
        self.set(seconds)
        await self.home()

    def set(self, seconds: int) -> None:
        """As anybody may do it."""
        if not seconds:
            self.status = ON
            return
        self.status = dataclasses.replace(
            self.status, paused_until=self.now + seconds, segments=ON.segments if self.stays else (), error=self.stays
        )

    async def home(self) -> None:
        """The way that pages have to go before a pause is answered."""
        self.now += self.late
        self.late = 0

    async def refresh(self) -> Status:
        return self.status


async def measured(helper: Helper, meanwhile: Callable[[], None] = lambda: None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: helper.now + 0.3)
        async with paused(cast(Client, helper)):
            assert not helper.status.segments
            helper.now += 20
            meanwhile()


def refused(helper: Helper) -> Problem:
    with pytest.raises(VramswapError) as caught:
        asyncio.run(measured(helper))
    return caught.value.problem


def test_it_lasts_for_the_way_home_and_for_the_measurement() -> None:
    helper = Helper()
    asyncio.run(measured(helper))
    # One question at the beginning: 1 GiB at 32 MiB a second, and two minutes.
    assert helper.asked == [32 + 120, 0]
    assert helper.status == ON


def test_a_way_home_that_took_long_is_not_at_the_cost_of_the_measurement() -> None:
    helper = Helper(late=100)
    asyncio.run(measured(helper))
    assert helper.asked == [152, 120, 0]


def test_who_may_not_pause_is_not_asked_for_a_password_again() -> None:
    helper = Helper(refusal=VramswapError(Problem.PASSWORD_WRONG))
    assert refused(helper) is Problem.PASSWORD_WRONG
    assert len(helper.asked) == 1


async def test_nor_is_who_interrupts_it_over_the_question() -> None:
    helper = Helper()
    asking = asyncio.Event()

    async def ask(seconds: int) -> None:
        helper.asked.append(seconds)
        asking.set()
        await asyncio.Event().wait()

    helper.pause = ask  # type: ignore[method-assign]
    measuring = asyncio.create_task(measured(helper))
    await asking.wait()
    measuring.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await measuring
    assert len(helper.asked) == 1


def test_without_a_helper_nothing_is_asked_and_nothing_stays_paused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    helper = Helper()

    async def refresh() -> Status:
        raise VramswapError(Problem.HELPER_GONE)

    monkeypatch.setattr(helper, "refresh", refresh)
    assert refused(helper) is Problem.HELPER_GONE
    assert helper.asked == [] and capsys.readouterr().err == ""


def test_pages_that_cannot_come_home() -> None:
    helper = Helper(stays=VramswapError(Problem.PAGES_DO_NOT_FIT, used=3, room=1, missing=2))
    assert refused(helper) is Problem.PAGES_DO_NOT_FIT
    assert helper.asked[1:] == [0]


def test_a_pause_that_somebody_ends() -> None:
    helper = Helper()

    with pytest.raises(VramswapError) as caught:
        asyncio.run(measured(helper, lambda: helper.set(0)))
    assert caught.value.problem is Problem.BENCH_PAUSE_ENDED
    assert len(helper.asked) == 1


def test_one_that_cannot_be_ended_is_told_and_costs_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    helper = Helper(refusal=VramswapError(Problem.PASSWORD_WRONG), second=True)
    asyncio.run(measured(helper))
    said = capsys.readouterr().err
    assert "VRAM may stay paused" in said and "password" in said and "`vramswapctl pause off`" in said


@pytest.mark.parametrize("seconds", [30, 152, 3600])
def test_one_that_somebody_sets_meanwhile_is_left_alone(seconds: int) -> None:
    helper = Helper()
    asyncio.run(measured(helper, lambda: helper.set(seconds)))
    assert helper.asked == [152] and helper.status.paused_until == NOON + 20 + seconds


@pytest.mark.parametrize(("seconds", "asked"), [(3600, [152]), (30, [152, 120, 10])])
def test_so_is_one_that_somebody_sets_while_pages_come_home(seconds: int, asked: list[int]) -> None:
    """One that is too short for a measurement is made longer, and is so again."""
    helper = Helper()

    async def home() -> None:
        if len(helper.asked) == 1:
            helper.now += 60
            helper.set(seconds)

    helper.home = home  # type: ignore[method-assign]
    asyncio.run(measured(helper))
    assert helper.asked == asked and helper.status.paused_until == NOON + 60 + seconds


@pytest.mark.parametrize(
    ("before", "asked"),
    [
        # It is over when the measurement is, before that, and later.
        (20, [152, 0]), (10, [152, 0]), (100, [152, 80]),
        # It is longer than ours has to be, so it is all there has to be; the longest there is, too.
        (152, [152]), (3600, [3600]), (LONGEST_PAUSE, [LONGEST_PAUSE]),
    ],
)  # fmt: skip
def test_what_was_before_is_so_again(before: int, asked: list[int]) -> None:
    helper = Helper(paused=before)
    asyncio.run(measured(helper))
    assert helper.asked == asked
    assert helper.status.paused_until == (NOON + before if before > 20 else 0)


def test_what_was_before_a_way_home_that_took_long_is_so_again() -> None:
    helper = Helper(paused=140, late=100)
    asyncio.run(measured(helper))
    assert helper.asked == [152, 120, 20]
    assert helper.status.paused_until == NOON + 140


def test_what_was_before_is_so_again_where_a_second_one_is_refused() -> None:
    helper = Helper(paused=140, late=100, refusal=VramswapError(Problem.PASSWORD_WRONG), second=True)
    assert refused(helper) is Problem.PASSWORD_WRONG
    assert helper.asked == [152, 120, 40] and helper.status.paused_until == NOON + 140


def test_what_was_before_stays_where_a_longer_one_is_refused() -> None:
    helper = Helper(paused=100, refusal=VramswapError(Problem.PASSWORD_WRONG))
    assert refused(helper) is Problem.PASSWORD_WRONG
    assert helper.asked == [152] and helper.status.paused_until == NOON + 100


def test_swap_that_somebody_turns_off_meanwhile_is_not_turned_on_again() -> None:
    """Which ends a pause as well (``Lifecycle.stop``)."""
    helper = Helper()

    off = Status(cause=Cause.HAND)

    def turn_off() -> None:
        helper.status = off

    with pytest.raises(VramswapError) as caught:
        asyncio.run(measured(helper, turn_off))
    # And not that it was swap again.
    assert caught.value.problem is Problem.BENCH_TURNED_OFF
    assert helper.asked == [152] and helper.status == off


def test_swap_that_somebody_turns_off_while_pages_come_home_is_no_reason_to_ask_again() -> None:
    helper = Helper()

    async def home() -> None:
        helper.status = Status(cause=Cause.HAND)

    helper.home = home  # type: ignore[method-assign]
    assert refused(helper) is Problem.BENCH_TURNED_OFF
    assert helper.asked == [152]


@pytest.mark.parametrize("cause", [Cause.NONE, Cause.MEMORY])
def test_a_pause_that_is_over_has_nothing_turned_off_that_is_not_wanted_yet(cause: Cause) -> None:
    helper = Helper()

    def end() -> None:
        helper.status = Status(cause=cause)

    with pytest.raises(VramswapError) as caught:
        asyncio.run(measured(helper, end))
    assert caught.value.problem is Problem.BENCH_PAUSE_ENDED


async def test_who_interrupts_it_on_the_way_home_has_it_as_it_was() -> None:
    helper = Helper(paused=100)
    waiting = asyncio.Event()

    async def home() -> None:
        if len(helper.asked) == 1:
            waiting.set()
            await asyncio.Event().wait()

    helper.home = home  # type: ignore[method-assign]
    measuring = asyncio.create_task(measured(helper))
    await waiting.wait()
    helper.now += 7
    measuring.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await measuring
    assert helper.asked == [152, 93] and helper.status.paused_until == NOON + 100
