# SPDX-License-Identifier: MIT
"""The keeper's life as a state machine: which engine serves, what each segment is, what was asked for.

:meth:`Keeper.handle` takes one event and returns the actions that follow from it. It does no I/O, waits for nothing and
reads no clock, so a simulator can drive it through every order of events (tests/sim). Tables at the end say what each
event means, by the stage of its segment; one that is not in them is late news and means nothing. After each event
:meth:`Keeper._advance` looks at what is so and orders the next step towards what is to be so. No step depends on an
earlier one having been followed by another: whatever dies or changes in between, the next look starts from there.

What must never happen:

* An engine serves a segment while another one that could write it is alive. The next one gets connections when all
  before it were *reaped* (:meth:`Keeper._fence`).
* VRAM is wiped or let go of while the kernel may still ask for it. A segment is dropped only in the phase DETACHED,
  and only the kernel's own word leads there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from vramswap_gui.api.control import ControlVerb, EngineState, GpuInfo, PoolInfo, SegmentInfo, ServerStatus
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.messages import (
    EXTENTS,
    PATIENCE,
    Abandon,
    Action,
    Answered,
    Ask,
    Asked,
    Attach,
    ClientCame,
    CloseClient,
    CloseFd,
    Detach,
    DetachFailed,
    DeviceDetached,
    DeviceLinked,
    DevicePrepared,
    DeviceUnlinked,
    DropEnds,
    EngineMute,
    EngineReady,
    EngineReaped,
    EngineRefused,
    Event,
    Exec,
    ExecFailed,
    Finish,
    Fork,
    HungUp,
    Inherit,
    Inheritance,
    Kill,
    Kind,
    Predecessor,
    Prepare,
    Question,
    Ready,
    Reconnect,
    Reply,
    Reserve,
    SegmentRecord,
    Started,
    Tell,
    Terminated,
    Tick,
)
from vramswap_gui.server.supervisor import recovery
from vramswap_gui.server.supervisor.state import LINKED, ORDERED, RETRIED, Engine, Link, Phase, Segment, Stage
from vramswap_gui.units import MAX_EXTENTS, MAX_SEGMENTS, MAX_SERIAL, SIZE_STEP

#: Seconds in which an engine must have opened the GPU. A driver that wakes one, or brings it back, takes a few.
START_SECONDS: Final = 45.0
#: Seconds between two looks whether the engine is alive, and after which a worker that did not move hangs.
BEAT_SECONDS: Final = 2.0
HANG_SECONDS: Final = 10.0
#: Seconds in which an engine that the kernel found late must have come to the end of what it was late with.
LATE_SECONDS: Final = 2.0
#: Seconds for which one may be late again and again, never for so long in time as the second.
ENDURE_SECONDS: Final = 15.0
CALM_SECONDS: Final = 10.0
#: Seconds until connections that ended are replaced: it may be the first that is seen of the engine's end.
TORN_SECONDS: Final = 0.05
#: Seconds between two tries to give a device its connections, to end one that is lost, and to take one that is to go.
LINK_SECONDS: Final = 1.0
LOST_SECONDS: Final = 5.0
LEAVE_SECONDS: Final = 1.0
#: Seconds for which a verb may wait for its turn, and a segment that is to go for whoever has its device open.
VERB_SECONDS: Final = 60.0
DETACH_SECONDS: Final = 15.0
#: Seconds after which a status is told as it was last known.
STATUS_SECONDS: Final = 2.0
#: Seconds for which a server that is to end waits for an engine to wipe what is left.
WIPE_SECONDS: Final = 60.0
#: Clients that wait for an engine.
MAX_WAITING: Final = 64


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A verb that waits for its turn, or a status for the engine's word."""

    event: Asked
    until: float


class Keeper:
    """All of the server's state. ``token`` makes the segments' identities its own; ``gpu`` is what was chosen, and
    ``compression`` by what the pages of new segments are packed, if they are."""

    def __init__(self, token: str, version: str, attach: str, gpu: str = "", compression: str = "") -> None:
        self._token = token
        self._version = version
        self._attach = attach
        self._choice = gpu
        self._gpu: Mapping[str, Any] = {}
        self._compression = compression
        self._pool = PoolInfo()
        #: The engine is to be asked to clean until no more bytes are holes.
        self._compact_to: int | None = None
        self.engines: dict[int, Engine] = {}
        self.segments: dict[int, Segment] = {}
        self._gens = 0
        self._seqs = 0
        self._serials = 0
        #: Before the first engine was ready, its failure is the server's.
        self._begun = False
        self._recovery = recovery.Recovery()
        self.lost = False
        self.draining = False
        self._leave_at = 0.0
        self._wipe_until: float | None = None
        self._finished = False
        self._executing = 0
        self._verbs: deque[_Waiting] = deque()
        self._statuses: list[_Waiting] = []
        self._clients: list[ClientCame] = []
        self._reserve = False
        self._upgraded = False
        self._now = 0.0
        self._out: list[Action] = []

    # The machine

    def handle(self, event: Event, now: float) -> list[Action]:
        """What follows from ``event`` at ``now``."""
        self._now = now
        self._out = []
        if not self._finished:
            _ON[type(event)](self, event)
            self._expire()
            self._advance()
        return self._out

    def deadline(self) -> float | None:
        """When the next :class:`Tick` is due at the latest; None: only when something happens."""
        return None if self._finished else min(self._deadlines(), default=None)

    def patience(self, seconds: float) -> float:
        """For how long an engine is waited for that usually needs less than ``seconds``."""
        return self._recovery.patience(seconds)

    def _deadlines(self) -> Iterator[float]:
        for engine in self.engines.values():
            if engine.phase is Phase.FENCED or not engine.ours:
                continue
            if engine.question is not None:
                yield engine.answer_by
            if engine.phase is Phase.STARTING:
                yield engine.deadline
            elif engine.phase is Phase.SERVING and self.segments and self._is_free(engine):
                yield engine.look_at
        for segment in self.segments.values():
            yield from self._segment_deadlines(segment)
        yield from (waiting.until for waiting in self._verbs)
        yield from (waiting.until for waiting in self._statuses)
        if self._wants_engine():
            yield self._recovery.retry_at
        if self.draining and any(s.stage is Stage.ATTACHED for s in self.segments.values()):
            yield self._leave_at
        if self._wipe_until is not None and self._wipe_until > self._now:
            yield self._wipe_until

    def _segment_deadlines(self, segment: Segment) -> Iterator[float]:
        if segment.number:
            yield segment.verb_by
        if segment.stage is Stage.DETACHING and segment.hung_at:
            yield segment.hung_at + LINK_SECONDS
        if segment.stage in RETRIED and segment.retry_at > self._now:
            yield segment.retry_at

    def _advance(self) -> None:
        """Order every step that is due."""
        self._start_engine()
        candidate = self._candidate()
        if candidate is not None and candidate.phase is Phase.LOADING:
            self._load(candidate)
        self._next_verb()
        serving = self._serving()
        if serving is not None and serving.question is None:
            self._link(serving)
        if serving is not None and self._is_free(serving):
            self._work(serving)
        self._leave()
        self._end()

    # Engines

    def _wants_engine(self) -> bool:
        """Whether an engine is to be started: none is there that serves or is going to, and the last one is reaped."""
        if self.lost or self._finished or self._executing or (self.draining and not self.segments):
            return False
        return not any(engine.ours for engine in self.engines.values())

    def _start_engine(self) -> None:
        if not self._wants_engine() or self._recovery.retry_at > self._now:
            return
        if self._recovery.is_gone(self._now, self._is_served()):
            self._give_up()
            return
        self._gens += 1
        self.engines[self._gens] = Engine(self._gens, Phase.STARTING, self._now + START_SECONDS)
        gpu = str(self._gpu.get("uuid", self._choice))
        self._out.append(Fork(self._gens, gpu, self._pool.to_wire(), self._records()))

    def _candidate(self) -> Engine | None:
        return next((e for e in self.engines.values() if e.phase in (Phase.STARTING, Phase.LOADING)), None)

    def _serving(self) -> Engine | None:
        return next((e for e in self.engines.values() if e.phase is Phase.SERVING and e.ours), None)

    def _load(self, engine: Engine) -> None:
        """Have an engine map every segment there is; then end those before it; then it serves."""
        if engine.question is not None:
            return
        for segment in self.segments.values():
            if segment.fd >= 0 and segment.index not in engine.holds:
                self._ask(engine, Question.ADOPT, segment, fd=segment.fd)
                return
        if self._fence(engine):
            self._serve(engine)

    def _fence(self, engine: Engine) -> bool:
        """End every other engine. True once all of them are reaped."""
        others = [other for other in self.engines.values() if other is not engine]
        for other in others:
            self._kill(other)
        return not others

    def _kill(self, engine: Engine) -> None:
        if engine.phase is Phase.FENCED:
            return
        engine.phase = Phase.FENCED
        self._look_who_serves()
        self._out.append(Kill(engine.gen))

    def _ask(
        self,
        engine: Engine,
        question: Question,
        about: Segment | None = None,
        fd: int = -1,
        client: int = -1,
        size: int = 0,
        seconds: float = 0.0,
    ) -> None:
        """``seconds``: within which it is to be answered, where that is not as long as usual."""
        self._seqs += 1
        asked = Ask(engine.gen, self._seqs, question, size=size, fd=fd, client=client)
        if about is not None:
            asked = replace(asked, index=about.index, size=about.size, ident=about.ident, kind=about.kind)
        engine.question = asked
        engine.answer_by = self._now + self.patience(seconds or PATIENCE[question])
        self._out.append(asked)

    def _engine_ready(self, event: EngineReady) -> None:
        engine = self.engines.get(event.gen)
        if engine is None or engine.phase is not Phase.STARTING:
            return
        engine.phase, engine.pid = Phase.LOADING, event.pid
        self._gpu = dict(event.gpu)

    def _engine_refused(self, event: EngineRefused) -> None:
        engine = self.engines.get(event.gen)
        if engine is None:
            return
        engine.refused = True
        self._recovery.failed(event.error, self._now)
        if not self._begun:
            self._finish(event.error)
        if event.began:
            self._kill(engine)
        else:
            # There is no process whose end could be reported.
            self._forget(engine)

    def _engine_mute(self, event: EngineMute) -> None:
        engine = self.engines.get(event.gen)
        if engine is not None and not engine.quitting:
            self._kill(engine)

    def _engine_reaped(self, event: EngineReaped) -> None:
        engine = self.engines.get(event.gen)
        if engine is None:
            return
        if not self._begun:
            self._forget(engine)
            self._finish(VramswapError(Problem.ENGINE_DIED_OPENING))
            return
        if not engine.refused and not engine.quitting and (engine.ours or not self._upgraded):
            self._recovery.died(event.status, engine.since if engine.served else None, self._now)
        self._forget(engine)

    def _forget(self, engine: Engine) -> None:
        """An engine is no more: whatever was asked of it is open again."""
        del self.engines[engine.gen]
        self._look_who_serves()
        question, engine.question = engine.question, None
        if question is not None:
            self._unanswered(question)
        for segment in self.segments.values():
            if segment.link_gen != engine.gen:
                continue
            segment.torn, segment.late_at = False, 0.0
            if segment.link in ORDERED:
                # What the kernel is given leads nowhere now. Its word on it comes, or it is told to stop trying.
                self._out.append(Abandon(segment.index))
            elif segment.link in (Link.PREPARED, Link.UP):
                self._disconnect(segment)

    def _disconnect(self, segment: Segment) -> None:
        """Nobody is connected any more. A segment that was to become a device is not to any more."""
        self._unlink(segment)
        if segment.stage is Stage.CONNECTING:
            segment.stage = Stage.ENDED if self.lost else Stage.DETACHED
            self._fail(segment, VramswapError(Problem.ENGINE_DIED_ATTACHING))

    def _retry(self, segment: Segment, error: VramswapError | None) -> None:
        """It is given connections anew a little later. What is in the way again is told."""
        self._unlink(segment)
        segment.retry_at = self._now + LINK_SECONDS
        segment.trouble, segment.hindrance = segment.hindrance, error

    def _unlink(self, segment: Segment) -> None:
        self._out.append(DropEnds(segment.index))
        # That one of them ended says nothing of those that come.
        segment.link, segment.hung_at = Link.DOWN, 0.0

    def _unanswered(self, question: Ask) -> None:
        segment = self.segments.get(question.index)
        if question.question is Question.CONNECT and question.client >= 0:
            # A request may have been taken from it that nobody will answer.
            self._out.append(CloseClient(question.client))
            return
        if question.question is Question.INFO:
            self._tell_status()
            return
        if segment is None:
            return
        if question.question is Question.CREATE:
            # What it allocated went with it.
            self._fail(segment, VramswapError(Problem.ENGINE_DIED_ALLOCATING))
            del self.segments[segment.index]
        elif question.question is Question.CONNECT:
            self._disconnect(segment)
        elif question.question is Question.DROP and segment.kind is Kind.EXTENT:
            # The next one may refuse.
            self._keep(segment, VramswapError(Problem.ENGINE_REPLACED))
        elif question.question is Question.DROP:
            # It is wiped by the next one; whoever had asked for that need not wait.
            self._done(segment)

    def _answered(self, event: Answered) -> None:
        engine = self.engines.get(event.gen)
        question = engine.question if engine is not None else None
        if engine is None or question is None or question.seq != event.seq:
            if event.fd >= 0:
                self._out.append(CloseFd(event.fd))
            return
        engine.question = None
        if engine.phase is Phase.FENCED:
            # Its word counts for nothing any more.
            if event.fd >= 0:
                self._out.append(CloseFd(event.fd))
            self._unanswered(question)
            return
        if "pool" in event.result:
            self._pool = PoolInfo.from_wire(event.result["pool"])
        _ANSWER[question.question](self, engine, question, event)

    def _created(self, engine: Engine, question: Ask, event: Answered) -> None:
        segment = self.segments[question.index]
        if event.error is not None:
            self._fail(segment, event.error)
            del self.segments[segment.index]
            return
        segment.fd = event.fd
        engine.holds.add(segment.index)
        if segment.undo:
            segment.stage = Stage.DETACHED
            return
        if segment.kind is Kind.EXTENT:
            segment.stage = Stage.KEPT
            # It is used from the next question on, which shows that its descriptor is here.
            engine.look_at = self._now
            self._done(segment, {"index": segment.index, "size": segment.size})
            return
        segment.stage = Stage.CONNECTING
        if self._attach == "kernel":
            self._prepare(engine, segment)
        else:
            segment.link_gen = engine.gen
            self._attach_device(segment)

    def _adopted(self, engine: Engine, question: Ask, event: Answered) -> None:
        if event.error is not None:
            self._useless(engine, event.error)
            return
        engine.holds.add(question.index)

    def _useless(self, engine: Engine, error: VramswapError) -> None:
        engine.refused = True
        self._recovery.failed(error, self._now, engine.since if engine.served else None)
        self._kill(engine)

    def _hangs(self, engine: Engine, error: VramswapError) -> None:
        """It is of no use, which is no sign that the GPU is lost."""
        engine.refused = True
        self._recovery.hung(error, self._now)
        self._kill(engine)

    def _connected(self, engine: Engine, question: Ask, event: Answered) -> None:
        if question.client >= 0:
            self._out.append(CloseClient(question.client))
            return
        segment = self.segments.get(question.index)
        if segment is None:
            return
        if segment.stage is Stage.CONNECTING:
            if event.error is None and not segment.undo:
                self._attach_device(segment)
                return
            segment.stage = Stage.DETACHED
            self._unlink(segment)
            self._fail(segment, event.error or _late(segment))
        elif event.error is None and segment.stage in LINKED:
            segment.link = Link.HANDED
            self._out.append(Reconnect(segment.index, engine.gen))
        else:
            self._retry(segment, event.error)

    def _serve(self, engine: Engine) -> None:
        engine.phase, engine.served, engine.since = Phase.SERVING, True, self._now
        engine.look_at = self._now + BEAT_SECONDS
        if not self._begun:
            self._begun = True
            self._out += [Tell("started", (self._gpu,)), Ready()]
        elif self._upgraded:
            self._out.append(Tell("upgraded", (engine.pid, len(self.segments))))
        elif (death := self._recovery.replaced()) is not None:
            self._out.append(Tell("replaced", (death[0], self._now - death[1], engine.pid)))
        self._upgraded = False
        self._hold_reserve(True)

    def _dropped(self, engine: Engine, question: Ask, event: Answered) -> None:
        segment = self.segments[question.index]
        if event.error is not None and segment.kind is Kind.EXTENT:
            self._not_dropped(engine, segment, event.error)
            return
        if event.error is not None:
            # The next one wipes it.
            self._useless(engine, event.error)
            return
        engine.holds.discard(segment.index)
        self._out.append(CloseFd(segment.fd))
        if segment.device:
            self._out.append(Tell("detached", (segment.device, segment.size)))
        del self.segments[segment.index]
        self._done(segment)

    def _not_dropped(self, engine: Engine, extent: Segment, error: VramswapError) -> None:
        """Pages still lie in an extent. It goes on, it stays, or whoever was to empty it hangs, and is replaced."""
        if error.problem is Problem.SERVER_BUSY:
            return
        self._keep(extent, error)
        if error.problem is not Problem.POOL_IN_USE:
            self._hangs(engine, error)

    def _keep(self, extent: Segment, error: VramswapError) -> None:
        """An extent that was to go stays."""
        extent.stage = Stage.KEPT
        self._fail(extent, error)

    def _informed(self, engine: Engine, question: Ask, event: Answered) -> None:
        engine.look_at = self._now + BEAT_SECONDS
        if event.error is None:
            self._recovery.serves(max(engine.since, engine.torn_at), self._now)
            self._gpu = {key: value for key, value in event.result.items() if key != "pool"} or self._gpu
            self._watch(engine, event.beats)
        else:
            # A context that cannot even say how much memory is free copies no page either.
            self._useless(engine, event.error)
        self._tell_status()

    def _tell_status(self) -> None:
        for waiting in self._statuses:
            self._out.append(Reply(waiting.event.number, self.status().to_wire()))
        self._statuses.clear()

    def _watch(self, engine: Engine, beats: tuple[int, ...]) -> None:
        """Each look makes every worker go round once. One that has not for long hangs."""
        if len(beats) != len(engine.beats):
            engine.beats, engine.moved_at = beats, [self._now] * len(beats)
            return
        for worker, (before, after) in enumerate(zip(engine.beats, beats, strict=True)):
            if after != before:
                engine.moved_at[worker] = self._now
        engine.beats = beats
        if engine.moved_at and min(engine.moved_at) + self.patience(HANG_SECONDS) <= self._now:
            self._end_late(engine)

    def _compacts(self, engine: Engine, question: Ask, event: Answered) -> None:
        """It does so when it has time, or could not: nothing depends on it."""

    def _left(self, engine: Engine, question: Ask, event: Answered) -> None:
        """It wiped everything and ends."""

    def _is_served(self) -> bool:
        """Whether an engine of an earlier program serves on where new ones find no GPU, as far as can be seen. If it is
        gone for that one as well, it ends at the next request."""
        return any(engine.phase is Phase.SERVING and engine.served for engine in self.engines.values())

    def _look_who_serves(self) -> None:
        """While nobody does, nothing can be swapped out to make room for the next engine: it gets what was kept."""
        if not any(engine.phase is Phase.SERVING for engine in self.engines.values()):
            self._hold_reserve(False)

    def _hold_reserve(self, held: bool) -> None:
        if self._reserve is not held:
            self._reserve = held
            self._out.append(Reserve(held))

    # Segments

    def _link(self, engine: Engine) -> None:
        """Give the devices their connections, one device after the other, then the clients that wait."""
        for segment in self.segments.values():
            due = segment.stage in LINKED and segment.retry_at <= self._now
            if due and _is_torn(segment):
                self._unlink(segment)
            if due and segment.link is Link.DOWN and self._attach == "kernel":
                self._prepare(engine, segment)
        # It takes them when none of its copies for those before is under way; and a device that has none cannot wait
        # for another one's for long.
        seconds = LATE_SECONDS if any(map(_is_bare, self.segments.values())) else 0.0
        prepared = [segment for segment in self.segments.values() if segment.link is Link.PREPARED]
        if prepared:
            segment = min(prepared, key=lambda one: not one.torn)
            segment.link = Link.ASKED
            self._ask(engine, Question.CONNECT, segment, seconds=seconds)
            segment.torn = False
            return
        while self._clients:
            came = self._clients.pop(0)
            segment_of = self.segments.get(came.index)
            if segment_of is not None and segment_of.stage is Stage.ATTACHED:
                self._ask(engine, Question.CONNECT, segment_of, client=came.client, seconds=seconds)
                return
            self._out.append(CloseClient(came.client))

    def _prepare(self, engine: Engine, segment: Segment) -> None:
        segment.link, segment.link_gen = Link.PREPARING, engine.gen
        self._out.append(Prepare(segment.index, engine.gen, segment.size, segment.ident))

    def _prepared(self, segment: Segment, event: DevicePrepared) -> None:
        is_new = segment.stage is Stage.CONNECTING and not segment.undo
        wanted = is_new or segment.stage in LINKED
        if not wanted or not self._is_serving(segment.link_gen):
            self._disconnect(segment)
        else:
            segment.link = Link.PREPARED

    def _is_serving(self, gen: int) -> bool:
        engine = self.engines.get(gen)
        return engine is not None and engine.phase is Phase.SERVING

    def _attach_device(self, segment: Segment) -> None:
        segment.stage, segment.link = Stage.ATTACHING, Link.HANDED
        self._out.append(Attach(segment.index, segment.link_gen, segment.size, segment.ident))

    def _made(self, segment: Segment, event: DeviceLinked) -> None:
        """The device of a new segment is there, be its engine or not."""
        segment.device = event.device
        segment.stage = Stage.LOST if self.lost else Stage.ATTACHED
        self._linked(segment, event)
        if segment.stage is Stage.ATTACHED and not segment.undo:
            self._out.append(Tell("attached", (segment.device, segment.size)))
            self._done(segment, _shown(segment).to_wire())

    def _not_made(self, segment: Segment, event: DeviceUnlinked) -> None:
        segment.stage = Stage.ENDED if self.lost else Stage.DETACHED
        self._unlink(segment)
        self._fail(segment, event.error)

    def _linked(self, segment: Segment, event: DeviceLinked) -> None:
        if self._is_serving(segment.link_gen) and segment.stage in LINKED:
            segment.link, segment.trouble, segment.hindrance = Link.UP, None, None
            self._tell_late(segment)
        else:
            self._unlink(segment)

    def _tell_late(self, segment: Segment) -> None:
        """Its engine was late, and has other connections now."""
        if segment.late_at and not segment.torn:
            engine = self.engines[segment.link_gen]
            self._out.append(Tell("late", (segment.device, self._now - segment.late_at, engine.pid)))
            segment.late_at = 0.0

    def _unlinked(self, segment: Segment, event: DeviceUnlinked) -> None:
        self._retry(segment, event.error)
        if event.spent:
            self._end_engine(segment.link_gen)
        if event.gone and segment.stage is Stage.ATTACHED:
            # Somebody took the device away behind our back: nobody can ask for its pages any more.
            segment.stage = Stage.DETACHED

    def _detach(self, segment: Segment) -> None:
        segment.stage, segment.ending, segment.hung_at = Stage.DETACHING, True, 0.0
        self._out.append(Detach(segment.index))

    def _detached(self, segment: Segment, event: DeviceDetached) -> None:
        segment.ending = False
        segment.stage = Stage.ENDED if self.lost else Stage.DETACHED
        if segment.link in ORDERED:
            self._out.append(Abandon(segment.index))
        elif segment.link in (Link.PREPARED, Link.UP):
            self._unlink(segment)
        if self._serving() is None:
            # It is gone for whoever asked; the next engine wipes it.
            self._done(segment)

    def _still_attached(self, segment: Segment, event: DetachFailed) -> None:
        segment.ending = False
        if segment.stage is Stage.LOST:
            segment.retry_at = self._now + LOST_SECONDS
            return
        segment.stage = Stage.ATTACHED
        segment.retry_at = self._now + (LEAVE_SECONDS if segment.undo else 0)
        self._fail(segment, event.error)
        if segment.hung_at:
            self._hung_up(HungUp(segment.index, segment.link_gen))

    # Verbs

    def _asked(self, event: Asked) -> None:
        if event.verb is ControlVerb.STATUS:
            serving = self._serving()
            if serving is None or (serving.question is not None and serving.question.question is not Question.INFO):
                self._out.append(Reply(event.number, self.status().to_wire()))
                return
            self._statuses.append(_Waiting(event, self._now + STATUS_SECONDS))
            serving.look_at = self._now
            return
        self._verbs.append(_Waiting(event, self._now + VERB_SECONDS))

    def _next_verb(self) -> None:
        """Begin the verb whose turn it is: those that change something come one after the other."""
        while self._verbs and not self._changing():
            event = self._verbs.popleft().event
            try:
                _VERB[event.verb](self, event)
            except VramswapError as error:
                self._out.append(Reply(event.number, error=error))

    def _changing(self) -> bool:
        return bool(self._executing) or any(segment.number for segment in self.segments.values())

    def _require_able(self) -> None:
        """Raises VramswapError unless an engine can be asked for more."""
        if self.draining:
            raise VramswapError(Problem.SERVER_STOPPING)
        if self.lost:
            raise self._recovery.gpu_is_gone()
        if self._serving() is None or not self._running():
            raise VramswapError(Problem.ENGINE_REPLACED)

    def _add(self, event: Asked) -> None:
        check_size(event.size)
        self._require_able()
        index = next((i for i in range(MAX_SEGMENTS) if i not in self.segments), None)
        if index is None:
            raise VramswapError(Problem.SEGMENTS_FULL, count=MAX_SEGMENTS)
        self._create(event, index, Kind.PACKED if self._compression else Kind.PLAIN)

    def _create(self, event: Asked, index: int, kind: Kind) -> None:
        segment = Segment(index, event.size, self._new_ident(), Stage.CREATING, kind)
        segment.number, segment.verb_by = event.number, self._now + VERB_SECONDS
        self.segments[index] = segment

    def _new_ident(self) -> str:
        """An identity that no segment has."""
        taken = {segment.ident for segment in self.segments.values()}
        while True:
            self._serials = self._serials % MAX_SERIAL + 1
            ident = f"vramswap-{self._token}-{self._serials}"
            if ident not in taken:
                return ident

    def _extents(self) -> list[Segment]:
        return [segment for segment in self.segments.values() if segment.kind is Kind.EXTENT]

    def _there(self) -> list[Segment]:
        """The extents that have VRAM. One that is to go has it until it is gone, for it may have to stay."""
        return [extent for extent in self._extents() if extent.fd >= 0]

    def _extend(self, event: Asked) -> None:
        check_size(event.size)
        self._require_able()
        if not self._compression:
            raise VramswapError(Problem.NO_POOL)
        size = next((extent.size for extent in self._extents()), event.size)
        if event.size != size:
            raise VramswapError(Problem.EXTENTS_DIFFER, size=size, given=event.size)
        index = next((i for i in EXTENTS if i not in self.segments), None)
        if index is None:
            raise VramswapError(Problem.EXTENTS_FULL, count=MAX_EXTENTS)
        self._create(event, index, Kind.EXTENT)

    def _shrink(self, event: Asked) -> None:
        there = self._there()
        if not there:
            self._out.append(Reply(event.number))
            return
        self._require_able()
        # One that is on its way already, with nobody waiting for it, is the one.
        extent = max(there, key=lambda extent: (extent.stage is Stage.DETACHED, extent.index))
        extent.number, extent.verb_by = event.number, self._now + VERB_SECONDS
        # What lies in it is moved before it is wiped, or the engine refuses.
        extent.stage = Stage.DETACHED

    def _compact(self, event: Asked) -> None:
        self._require_able()
        if not self._extents():
            raise VramswapError(Problem.NO_POOL)
        # An engine that dies before it did is not asked again: whoever wants it looks what there is to do.
        self._compact_to = max(0, event.size)
        self._out.append(Reply(event.number))

    def _remove(self, event: Asked) -> None:
        if not 0 <= event.index < MAX_SEGMENTS:
            raise VramswapError(Problem.SEGMENT_UNKNOWN, index=event.index)
        segment = self.segments.get(event.index)
        if segment is None:
            # Whoever asks again, because an answer came too late, has what it wanted.
            self._out.append(Reply(event.number))
            return
        if segment.stage is Stage.ENDED:
            self._release(segment)
            self._out.append(Reply(event.number))
        elif segment.stage is Stage.DETACHED:
            # On its way already, with nobody waiting for it.
            self._out.append(Reply(event.number))
        elif segment.stage is Stage.ATTACHED:
            segment.number, segment.verb_by = event.number, self._now + DETACH_SECONDS
            self._detach(segment)
        else:
            raise VramswapError(Problem.DEVICE_CHANGING, device=segment.device)

    def _release(self, segment: Segment) -> None:
        """Let go of VRAM that is gone, or wiped."""
        if segment.fd >= 0:
            self._out.append(CloseFd(segment.fd))
        del self.segments[segment.index]

    def _quit(self, event: Asked) -> None:
        gone = (Stage.DETACHED, Stage.ENDED, Stage.KEPT)
        attached = sum(segment.stage not in gone for segment in self.segments.values())
        if attached:
            raise VramswapError(Problem.SEGMENTS_ATTACHED, count=attached)
        self.draining = True
        self._out.append(Reply(event.number))

    def _records(self) -> tuple[SegmentRecord, ...]:
        """All that is held."""
        return tuple(
            SegmentRecord(s.index, s.size, s.fd, s.ident, s.device, kind=s.kind)
            for s in self.segments.values() if s.fd >= 0
        )  # fmt: skip

    def _upgrade(self, event: Asked) -> None:
        serving = self._serving()
        # The next program could ask nothing of an engine that was late, and would end it before it has another.
        moving = any(s.stage not in (Stage.ATTACHED, Stage.KEPT) or _is_torn(s) for s in self.segments.values())
        if self.draining or serving is None or not self._running() or moving or len(self.engines) > 1:
            raise VramswapError(Problem.SERVER_BUSY)
        self._executing = event.number
        inheritance = Inheritance(self._gpu, (Predecessor(serving.pid),), self._records(), self._pool.to_wire())
        self._out.append(Exec(inheritance))

    def _exec_failed(self, event: ExecFailed) -> None:
        number, self._executing = self._executing, 0
        self._out.append(Reply(number, error=event.error))

    def _done(self, segment: Segment, result: Mapping[str, Any] | None = None) -> None:
        """The verb that waits for a segment has what it wanted."""
        if segment.number:
            self._out.append(Reply(segment.number, result or {}))
            segment.number = 0

    def _fail(self, segment: Segment, error: VramswapError) -> None:
        if segment.number:
            self._out.append(Reply(segment.number, error=error))
            segment.number = 0

    def _expire(self) -> None:
        """What took too long has its consequence."""
        for engine in list(self.engines.values()):
            if engine.phase is Phase.FENCED or not engine.ours:
                continue
            if engine.phase is Phase.STARTING and engine.deadline <= self._now:
                error = VramswapError(Problem.ENGINE_LATE)
                self._hangs(engine, error)
                if not self._begun:
                    self._finish(error)
            elif engine.question is not None and engine.answer_by <= self._now:
                self._end_late(engine)
        for segment in self.segments.values():
            if segment.stage is Stage.DETACHING and segment.hung_at and segment.hung_at + LINK_SECONDS <= self._now:
                # The device is still there, so the engine was late with a page that whoever looks at it waits for.
                segment.hung_at = 0.0
                self._tear(segment, segment.link_gen)
            if segment.number and segment.verb_by <= self._now:
                self._give_up_on(segment)
        for waiting in [waiting for waiting in self._statuses if waiting.until <= self._now]:
            self._statuses.remove(waiting)
            self._out.append(Reply(waiting.event.number, self.status().to_wire()))
        while self._verbs and self._verbs[0].until <= self._now:
            number = self._verbs.popleft().event.number
            self._out.append(Reply(number, error=VramswapError(Problem.SERVER_BUSY)))

    def _give_up_on(self, segment: Segment) -> None:
        """What a verb waits for takes too long."""
        if segment.kind is Kind.EXTENT and segment.stage is Stage.DETACHED:
            self._keep(segment, _late(segment))
            return
        self._out.append(Abandon(segment.index))
        segment.undo = segment.stage in (Stage.CREATING, Stage.CONNECTING, Stage.ATTACHING)
        self._fail(segment, _late(segment))

    # What there is to do beside verbs

    def _is_free(self, engine: Engine) -> bool:
        """Whether it can be asked for what may take long: not before it was to take connections in place of others."""
        return engine.question is None and not any(map(_is_bare, self.segments.values()))

    def _work(self, engine: Engine) -> None:
        """The next thing that an engine which serves is to be asked, if there is any."""
        connecting = any(map(_is_connecting, self.segments.values()))
        for segment in list(self.segments.values()):
            if segment.stage is Stage.CREATING and segment.undo:
                del self.segments[segment.index]
            elif connecting:
                # An engine may hang over a wipe, as may the one after it: whoever waits for a page comes first.
                continue
            elif segment.stage is Stage.CREATING:
                self._ask(engine, Question.CREATE, segment)
                return
            elif segment.stage is Stage.DETACHED and segment.link is Link.DOWN and segment.kind is not Kind.EXTENT:
                self._ask(engine, Question.DROP, segment)
                return
        if engine.look_at <= self._now and (self.segments or self._statuses):
            self._ask(engine, Question.INFO)
            return
        # To empty an extent may take long, and is asked for piece by piece: whoever waits for a page comes first.
        going = next((extent for extent in self._extents() if extent.stage is Stage.DETACHED), None)
        if going is not None and (self.draining or self._running()):
            self._ask(engine, Question.DROP, going)
            return
        if self._compact_to is not None and not self.draining:
            self._ask(engine, Question.COMPACT, size=self._compact_to)
            self._compact_to = None

    def _leave(self) -> None:
        """The helper, which would have segments removed, may be gone: at the machine's end it goes before its swap."""
        leaves = self.draining and self._leave_at <= self._now
        if leaves:
            self._leave_at = self._now + LEAVE_SECONDS
        for segment in list(self.segments.values()):
            if segment.stage is Stage.ATTACHED and not segment.number:
                if leaves or (segment.undo and segment.retry_at <= self._now):
                    self._detach(segment)
            elif segment.stage is Stage.LOST and not segment.ending and segment.retry_at <= self._now:
                segment.ending = True
                self._out.append(Detach(segment.index, lost=True))
            elif segment.stage is Stage.ENDED and self.draining:
                self._release(segment)

    def _end(self) -> None:
        """End once nothing is left. What an engine has to wipe before is waited for, but not for ever."""
        if not self.draining or self._finished:
            return
        if self.segments:
            if any(segment.stage not in (Stage.DETACHED, Stage.KEPT) for segment in self.segments.values()):
                self._wipe_until = None
                return
            self._end_pool()
            if self._wipe_until is None:
                self._wipe_until = self._now + WIPE_SECONDS
            if self._now < self._wipe_until:
                return
            self._out.append(Tell("unwiped", (sum(segment.size for segment in self.segments.values()),)))
            self._wipe_until = None
            for segment in list(self.segments.values()):
                self._release(segment)
        serving = self._serving()
        if serving is not None and serving.question is None and not self.segments and not serving.quitting:
            serving.quitting = True
            self._ask(serving, Question.QUIT)
            return
        if serving is None or not serving.quitting:
            for engine in self.engines.values():
                self._kill(engine)
        if not self.engines:
            self._finish(None)

    def _end_pool(self) -> None:
        """Once nothing is left that has pages in the extents, they go too."""
        extents = self._extents()
        if len(extents) == len(self.segments):
            for extent in extents:
                extent.stage = Stage.DETACHED

    def _finish(self, error: VramswapError | None) -> None:
        if error is not None:
            for engine in self.engines.values():
                self._kill(engine)
        self._finished = True
        for waiting in (*self._statuses, *self._verbs):
            self._out.append(Reply(waiting.event.number, error=VramswapError(Problem.SERVER_ENDED)))
        self._out += [CloseClient(came.client) for came in self._clients]
        if error is None:
            self._out.append(Tell("ended"))
        self._out.append(Finish(error))

    def _give_up(self) -> None:
        """The GPU is gone and the pages are lost: who wants one gets an error now, not never."""
        self.lost = True
        self._out.append(Tell("lost", (self._recovery.gpu_is_gone(),)))
        for engine in self.engines.values():
            # One that is about to serve, or hangs where nobody notices. Whoever is to refuse requests comes after it.
            self._kill(engine)
        for segment in list(self.segments.values()):
            self._fail(segment, self._recovery.gpu_is_gone())
            if segment.stage in LINKED:
                # Who is being asked to let go of it may wait for a page of it, which nobody will ever serve.
                segment.stage, segment.ending, segment.retry_at = Stage.LOST, False, self._now
            elif segment.stage in (Stage.CREATING, Stage.DETACHED, Stage.KEPT) and segment.link is Link.DOWN:
                self._release(segment)
            elif segment.stage is Stage.DETACHED:
                segment.stage = Stage.ENDED
        for came in self._clients:
            self._out.append(CloseClient(came.client))
        self._clients.clear()

    # Other events

    def _started(self, event: Started) -> None:
        if event.inherited is None:
            return
        self._begun = self._upgraded = True
        self._gpu = dict(event.inherited.gpu)
        self._pool = PoolInfo.from_wire(event.inherited.pool)
        for engine in event.inherited.engines:
            self._gens += 1
            self.engines[self._gens] = Engine(
                self._gens, Phase.SERVING, 0.0, engine.pid, ours=False, served=engine.serves
            )
        for record in event.inherited.segments:
            stage = Stage.ATTACHED if record.device else Stage.DETACHED
            if record.kind is Kind.EXTENT:
                stage = Stage.KEPT
            self.segments[record.index] = Segment(
                record.index, record.size, record.ident, stage, record.kind, record.fd, record.device
            )
            if record.device:
                self._out.append(Inherit(record.index, record.size, record.ident, record.device))
        self._hold_reserve(True)
        self._out.append(Ready())

    def _terminated(self, event: Terminated) -> None:
        self.draining = True
        if not self._begun:
            self._finish(VramswapError(Problem.SERVER_STOPPED))

    def _hung_up(self, event: HungUp) -> None:
        """An engine was late. What it holds was or will be asked again on another connection, and a stale write that
        finished after that would overwrite a newer page."""
        segment = self.segments.get(event.index)
        if segment is None or segment.stage in (Stage.DETACHED, Stage.LOST, Stage.ENDED):
            return
        if segment.stage is Stage.DETACHING:
            segment.hung_at = segment.hung_at or self._now
            return
        self._tear(segment, event.gen)

    def _tear(self, segment: Segment, gen: int) -> None:
        """The kernel gave up a connection. Whoever serves is given new ones, all of them, as soon as it has ended what
        it does over those before; one that does not come to that end hangs.

        To end it at once would be of no use while memory is short for all: the next one, which has touched nothing yet,
        would be as late. One that is late all the time is ended, as is one that cannot be asked.
        """
        engine = self.engines.get(gen)
        if engine is None or not engine.ours or not self._is_serving(gen):
            self._end_engine(gen)
            return
        # Until it has new ones, nothing can be late; and it is given so long to take them.
        if self._now >= engine.torn_at + CALM_SECONDS + self.patience(LATE_SECONDS):
            engine.torn_since = self._now
        engine.torn_at = self._now
        if self._now >= engine.torn_since + self.patience(ENDURE_SECONDS):
            self._end_late(engine)
            return
        segment.torn, segment.retry_at = True, self._now + TORN_SECONDS
        segment.late_at = segment.late_at or self._now
        # What it is asked already is in the way of that.
        engine.answer_by = min(engine.answer_by, self._now + self.patience(LATE_SECONDS))

    def _end_late(self, engine: Engine) -> None:
        """An engine is ended because it was late. The next one is given more time."""
        self._recovery.late()
        self._kill(engine)

    def _end_engine(self, gen: int) -> None:
        """End the engine that connections lead to; 0: that of an earlier program."""
        for engine in list(self.engines.values()):
            if engine.gen == gen or (not gen and not engine.ours):
                self._kill(engine)

    def _client_came(self, event: ClientCame) -> None:
        if self.lost or event.index not in self.segments or len(self._clients) >= MAX_WAITING:
            self._out.append(CloseClient(event.client))
        else:
            self._clients.append(event)

    def _tick(self, event: Tick) -> None:
        """What is due is seen after every event."""

    def _of_segment(
        self, event: DevicePrepared | DeviceLinked | DeviceUnlinked | DeviceDetached | DetachFailed
    ) -> None:
        segment = self.segments.get(event.index)
        if segment is not None:
            handler = _SEGMENT.get((segment.stage, type(event)))
            if handler is not None:
                handler(self, segment, event)

    # What is so

    def _running(self) -> bool:
        """Whether every device is served."""
        return self._serving() is not None and all(
            segment.link is Link.UP or self._attach != "kernel"
            for segment in self.segments.values()
            if segment.stage in LINKED
        )

    def state(self) -> EngineState:
        """How it is with the engine."""
        if self.lost:
            return EngineState.LOST
        if not self._begun:
            return EngineState.STARTING
        return EngineState.RUNNING if self._running() else EngineState.RESTARTING

    def status(self) -> ServerStatus:
        """What the verb ``status`` answers, but for what only the shell knows."""
        serving = self._serving()
        state = self.state()
        return ServerStatus(
            version=self._version,
            engine_pid=serving.pid if serving is not None else 0,
            engine=state,
            trouble=self._trouble(state),
            attach=self._attach,
            gpu=GpuInfo.from_wire(self._gpu),
            segments=tuple(
                _shown(segment)
                for segment in sorted(self.segments.values(), key=lambda s: s.index)
                if segment.device and segment.stage is not Stage.DETACHED
            ),
            draining=self.draining,
            compression=self._compression,
            pool=self._shown_pool(),
        )

    def _trouble(self, state: EngineState) -> VramswapError | None:
        """Why devices are not served: there is no engine, or none gets to one of them."""
        if state is EngineState.LOST:
            return self._recovery.gpu_is_gone()
        if state is EngineState.RUNNING:
            return None
        if self._serving() is None and self._recovery.trouble is not None:
            return self._recovery.trouble.error
        cut_off = (segment for segment in self.segments.values() if segment.stage in LINKED)
        return next((segment.trouble for segment in cut_off if segment.trouble is not None), None)

    def _shown_pool(self) -> PoolInfo:
        """What an engine said last, of the extents that are there now."""
        there = self._there()
        return replace(self._pool, extents=len(there), size=there[0].size) if there else PoolInfo()


def _is_torn(segment: Segment) -> bool:
    """Whether it has connections that are to be replaced."""
    return segment.torn and segment.link is Link.UP and segment.stage in LINKED


def _is_connecting(segment: Segment) -> bool:
    """Whether it is a device that is about to get its connections."""
    return segment.link in (Link.PREPARING, Link.PREPARED) and segment.stage in LINKED


def _is_bare(segment: Segment) -> bool:
    """Whether its connections are to be replaced, or are gone already and others are about to be there."""
    return _is_torn(segment) or (segment.torn and _is_connecting(segment))


_Handler = Callable[[Keeper, Any], None]

#: What each event means. Those about a device are looked up in :data:`_SEGMENT`.
_ON: Final[Mapping[type, _Handler]] = {
    Started: Keeper._started,
    Tick: Keeper._tick,
    Asked: Keeper._asked,
    Terminated: Keeper._terminated,
    EngineReady: Keeper._engine_ready,
    EngineRefused: Keeper._engine_refused,
    Answered: Keeper._answered,
    EngineMute: Keeper._engine_mute,
    EngineReaped: Keeper._engine_reaped,
    DevicePrepared: Keeper._of_segment,
    DeviceLinked: Keeper._of_segment,
    DeviceUnlinked: Keeper._of_segment,
    DeviceDetached: Keeper._of_segment,
    DetachFailed: Keeper._of_segment,
    HungUp: Keeper._hung_up,
    ClientCame: Keeper._client_came,
    ExecFailed: Keeper._exec_failed,
}

#: What the kernel's word about a device means, by the segment's stage.
_SEGMENT: Final[Mapping[tuple[Stage, type], Callable[[Keeper, Segment, Any], None]]] = {
    **{(stage, DevicePrepared): Keeper._prepared for stage in Stage},
    (Stage.CONNECTING, DeviceUnlinked): Keeper._not_made,
    (Stage.ATTACHING, DeviceLinked): Keeper._made,
    (Stage.ATTACHING, DeviceUnlinked): Keeper._not_made,
    (Stage.ATTACHED, DeviceLinked): Keeper._linked,
    (Stage.ATTACHED, DeviceUnlinked): Keeper._unlinked,
    (Stage.DETACHING, DeviceLinked): Keeper._linked,
    (Stage.DETACHING, DeviceUnlinked): Keeper._unlinked,
    (Stage.DETACHING, DeviceDetached): Keeper._detached,
    (Stage.DETACHING, DetachFailed): Keeper._still_attached,
    (Stage.DETACHED, DeviceLinked): Keeper._linked,
    (Stage.DETACHED, DeviceUnlinked): Keeper._unlinked,
    (Stage.LOST, DeviceLinked): Keeper._linked,
    (Stage.LOST, DeviceUnlinked): Keeper._unlinked,
    (Stage.LOST, DeviceDetached): Keeper._detached,
    (Stage.LOST, DetachFailed): Keeper._still_attached,
    (Stage.ENDED, DeviceLinked): Keeper._linked,
    (Stage.ENDED, DeviceUnlinked): Keeper._unlinked,
}

#: Who hears an engine's answer.
_ANSWER: Final[Mapping[Question, Callable[[Keeper, Engine, Ask, Answered], None]]] = {
    Question.CREATE: Keeper._created,
    Question.ADOPT: Keeper._adopted,
    Question.CONNECT: Keeper._connected,
    Question.DROP: Keeper._dropped,
    Question.COMPACT: Keeper._compacts,
    Question.INFO: Keeper._informed,
    Question.QUIT: Keeper._left,
}

#: The verbs that change something.
_VERB: Final[Mapping[ControlVerb, Callable[[Keeper, Asked], None]]] = {
    ControlVerb.ADD: Keeper._add,
    ControlVerb.REMOVE: Keeper._remove,
    ControlVerb.EXTEND: Keeper._extend,
    ControlVerb.SHRINK: Keeper._shrink,
    ControlVerb.COMPACT: Keeper._compact,
    ControlVerb.QUIT: Keeper._quit,
    ControlVerb.UPGRADE: Keeper._upgrade,
}


def _shown(segment: Segment) -> SegmentInfo:
    return SegmentInfo(segment.index, segment.size, segment.device)


def _late(segment: Segment) -> VramswapError:
    if segment.stage is Stage.DETACHING:
        return VramswapError(Problem.DEVICE_HELD, device=segment.device)
    return VramswapError(Problem.SEGMENT_LATE)


def check_size(size: object) -> None:
    """Raises VramswapError INVALID_ARGUMENT unless ``size`` can be a segment's size."""
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0 or size % SIZE_STEP or size >= 1 << 48:
        raise VramswapError(Problem.SIZE_IMPOSSIBLE, given=str(size)[:40], step=SIZE_STEP)
