# SPDX-License-Identifier: MIT
"""Work that may take for ever, on threads that the end of the program does not wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


class Threads:
    """Runs such work. Once it is closed, what comes too late reaches nobody.

    A thread that calls the loop while Qt takes it apart would call into memory that is gone.
    """

    def __init__(self) -> None:
        self._open = True
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of everything that is still under way."""
        with self._lock:
            self._open = False

    async def run(self, work: Callable[[], _T]) -> _T:
        """The result of ``work``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(result: Any, error: Exception | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def do() -> None:
            result: Any = None
            failure: Exception | None = None
            try:
                result = work()
            except Exception as error:
                failure = error
            with self._lock:
                if self._open:
                    loop.call_soon_threadsafe(settle, result, failure)

        threading.Thread(target=do, daemon=True).start()
        result: _T = await future
        return result
