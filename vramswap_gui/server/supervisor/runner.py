# SPDX-License-Identifier: MIT
"""The shell around the keeper's state machine: carries out what it orders, and brings it what happens.

Nothing here decides anything, and nothing waits: an order that fails is an event like any other.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from vramswap_gui import __version__
from vramswap_gui.api.control import ControlVerb, ServerStatus
from vramswap_gui.api.reasons import NO_DRIVER, Reason
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server import messages as m
from vramswap_gui.server.engine.main import EngineOptions
from vramswap_gui.server.exports.base import Exports, Way
from vramswap_gui.server.memlock import go_first
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor import reexec, sentry
from vramswap_gui.server.supervisor.engine_handle import EngineHandle, not_started
from vramswap_gui.server.supervisor.event_log import ServerEventLog
from vramswap_gui.server.supervisor.keeper import Keeper
from vramswap_gui.server.supervisor.memory_reserve import MemoryReserve
from vramswap_gui.server.supervisor.reexec import Legacy

MakeExports = Callable[[Callable[[m.Event], None]], Exports]


class Runner:
    """One server. Its verbs are answered by the machine; :attr:`ready` and :attr:`finished` tell how far it is."""

    def __init__(
        self,
        make_exports: MakeExports,
        options: EngineOptions,
        reserve: MemoryReserve,
        events: ServerEventLog,
        why: Reason = NO_DRIVER,
    ) -> None:
        """``why`` the transport was chosen. Raises VramswapError NO_NBD, NO_UBLK."""
        self._loop = asyncio.get_running_loop()
        self._exports = make_exports(self.report)
        self._options = options
        self._why = why
        self._reserve = reserve
        self._events = events
        kind = "kernel" if self._exports.name == "kernel" else "socket"
        self._keeper = Keeper(os.urandom(4).hex(), __version__, kind, options.gpu, options.packing.codec)
        self._engines: dict[int, EngineHandle] = {}
        self._ends: Mapping[int, list[int]] = {}
        #: By the descriptor of the VRAM, as far as the machine knows of it; and those of VRAM that was asked for.
        self._sums: dict[int, PageSums] = {}
        self._making: dict[tuple[int, int], PageSums] = {}
        self._damage = options.counters.damage()
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.finished: asyncio.Future[None] = self._loop.create_future()

    def start(self, legacy: Legacy | None = None) -> None:
        """Begin, with what an earlier program left."""
        if legacy is not None:
            self._ends = legacy.ends
            self._events.before = legacy.version
            for record in legacy.inheritance.segments:
                if record.sums >= 0:
                    # Pages that nobody verifies are better than none.
                    with contextlib.suppress(OSError):
                        self._sums[record.fd] = PageSums(record.size, record.sums, record.kind)
            for gen in range(1, len(legacy.inheritance.engines) + 1):
                self._engines[gen] = EngineHandle(gen, self.report)
            for gen, engine in enumerate(legacy.inheritance.engines, 1):
                # Whoever comes after them is to know when they have ended.
                self._engines[gen].watch(engine.pid)
        else:
            # Whoever started us waits, and nobody for a page.
            self._reserve.lend(math.inf)
        self.report(m.Started(legacy.inheritance if legacy is not None else None))

    async def ask(self, verb: ControlVerb, **arguments: int) -> Mapping[str, Any]:
        """What the machine answers to a verb. Raises VramswapError."""
        number = next(self._numbers)
        answer: asyncio.Future[Mapping[str, Any]] = self._loop.create_future()
        self._answers[number] = answer
        try:
            self.report(m.Asked(number, verb, **arguments))
            return await answer
        finally:
            self._answers.pop(number, None)

    async def status(self) -> ServerStatus:
        """The verb ``status``, with what the machine does not know of itself."""
        found = ServerStatus.from_wire(await self.ask(ControlVerb.STATUS))
        exports = self._exports
        segments = tuple(replace(one, connections=exports.connections(one.index)) for one in found.segments)
        transport = self._options.transport.value if exports.name == "kernel" else ""
        return replace(
            found, attach=exports.name, transport=transport, transport_reason=self._why, pid=os.getpid(),
            segments=segments, damaged=self._options.counters.damage(), leaves=reexec.format_of(found.pool.extents > 0),
            no_room=self._options.counters.no_room(),
        )  # fmt: skip

    def counters(self) -> dict[str, Any]:
        """The verb ``counters``."""
        return self._options.counters.read()

    def drain(self) -> None:
        """End as soon as nothing depends on the server."""
        self.report(m.Terminated())

    def report(self, event: m.Event) -> None:
        """Bring the machine an event, and carry out what follows."""
        if isinstance(event, m.EngineReaped):
            handle = self._engines.pop(event.gen, None)
            if handle is not None:
                handle.close()
                if self._options.folder is not None:
                    ipc.forget_orphaned(self._options.folder, handle.pid)
            for key in [key for key in self._making if key[0] == event.gen]:
                self._making.pop(key).close()
        elif isinstance(event, m.Answered):
            self._made(event)
            self._look_for_damage()
        if isinstance(event, m.Answered) and not event.beats:
            cleaner = bool(self._options.packing.codec)
            event = replace(event, beats=self._options.counters.heartbeats(self._options.threads, cleaner))
        for action in self._keeper.handle(event, self._loop.time()):
            _DO[type(action)](self, action)
        self._set_timer()

    def _made(self, event: m.Answered) -> None:
        """The sums of VRAM that was asked for belong to the descriptor that came."""
        sums = self._making.pop((event.gen, event.seq), None)
        if sums is not None and event.fd >= 0:
            self._sums[event.fd] = sums
        elif sums is not None:
            sums.close()

    def _look_for_damage(self) -> None:
        """Tell of pages that came back otherwise than they went, since the last look."""
        before, self._damage = self._damage, self._options.counters.damage()
        mended, lost = (now - old for now, old in zip(self._damage, before, strict=True))
        if mended or lost:
            self._events.damaged(mended, lost)

    def _later(self, event: m.Event) -> None:
        self._loop.call_soon(self.report, event)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._keeper.deadline()
        if at is not None:
            self._timer = self._loop.call_at(at, self.report, m.Tick())

    # What it orders

    def _fork(self, action: m.Fork) -> None:
        handle = EngineHandle(action.gen, self.report)
        before = tuple(other.pidfd for other in self._engines.values() if not other.is_gone)
        try:
            left = self._with_sums(action.segments)
            options = replace(self._options, gpu=action.gpu, pool=action.pool, before=before, left=left)
            handle.start(options, self._disown)
        except OSError as error:
            self._later(m.EngineRefused(action.gen, not_started(error), began=False))
        else:
            self._engines[action.gen] = handle

    def _disown(self) -> None:
        """In a child: it has memory of its own."""
        self._reserve.disown()
        for sums in (*self._sums.values(), *self._making.values()):
            sums.disown()

    def _kill(self, action: m.Kill) -> None:
        handle = self._engines.get(action.gen)
        if handle is not None:
            handle.kill()

    def _ask(self, action: m.Ask) -> None:
        handle = self._engines.get(action.gen)
        if handle is None:
            # Its end is on its way here.
            return
        way, fds = Way(), list[int]()
        try:
            if action.client >= 0:
                fds = [self._exports.client(action.client)]
            elif action.question is m.Question.CONNECT:
                way = self._exports.hand_over(action.index)
                fds = list(way.sockets)
            elif action.question is m.Question.CREATE:
                made = self._making[action.gen, action.seq] = PageSums(action.size, kind=action.kind)
                fds = [made.fd]
            elif action.fd >= 0:
                fds = [action.fd, *(self._sums[fd].fd for fd in (action.fd,) if fd in self._sums)]
            handle.ask(action, fds, way.device)
        except OSError as error:
            why = VramswapError(Problem.SYSTEM_REFUSED, why=os.strerror(error.errno or 0))
            self._later(m.Answered(action.gen, action.seq, why))
        finally:
            for fd in way.sockets:
                os.close(fd)

    def _prepare(self, action: m.Prepare) -> None:
        self._exports.prepare(action.index, action.gen, action.size, action.ident)

    def _attach(self, action: m.Attach) -> None:
        self._exports.attach(action.index, action.size, action.ident, self._pid(action.gen))

    def _reconnect(self, action: m.Reconnect) -> None:
        self._exports.reconnect(action.index, self._pid(action.gen))

    def _pid(self, gen: int) -> int:
        handle = self._engines.get(gen)
        return handle.pid if handle is not None else 0

    def _inherit(self, action: m.Inherit) -> None:
        self._exports.inherit(action.index, action.size, action.ident, action.device, self._ends.get(action.index, []))

    def _detach(self, action: m.Detach) -> None:
        self._exports.detach(action.index, action.lost)

    def _abandon(self, action: m.Abandon) -> None:
        self._exports.abandon(action.index)

    def _drop_ends(self, action: m.DropEnds) -> None:
        self._exports.drop_ends(action.index)

    def _close_fd(self, action: m.CloseFd) -> None:
        sums = self._sums.pop(action.fd, None)
        if sums is not None:
            sums.close()
        with contextlib.suppress(OSError):
            os.close(action.fd)

    def _close_client(self, action: m.CloseClient) -> None:
        self._exports.close_client(action.client)

    def _reply(self, action: m.Reply) -> None:
        answer = self._answers.get(action.number)
        if answer is None or answer.done():
            return
        if action.error is not None:
            answer.set_exception(action.error)
        else:
            answer.set_result(action.result)

    def _with_sums(self, records: Sequence[m.SegmentRecord]) -> tuple[m.SegmentRecord, ...]:
        return tuple(
            replace(record, sums=self._sums[record.fd].fd) if record.fd in self._sums else record for record in records
        )

    def _exec(self, action: m.Exec) -> None:
        """Does not return when it succeeds. The connection of whoever asked ends then, and that is the answer."""
        try:
            ends = {index: list(kept) for index, kept in self._exports.kept_ends().items()}
            state = replace(action.state, segments=self._with_sums(action.state.segments))
            packed = self._options.packing.codec
            reexec.become(Legacy(state, ends, self._options.counters.fd, self._options.sentry, compression=packed))
        except OSError as error:
            why = VramswapError(Problem.UPGRADE_NOT_STARTED, why=os.strerror(error.errno or 0))
            self._later(m.ExecFailed(why))

    def _ready(self, action: m.Ready) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def _hold(self, action: m.Reserve) -> None:
        if not action.held:
            # From now on nobody serves until we have brought an engine up.
            if self._options.resident:
                go_first()
            self._reserve.lend()
        else:
            self._reserve.refill()

    def _tell(self, action: m.Tell) -> None:
        getattr(self._events, action.what)(*action.details)

    def _finish(self, action: m.Finish) -> None:
        self._exports.close()
        self._reserve.release()
        if self._options.sentry >= 0:
            sentry.dismiss(self._options.sentry)
        for done in (self.ready, self.finished):
            if done.done():
                continue
            if action.error is not None:
                done.set_exception(action.error)
            else:
                done.set_result(None)


_DO: Final[Mapping[type, Callable[[Runner, Any], None]]] = {
    m.Fork: Runner._fork,
    m.Kill: Runner._kill,
    m.Ask: Runner._ask,
    m.Prepare: Runner._prepare,
    m.Attach: Runner._attach,
    m.Reconnect: Runner._reconnect,
    m.Inherit: Runner._inherit,
    m.Detach: Runner._detach,
    m.Abandon: Runner._abandon,
    m.DropEnds: Runner._drop_ends,
    m.CloseFd: Runner._close_fd,
    m.CloseClient: Runner._close_client,
    m.Reply: Runner._reply,
    m.Exec: Runner._exec,
    m.Ready: Runner._ready,
    m.Reserve: Runner._hold,
    m.Tell: Runner._tell,
    m.Finish: Runner._finish,
}
