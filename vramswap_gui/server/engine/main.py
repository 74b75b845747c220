"""The engine: the child that owns the CUDA context and serves. It obeys the keeper and may die at any time."""

from __future__ import annotations

import os
import select
import signal
import socket
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server import ipc
from vramswap_gui.server.engine.engine import CONTEXT_LOST, Engine
from vramswap_gui.server.engine.vram import Mapping, Vram
from vramswap_gui.server.memlock import go_first, go_with_the_others, require_resident
from vramswap_gui.server.supervisor.counters import Counters
from vramswap_gui.system import process


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """GPU selector (empty: the first), number of workers, whether kernel swap depends on them, what they count into."""

    gpu: str
    threads: int
    resident: bool
    counters: Counters


def run(end: socket.socket, options: EngineOptions) -> NoReturn:
    """The whole life of the engine process, right after the fork. ``end`` is its end of the channel.

    The first message out is ``{"result": <gpu>}`` or ``{"error": …}``; then one answer to each request.
    """
    # A signal meant for the service reaches the whole group; only the keeper may decide that serving ends.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    process.call_it("vramswap-engine")
    status = 1
    try:
        status = _serve(end, options)
    except (EOFError, OSError):
        pass
    finally:
        os._exit(status)


def _serve(end: socket.socket, options: EngineOptions) -> int:
    try:
        if options.resident:
            require_resident()
        vram = Vram(options.gpu)
        if options.resident:
            go_with_the_others()
        commands = _Commands(vram, options)
        if options.resident:
            go_first()
    except VramswapError as error:
        ipc.send(end, {"error": error.as_dict()})
        return 1
    ipc.send(end, {"result": commands.info()})
    poll = select.poll()
    poll.register(end, select.POLLIN)
    poll.register(commands.engine.died, select.POLLIN)
    orphaned = False
    while True:
        ready = dict(poll.poll())
        if commands.engine.died in ready:
            commands.engine.reap()
        if orphaned and not commands.engine.connections(-1):
            # The keeper is dead and so is every connection: nobody can ask for these pages any more.
            commands.end()
            return 0
        if end.fileno() not in ready:
            continue
        try:
            message, fds = ipc.receive(end)
        except (EOFError, OSError):
            orphaned = True
            poll.unregister(end)
            if not commands.engine.connections(-1):
                commands.end()
                return 0
            continue
        verb = message.pop("verb")
        answer, made = _answer(commands, verb, message, fds)
        ipc.send(end, answer, made)
        if "error" in answer and answer["error"]["code"] == ErrorCode.SERVER_FAILED and not commands.healthy():
            # A context that failed once fails for good; a fresh process has a fresh one.
            os._exit(CONTEXT_LOST)
        for fd in made:
            os.close(fd)
        if verb == "quit":
            return 0


def _answer(commands: _Commands, verb: str, arguments: dict[str, Any], fds: list[int]) -> tuple[ipc.Message, list[int]]:
    try:
        result = getattr(commands, verb)(*([fds] if fds else []), **arguments)
    except VramswapError as error:
        return {"error": error.as_dict()}, []
    if isinstance(result, int):
        return {"result": {}}, [result]
    return {"result": result or {}}, []


class _Commands:
    """What the keeper can ask for; each public method is a verb."""

    def __init__(self, vram: Vram, options: EngineOptions) -> None:
        self._vram = vram
        self._mappings: dict[int, Mapping] = {}
        self._handed_over = False
        self.engine = Engine(vram.context, options.threads, vram.can_batch, options.counters.address)

    def healthy(self) -> bool:
        return self._vram.healthy()

    def info(self) -> dict[str, Any]:
        return asdict(self._vram.gpu())

    def create(self, index: int, size: int) -> int:
        """A new segment; answers with its exported descriptor."""
        mapping, fd = self._vram.create(size)
        self._adopt(index, mapping)
        return fd

    def adopt(self, fds: list[int], index: int, size: int) -> None:
        """A segment that an earlier engine made, with its contents."""
        try:
            self._adopt(index, self._vram.import_fd(fds[0], size))
        finally:
            os.close(fds[0])

    def connect(self, fds: list[int], index: int) -> None:
        """Serve a segment on more sockets."""
        while fds:
            self.engine.add_connection(index, fds.pop())

    def remove(self, index: int) -> None:
        """End a segment: fence its connections, wipe it, release it."""
        self.engine.drop_segment(index)
        mapping = self._mappings.pop(index)
        self._vram.wipe(mapping)
        self._vram.release(mapping)

    def hand_over(self) -> None:
        """From now on another engine is to have the segments: they are not for this one to wipe when it ends."""
        self._handed_over = True

    def end(self) -> None:
        """Without a keeper and without connections: wipe, unless it is somebody else's by now."""
        if not self._handed_over:
            self.quit()

    def quit(self) -> None:
        """Wipe and release everything."""
        for index in list(self._mappings):
            self.remove(index)
        self.engine.close()
        self._vram.close()

    def _adopt(self, index: int, mapping: Mapping) -> None:
        self._mappings[index] = mapping
        self.engine.add_segment(index, mapping.base, mapping.size)
