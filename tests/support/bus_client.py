# SPDX-License-Identifier: MIT
"""A test's connection to a bus: the library's, which leaves nothing behind for the garbage collector.

dbus-next closes no socket, and leaves the exceptions of what it could not send, and of a bus that ended, to be found in
the garbage. asyncio tells of those with their tracebacks, for which Python parses lines of code; Python 3.11 before
3.11.8 fails if it was parsing something at that moment, with "AST constructor recursion depth mismatch" in any test
(https://github.com/python/cpython/issues/106905).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from dbus_next.aio.message_bus import MessageBus
from dbus_next.message import Message


def _look_at(future: asyncio.Future[Any]) -> None:
    """Have its exception be seen; those who await it get it all the same."""
    if not future.cancelled():
        future.exception()


class _Client(MessageBus):
    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._disconnect_future.add_done_callback(_look_at)

    def send(self, msg: Message) -> asyncio.Future[Any]:  # type: ignore[override]
        future: asyncio.Future[Any] = super().send(msg)
        future.add_done_callback(_look_at)
        return future

    def _finalize(self, err: Exception | None = None) -> None:
        if self._stream.closed:
            return
        super()._finalize(err)  # type: ignore[no-untyped-call]
        with contextlib.suppress(OSError):
            self._stream.close()
        self._sock.close()

    def disconnect(self) -> None:
        """Leave the bus, now."""
        self._user_disconnect = True
        self._finalize()


async def connect(address: str) -> MessageBus:
    """Be on a bus that accepts already."""
    return await _Client(address).connect()
