"""The keeper: small, locked in memory, without CUDA. It owns the segments and brings the engine back when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from vramswap_gui import __version__
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server.engine.engine import CONTEXT_LOST
from vramswap_gui.server.engine.main import EngineOptions
from vramswap_gui.server.exports.base import Exports
from vramswap_gui.server.supervisor import gpu_loss, reexec
from vramswap_gui.server.supervisor.engine_handle import EngineGone, EngineHandle, engine_failed
from vramswap_gui.server.supervisor.event_log import ServerEventLog
from vramswap_gui.server.supervisor.memory_reserve import MemoryReserve
from vramswap_gui.units import MAX_SEGMENTS, SIZE_STEP, format_size

#: Seconds before the next try when an engine died young of itself.
_BACKOFF: Final = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

#: Seconds between the answer to an upgrade and the upgrade.
_LAST_WORDS: Final = 0.1

#: Seconds between two looks whether a segment is still swap, when the server is to end.
_LEAVE_SECONDS: Final = 0.2


@dataclass(slots=True)
class Segment:
    """VRAM that is served: its size, the descriptor that keeps it alive, and where it is attached."""

    index: int
    size: int
    fd: int
    device: str = ""

    def as_dict(self, connections: int) -> dict[str, Any]:
        return {"index": self.index, "size": self.size, "device": self.device, "connections": connections}


class Keeper:
    """Everything the server does, apart from how requests to it arrive."""

    def __init__(
        self, exports: Exports, options: EngineOptions, reserve: MemoryReserve, events: ServerEventLog
    ) -> None:
        self._exports = exports
        exports.lost = self._connection_lost
        self._options = options
        self._reserve = reserve
        self._events = events
        self._gpu: dict[str, Any] = {}
        self._engine = EngineHandle(options)
        self._engine_state = "starting"
        self._serving = asyncio.Event()
        self._segments: dict[int, Segment] = {}
        self._changing = asyncio.Lock()
        self._revival: asyncio.Task[None] | None = None
        self._born = 0.0
        #: How the last engine ended (wait(2)), and when.
        self._death: tuple[int, float] | None = None
        #: How many engines in a row died young of themselves.
        self._young = 0
        self._trouble: gpu_loss.Trouble | None = None
        #: The engine of an earlier program, which serves until ours has everything.
        self._predecessor = 0
        self._draining = False
        self._leaving: asyncio.Task[None] | None = None
        self._finished = asyncio.Event()

    async def start(self) -> None:
        """Start the engine. Raises VramswapError when there is no usable GPU."""
        self._engine.died = self._engine_died
        try:
            self._gpu = await self._engine.start()
        except EngineGone:
            raise engine_failed("it died while it opened the GPU") from None
        # From now on the GPU is the one it found, whatever order the driver lists them in later.
        self._options = replace(self._options, gpu=self._gpu["uuid"])
        self._serve()
        # Not before the fork, or the engine would share the pages and keep them when they are let go of.
        self._reserve.fill()
        self._events.started(self._gpu)

    async def resume(self, state: dict[str, Any]) -> None:
        """Take over from an earlier program, whose engine serves until ours does (see reexec.py)."""
        self._gpu, self._predecessor = state["gpu"], state["engine"]
        self._options = replace(self._options, gpu=self._gpu["uuid"])
        self._engine_state = "restarting"
        for found in state["segments"]:
            segment = Segment(**found)
            self._segments[segment.index] = segment
            await self._exports.resume(segment.index, segment.device, segment.size, self._connect)
        self._revival = asyncio.create_task(self._revive())

    async def upgrade(self) -> dict[str, Any]:
        """Become the program that is installed now. Raises VramswapError BUSY while anything changes."""
        if self._changing.locked() or self._draining or self._engine_state != "running":
            raise VramswapError(ErrorCode.BUSY, "The server is changing something.", "Try again in a moment.")
        state = {
            "gpu": self._gpu, "engine": self._engine.pid, "segments": [asdict(s) for s in self._segments.values()],
            "counters": self._options.counters.fd,
        }  # fmt: skip
        try:
            await self._engine.ask("hand_over")
        except EngineGone:
            raise engine_failed("it died before the upgrade") from None
        # The answer has to leave first.
        asyncio.get_running_loop().call_later(
            _LAST_WORDS,
            reexec.become,
            state,
            [self._options.counters.fd, *(segment.fd for segment in self._segments.values())],
        )
        return {}

    async def counters(self) -> dict[str, Any]:
        """The control socket's ``counters``."""
        return self._options.counters.read()

    async def wait(self) -> None:
        """Return when the server has nothing left to do."""
        await self._finished.wait()

    async def status(self) -> dict[str, Any]:
        """The control socket's ``status``."""
        if self._engine_state == "running":
            with contextlib.suppress(EngineGone, VramswapError):
                self._gpu, _ = await self._engine.ask("info")
        return {
            "version": __version__,
            "pid": os.getpid(),
            "engine_pid": self._engine.pid,
            "engine": self._engine_state,
            "trouble": self._trouble_now(),
            "attach": self._exports.name,
            "gpu": self._gpu,
            "segments": [
                segment.as_dict(self._exports.connections(segment.index))
                for segment in sorted(self._segments.values(), key=lambda s: s.index)
            ],
            "draining": self._draining,
        }

    async def add(self, size: int) -> dict[str, Any]:
        """Allocate, wipe and attach a segment; whatever fails, nothing is left of it. Raises VramswapError."""
        check_size(size)
        async with self._changing:
            if self._draining:
                raise VramswapError(ErrorCode.BUSY, "The server is stopping.", "Try again when it has stopped.")
            if self._engine_state == "lost" and self._trouble is not None:
                raise gpu_loss.gpu_is_gone(self._trouble)
            index = next((i for i in range(MAX_SEGMENTS) if i not in self._segments), None)
            if index is None:
                raise VramswapError(
                    ErrorCode.INVALID_ARGUMENT, f"There are {MAX_SEGMENTS} segments already.", "Remove one first."
                )
            try:
                _, fds = await self._engine.ask("create", index=index, size=size)
            except EngineGone:
                raise engine_failed("it died while it allocated VRAM") from None
            segment = Segment(index, size, fds[0])
            self._segments[index] = segment
            try:
                segment.device = await self._exports.attach(index, size, self._connect)
            except BaseException as error:
                await self._discard(segment)
                if isinstance(error, EngineGone):
                    raise engine_failed("it died while a device was attached") from None
                raise
            self._events.attached(segment.device, size)
            return segment.as_dict(self._exports.connections(index))

    async def remove(self, index: int) -> dict[str, Any]:
        """Detach, wipe and release a segment. Raises VramswapError BUSY while the kernel swaps on it."""
        async with self._changing:
            segment = self._segments.get(index)
            if segment is None:
                raise VramswapError(ErrorCode.INVALID_ARGUMENT, f"There is no segment {index}.")
            if self._exports.in_use(index):
                raise VramswapError(
                    ErrorCode.BUSY, f"{segment.device} is in use as swap.", f"Run `swapoff {segment.device}` first."
                )
            await self._exports.detach(index)
            await self._discard(segment)
            self._events.detached(segment.device, segment.size)
        if self._draining:
            self._finish_if_empty()
        return {}

    async def quit(self) -> dict[str, Any]:
        """End the server. Raises VramswapError BUSY while there are segments."""
        if self._segments:
            raise VramswapError(
                ErrorCode.BUSY,
                f"{len(self._segments)} segments are attached.",
                "Remove them first, swap before device.",
            )
        self.drain()
        return {}

    def drain(self) -> None:
        """Accept no new segment, serve those that are swap, let go of the others, and end after the last one."""
        self._draining = True
        self._finish_if_empty()
        if self._segments and self._leaving is None:
            self._leaving = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        """The helper, which would have them removed, may be gone: at the machine's end it goes before its swap."""
        while self._segments:
            for index in list(self._segments):
                with contextlib.suppress(VramswapError):
                    await self.remove(index)
            await asyncio.sleep(_LEAVE_SECONDS)

    async def close(self) -> None:
        """Release everything, wiped. Only for when nothing depends on the segments any more."""
        self._draining = True
        self._reserve.release()
        if self._revival is not None:
            self._revival.cancel()
        for index in list(self._segments):
            await self._exports.detach(index)
        with contextlib.suppress(EngineGone, VramswapError):
            await self._engine.ask("quit")
        for segment in self._segments.values():
            os.close(segment.fd)
        self._segments.clear()
        self._events.ended()

    def _finish_if_empty(self) -> None:
        if not self._segments:
            self._finished.set()

    async def _connect(self, index: int, fds: list[int]) -> None:
        """Give connections to the engine; while it is being replaced, or when it dies of them, to the next one."""
        await self._serving.wait()
        engine = self._engine
        try:
            await engine.ask("connect", fds, index=index)
        except EngineGone:
            if engine is self._engine:
                # Its end is seen here before its death is reported.
                self._serving.clear()
            await self._serving.wait()
            await self._engine.ask("connect", fds, index=index)

    async def _discard(self, segment: Segment) -> None:
        """Wipe and release a segment that nothing is attached to."""
        with contextlib.suppress(EngineGone, VramswapError):
            await self._engine.ask("remove", index=segment.index)
        os.close(segment.fd)
        del self._segments[segment.index]

    def _connection_lost(self, index: int) -> None:
        """The kernel gave up a connection, because the engine is dead or answered too late.

        A late engine is ended: what it holds was or will be asked again on another connection, and a stale write that
        finished after that would overwrite a newer page. With a new engine there are new connections too.
        """
        if self._engine_state == "running" and self._engine.pid:
            os.kill(self._engine.pid, signal.SIGKILL)

    def _engine_died(self, status: int) -> None:
        if self._draining and not self._segments:
            return
        self._reserve.release()
        self._engine_state = "restarting"
        self._serving.clear()
        self._death = (status, time.monotonic())
        code = os.waitstatus_to_exitcode(status)
        if time.monotonic() >= self._born + gpu_loss.YOUNG:
            self._young, self._trouble = 0, None
        elif code != -signal.SIGKILL:
            # Whom somebody killed, did not crash.
            self._young += 1
        self._hear(_context_lost() if code == CONTEXT_LOST else None)
        if self._revival is None or self._revival.done():
            self._revival = asyncio.create_task(self._revive())

    def _hear(self, error: VramswapError | None) -> None:
        self._trouble = gpu_loss.heard(self._trouble, error, time.monotonic())

    def _trouble_now(self) -> dict[str, str] | None:
        """Why nobody serves, as far as it is known."""
        if self._trouble is None or self._engine_state == "running":
            return None
        lost = self._engine_state == "lost"
        return (gpu_loss.gpu_is_gone(self._trouble) if lost else self._trouble.error).as_dict()

    async def _revive(self) -> None:
        """Start a new engine and give it the segments. Gives up with the GPU only: pages are at stake."""
        attempt = self._young
        while not gpu_loss.is_gone(self._trouble, time.monotonic()):
            await asyncio.sleep(_BACKOFF[min(attempt, len(_BACKOFF) - 1)])
            attempt += 1
            engine = EngineHandle(self._options)

            async def connect(index: int, fds: list[int], engine: EngineHandle = engine) -> None:
                await engine.ask("connect", fds, index=index)

            try:
                await engine.start()
                for segment in self._segments.values():
                    await engine.ask("adopt", [segment.fd], index=segment.index, size=segment.size)
                self._end_predecessor()
                for segment in self._segments.values():
                    if segment.device:
                        await self._exports.reattach(segment.index, connect)
            except (EngineGone, VramswapError, OSError) as error:
                self._hear(error if isinstance(error, VramswapError) else None)
                if engine.pid:
                    os.kill(engine.pid, signal.SIGKILL)
                continue
            if not engine.pid:
                continue
            if any(segment.device and self._exports.hung_up(segment.index) for segment in self._segments.values()):
                os.kill(engine.pid, signal.SIGKILL)
                continue
            engine.died = self._engine_died
            self._engine = engine
            self._serve()
            self._reserve.refill()
            self._tell_of(engine.pid)
            return
        self._give_up()

    def _serve(self) -> None:
        self._born = time.monotonic()
        self._engine_state = "running"
        self._serving.set()

    def _give_up(self) -> None:
        """The pages are lost: who wants one gets an error now, not never."""
        self._engine_state = "lost"
        for segment in self._segments.values():
            if segment.device:
                self._exports.give_up(segment.index)
        # Who waits for an engine is to learn that there is none.
        self._serving.set()
        if self._trouble is not None:
            self._events.lost(gpu_loss.gpu_is_gone(self._trouble))

    def _tell_of(self, engine: int) -> None:
        """Only now that it serves: nothing that brings an engine back may wait for the journal."""
        if self._death is None:
            self._events.upgraded(engine, len(self._segments))
        else:
            status, at = self._death
            self._events.replaced(status, self._born - at, engine)

    def _end_predecessor(self) -> None:
        """No two engines serve at a time: a stale write of the old one must not follow a new one's."""
        if self._predecessor:
            with contextlib.suppress(OSError):
                os.kill(self._predecessor, signal.SIGKILL)
                os.waitpid(self._predecessor, 0)
            self._predecessor = 0


def _context_lost() -> VramswapError:
    return VramswapError(
        ErrorCode.SERVER_FAILED, "The GPU fails whoever uses it.", "Look for NVRM or Xid lines in `dmesg`."
    )


def check_size(size: object) -> None:
    """Raises VramswapError INVALID_ARGUMENT unless ``size`` can be a segment's size."""
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0 or size % SIZE_STEP or size >= 1 << 48:
        raise VramswapError(
            ErrorCode.INVALID_ARGUMENT,
            f"A size of {str(size)[:40]} is not possible.",
            f"It must be a positive multiple of {format_size(SIZE_STEP)}.",
        )
