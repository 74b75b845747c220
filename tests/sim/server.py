# SPDX-License-Identifier: MIT
"""Models of the two processes of the server: the product's state machines in shells that can die at any step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, get_args

from tests.sim.machine import (
    CONNECTIONS,
    ENOSPC,
    NOTHING,
    PAGES,
    Connection,
    Device,
    Extent,
    Gpu,
    Index,
    Kernel,
    Request,
    Vram,
    number_of,
)
from tests.sim.world import Answer, World
from tests.support.errors import failure
from vramswap_gui.api.control import ControlVerb
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.server import messages as m
from vramswap_gui.server.engine.life import LOOK_SECONDS, TRY_SECONDS, Life, Step
from vramswap_gui.server.packing import Stock, shift
from vramswap_gui.server.supervisor.keeper import LATE_SECONDS, LINK_SECONDS, WIPE_SECONDS, Keeper
from vramswap_gui.server.supervisor.recovery import CONTEXT_LOST, LONGEST, Trouble, heard, is_gone
from vramswap_gui.server.supervisor.state import Link, Phase, Stage
from vramswap_gui.units import MIB, SIZE_STEP

#: Bytes of an extent, and how many real pages one stands for.
EXTENT: Final = 16 * MIB
REAL_PAGES: Final = SIZE_STEP // 4096 // PAGES
_KILLED: Final = 9
#: Until it is noticed that a cleaner hangs: a question may be under way, of which the longest takes this long; and who
#: was late before has others be waited for as long as anybody is.
NOTICED_SECONDS: Final = 10.0 + LONGEST + max(LONGEST, *m.PATIENCE.values())
#: Seconds that a worker waits for memory where it is short, and how many engines of one keeper may be ended for that.
MEMORY_SECONDS: Final = (4.0, 9.0)
MOST_ENDED: Final = 3
#: As server/ipc.py has it.
SEARCH_SECONDS: Final = 20.0
_STATUS_SECONDS: Final = 5.0
#: By what method each order is carried out.
_NAMES: Final = {action: f"_{action.__name__.lower()}" for action in get_args(m.Action)}
#: Questions by whose answers something of the pool is told.
_TELLING: Final = (m.Question.CREATE, m.Question.DROP, m.Question.INFO)


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each fault is, each time that it could happen."""

    engine_dies: float = 0.01
    engine_hangs: float = 0.005
    worker_hangs: float = 0.005
    stalls: float = 0.0
    keeper_dies: float = 0.002
    fork_fails: float = 0.05
    start_fails: float = 0.1
    start_hangs: float = 0.02
    question_fails: float = 0.03
    late_death: float = 0.1
    late_answer: float = 0.02
    pairs_fail: float = 0.03
    attach_fails: float = 0.05
    exec_fails: float = 0.2
    file_fails: float = 0.1
    stopped: float = 0.0
    gpu_lost: float = 0.0
    gpu_away: float = 0.0
    snatched: float = 0.0
    short: float = 0.0
    paged_out: float = 0.0
    claims_stay: float = 0.0


def size_of(value: int) -> int:
    """Bytes that a page takes in the pool: some can be packed, and what is written anew may be of the other kind."""
    return (4112 if value % 2 else 1024) * REAL_PAGES


def capacity(extents: int) -> int:
    """Bytes that so many extents hold."""
    return (extents * EXTENT - 3 * (1 << shift(EXTENT))) * 15 // 16


def failed(text: str = "it was told to fail", code: ErrorCode = ErrorCode.OUT_OF_VRAM) -> VramswapError:
    return failure(code, text)


class Killed(Exception):
    """A server is, before it has anything."""


class Server:
    """Everything of ours on the machine."""

    def __init__(self, world: World, gpu: Gpu, kernel: Kernel, faults: Faults) -> None:
        self.world, self.gpu, self.kernel, self.faults = world, gpu, kernel, faults
        self.engines: list[EngineProcess] = []
        self.keeper: KeeperProcess | None = None
        #: By what pages are packed; empty: each segment has VRAM of its own.
        self.compression = ""
        #: A server is on its way; and who waits for it.
        self.coming = False
        self._waiting: list[Answer] = []
        self._pids = 100
        #: How many extents were made, and are known.
        self.extended = 0

    def pid(self) -> int:
        self._pids += 1
        return self._pids

    def start(self) -> Answer:
        """A new server, which takes over from engines without one; what is returned is set once it runs, or not."""
        waits = Answer()
        if self.keeper is not None and self.keeper.alive and not self.keeper.finished:
            # There is no second one.
            waits.set(failed("another server runs", ErrorCode.BUSY))
            return waits
        self._waiting.append(waits)
        if not self.coming:
            self.coming = True
            self.world.after(0.1 + self.world.rng.random() * 0.3, self._page_in)
        return waits

    def _page_in(self) -> None:
        """Whoever starts it, be it init, may first have to have a page of its own back."""
        if self.faults.paged_out:
            self.kernel.page_in().then(lambda _: self._search(self.world.now + SEARCH_SECONDS))
        else:
            self._search(self.world.now + SEARCH_SECONDS)

    def _search(self, until: float) -> None:
        """As server/ipc.py does it: who lives is waited for, be it that it says nothing."""
        orphans = [engine for engine in self.engines if engine.alive]
        if any(engine.hung for engine in orphans) and self.world.now < until:
            self.world.after(0.05, self._search, until)
            return
        self.coming = False
        if any(engine.hung for engine in orphans):
            self._has_come(failed("an engine says nothing", ErrorCode.SERVER_FAILED))
        elif self.world.chance(self.faults.keeper_dies * 10):
            self._has_come(None)
        else:
            self._take_over(orphans).ready.then(self._has_come)

    def _has_come(self, outcome: object) -> None:
        waiting, self._waiting = self._waiting, []
        for waits in waiting:
            waits.set(outcome)

    def _take_over(self, orphans: list[EngineProcess]) -> KeeperProcess:
        idents = {engine.idents[index] for engine in orphans for index in engine.holdings()}
        there = [device.path for device in map(self.kernel.attached, sorted(idents)) if device is not None]
        try:
            keeper = self.keeper = self.shell(there)(self)
            self.kernel.give_up(idents)
            keeper.start(orphans)
        except Killed:
            keeper = self.keeper = KeeperProcess(self)
            keeper.die()
        return keeper

    def is_gone(self) -> bool:
        """Whether neither keeper nor engine is left."""
        keeper = self.keeper
        lives = keeper is not None and keeper.alive and not keeper.finished
        return not lives and not any(engine.alive for engine in self.engines)

    def end_strays(self) -> bool:
        """Where nobody is left, whoever waits for a page is told that it is lost; whether there were any."""
        if not self.is_gone():
            return False
        self.kernel.sweep()
        strays = [device.number for device in self.kernel.devices.values() if device.usable]
        for number in strays:
            self.world.note("nobody is left for", number)
            self.kernel.disconnect(number)
        return bool(strays)

    def shell(self, devices: list[str]) -> type[KeeperProcess]:
        """A keeper for the kernel's driver by which devices are made, or were."""
        return KeeperProcess


class EngineProcess:
    """An engine: holds VRAM, serves connections, answers its keeper."""

    def __init__(self, server: Server, keeper: KeeperProcess, action: m.Fork) -> None:
        self.server, self.world = server, server.world
        self.keeper: KeeperProcess | None = keeper
        self.gen = action.gen
        self.pid = server.pid()
        self.alive = True
        self.hung = False
        #: Of the GPU, when its context was made.
        self.epoch = server.gpu.epoch
        #: Workers that wait for the GPU, while it answers all the same.
        self.stuck: set[int] = set()
        #: Workers that have the memory which a first request takes; and whether one waits for that, and for nothing
        #: else.
        self.warm: set[int] = set()
        self.waits = False
        self.dying = False
        #: It has its GPU; before, what was in the way of that, and whether there is a reason to wait.
        self.begun = False
        self._trouble: Trouble | None = None
        self._alone = Life(orphaned=True)
        self.life = Life()
        #: Engines that were there when it began, and may still write.
        self._before = [engine for engine in keeper.engines.values() if engine.alive]
        self.mapped: dict[int, Vram] = {}
        self.idents: dict[int, str] = {}
        self.kinds: dict[int, m.Kind] = {}
        #: What it has from its birth, and was not asked to map yet.
        self.left: dict[int, Vram] = {}
        self.connections: list[Connection] = []
        self._stalled: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        #: Copies that the GPU was given and does not do.
        self._delayed: list[Callable[[], None]] = []
        #: Pages that are being written, and what waits for each.
        self._claimed: dict[tuple[Vram, int], list[Callable[[], None]]] = {}
        #: What comes after a request that waits for such a page, over the same connection.
        self._behind: dict[Connection, list[Callable[[], None]]] = {}
        #: Extents of which nobody else is known to have the descriptor: no page lies in them.
        self._unused = list[Extent]()
        #: What was last told of the pool.
        self.told = action.pool
        #: Of the workers, and of who cleans the pool.
        self.beats: tuple[int, ...] = (0,) * (CONNECTIONS + bool(server.compression))
        # Of those that have ended nobody asks anything any more.
        server.engines = [engine for engine in server.engines if engine.alive] + [self]
        for record in action.segments:
            self.left[record.index] = keeper.fds[record.fd]
            self.idents[record.index], self.kinds[record.index] = record.ident, record.kind
            server.gpu.hold(keeper.fds[record.fd])
        world, faults = self.world, server.faults
        if world.chance(faults.start_hangs):
            self.hung = True
            world.note("engine", self.pid, "hangs at its start")
        world.after(0.05 + world.rng.random() * 0.4, self._begin)
        world.after(LOOK_SECONDS, self._look)

    def _begin(self) -> None:
        if not self.alive or self.hung or self.begun:
            return
        away = self.server.gpu.lost or self.world.now < self.server.gpu.back_at
        self.epoch = self.server.gpu.epoch
        if away or self.world.chance(self.server.faults.start_fails):
            code = ErrorCode.NO_GPU if away else self.world.rng.choice((ErrorCode.NO_DRIVER, ErrorCode.OUT_OF_VRAM))
            self._trouble = heard(self._trouble, failed("no GPU", code), self.world.now)
            if self.keeper is None and self.left and not is_gone(self._trouble, self.world.now, True):
                # Nobody else has what it holds.
                self.world.after(TRY_SECONDS, self._begin)
                return
            self.tell(m.EngineRefused(self.gen, failed("no GPU", code)))
            self.die(1 << 8)
            return
        self.begun = True
        self.tell(m.EngineReady(self.gen, self.pid, {"uuid": "GPU-1", "total": 8, "free": 4, "name": "card"}))

    def tell(self, event: m.Event) -> None:
        keeper = self.keeper
        if keeper is not None and keeper.begun:
            self.world.soon(keeper.hear, event, most=0.003)

    # Dying

    def kill(self) -> None:
        """SIGKILL. How long a process takes to die of it, nobody knows."""
        if self.alive and not self.dying:
            self.dying = True
            late = self.world.chance(self.server.faults.late_death)
            self.world.after(self.world.rng.random() * (3.0 if late else 0.03), self.die, _KILLED)

    def die(self, status: int) -> None:
        if not self.alive:
            return
        self.alive = False
        self.world.note("engine", self.pid, "ended with", status)
        keeper = self.keeper
        for vram in self.holdings().values():
            self.server.gpu.let_go(vram, by_death=True, both_dead=keeper is None or not keeper.alive)
        self.mapped.clear()
        self.left.clear()
        self.server.kernel.dies(self)
        if keeper is not None and keeper.begun:
            # The shell reads what an engine said before it looks how it ended.
            self.world.after(0.004, keeper.hear, m.EngineReaped(self.gen, status))

    def stop(self) -> None:
        """It hangs: nothing of it moves, until somebody kills it, or it goes on."""
        if self.alive and not self.hung:
            self.hung, self.waits = True, False
            self.world.note("engine", self.pid, "hangs")
            if self.keeper is None:
                self._hang_alone()
            elif self.world.rng.random() < 0.5:
                self.world.after(self.world.rng.random() * 12, self._go_on)

    def stick(self, worker: int) -> None:
        """A worker hangs, or who cleans the pool, behind them, which hurts nobody else."""
        if self.alive and not self.hung and not self.stuck:
            self.stuck.add(worker)
            self.world.note("engine", self.pid, "hangs over the GPU with worker", worker)
            if worker == CONNECTIONS:
                self.world.after(NOTICED_SECONDS, self._is_noticed, self.keeper)
            elif self.keeper is None:
                self._hang_alone()
            elif self.world.rng.random() < 0.7:
                self.world.after(self.world.rng.random() * 12, self._go_on)

    def stall(self) -> None:
        """Another program has the GPU, and no copy is done for a while: the kernel may not wait so long."""
        if self.alive and not self.hung and not self.stuck:
            self.stuck.update(range(CONNECTIONS))
            self.world.note("engine", self.pid, "waits for the GPU")
            self.world.after(2.0 + self.world.rng.random() * 5, self._go_on)

    def _wait_for_memory(self, worker: int) -> None:
        """Where memory is short, a worker's first request takes long. It hangs no more than others that do."""
        if self.alive and not self.hung and not self.stuck:
            self.stuck.add(worker)
            self.warm.add(worker)
            self.waits = True
            self.world.note("engine", self.pid, "waits for memory with worker", worker)
            self.world.after(self.world.rng.uniform(*MEMORY_SECONDS), self._go_on)

    def _is_noticed(self, keeper: KeeperProcess | None) -> None:
        watched = self.alive and keeper is not None and keeper.alive and self.keeper is keeper
        self.world.require(not watched or CONNECTIONS not in self.stuck, "law 4: nobody sees that the cleaner hangs")

    def _go_on(self) -> None:
        if not self.alive:
            return
        self.hung = self.waits = False
        self.stuck.clear()
        self.world.note("engine", self.pid, "goes on")
        self._begin()
        delayed, self._delayed = self._delayed, []
        for land in delayed:
            land()
        stalled, self._stalled = self._stalled, []
        for call, arguments in stalled:
            # One of them may be its end, or have it hang again.
            self.do(call, *arguments)

    def do(self, call: Callable[..., None], *arguments: object) -> None:
        """Something that a process which hangs does later, and one that was killed never."""
        if not self.alive or self.dying:
            return
        if self.hung:
            self._stalled.append((call, arguments))
        else:
            call(*arguments)

    def _work(self, worker: int, call: Callable[..., None], *arguments: object) -> None:
        """The same for one of its workers."""
        if self.alive and worker in self.stuck:
            self._stalled.append((self._work, (worker, call, *arguments)))
        else:
            self.do(call, *arguments)

    # Requests

    def receive(self, request: Request, attempt: int) -> None:
        connection = request.connection
        if not self.alive or connection is None or not connection.open:
            return
        worker = connection.worker
        begins = self.world.rng.random() * 0.01
        self.world.after(begins, self._work, worker, self._begin_copy, request, attempt, connection)

    def _begin_copy(self, request: Request, attempt: int, connection: Connection) -> None:
        """A worker took a request in. A connection that the kernel gave up may have had it for long."""
        vram, worker = self.mapped.get(connection.index), connection.worker
        if vram is None:
            return
        claim = (vram, request.page)
        again = partial(self._work, worker, self._begin_copy, request, attempt, connection)
        if connection in self._behind:
            self._behind[connection].append(again)
            return
        if request.value is not None:
            if claim in self._claimed:
                self._behind[connection] = []
                self._claimed[claim].append(partial(self._work, worker, self._go_ahead, again, connection))
                return
            self._claimed[claim] = []
            if not connection.up:
                self._unclaim(claim)
                return
        if self.world.chance(self.server.faults.engine_dies / 4):
            self.die(_KILLED)
            return
        if self.server.kernel.short and worker not in self.warm:
            self._wait_for_memory(worker)
        if self.world.chance(self.server.faults.worker_hangs):
            self.stick(worker)
        if self.world.chance(self.server.faults.stalls / 100):
            self.stall()
        self.world.after(self.world.rng.random() * 0.002, self._land, request, attempt, claim, worker)

    def _land(self, request: Request, attempt: int, claim: tuple[Vram, int], worker: int) -> None:
        """The GPU does a copy: whatever becomes of the process, until nothing is left of it."""
        if not self.alive:
            return
        if worker in self.stuck:
            self._delayed.append(partial(self._land, request, attempt, claim, worker))
            return
        vram, page = claim
        if not self._healthy():
            self._work(worker, self.die, CONTEXT_LOST << 8)
            return
        # A segment that goes is only wiped when all is done that was being copied.
        goes = vram not in self.mapped.values()
        if request.value is not None and not goes and not self._store(vram, page, request.value):
            self._work(worker, self._complete, request, attempt, claim, ENOSPC)
            return
        if self.world.chance(self.server.faults.engine_dies / 4):
            self.die(_KILLED)
            return
        answers = self.world.rng.random() * 0.002
        self.world.after(answers, self._work, worker, self._complete, request, attempt, claim, vram.pages[page])

    def _store(self, vram: Vram, page: int, value: int) -> bool:
        """False when the pool is full."""
        if not isinstance(vram, Index):
            vram.pages[page] = value
            vram.clean = False
            return True
        if value == NOTHING:
            vram.pages.put(page, NOTHING, None)
            return True
        extents = [extent for extent in self._extents() if extent not in self._unused]
        taken = sum(size_of(v) for extent in extents for key, v in extent.log.items() if key != (vram.pages, page))
        if taken + size_of(value) > capacity(len(extents)):
            return False
        vram.pages.put(page, value, self.world.rng.choice(extents))
        return True

    def _extents(self) -> list[Extent]:
        return [vram for vram in self.mapped.values() if isinstance(vram, Extent)]

    def _stock(self) -> Stock:
        extents = self._extents()
        stored = [value for extent in extents for value in extent.log.values()]
        announced = sum(kind is m.Kind.PACKED for kind in self.kinds.values()) * PAGES * REAL_PAGES
        keys = [pages for extent in extents for pages, _ in extent.log]
        shares = tuple(
            (index, sum(pages is vram.pages for pages in keys) * REAL_PAGES)
            for index, vram in self.mapped.items() if isinstance(vram, Index)
        )  # fmt: skip
        # There is always something to clean.
        holes = len(extents) * EXTENT // 2
        return Stock(
            len(extents), EXTENT, sum(map(size_of, stored)), announced, len(stored) * REAL_PAGES, holes, shares
        )

    def _earned(self, ask: m.Ask) -> VramswapError | None:
        """As server/engine/main.py decides it."""
        if ask.question is m.Question.CREATE and ask.kind is m.Kind.PACKED and ask.size > self._stock().offer(1):
            return VramswapError(Problem.NOT_EARNED, size=ask.size, offer=0)
        if ask.question is m.Question.DROP and ask.kind is m.Kind.EXTENT:
            stock = self._stock()
            after = replace(stock, extents=stock.extents - 1).offer(1)
            if stock.announced and (after < 0 or self.world.chance(0.1)):
                return VramswapError(Problem.POOL_IN_USE, missing=1)
            if self.world.chance(0.3):
                return VramswapError(self.world.rng.choice((Problem.SERVER_BUSY,) * 5 + (Problem.CLEANER_HANGS,)))
        return None

    def _complete(self, request: Request, attempt: int, claim: tuple[Vram, int], value: int) -> None:
        if request.value is not None and self.world.chance(self.server.faults.claims_stay):
            # By a defect: whoever writes that page next waits for ever, while all else goes on.
            self.world.note("engine", self.pid, "never writes page", request.page, "again")
            return
        if request.value is not None:
            self._unclaim(claim)
        self.server.kernel.answered(request, attempt, value)

    def _go_ahead(self, first: Callable[[], None], connection: Connection) -> None:
        """A page that a connection waited for is nobody's: its requests come in their order."""
        for again in (first, *self._behind.pop(connection)):
            again()

    def _unclaim(self, claim: tuple[Vram, int]) -> None:
        for again in self._claimed.pop(claim):
            again()

    def closed(self, device: Device) -> None:
        """The kernel closed its ends of a device's connections."""

    def serving(self) -> int:
        return sum(connection.open and connection.up for connection in self.connections)

    def _clients(self) -> int:
        """Of these those over which somebody may ask for a page."""
        return sum(connection.open and connection.up and connection.tells for connection in self.connections)

    # Its keeper

    def ask(self, keeper: KeeperProcess, ask: m.Ask, vram: Vram | None, ends: list[Connection]) -> None:
        self.world.after(self.world.rng.random() * 0.01, self.do, self._obey, keeper, ask, vram, ends)

    def _obey(self, asker: KeeperProcess, ask: m.Ask, vram: Vram | None, ends: list[Connection]) -> None:
        world = self.world
        if world.chance(self.server.faults.engine_dies):
            self.die(_KILLED)
            return
        if self._stalls(ask.question):
            self._stalled.append((self._obey, (asker, ask, vram, ends)))
            return
        if ask.question is not m.Question.ADOPT:
            world.require(not self.left, "an engine is asked for something else before it has all there is")
        # Who asks has heard the last answer, and has the descriptor that came with it.
        self._unused.clear()
        fd: Vram | None = None
        error = self._refusal(ask.question) or self._earned(ask)
        if error is None and not all(self.server.kernel.open(connection) for connection in ends):
            error = failed("somebody has it open", ErrorCode.INTERNAL)
        if error is None:
            fd = self._carry_out(ask, vram, ends)
            if self.server.compression and ask.question in _TELLING:
                self.told = self._stock().told(1).to_wire()
        if error is not None:
            for connection in ends:
                connection.open = False
                world.soon(self.server.kernel._hang_up, connection)
        self._answer(asker, ask, error, fd)

    def _answer(self, asker: KeeperProcess, ask: m.Ask, error: VramswapError | None, fd: Vram | None) -> None:
        world = self.world
        if world.chance(self.server.faults.engine_dies):
            if fd is not None:
                self.server.gpu.let_go(fd, by_death=True)
            self.die(_KILLED)
            return
        if self.keeper is not asker:
            # The channel ended with the program that asked.
            if fd is not None:
                self.server.gpu.let_go(fd, by_death=True)
            return
        late = world.chance(self.server.faults.late_answer)
        world.soon(asker.answered, self, ask, error, fd, self.beats, most=1.0 if late else 0.003)
        if not self._healthy():
            # A context that failed once fails for good.
            world.after(0.003, self.die, CONTEXT_LOST << 8)
        elif ask.question is m.Question.QUIT:
            world.after(0.003, self.die, 0)

    def _stalls(self, question: m.Question) -> bool:
        """Whether it hangs over a question: by chance, or as what is copied is waited for before VRAM goes."""
        if self.world.chance(self.server.faults.engine_hangs):
            self.stop()
        # To give new connections those before are fenced.
        waits = (m.Question.DROP, m.Question.QUIT, *(() if CONNECTIONS in self.stuck else (m.Question.CONNECT,)))
        return self.hung or (bool(self.stuck) and question in waits)

    def _refusal(self, question: m.Question) -> VramswapError | None:
        if self.world.chance(self.server.faults.question_fails) and question is not m.Question.INFO:
            return failed()
        return None if self._healthy() else failed("CUDA failed", ErrorCode.SERVER_FAILED)

    def _healthy(self) -> bool:
        """Whether its context can be used."""
        return not self.server.gpu.lost and self.epoch == self.server.gpu.epoch

    def _carry_out(self, ask: m.Ask, vram: Vram | None, ends: list[Connection]) -> Vram | None:
        """What was asked for; the descriptor of a new allocation, if it was that."""
        match ask.question:
            case m.Question.CREATE:
                made = self.server.gpu.allocate(ask.kind)
                self._map(ask.index, made, ask.ident, ask.kind)
                self._wipe(ask.index)
                self.server.gpu.hold(made)
                if isinstance(made, Extent):
                    self._unused.append(made)
                return made
            case m.Question.ADOPT:
                assert vram is not None
                self._map(ask.index, vram, ask.ident, ask.kind)
            case m.Question.CONNECT:
                self.connect(ask.index, ends)
            case m.Question.DROP:
                self._drop(ask.index)
            case m.Question.QUIT:
                self._drop_all()
            case m.Question.INFO:
                if self._extents() and self.world.chance(self.server.faults.worker_hangs):
                    self.stick(CONNECTIONS)
                self.beats = tuple(beat + (n not in self.stuck) for n, beat in enumerate(self.beats))
        return None

    def _map(self, index: int, vram: Vram, ident: str, kind: m.Kind) -> None:
        self.mapped[index] = vram
        self.idents[index] = ident
        self.kinds[index] = kind
        self.server.gpu.hold(vram)
        if index in self.left:
            self.server.gpu.let_go(self.left.pop(index), by_death=False)

    def holdings(self) -> dict[int, Vram]:
        """All that it has, mapped or not."""
        return {**self.left, **self.mapped}

    def _map_left(self) -> None:
        for index, vram in list(self.left.items()):
            self._map(index, vram, self.idents[index], self.kinds[index])

    def connect(self, index: int, ends: list[Connection]) -> None:
        vram = self.mapped[index]
        for other in self.server.engines:
            if other is not self and other.alive and vram in other.mapped.values():
                served = any(connection.index == index for connection in other.connections)
                self.world.require(not served, f"law 1: engines {other.pid} and {self.pid} can both write")
        for connection in self.connections:
            if connection.index == index and connection.open:
                # Of those before some may be in the kernel still.
                connection.open = False
                self.world.soon(self.server.kernel._hang_up, connection)
        self.connections = [connection for connection in self.connections if connection.index != index] + ends

    def _wipe(self, index: int) -> None:
        vram = self.mapped[index]
        self.world.require(not self.server.kernel.attached(self.idents[index]), "law 2: VRAM was wiped under a device")
        if isinstance(vram, Extent):
            vram.log.clear()
        vram.pages[:] = [NOTHING] * len(vram.pages)
        vram.clean = True

    def _drop_all(self) -> None:
        self._map_left()
        for index in sorted(self.mapped, key=lambda index: self.kinds[index] is m.Kind.EXTENT):
            self._drop(index)

    def _drop(self, index: int) -> None:
        for connection in self.connections:
            if connection.index == index and connection.open:
                connection.open = False
                self.world.soon(self.server.kernel._hang_up, connection)
        self.connections = [connection for connection in self.connections if connection.index != index]
        vram = self.mapped[index]
        if isinstance(vram, Extent):
            others = [extent for extent in self._extents() if extent is not vram]
            for (pages, page), value in list(vram.log.items()):
                # Where nothing else is, whoever has pages there is told of the law by what it reads.
                if others:
                    pages.put(page, value, self.world.rng.choice(others))
        self._wipe(index)
        self.server.gpu.let_go(self.mapped.pop(index), by_death=False)
        del self.kinds[index]

    def orphan(self) -> None:
        self.keeper = None
        self.life.keeper_gone()
        if self.hung or (self.stuck and self.server.faults.paged_out):
            self._hang_alone()

    def _hang_alone(self) -> None:
        """What it holds is whole as long as it lives. It goes on, or somebody ends it; nobody else can tell."""
        go_on = self._go_on if self.world.rng.random() < 0.7 else partial(self.die, _KILLED)
        self.world.after(self.world.rng.random() * 12, go_on)

    def _look(self) -> None:
        if not self.alive:
            return
        self.world.after(LOOK_SECONDS, self._look)
        if self.hung:
            return
        kernel = self.server.kernel
        # In an extent lie the pages of any.
        idents = [self.idents[index] for index in self.holdings()]
        pool = any(isinstance(vram, Extent) for vram in self.holdings().values())
        idents += [device.ident for device in kernel.devices.values() if pool]
        attached = {ident for ident in idents if kernel.attached(ident)}
        eldest = not any(engine.alive for engine in self._before)
        if not self.begun:
            if self.keeper is None and self._alone.look(attached, 0, unserved=False, eldest=eldest) is Step.END:
                self.die(1 << 8)
            return
        unserved = self._unserved()
        match self.life.look(attached, self._clients(), bool(unserved), eldest):
            case Step.END:
                self.world.note("engine", self.pid, "has nothing to live for")
                self._drop_all()
                self.die(0)
            case Step.SERVE:
                self.world.note("engine", self.pid, "serves those that nobody serves:", list(unserved))
                if self.left and not self._healthy():
                    self.die(CONTEXT_LOST << 8)
                    return
                self._map_left()
                for index, device in unserved.items():
                    self._serve(index, device)

    def _unserved(self) -> dict[int, Device]:
        kernel = self.server.kernel
        there = {index: kernel.attached(self.idents[index]) for index in self.holdings()}
        return {
            index: device for index, device in there.items()
            if device is not None and kernel.is_unserved(device, index, self)
        }  # fmt: skip

    def _serve(self, index: int, device: Device) -> None:
        if self.stuck:
            # What was under way is waited for.
            self._stalled.append((self._serve, (index, device)))
        elif index in self.mapped and device.usable and not self.world.chance(self.server.faults.question_fails):
            self.server.kernel.serve(device, index, self)


class KeeperProcess:
    """A keeper, the shell around the product's state machine."""

    def __init__(self, server: Server, version: str = "1") -> None:
        self.server, self.world = server, server.world
        self.pid = server.pid()
        self.alive = True
        self.core = Keeper(f"k{self.pid}", version, "kernel", compression=server.compression)
        self.engines: dict[int, EngineProcess] = {}
        self.fds: dict[int, Vram] = {}
        self._next_fd = 10
        self.ends: dict[int, list[Connection]] = {}
        self.devices: dict[int, int] = {}
        self._idents: dict[int, str] = {}
        self._abandoned: set[int] = set()
        self._abandoned_detach: set[int] = set()
        self._detaching: set[int] = set()
        #: One thread asks the kernel to let go of devices, one after the other.
        self._detacher: deque[Callable[[], None]] = deque()
        self._linking: set[int] = set()
        self._replies: dict[int, tuple[Answer, float, str]] = {}
        self._numbers = 0
        self._tick_at = float("inf")
        self.ready = Answer()
        self.finished = False
        #: Who hears of the end of a connection to its control socket.
        self.connected: list[Callable[[], None]] = []
        self.begun = False
        self.killed = False
        #: Engines that were ended because they were late, though they waited for memory alone; and the event at hand.
        self._impatient = 0
        self._heard: m.Event | None = None
        self.reserved = False
        #: Of devices of which the kernel said that they are no more.
        self._gone_for_good: set[str] = set()
        #: Since when the server has nothing left to do but to wipe.
        self._wiped_since = 0.0

    def start(self, before: list[EngineProcess]) -> None:
        """It begins, and takes over from the engines that an earlier one left."""
        self.world.note("keeper", self.pid, "starts after", [engine.pid for engine in before])
        self._begin(self._orphans(before))

    def _begin(self, inherited: m.Inheritance | None) -> None:
        self.begun = True
        self.hear(m.Started(inherited))
        for gen, engine in list(self.engines.items()):
            if not engine.alive:
                # Looked for once everything is known, it is found to have ended.
                self.world.soon(self.hear, m.EngineReaped(gen, _KILLED))

    def _orphans(self, before: list[EngineProcess]) -> m.Inheritance | None:
        if not before:
            return None
        segments: dict[int, m.SegmentRecord] = {}
        for gen, engine in enumerate(before, 1):
            engine.keeper, engine.gen = self, gen
            engine.life.introduced()
            self.engines[gen] = engine
            for index, vram in engine.holdings().items():
                if index not in segments:
                    ident = engine.idents[index]
                    device = self.server.kernel.attached(ident)
                    path = device.path if device is not None else ""
                    kind = engine.kinds[index]
                    size = EXTENT if kind is m.Kind.EXTENT else SIZE_STEP
                    segments[index] = m.SegmentRecord(index, size, self._keep(vram), ident, path, kind=kind)
        engines = tuple(m.Predecessor(engine.pid, engine.serving() > 0) for engine in before)
        told = next((engine.told for engine in before if engine.told), {})
        return m.Inheritance({"uuid": "GPU-1"}, engines, tuple(segments.values()), told)

    def _keep(self, vram: Vram) -> int:
        self._next_fd += 1
        self.fds[self._next_fd] = vram
        self.server.gpu.hold(vram)
        return self._next_fd

    def hear(self, event: m.Event) -> None:
        """Bring the machine an event, and do what it orders."""
        if not self.alive or self.finished:
            return
        if self.world.chance(self.server.faults.keeper_dies):
            self.die()
            return
        self._note(event)
        self._heard = event
        for action in self.core.handle(event, self.world.now):
            if self.world.chance(self.server.faults.keeper_dies):
                self.die()
            if not self.alive:
                return
            if self.world.history is not None:
                self.world.note("keeper", self.pid, "does", action)
            again = isinstance(action, m.Prepare) and action.ident in self._gone_for_good
            self.world.require(not again, "law 4: a device that is gone is asked for again")
            getattr(self, _NAMES[type(action)])(action)
            if isinstance(action, m.Fork):
                self._watch_reserve()
        self._watch_reserve()
        gone = (Stage.DETACHED, Stage.KEPT)
        if not (self.core.draining and all(s.stage in gone for s in self.core.segments.values())):
            self._wiped_since = self.world.now
        self._set_timer()

    def _note(self, event: m.Event) -> None:
        if self.world.history is not None and not isinstance(event, m.Tick):
            self.world.note("keeper", self.pid, "hears", event)
        if isinstance(event, m.DeviceUnlinked) and event.gone:
            segment = self.core.segments.get(event.index)
            if segment is not None and segment.stage is Stage.ATTACHED:
                self._gone_for_good.add(segment.ident)

    def _watch_reserve(self) -> None:
        served = any(engine.phase is Phase.SERVING for engine in self.core.engines.values())
        self.world.require(served or not self.reserved, "law 8: what the next engine needs is kept from it")

    def _set_timer(self) -> None:
        at = self.core.deadline()
        if at is not None and at < self._tick_at:
            self._tick_at = max(at, self.world.now)
            self.world.at(self._tick_at, self._tick, self._tick_at)

    def _tick(self, at: float) -> None:
        if at == self._tick_at:
            self._tick_at = float("inf")
            self.hear(m.Tick())

    def relies_on(self, engine: EngineProcess, device: Device) -> bool:
        """Whether it lives, would have this engine serve on, and that over the connections that the device has, or over
        others that the engine has not been asked to take yet."""
        known = self.core.engines.get(engine.gen)
        serves = self.alive and known is not None and known.ours and known.phase is Phase.SERVING
        return serves and any(
            segment.link in (Link.UP, Link.PREPARING, Link.PREPARED)
            and segment.link_gen == engine.gen
            and self.devices.get(index) == device.number
            for index, segment in self.core.segments.items()
        )

    def fenced_within(self) -> float:
        """Seconds: a device that is to go is waited for, then who is asked something already, then one by one."""
        return LINK_SECONDS + self.core.patience(LATE_SECONDS) * (1 + len(self.core.segments))

    def die(self) -> None:
        """Killed, with everything that it holds."""
        if not self.alive:
            return
        self.world.note("keeper", self.pid, "dies")
        self.killed = True
        self._gone(by_death=True)

    def _gone(self, *, by_death: bool) -> None:
        self.alive = False
        for vram in self.fds.values():
            self.server.gpu.let_go(vram, by_death=by_death, both_dead=by_death)
        self.fds.clear()
        for ends in self.ends.values():
            self._close(ends)
        for engine in self.engines.values():
            if engine.alive and engine.keeper is self:
                engine.orphan()
                if by_death and not engine.holdings():
                    # It goes with its keeper.
                    engine.kill()
        for answer, _, _ in self._replies.values():
            answer.set(None)
        self._replies.clear()
        self.ready.set(None)
        self._hang_up()

    def _hang_up(self) -> None:
        connected, self.connected = self.connected, []
        for hung_up in connected:
            self.world.soon(hung_up)

    # Verbs

    def terminate(self) -> None:
        """SIGTERM: somebody stops the service, or the machine ends."""
        if self.begun:
            self.world.soon(self.hear, m.Terminated())

    def ask(self, verb: str, **arguments: int) -> Answer:
        """A request over the control socket; None when the server is gone before it answered."""
        answer = Answer()
        if not self.alive or self.finished or not self.begun:
            answer.set(None)
            return answer
        self._numbers += 1
        number = self._numbers
        self._replies[number] = (answer, self.world.now, verb)
        limit = _STATUS_SECONDS if verb == "status" else 200.0
        self.world.after(limit, self._answered_by_now, number, verb)
        self.world.soon(self.hear, m.Asked(number, ControlVerb(verb), **arguments), most=0.002)
        return answer

    def _answered_by_now(self, number: int, verb: str) -> None:
        self.world.require(number not in self._replies or not self.alive, f"law 4: no answer to {verb}")

    def answered(
        self, engine: EngineProcess, ask: m.Ask, error: VramswapError | None, fd: Vram | None, beats: tuple[int, ...]
    ) -> None:
        if not self.alive or engine.keeper is not self:
            if fd is not None:
                self.server.gpu.let_go(fd, by_death=True)
            return
        number = -1
        if fd is not None:
            number = self._keep(fd)
            self.server.gpu.let_go(fd, by_death=False)
            self.server.extended += isinstance(fd, Extent)
        result: dict[str, object] = {"uuid": "GPU-1"} if ask.question is m.Question.INFO else {}
        if self.server.compression and ask.question in _TELLING and error is None:
            result["pool"] = engine.told
        self.hear(m.Answered(engine.gen, ask.seq, error, number, result, beats))

    # Actions

    def _fork(self, action: m.Fork) -> None:
        there = not self.core.segments or action.gpu == "GPU-1"
        self.world.require(there, "law 6: the next engine opens another GPU than the one that has the pages")
        if self.world.chance(self.server.faults.fork_fails):
            error = failed("no memory", ErrorCode.INTERNAL)
            self.world.soon(self.hear, m.EngineRefused(action.gen, error, began=False))
            return
        self.engines[action.gen] = EngineProcess(self.server, self, action)

    def _has_cause(self, gen: int) -> bool:
        """Whether an engine is ended for what it said, for what the kernel refused, or because another one is there."""
        told = isinstance(self._heard, m.Answered) and self._heard.error is not None
        return told or getattr(self._heard, "spent", False) or getattr(self._heard, "gen", gen) != gen

    def _kill(self, action: m.Kill) -> None:
        engine = self.engines.get(action.gen)
        if engine is not None:
            self._impatient += engine.alive and engine.waits and not self._has_cause(action.gen)
            few = self._impatient <= MOST_ENDED
            self.world.require(few, "law 6: engine after engine is ended while memory is short, and none serves")
            if engine.alive:
                engine.kill()
            else:
                self.world.soon(self.hear, m.EngineReaped(action.gen, _KILLED))

    def _ask(self, action: m.Ask) -> None:
        engine = self.engines[action.gen]
        ends: list[Connection] = []
        if action.question is m.Question.CONNECT:
            ends = self._way(action, engine)
        if engine.alive:
            engine.ask(self, action, self.fds.get(action.fd), ends)

    def _way(self, action: m.Ask, engine: EngineProcess) -> list[Connection]:
        """What an engine is to serve a segment through."""
        return self.ends[action.index]

    def _prepare(self, action: m.Prepare) -> None:
        event: m.Event = m.DevicePrepared(action.index)
        if self.world.chance(self.server.faults.pairs_fail):
            event = m.DeviceUnlinked(action.index, failed("EMFILE", ErrorCode.INTERNAL))
        else:
            engine = self.engines[action.gen]
            self.world.require(action.index not in self.ends, "ends of a segment were overwritten")
            self.ends[action.index] = [Connection(action.index, engine, worker=n) for n in range(CONNECTIONS)]
        self.world.soon(self.hear, event, most=0.003)

    def _attach(self, action: m.Attach) -> None:
        self.world.require(action.index not in self._linking, "two jobs for one device")
        self._linking.add(action.index)
        vram = next(v for v in (self.fds[s.fd] for s in self.core.segments.values() if s.index == action.index))
        ends = self.ends[action.index]

        def made() -> None:
            if self.world.chance(self.server.faults.attach_fails):
                self._linked(m.DeviceUnlinked(action.index, failed("no device", ErrorCode.NO_NBD)))
                return
            # A process that is killed in the kernel comes to the end of its system call first.
            device = self.server.kernel.connect(action.ident, vram, ends)
            self.devices[action.index] = device.number
            self._idents[action.index] = action.ident
            self._watch(action.index, ends)
            self._linked(m.DeviceLinked(action.index, device.path))

        self.world.soon(made)

    def _linked(self, event: m.DevicePrepared | m.DeviceLinked | m.DeviceUnlinked) -> None:
        self._linking.discard(event.index)
        self._abandoned.discard(event.index)
        self.world.soon(self.hear, event, most=0.003)

    def _watch(self, index: int, ends: list[Connection]) -> None:
        for end in ends:
            gen = end.engine.gen

            def hung_up(gen: int = gen, end: Connection = end) -> None:
                if end in self.ends.get(index, []):
                    self.hear(m.HungUp(index, gen))

            end.watcher = hung_up
            if not end.up:
                self.world.soon(hung_up)

    def _reconnect(self, action: m.Reconnect) -> None:
        self.world.require(action.index not in self._linking, "two jobs for one device")
        self._linking.add(action.index)
        ends = self.ends[action.index]
        number = self.devices[action.index]
        until = self.world.now + 10.0

        def try_it() -> None:
            fails = self.world.chance(0.01)
            taken = False if fails else self.server.kernel.reconfigure(number, self._idents[action.index], ends)
            if taken:
                self._watch(action.index, ends)
                self._linked(m.DeviceLinked(action.index, self.server.kernel.devices[number].path))
            elif taken is None:
                self._linked(m.DeviceUnlinked(action.index, failed("gone", ErrorCode.NO_NBD), gone=True))
            elif action.index in self._abandoned or self.world.now > until or not self.alive:
                self._linked(m.DeviceUnlinked(action.index, failed("not taken", ErrorCode.NO_NBD)))
            else:
                self.world.after(0.01, try_it)

        self.world.soon(try_it)

    def _inherit(self, action: m.Inherit) -> None:
        self.devices[action.index] = number_of(action.device)
        self._idents[action.index] = action.ident

    def _detach(self, action: m.Detach) -> None:
        number = self.devices[action.index]
        kernel = self.server.kernel
        self._begin_detach(action)

        def claim() -> None:
            device = kernel.devices.get(number)
            if device is None or not device.connected:
                self._end_detach(m.DeviceDetached(action.index), not action.lost)
            elif action.lost:
                kernel.disconnect(number)
                self._end_detach(m.DeviceDetached(action.index), queued=False)
            elif device.swap:
                self._end_detach(m.DetachFailed(action.index, failed("in use", ErrorCode.BUSY)))
            else:
                # Opening it may read its first page.
                done = kernel.submit(number, 0, None)
                if done.ready:
                    claimed(0)
                else:
                    done.resume = claimed

        def claimed(_: int) -> None:
            device = kernel.devices.get(number)
            if device is not None and device.looked_at and self.world.rng.random() < 0.9:
                self.world.after(0.01, claimed, 0)
                return
            if not self.alive or action.index in self._abandoned_detach or (device is not None and device.swap):
                self._end_detach(m.DetachFailed(action.index, failed("abandoned", ErrorCode.BUSY)))
                return
            kernel.disconnect(number)
            self._end_detach(m.DeviceDetached(action.index))

        self._let_go_by(claim, action)

    def _begin_detach(self, action: m.Detach) -> None:
        self._detaching.add(action.index)
        device = self.server.kernel.devices.get(self.devices.get(action.index, -1))
        if device is not None and device.connected and self.world.chance(self.server.faults.stalls):
            # Somebody reads it, and the GPU has other things to do: now it matters who is late.
            self.server.kernel.linger(device, self.world.rng.random() * 20)
            engine = self.engines.get(self.core.segments[action.index].link_gen)
            if engine is not None:
                self.world.after(self.world.rng.random(), engine.stall)

    def _let_go_by(self, job: Callable[[], None], action: m.Detach) -> None:
        if action.lost:
            self.world.soon(job)
            return
        self._detacher.append(job)
        if len(self._detacher) == 1:
            self._next_detach()

    def _next_detach(self) -> None:
        # It may have to wait in the kernel for somebody else before it can even look.
        slow = self.world.chance(self.server.faults.stalls)
        self.world.soon(self._detacher[0], most=2.0 if slow else 0.02)

    def _end_detach(self, event: m.DeviceDetached | m.DetachFailed, queued: bool = True) -> None:
        self._detaching.discard(event.index)
        self._abandoned_detach.discard(event.index)
        self.world.soon(self.hear, event, most=0.003)
        if queued:
            self._detacher.popleft()
            if self._detacher and self.alive:
                self._next_detach()

    def _abandon(self, action: m.Abandon) -> None:
        if action.index in self._linking:
            self._abandoned.add(action.index)
        if action.index in self._detaching:
            self._abandoned_detach.add(action.index)

    def _dropends(self, action: m.DropEnds) -> None:
        self._close(self.ends.pop(action.index, []))

    def _close(self, ends: list[Connection]) -> None:
        for end in ends:
            end.watcher = None
            if end.device is None:
                # Nobody else has it.
                end.up = end.open = False

    def _closefd(self, action: m.CloseFd) -> None:
        self.server.gpu.let_go(self.fds.pop(action.fd), by_death=False)

    def _closeclient(self, action: m.CloseClient) -> None:
        raise AssertionError("there are no clients here")

    def _reply(self, action: m.Reply) -> None:
        answer, _, verb = self._replies.pop(action.number)
        if verb == "status":
            self._is_true(action.result)
        self.world.soon(answer.set, action.error or dict(action.result), most=0.002)

    def _is_true(self, status: Mapping[str, Any]) -> None:
        """Whichever engine serves, if any does: there is what is held, and an engine knew of each that is packed."""
        require, pool = self.world.require, status.get("pool")
        if not self.server.compression or pool is None:
            return
        extents = sum(isinstance(vram, Extent) for vram in self.fds.values())
        require(pool["extents"] == extents, f"law 4: {pool['extents']} extents are told, and there are {extents}")
        told = {index for index, _ in pool["shares"]}
        missing = [segment["index"] for segment in status["segments"] if segment["index"] not in told]
        require(not missing or self.core.lost, f"law 4: nothing is told of what is stored of {missing}")

    def _exec(self, action: m.Exec) -> None:
        if self.world.chance(self.server.faults.exec_fails):
            self.world.soon(self.hear, m.ExecFailed(failed("no such program", ErrorCode.INTERNAL)))
            return
        self.world.note("keeper", self.pid, "becomes another program")
        # Whatever came for the old program is not heard by the new one.
        try:
            shell = self.server.shell([segment.device for segment in action.state.segments])
        except Killed:
            self.die()
            return
        self.server.kernel.give_up([segment.ident for segment in action.state.segments])
        successor = shell(self.server, "2")
        successor.pid = self.pid
        successor.fds, successor._next_fd = self.fds, self._next_fd
        serving = next(e for e in self.engines.values() if e.pid == action.state.engines[0].pid)
        for ends in self.ends.values():
            for end in ends:
                end.watcher = None
        self.fds = {}
        self.alive = False
        for answer, _, _ in self._replies.values():
            answer.set(None)
        self._replies.clear()
        self._hang_up()
        self.server.keeper = successor
        serving.orphan()
        serving.keeper, serving.gen = successor, 1
        successor.engines[1] = serving
        self.world.soon(successor._begin, action.state)

    def _ready(self, action: m.Ready) -> None:
        self.ready.set(None)

    def _reserve(self, action: m.Reserve) -> None:
        self.reserved = action.held

    def _tell(self, action: m.Tell) -> None:
        if action.what == "lost":
            self.world.require(self.server.gpu.lost, "law 6: a GPU was given up that came back")
        if action.what == "unwiped":
            # No engine came up for so long that there is nothing else to do; it is told.
            require, core = self.world.require, self.core
            serves = any(engine.phase is Phase.SERVING and engine.ours for engine in core.engines.values())
            require(not serves, "law 11: VRAM was given up while an engine could have wiped it")
            waited = self.world.now - self._wiped_since > WIPE_SECONDS - 1
            require(waited, "law 11: VRAM was given up before an engine could come and wipe it")
            for vram in self.fds.values():
                vram.excused = True

    def _finish(self, action: m.Finish) -> None:
        self.world.note("keeper", self.pid, "ends", action.error)
        self.finished = True
        self.ready.set(action.error)
        for vram in self.fds.values():
            self.world.require(False, f"law 5: the server ended with VRAM in hand: {vram}")
        self._gone(by_death=False)
