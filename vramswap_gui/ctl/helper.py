# SPDX-License-Identifier: MIT
"""A connection to the helper for the time of one command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from vramswap_gui.client import Client
from vramswap_gui.errors import Problem, VramswapError

#: The bus gives a service that it starts 25 seconds.
_SECONDS: Final = 30.0


@contextlib.asynccontextmanager
async def helper(seconds: float = _SECONDS) -> AsyncIterator[Client]:
    """The helper, which answers within so many ``seconds`` or counts as unavailable. Raises VramswapError."""
    client = Client()
    try:
        try:
            async with asyncio.timeout(seconds):
                await client.connect()
        except TimeoutError:
            raise VramswapError(Problem.HELPER_SLOW, seconds=round(seconds)) from None
        yield client
    finally:
        await client.close()
