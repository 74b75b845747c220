# SPDX-License-Identifier: MIT
"""What ends a command early, when there may be something to clean up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Iterator
from typing import Final

#: Ctrl-C; a service manager, or a machine that goes down; a terminal that is closed.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: Exit status of a shell for what a signal ended, less its number.
_SIGNALLED: Final = 128


class Ending:
    """The first signal cancels the command, as Ctrl-C does everywhere; the next one what it does about that, too."""

    def __init__(self) -> None:
        self._number = 0
        self._task: asyncio.Task[int | None] | None = None

    @property
    def status(self) -> int:
        """The exit status."""
        return _SIGNALLED + (self._number or signal.SIGINT)

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Inside, signals have this effect, but for those that this program was started to ignore."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        found = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
        try:
            for number in found:
                signal.signal(number, self._hear)
            yield
        finally:
            for number, handler in found.items():
                signal.signal(number, handler)

    async def before(self, result: Awaitable[int | None]) -> int | None:
        """The result. Raises CancelledError, or KeyboardInterrupt, when a signal comes first."""
        self._task = asyncio.current_task()
        with _woken(asyncio.get_running_loop()):
            return await result

    def _hear(self, number: int, frame: object) -> None:
        first = not self._number
        self._number = self._number or number
        if not first or self._task is None or self._task.done():
            raise KeyboardInterrupt
        self._task.cancel()


@contextlib.contextmanager
def _woken(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Inside, a signal ends the loop's waiting also when it comes just before that begins, or reaches another thread:
    neither interrupts the call, and what is to be done about the signal is done by this thread alone."""
    told, tells = socket.socketpair()
    with told, tells:
        told.setblocking(False)
        tells.setblocking(False)
        loop.add_reader(told, told.recv, 1)
        before = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(told)
