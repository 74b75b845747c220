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
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from vramswap_gui import __version__
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server.engine.engine import CONTEXT_LOST, Engine
from vramswap_gui.server.engine.life import LOOK_SECONDS, Life
from vramswap_gui.server.engine.vram import Mapping as VramMapping
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.memlock import go_first, go_with_the_others, keep_private, require_resident
from vramswap_gui.server.messages import CONNECTIONS, EXTENTS, Kind, Transport
from vramswap_gui.server.packing import PAGE, Packing, Stock, shift
from vramswap_gui.server.page_sums import PageSums
from vramswap_gui.server.supervisor.counters import Counters
from vramswap_gui.system import nbd, process, ublk

#: Milliseconds in which a keeper's end must be seen by whom its successor asks, who asks again.
_NOTICE_MS: Final = 500
#: Seconds between two tries to listen where the system is out of something.
_AGAIN_SECONDS: Final = 0.1
#: Each locked byte of a stack is locked memory.
_STACK: Final = 256 << 10
#: A device that may be there.
_IN_DOUBT: Final = "?"
#: For a part of an extent to be emptied: more than its cleaner takes at the most, and less than the keeper waits.
_EMPTY_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """GPU selector (empty: the first), number of workers, whether kernel swap depends on them, what they count into,
    where a new keeper looks for an engine that lost its own (None: nowhere), what the sentry watches, the copy kernel
    (empty: there is none), how kernel devices are served, how segments are packed, what was last told of the pool."""

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


def run(end: socket.socket, options: EngineOptions) -> NoReturn:
    """The whole life of the engine process, right after the fork. ``end`` is its end of the channel.

    The first message out is ``{"result": <gpu>}`` or ``{"error": …}``; then one answer to each question.
    """
    # A signal meant for the service reaches the whole group; only the keeper may decide that serving ends.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    process.call_it("vramswap-engine")
    keep_private()
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
    if options.resident:
        require_resident()
    commands = Commands(Vram(options.gpu), options)
    return _Loop(end, commands, options).run(commands.info())


class _Loop:
    """Questions, connections that end, and, without a keeper, the search for a reason to go on."""

    def __init__(self, end: socket.socket, commands: Commands, options: EngineOptions) -> None:
        self._end = end
        self._commands = commands
        self._options = options
        self._life = Life()
        self._poll = select.poll()
        self._door: _Door | None = None

    def run(self, gpu: Mapping[str, Any]) -> int:
        self._poll.register(self._end, select.POLLIN)
        self._poll.register(self._commands.engine.died, select.POLLIN)
        self._open_door()
        self._say({"result": gpu})
        while True:
            ready = dict(self._poll.poll(int(LOOK_SECONDS * 1000) if self._life.orphaned else None))
            if self._commands.engine.died in ready:
                self._commands.engine.reap()
            if not self._life.orphaned:
                if self._end.fileno() in ready and self._obey():
                    return 0
            elif not ready and self._life.look(self._attached(), self._commands.clients()):
                self._commands.quit()
                if self._options.folder is not None:
                    ipc.forget_orphaned(self._options.folder, os.getpid())
                return 0

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
                self._door = _Door(self._options.folder, self._end, self._commands.introduce)

    def _attached(self) -> list[str]:
        """Which of our segments are devices of the kernel's."""
        if not self._options.resident:
            # Of a socket's clients the connections are all there is.
            return []
        try:
            attached, connected = [ident for ident in ublk.ours() if self._commands.owns(ident)], list(nbd.connected())
        except (VramswapError, OSError):
            return [_IN_DOUBT]
        for device in connected:
            if device.ident is None:
                # A kernel that does not tell whose it is: when in doubt, it is ours.
                attached.append(device.device)
            elif device.ident.startswith(nbd.OURS) and self._commands.owns(device.ident):
                attached.append(device.ident)
        return attached


class _Door:
    """Where a new keeper finds this engine, is handed everything that we hold, and ends us once it needs us no more.

    It is open all the time, so that who lives is not taken for gone, and has a thread of its own, so that who is busy,
    or hangs over its GPU, is taken over like any other.
    """

    def __init__(self, folder: Path, channel: socket.socket, introduce: Callable[[socket.socket], None]) -> None:
        """``channel``: to the keeper that we have. Raises OSError."""
        self._introduce = introduce
        self._channel = channel.dup() if channel.fileno() >= 0 else None
        self._listener = ipc.listen_orphaned(folder)
        before = threading.stack_size(_STACK)
        threading.Thread(target=self._run, name="door", daemon=True).start()
        threading.stack_size(before)

    def _run(self) -> None:
        while True:
            try:
                asker, _ = self._listener.accept()
            except OSError:
                time.sleep(_AGAIN_SECONDS)
                continue
            with asker, contextlib.suppress(OSError):
                if self._is_orphaned():
                    asker.setblocking(False)
                    self._introduce(asker)

    def _is_orphaned(self) -> bool:
        if self._channel is None:
            return True
        poll = select.poll()
        # A hang-up is reported all the same.
        poll.register(self._channel, 0)
        return bool(poll.poll(_NOTICE_MS))


@dataclass(frozen=True, slots=True)
class _Held:
    """A segment: what it is, where it is mapped, the descriptor that keeps it alive, what it is known by, the sums of
    its pages."""

    kind: Kind
    #: None where there is no VRAM of its own.
    mapping: VramMapping | None
    fd: int
    size: int
    ident: str
    #: None for an extent, and for a segment of an earlier version, which had none.
    sums: PageSums | None


class Commands:
    """What the keeper can ask for."""

    def __init__(self, vram: Vram, options: EngineOptions) -> None:
        self._vram = vram
        self._counters = options.counters.fd
        self._sentry = options.sentry
        self._resident = options.resident
        self._transport = options.transport
        self._packing = options.packing
        self._held: dict[int, _Held] = {}
        #: While somebody is handed what is held, none of it is let go of.
        self._handing = threading.Lock()
        #: What was last told of the GPU, and of the pool, by whomever.
        self._gpu: Mapping[str, Any] = {}
        self._told = options.pool
        #: Extents of which nobody else is known to have the descriptor.
        self._unused = list[int]()
        self.engine = Engine(
            vram.context, options.threads, vram.can_batch, options.counters.address, cubin=options.cubin,
            compression=options.packing.codec,
        )  # fmt: skip

    def owns(self, ident: str) -> bool:
        """Whether a device of ours has pages here: in VRAM of its own, or, for all that is known, in the pool."""
        return any(ident == held.ident or held.kind is Kind.EXTENT for held in self._held.values())

    def clients(self) -> int:
        """How many connections there are over which somebody may ask for a page.

        That a ublk device is open says nothing: one that was not started has no users yet, and now never will.
        """
        return 0 if self._transport is Transport.UBLK else self.engine.connections(-1)

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
        try:
            self._use_extents()
            return _VERBS[verb](self, message, fds)
        finally:
            # Whoever keeps one takes it out.
            for fd in fds:
                os.close(fd)

    def info(self) -> Mapping[str, Any]:
        """The GPU as it is now, and whether its own kernel copies scattered pages."""
        self._gpu = {**asdict(self._vram.gpu()), "kernel": self.engine.kernel_from is not None}
        return self._gpu

    def quit(self) -> None:
        """Wipe and release everything."""
        for index, _ in self._in_order():
            self._drop(index)
        self.engine.close()
        self._vram.close()

    def introduce(self, asker: socket.socket) -> None:
        """Tell a new keeper all that it needs of us, from whatever thread. Raises OSError."""
        with self._handing:
            ipc.send(asker, *self._legacy())

    def _legacy(self) -> tuple[ipc.Message, list[int]]:
        """With the descriptors: the segments', their sums', the sentry's, the counters'. Asks nothing of the GPU, which
        may hang."""
        ordered = self._in_order()
        segments, extents = list[Mapping[str, Any]](), list[Mapping[str, Any]]()
        for index, held in ordered:
            (extents if held.kind is Kind.EXTENT else segments).append({
                "index": index, "size": held.size, "ident": held.ident, "kind": held.kind,
                "sums": held.sums is not None,
            })  # fmt: skip
        sums = [held.sums.fd for _, held in ordered if held.sums is not None]
        sentry = [self._sentry] if self._sentry >= 0 else []
        message = {
            "version": __version__, "gpu": self._gpu, "pool": self._told, "segments": segments, "extents": extents,
            "connections": self.engine.connections(-1), "sentry": bool(sentry),
            "compression": self._packing.codec if extents else "",
        }  # fmt: skip
        return message, [*(held.fd for _, held in ordered), *sums, *sentry, self._counters]

    def _in_order(self) -> list[tuple[int, _Held]]:
        """All that is held. Extents come last: pages of the others lie in them."""
        return sorted(self._held.items(), key=lambda item: item[1].kind is Kind.EXTENT)

    def _info(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        self.engine.poke()
        return -1, {**self.info(), **self._pool()}

    def _compact(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        self.engine.compact(int(message["size"]))
        return -1, {}

    def _stock(self) -> Stock:
        """The pool as it is. Whoever asks for that has ended all engines before."""
        extents = [held.size for held in self._held.values() if held.kind is Kind.EXTENT]
        announced = sum(held.size // PAGE for held in self._held.values() if held.kind is Kind.PACKED)
        live, stored, holes = self.engine.pool() if extents else (0, 0, 0)
        shares = tuple(self.engine.shares()) if extents else ()
        return Stock(len(extents), max(extents, default=0), live, announced, stored, holes, shares)

    def _pool(self) -> Mapping[str, Any]:
        """What is told of it; nothing where there is none."""
        if not self._packing.codec:
            return {}
        self._told = self._stock().told(self._packing.threads).to_wire()
        return {"pool": self._told}

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
        self._hold(message, mapping, fd, fds, is_new=True)
        return fd, self._pool()

    def _use_extents(self) -> None:
        """Have pages lie in extents of which the keeper has the descriptor: by asking again it shows that it has.

        Until then an extent goes with this process, and no page of it may: those that are in it have been acknowledged.
        """
        while self._unused:
            index = self._unused.pop()
            self._serve(index, self._held[index])

    def _adopt(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        packed = Kind(message["kind"]) is Kind.PACKED
        mapping = None if packed else self._vram.import_fd(fds[0], int(message["size"]))
        self._hold(message, mapping, fds.pop(0), fds)
        return -1, {}

    def _hold(
        self, message: ipc.Message, mapping: VramMapping | None, fd: int, more: list[int], is_new: bool = False
    ) -> None:
        """``more``: the descriptor of the sums, if there are any."""
        with contextlib.ExitStack() as undo:
            if mapping is not None:
                undo.callback(self._vram.release, mapping)
            undo.callback(os.close, fd)
            index, size, kind = int(message["index"]), int(message["size"]), Kind(message["kind"])
            sums = PageSums(size, more.pop(0), kind) if more else None
            if sums is not None:
                undo.callback(sums.close)
            held = _Held(kind, mapping, fd, size, str(message["ident"]), sums)
            if self._resident and kind is not Kind.EXTENT:
                # Once nobody serves, no page can be swapped out to make room for them.
                count = 1 + sum(other.kind is not Kind.EXTENT for other in self._held.values())
                self.engine.provide(*((0, count) if self._transport is Transport.UBLK else (count * CONNECTIONS, 0)))
            if kind is Kind.EXTENT and is_new:
                self._unused.append(index)
            else:
                self._serve(index, held)
            self._held[index] = held
            undo.pop_all()

    def _serve(self, index: int, held: _Held) -> None:
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
        if self._held[index].kind is Kind.EXTENT:
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
        held = self._held[index]
        if held.kind is not Kind.EXTENT:
            self.engine.drop_segment(index)
        with self._handing:
            del self._held[index]
        if held.mapping is not None:
            self._vram.wipe(held.mapping)
            self._vram.release(held.mapping)
        os.close(held.fd)
        if held.sums is not None:
            held.sums.close()

    def _quit(self, message: ipc.Message, fds: list[int]) -> tuple[int, Mapping[str, Any]]:
        self.quit()
        return -1, {}


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
