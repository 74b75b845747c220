# SPDX-License-Identifier: MIT
"""VRAM that is paused for a measurement: for how long, what that asks of a person, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from typing import cast

import pytest

from vramswap_gui.api.status import Segment, Status
from vramswap_gui.client import Client
from vramswap_gui.ctl.pause import paused
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.units import GIB

ON = Status(segments=(Segment("/dev/nbd0", 4 * GIB, GIB, 1000),))


class Helper:
    """Stands in for the client of a helper that has pages in VRAM.

    ``late``: seconds that the way home takes. ``refusal``: what it says to being asked for something; to the first
    request, or to the end of the pause.
    """

    def __init__(
        self,
        late: int = 0,
        stays: VramswapError | None = None,
        refusal: VramswapError | None = None,
        at_end: bool = False,
    ) -> None:
        self.status = ON
        self.late = late
        self.stays = stays
        self.refusal = refusal
        self.at_end = at_end
        self.asked: list[int] = []

    async def pause(self, seconds: int) -> None:
        self.asked.append(seconds)
        if self.refusal is not None and self.at_end is (seconds == 0):
            raise self.refusal
        if not seconds:
            self.status = ON
            return
        until = round(time.time()) + seconds - self.late
        self.late = 0
        self.status = dataclasses.replace(
            self.status, paused_until=until, segments=ON.segments if self.stays else (), error=self.stays
        )

    async def refresh(self) -> Status:
        return self.status


async def measured(helper: Helper) -> None:
    async with paused(cast(Client, helper)):
        assert not helper.status.segments


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

    async def ended() -> None:
        async with paused(cast(Client, helper)):
            helper.status = ON

    with pytest.raises(VramswapError) as caught:
        asyncio.run(ended())
    assert caught.value.problem is Problem.BENCH_PAUSE_ENDED
    assert len(helper.asked) == 1


def test_one_that_cannot_be_ended_is_told_and_costs_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    helper = Helper(refusal=VramswapError(Problem.PASSWORD_WRONG), at_end=True)
    asyncio.run(measured(helper))
    said = capsys.readouterr().err
    assert "VRAM may stay paused" in said and "password" in said and "`vramswapctl pause off`" in said
