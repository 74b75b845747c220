# SPDX-License-Identifier: MIT
"""The engine: the child that owns the CUDA context and serves. It obeys the keeper and may die at any time.

What it does when the keeper dies is decided in life.py.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server.engine.door import Door
from vramswap_gui.server.engine.driver import driver
from vramswap_gui.server.engine.engine import CONTEXT_LOST, Engine
from vramswap_gui.server.engine.holdings import Held, Holdings
from vramswap_gui.server.engine.life import LOOK_SECONDS, TRY_SECONDS, Life, Step
from vramswap_gui.server.engine.vram import Mapping as VramMapping
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.memlock import go_first, go_with_the_others, keep_private, require_resident
from vramswap_gui.server.messages import CONNECTIONS, EXTENTS, Kind, SegmentRecord, Transport
from vramswap_gui.server.packing import PAGE, Packing, Stock, shift
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor import recovery
from vramswap_gui.server.supervisor.counters import Counters
from vramswap_gui.system import devices, process
from vramswap_gui.system.devices import Device

#: A device that may be there.
_IN_DOUBT: Final = "?"
#: For a part of an extent to be emptied: more than its cleaner takes at the most, and less than the keeper waits.
_EMPTY_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """GPU selector (empty: the first), number of workers, whether kernel swap depends on them, what they count into,
    where a new keeper looks for an engine that lost its own (None: nowhere), what the sentry watches, the copy kernel
    (empty: there is none), how kernel devices are served, how segments are packed, what was last told of the pool, and
    pidfds of the engines before it that are not known to be gone (pidfd_open(2); -1: there is one that cannot be
    watched), and what there is to serve."""

    gpu: str
    threads: int
    resident: bool
    counters: Counters
    folder: Path | None = None
    sentry: int = -1
    cubin: bytes = field(default=b"", repr=False)
    transport: Transport = Transport.NBD
    packing: Packing = field(default_factory=Packing)
    pool: Mapping[str, Any] = field(default_factory=dict)
    before: tuple[int, ...] = ()
    left: tuple[SegmentRecord, ...] = ()

    @property
    def kept(self) -> list[int]:
        """The descriptors that it needs."""
        return [self.counters.fd, self.sentry, *self.before, *(fd for record in self.left for fd in record.descriptors)]

    def holdings(self) -> Holdings:
        """All that it has."""
        return Holdings(self.gpu, self.left, self.counters.fd, self.sentry, self.pool, self.packing.codec)


def run(end: socket.socket, options: EngineOptions, keeper: int) -> NoReturn:
    """The whole life of the engine process, right after the fork from ``keeper``. ``end`` is its end of the channel.

    The first message out is ``{"result": <gpu>}`` or ``{"error": …}``; then one answer to each question.
    """
    # A signal meant for the service reaches the whole group; only the keeper may decide that serving ends.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    process.call_it("vramswap-engine")
    keep_private()
    if not options.left:
        # As long as it holds nothing it is of no use without its keeper, and nobody is to wait for its end when it
        # hangs.
        process.end_with(keeper)
    status = 1
    try:
        status = _live(end, options)
    except VramswapError as error:
        with contextlib.suppress(OSError):
            ipc.send(end, {"error": error.as_dict()})
    finally:
        os._exit(status)


def _live(end: socket.socket, options: EngineOptions) -> int:
    """Until there is nothing left to do; the exit status. Raises VramswapError when it cannot begin."""
    return _Loop(end, options.holdings(), options).run()


class _Loop:
    """Questions, connections that end, and, without a keeper, the search for a reason to go on."""

    def __init__(self, end: socket.socket, holdings: Holdings, options: EngineOptions) -> None:
        self._end = end
        self._holdings = holdings
        self._options = options
        self._life = Life()
        self._poll = select.poll()
        self._door: Door | None = None
        if options.left:
            # From now on there is somebody who has the pages. Who has none is nobody until it could serve.
            self._open_door()
        self._commands = self._begun()

    def _begun(self) -> Commands:
        """With a GPU. Raises VramswapError when it cannot be had, and whatever a system that is out of something does,
        unless nobody else has what we hold."""
        trouble: recovery.Trouble | None = None
        alone = Life(orphaned=True)
        while True:
            try:
                return Commands.begin(self._options, self._holdings)
            except Exception as error:
                now = time.monotonic()
                trouble = recovery.heard(trouble, error if isinstance(error, VramswapError) else None, now)
                # A process in which it failed may find no way to a GPU that is there (cuInit), so it waits for longer.
                gone = recovery.is_gone(trouble, now, served=True)
                if not self._holdings.left() or not ipc.has_hung_up(self._end) or gone:
                    raise
                if alone.look(_names(self._there()), 0, unserved=False, eldest=self._is_eldest()) is Step.END:
                    raise
            time.sleep(TRY_SECONDS)

    def run(self) -> int:
        self._poll.register(self._end, select.POLLIN)
        self._poll.register(self._commands.engine.died, select.POLLIN)
        self._open_door()
        self._say({"result": self._holdings.gpu})
        while True:
            ready = dict(self._poll.poll(int(LOOK_SECONDS * 1000) if self._life.orphaned else None))
            if self._commands.engine.died in ready:
                self._commands.engine.reap()
            if not self._life.orphaned:
                if self._end.fileno() in ready and self._obey():
                    return 0
            elif not ready and self._look() is Step.END:
                self._commands.quit()
                if self._options.folder is not None:
                    ipc.forget_orphaned(self._options.folder, os.getpid())
                return 0

    def _look(self) -> Step:
        """See what has become of our devices, and serve those that nobody serves."""
        there = self._there()
        unserved = self._commands.unserved(there or [])
        step = self._life.look(_names(there), self._commands.clients(), bool(unserved), self._is_eldest())
        if step is Step.SERVE:
            self._commands.serve(unserved)
        return step

    def _is_eldest(self) -> bool:
        """Whether those before us have ended. Those after us serve nobody before we have."""
        if -1 in self._options.before:
            return False
        poll = select.poll()
        for pidfd in self._options.before:
            poll.register(pidfd, select.POLLIN)
        return len(poll.poll(0)) == len(self._options.before)

    def _introduce(self, asker: socket.socket) -> None:
        self._holdings.introduce(asker)
        self._life.introduced()

    def _say(self, message: ipc.Message, fds: tuple[int, ...] = ()) -> None:
        try:
            ipc.send(self._end, message, fds)
        except OSError:
            # Whoever asked is gone. What was asked for is done, and that is all there is to it.
            self._orphan()

    def _obey(self) -> bool:
        """Answer one question; true when it was the last one."""
        try:
            message, fds = ipc.receive(self._end)
        except (EOFError, OSError):
            self._orphan()
            return False
        verb = str(message.get("verb", ""))
        answer: ipc.Message = {"seq": message.get("seq", 0)}
        made = -1
        try:
            made, answer["result"] = self._commands.obey(verb, message, fds)
        except VramswapError as error:
            answer["error"] = error.as_dict()
        except Exception as error:
            # A defect, or a system that is out of something: the keeper decides what becomes of us.
            failed = VramswapError(Problem.ENGINE_FAILED, what=f"{type(error).__name__}: {error}")
            answer["error"] = failed.as_dict()
        self._say(answer, (made,) if made >= 0 else ())
        if "error" in answer and answer["error"]["code"] == ErrorCode.SERVER_FAILED and not self._commands.healthy():
            # A context that failed once fails for good; a fresh process has a fresh one.
            os._exit(CONTEXT_LOST)
        return verb == "quit" and "error" not in answer

    def _orphan(self) -> None:
        if self._life.orphaned:
            return
        self._life.keeper_gone()
        with contextlib.suppress(KeyError):
            self._poll.unregister(self._end)
        # The door has it too.
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()
        self._open_door()

    def _open_door(self) -> None:
        if self._door is None and self._options.folder is not None:
            # Without it we serve, only that nobody finds us.
            with contextlib.suppress(OSError):
                self._door = Door(self._options.folder, self._end, self._introduce)

    def _there(self) -> list[Device] | None:
        """The kernel's devices that are ours; None when they cannot be seen."""
        if not self._options.resident:
            # Of a socket's clients the connections are all there is.
            return []
        try:
            # Where the kernel does not tell whose one is: when in doubt, it is ours.
            return [device for device in devices.found() if device.ident is None or self._holdings.owns(device.ident)]
        except (VramswapError, OSError):
            return None


def _names(there: list[Device] | None) -> list[str]:
    return [_IN_DOUBT] if there is None else [device.ident or _IN_DOUBT for device in there]


class Commands:
    """What the keeper can ask for."""

    def __init__(self, vram: Vram, options: EngineOptions, holdings: Holdings) -> None:
        self._vram = vram
        self._holdings = holdings
        self._resident = options.resident
        self._transport = options.transport
        self._packing = options.packing
        #: Extents of which nobody else is known to have the descriptor.
        self._unused = list[int]()
        self.engine = Engine(
            vram.context, options.threads, vram.can_batch, options.counters.address, cubin=options.cubin,
            compression=options.packing.codec,
        )  # fmt: skip
        # While there is memory for it; a system that was out of something is asked again.
        self._driver = driver(options.transport) if options.resident else None
        holdings.connections = lambda: self.engine.connections(-1)

    @classmethod
    def begin(cls, options: EngineOptions, holdings: Holdings) -> Commands:
        """With a context on the GPU, which has been asked what it is. Raises VramswapError, OSError, MemoryError."""
        if options.resident:
            require_resident()
        vram = Vram(options.gpu)
        try:
            begun = cls(vram, options, holdings)
            begun.info()
            return begun
        except BaseException:
            vram.close()
            raise

    def clients(self) -> int:
        """How many connections there are over which somebody may ask for a page.

        That a ublk device is open says nothing: one that was not started has no users yet, and now never will.
        """
        return 0 if self._transport is Transport.UBLK else self.engine.connections(-1)

    def unserved(self, there: Sequence[Device]) -> Mapping[int, Device]:
        """Those of the devices that are there which are ours to serve, and which nobody serves, by their segments."""
        if self._driver is None and self._resident:
            self._driver = driver(self._transport)
        if self._driver is None:
            return {}
        known = {device.ident: device for device in there}
        return {
            index: known[ident] for index, ident in self._holdings.idents().items()
            if ident in known and self._driver.is_unserved(self.engine, index, known[ident])
        }  # fmt: skip

    def serve(self, unserved: Mapping[int, Device]) -> None:
        """Become who serves some devices. What does not succeed may do so the next time."""
        assert self._driver is not None
        go_first()
        try:
            self._map_left()
            for index, device in unserved.items():
                # Of the others one may succeed.
                with contextlib.suppress(VramswapError, OSError):
                    self._driver.serve(self.engine, index, device)
        except Exception:
            # Whatever is in the way: we hold what nobody else does. But nobody can be served on a context that failed.
            if not self.healthy():
                os._exit(CONTEXT_LOST)
        # What comes next is nobody's page.
        go_with_the_others()

    def _map_left(self) -> None:
        """Have all that our keeper had, and had not come to tell us to map. Raises VramswapError, OSError."""
        for record in self._holdings.left():
            fds = list[int]()
            try:
                # Should it not go on, we have them still.
                fds += map(os.dup, record.descriptors)
                self._map(replace(record, fd=fds[0]), fds)
            finally:
                for fd in fds:
                    os.close(fd)

    @property
    def _mapped(self) -> Mapping[int, Held]:
        return self._holdings.mapped

    def healthy(self) -> bool:
        """Whether the context can be used."""
        return self._vram.healthy()

    def obey(self, verb: str, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        """Do what is asked for, with descriptors that are ours from now on.

        Returns a descriptor to send along, or -1, and the result. Raises VramswapError, OSError.
        """
        if self._resident and verb not in _RECOVERS:
            # What takes memory that programs swap out to have must not have more of it than those who serve them.
            go_with_the_others()
        if verb != "adopt":
            self._holdings.leave()
        try:
            self._use_extents()
            return _VERBS[verb](self, message, fds)
        finally:
            # Whoever keeps one takes it out.
            for fd in fds:
                os.close(fd)

    def info(self) -> Mapping[str, Any]:
        """The GPU as it is now, and whether its own kernel copies scattered pages."""
        self._holdings.gpu = {**asdict(self._vram.gpu()), "kernel": self.engine.kernel_from is not None}
        return self._holdings.gpu

    def quit(self) -> None:
        """Wipe and release everything."""
        with contextlib.suppress(VramswapError, OSError):
            self._map_left()
        self._holdings.leave()
        # Extents come last: pages of the others lie in them.
        for index in sorted(self._mapped, key=lambda index: self._mapped[index].kind is Kind.EXTENT):
            self._drop(index)
        self.engine.close()
        self._vram.close()

    def _info(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        self.engine.poke()
        return -1, {**self.info(), **self._pool()}

    def _compact(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        self.engine.compact(int(message["size"]))
        return -1, {}

    def _stock(self) -> Stock:
        """The pool as it is. Whoever asks for that has ended all engines before."""
        extents = [held.size for held in self._mapped.values() if held.kind is Kind.EXTENT]
        announced = sum(held.size // PAGE for held in self._mapped.values() if held.kind is Kind.PACKED)
        live, stored, holes = self.engine.pool() if extents else (0, 0, 0)
        shares = tuple(self.engine.shares()) if extents else ()
        return Stock(len(extents), max(extents, default=0), live, announced, stored, holes, shares)

    def _pool(self) -> Mapping[str, Any]:
        """What is told of it; nothing where there is none."""
        if not self._packing.codec:
            return {}
        self._holdings.pool = self._stock().told(self._packing.threads).to_wire()
        return {"pool": self._holdings.pool}

    def _create(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        size, kind = int(message["size"]), Kind(message["kind"])
        if kind is Kind.PACKED:
            offer = self._stock().offer(self._packing.threads)
            if size > offer and not self._packing.promised:
                raise VramswapError(Problem.NOT_EARNED, size=size, offer=max(0, offer))
            # What keeps it alive are its entries.
            mapping, fd = None, os.dup(fds[0])
        else:
            mapping, fd = self._vram.create(size)
        self._hold(_asked_for(message, fd), mapping, fds, is_new=True)
        return fd, self._pool()

    def _use_extents(self) -> None:
        """Have pages lie in extents of which the keeper has the descriptor: by asking again it shows that it has.

        Until then an extent goes with this process, and no page of it may: those that are in it have been acknowledged.
        """
        while self._unused:
            index = self._unused.pop()
            self._serve(index, self._mapped[index])

    def _adopt(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        self._map(_asked_for(message, fds[0]), fds)
        return -1, {}

    def _map(self, record: SegmentRecord, fds: list[int]) -> None:
        """``fds``: its descriptors, of which we keep what we take out. Raises VramswapError, OSError."""
        mapping = None if record.kind is Kind.PACKED else self._vram.import_fd(record.fd, record.size)
        # It is _hold's from here on.
        fds.pop(0)
        self._hold(record, mapping, fds)

    def _hold(self, record: SegmentRecord, mapping: VramMapping | None, more: list[int], is_new: bool = False) -> None:
        """``more``: the descriptor of the sums, if there are any."""
        with contextlib.ExitStack() as undo:
            if mapping is not None:
                undo.callback(self._vram.release, mapping)
            undo.callback(os.close, record.fd)
            index, kind = record.index, record.kind
            sums = PageSums(record.size, more.pop(0), kind) if more else None
            if sums is not None:
                undo.callback(sums.close)
            held = Held(kind, mapping, record.fd, record.size, record.ident, sums)
            if self._resident and kind is not Kind.EXTENT:
                # Once nobody serves, no page can be swapped out to make room for them.
                count = 1 + sum(other.kind is not Kind.EXTENT for other in self._mapped.values())
                self.engine.provide(*((0, count) if self._transport is Transport.UBLK else (count * CONNECTIONS, 0)))
            if kind is Kind.EXTENT and is_new:
                self._unused.append(index)
            else:
                self._serve(index, held)
            self._holdings.hold(index, held)
            undo.pop_all()
        process.outlive_parent()

    def _serve(self, index: int, held: Held) -> None:
        if held.kind is Kind.PACKED:
            assert held.sums is not None
            self.engine.add_packed_segment(index, held.size, held.sums.address)
            return
        assert held.mapping is not None
        if held.kind is Kind.EXTENT:
            bad = held.sums.address if held.sums else 0
            self.engine.add_extent(EXTENTS.index(index), held.mapping.base, held.size, shift(held.size), bad)
        else:
            known = (held.sums.address, held.sums.spares) if held.sums else ()
            self.engine.add_segment(index, held.mapping.base, held.size, *known)

    def _connect(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        if self._resident:
            # Those before us are dead, so whoever waits for a page waits for us.
            go_first()
        if message["fresh"]:
            # Of those before some may be in the kernel still, and it takes new ones only in the place of dead ones.
            self.engine.fence(int(message["index"]))
        if message["device"]:
            self.engine.add_queue(int(message["index"]), str(message["device"]))
        while fds:
            # The engine's from here on, also when it fails.
            self.engine.add_connection(int(message["index"]), fds.pop())
        return -1, {}

    def _remove(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        index = int(message["index"])
        if self._mapped[index].kind is Kind.EXTENT:
            self._empty(index)
        self._drop(index)
        return -1, self._pool()

    def _empty(self, index: int) -> None:
        """Have nothing lie in an extent. Raises VramswapError POOL_IN_USE; SERVER_BUSY when some of it is done."""
        stock = self._stock()
        after = replace(stock, extents=stock.extents - 1).offer(self._packing.threads)
        if stock.announced and after < 0:
            raise VramswapError(Problem.POOL_IN_USE, missing=-after)
        left = self.engine.remove_extent(EXTENTS.index(index), _EMPTY_SECONDS)
        if left < 0:
            raise VramswapError(Problem.SERVER_BUSY)
        if left:
            raise VramswapError(Problem.POOL_IN_USE, missing=left)

    def _drop(self, index: int) -> None:
        """End a segment: fence its connections, wipe it, release it. In an extent lies nothing any more."""
        if self._mapped[index].kind is not Kind.EXTENT:
            self.engine.drop_segment(index)
        held = self._holdings.forget(index)
        if held.mapping is not None:
            self._vram.wipe(held.mapping)
            self._vram.release(held.mapping)
        held.close()

    def _quit(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        self.quit()
        return -1, {}


def _asked_for(message: ipc.Message, fd: int) -> SegmentRecord:
    """The segment that a question is about, kept alive by ``fd``."""
    return SegmentRecord(
        int(message["index"]), int(message["size"]), fd, str(message["ident"]), kind=Kind(message["kind"])
    )


#: What brings devices back goes first, until something else is asked for.
_RECOVERS: Final = ("adopt", "connect")
_VERBS: Final[Mapping[str, Callable[[Commands, ipc.Message, list[int]], tuple[int, Mapping[str, Any]]]]] = {
    "info": Commands._info,
    "create": Commands._create,
    "adopt": Commands._adopt,
    "connect": Commands._connect,
    "drop": Commands._remove,
    "compact": Commands._compact,
    "quit": Commands._quit,
}
