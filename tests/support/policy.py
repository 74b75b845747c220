# SPDX-License-Identifier: MIT
"""A helper that follows its policy, on a machine whose memory is simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.demo.stack import Stack
from tests.support.ctl import status
from tests.support.waiting import wait_for
from vramswap_gui.units import GIB

#: KiB of memory that are available.
PLENTY: Final = 12_000_000
SHORT: Final = 800_000

Make = Callable[..., Stack]


def started(make: Make, mode: str, **settings: object) -> Stack:
    """A stack in a mode, with plenty of memory."""
    stack = make(start=False)
    lines = {"size": GIB, "release_after": 10, **settings}
    written = "".join(f"{key} = {str(value).lower()}\n" for key, value in lines.items())
    stack.config.write_text(f'mode = "{mode}"\n{written}')
    return stack


def begin(stack: Stack, available: int = PLENTY) -> None:
    # The simulated kernel is there from the start of the stack on, and the helper is the last to start.
    start_helper = stack.start_helper

    def with_memory() -> None:
        stack.fake.set_available(available)
        start_helper()

    stack.start_helper = with_memory  # type: ignore[method-assign]
    stack.start()
    stack.start_helper = start_helper  # type: ignore[method-assign]


def looked(stack: Stack) -> None:
    """Wait until the helper has looked some times more at what is lent."""
    before = stack.gpu["cuda_calls"]
    # Each look asks the engine for the card's memory.
    wait_for(lambda: stack.gpu["cuda_calls"] > before + 10, "some looks")


def becomes(stack: Stack, state: str, size: int | None = None) -> Any:
    """Wait for a state, and a size if given; the status then. What is off has a cause, once that was looked for."""
    seen: dict[str, Any] = {}

    def there() -> bool:
        seen.update(status(stack))
        return seen["state"] == state and size in (None, seen["size"]) and bool(seen["cause"] or state != "off")

    try:
        wait_for(there, f"{state}, {size}")
    except AssertionError as error:
        raise AssertionError(f"{error}: {seen}") from None
    return seen
