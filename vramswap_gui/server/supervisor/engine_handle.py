"""The keeper's side of the engine: forks it, asks it, learns of its death."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Callable, Sequence

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server.engine import main
from vramswap_gui.server.engine.main import EngineOptions


class EngineGone(Exception):
    """The engine died before it answered."""


class EngineHandle:
    """One engine process. Requests are answered in order; :attr:`died` is called once, with the wait status."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._lock = asyncio.Lock()
        self._end: socket.socket | None = None
        self._pidfd = -1
        self.pid = 0
        self.died: Callable[[int], None] = lambda status: None

    async def start(self) -> ipc.Message:
        """Fork the engine and wait until it has its GPU; returns what that is.

        Raises VramswapError as the engine reports it, EngineGone when it died without a word.
        """
        # Pages that the collector never writes to again stay shared with the child.
        gc.collect()
        gc.freeze()
        ours, theirs = ipc.pair()
        self.pid = os.fork()
        if self.pid == 0:
            keep = theirs.fileno()
            os.closerange(3, keep)
            os.closerange(keep + 1, 1 << 16)
            main.run(theirs, self._options)
        theirs.close()
        ours.setblocking(False)
        self._end = ours
        self._pidfd = os.pidfd_open(self.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)
        async with self._lock:
            answer, _ = await self._receive()
        return _result(answer)

    async def ask(self, verb: str, fds: Sequence[int] = (), **arguments: object) -> tuple[ipc.Message, list[int]]:
        """One request and its answer, with the descriptors that came. Raises VramswapError, EngineGone."""
        async with self._lock:
            if self._end is None:
                raise EngineGone
            try:
                ipc.send(self._end, {"verb": verb, **arguments}, fds)
            except OSError as error:
                raise EngineGone from error
            answer, received = await self._receive()
        return _result(answer), received

    async def _receive(self) -> tuple[ipc.Message, list[int]]:
        loop = asyncio.get_running_loop()
        assert self._end is not None
        end = self._end
        while True:
            try:
                return ipc.receive(end)
            except BlockingIOError:
                ready = asyncio.Event()
                loop.add_reader(end, ready.set)
                try:
                    await ready.wait()
                finally:
                    loop.remove_reader(end)
            except (EOFError, OSError) as error:
                end.close()
                raise EngineGone from error

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        status = 0
        with contextlib.suppress(ChildProcessError):
            _, status = os.waitpid(self.pid, 0)
        end, self._end, self.pid = self._end, None, 0
        if end is not None and not self._lock.locked():
            end.close()
        self.died(status)


def _result(answer: ipc.Message) -> ipc.Message:
    if "error" in answer:
        raise VramswapError.from_dict(answer["error"])
    result: ipc.Message = answer["result"]
    return result


def engine_failed(why: str) -> VramswapError:
    """The error for a request that the engine's death cut short."""
    return VramswapError(
        ErrorCode.SERVER_FAILED, f"The engine stopped: {why}.", "Look for NVRM or Xid lines in `dmesg`, then try again."
    )
