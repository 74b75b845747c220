# SPDX-License-Identifier: MIT
"""VRAM that is no swap for the time of a measurement, whatever lends it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Final

from vramswap_gui.api.status import Status
from vramswap_gui.client import Client
from vramswap_gui.ctl.output import explain
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.units import MIB

#: Seconds, several times what a measurement takes, and how many of them have to be left when it begins.
_PAUSE, _LEAST = 120, 60
#: Bytes of pages that come home in a second, at the least.
_PACE: Final = 32 * MIB


@contextlib.asynccontextmanager
async def paused(client: Client) -> AsyncIterator[None]:
    """Inside, all pages are home and none leaves for VRAM. Raises VramswapError, also afterwards where that was not so.

    If this program should be killed, the pause ends by itself.
    """
    used = (await client.refresh()).used
    try:
        await _begin(client, used)
        yield
        _require_away(await client.refresh())
    finally:
        await _end(client)


async def _begin(client: Client, used: int) -> None:
    # One question, which may be for a password, is for the way home, too.
    await client.pause(_PAUSE + used // _PACE)
    status = await client.refresh()
    _require_away(status)
    if status.paused_until - time.time() < _LEAST:
        await client.pause(_PAUSE)


def _require_away(status: Status) -> None:
    if not status.paused_until:
        raise VramswapError(Problem.BENCH_PAUSE_ENDED)
    if status.segments:
        raise status.error or VramswapError(Problem.CANCELLED)


async def _end(client: Client) -> None:
    """What is measured is worth no less where that fails."""
    try:
        # The end of none may take a password as well: it was refused, or somebody else has ended it.
        if (await client.refresh()).paused_until:
            await client.pause(0)
    except VramswapError as error:
        explain(VramswapError(Problem.BENCH_STAYS_PAUSED, why=error))
