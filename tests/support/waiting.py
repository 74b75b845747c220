# SPDX-License-Identifier: MIT
"""Waiting for what other processes do."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final, TypeVar

Found = TypeVar("Found")

#: Seconds after which nothing is coming any more. It ends a test that hangs and measures nothing, so it is many times
#: what a busy machine takes. A guest on one takes longer still, and is told so (tests/system/uml.py).
PATIENCE: Final = float(os.environ.get("TEST_PATIENCE", "120"))
#: Seconds between two looks. One that takes longer, as a question to another program does, is followed by a rest of
#: three times its own length: who waits is not to take the processor from whom it waits for.
_PAUSE: Final = 0.01
_REST: Final = 3


def wait_for(look: Callable[[], Found | None], what: str, patience: float = PATIENCE) -> Found:
    """The first true result of ``look``. Raises AssertionError, which names ``what``, after ``patience``."""
    end = time.monotonic() + patience
    while True:
        began = time.monotonic()
        if found := look():
            return found
        now = time.monotonic()
        assert now < end, f"waited {patience:g} s in vain for {what}"
        time.sleep(max(_PAUSE, _REST * (now - began)))


async def until(look: Callable[[], object], what: str = "it", patience: float = PATIENCE) -> None:
    """Return once ``look`` gives something true, while the event loop runs. Raises AssertionError."""
    end = time.monotonic() + patience
    while not look():
        assert time.monotonic() < end, f"waited {patience:g} s in vain for {what}"
        await asyncio.sleep(_PAUSE)
