# SPDX-License-Identifier: MIT
"""The keeper's side of one engine process: forks it, carries questions and answers, learns of its end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import warnings
from collections.abc import Callable, Sequence
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server.engine import main as engine
from vramswap_gui.server.engine.main import EngineOptions
from vramswap_gui.server.messages import (
    Answered,
    Ask,
    EngineMute,
    EngineReady,
    EngineReaped,
    EngineRefused,
    Event,
)
from vramswap_gui.system import process

#: Seconds between two tries to watch one.
_AGAIN_SECONDS: Final = 0.1
#: How an engine that was another program's child ended cannot be asked; that it did is seen.
_UNKNOWN_END: Final = int(signal.SIGKILL)


class EngineHandle:
    """One engine; ``report`` hears what becomes of it. Nothing here waits."""

    def __init__(self, gen: int, report: Callable[[Event], None]) -> None:
        self.gen = gen
        self.pid = 0
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._end: socket.socket | None = None
        self._pidfd = -1
        self._greeted = False
        self._gone = self._doomed = False

    @property
    def pidfd(self) -> int:
        """By which its end can be learnt of (pidfd_open(2)); -1 when it cannot be now."""
        return self._pidfd

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, be it that nobody has heard of it yet."""
        return self._gone

    def start(self, options: EngineOptions, in_child: Callable[[], None]) -> None:
        """Fork it; it calls ``in_child`` first. Raises OSError; then there is none."""
        # Pages that the collector never writes to again stay shared with the child.
        gc.collect()
        gc.freeze()
        keeper = os.getpid()
        ours, theirs = ipc.pair()
        try:
            with warnings.catch_warnings():
                # The keeper's other threads only wait, or are in the kernel: none holds a lock that the child needs.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
        except BaseException:
            ours.close()
            theirs.close()
            raise
        if pid == 0:
            try:
                process.close_all_but(theirs.fileno(), *options.kept)
                in_child()
                engine.run(theirs, options, keeper)
            finally:
                # Whatever happens, there must not be a second keeper.
                os._exit(1)
        theirs.close()
        ours.setblocking(False)
        self._end = ours
        self._loop.add_reader(ours, self._read)
        self.watch(pid)

    def watch(self, pid: int) -> None:
        """Learn of the end of the process ``pid``, now or later. Raises nothing."""
        self.pid = pid
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self._gone = True
            self._loop.call_soon(self._reap)
            return
        except OSError:
            # The system is out of something, which says nothing of the process.
            self._loop.call_later(_AGAIN_SECONDS, self.watch, pid)
            return
        self._loop.add_reader(self._pidfd, self._reap)
        if self._doomed:
            self.kill()

    def ask(self, question: Ask, fds: Sequence[int], device: str = "") -> None:
        """Send a question with what goes along: descriptors, or a device to open.

        An engine that cannot take it is reported to be mute.
        """
        message = {
            "seq": question.seq, "verb": question.question.value, "index": question.index, "size": question.size,
            "ident": question.ident, "kind": question.kind, "fresh": question.client < 0, "device": device,
        }  # fmt: skip
        try:
            if self._end is None:
                raise OSError
            ipc.send(self._end, message, fds)
        except OSError:
            self._loop.call_soon(self._report, EngineMute(self.gen))

    def kill(self) -> None:
        """End it, whatever it does; as soon as it can be watched."""
        self._doomed = True
        if self._pidfd >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Let go of it, whatever it does then."""
        self._close_end()
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    def _close_end(self) -> None:
        if self._end is not None:
            self._loop.remove_reader(self._end)
            self._end.close()
            self._end = None

    def _read(self) -> None:
        """Everything that it has said."""
        while self._end is not None:
            try:
                message, fds = ipc.receive(self._end)
            except BlockingIOError:
                return
            except (EOFError, OSError):
                self._close_end()
                self._report(EngineMute(self.gen))
                return
            self._hear(message, fds)

    def _hear(self, message: ipc.Message, fds: list[int]) -> None:
        error = VramswapError.from_dict(message["error"]) if "error" in message else None
        if not self._greeted:
            self._greeted = True
            if error is not None:
                self._report(EngineRefused(self.gen, error))
            else:
                self._report(EngineReady(self.gen, self.pid, message.get("result", {})))
            return
        fd = fds[0] if fds else -1
        self._report(Answered(self.gen, int(message.get("seq", 0)), error, fd, message.get("result") or {}))

    def _reap(self) -> None:
        """It has ended. What it said before counts first."""
        self._gone = True
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        status = _UNKNOWN_END
        with contextlib.suppress(ChildProcessError):
            _, status = os.waitpid(self.pid, 0)
        while self._end is not None:
            try:
                message, fds = ipc.receive(self._end)
            except (EOFError, OSError):
                break
            self._hear(message, fds)
        self._close_end()
        self._report(EngineReaped(self.gen, status))


def not_started(error: OSError) -> VramswapError:
    """The error when the system has no room for another process."""
    return VramswapError(Problem.ENGINE_NOT_STARTED, why=os.strerror(error.errno or 0))
