# SPDX-License-Identifier: MIT
"""The helper's side of the server: starts it, speaks its control socket, learns when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from vramswap_gui.api import control
from vramswap_gui.api.control import (
    MAX_ANSWER,
    Answer,
    ControlVerb,
    EngineState,
    GpuInfo,
    PoolInfo,
    Request,
    SegmentInfo,
    ServerStatus,
)
from vramswap_gui.api.reasons import Reason
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.helper import server_unit, swap_area
from vramswap_gui.helper.policy.pool import codec
from vramswap_gui.paths import CONTROL_SOCKET, SERVER_UNIT
from vramswap_gui.settings import Config
from vramswap_gui.system import run

_START_SECONDS: Final = 60.0
#: Seconds that a server which was told to end may take to wipe what is left.
_END_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.05


class ServerClient:
    """At most one connection to the server. ``lost`` is called when it ends without :meth:`quit`."""

    def __init__(self, folder: Path, attach: str) -> None:
        self._folder = folder
        self._attach = attach
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._adopting = asyncio.Lock()
        #: While it has yet to be seen whether the server lasts.
        self._proving: asyncio.Task[None] | None = None
        self._quitting = False
        #: Pages that were read right the second time, and that were lost, when it was last asked about its GPU.
        self.damaged = (0, 0)
        #: How often packed VRAM had no room for a page.
        self.no_room = 0
        self.lost: Callable[[], None] = lambda: None
        self._told = ServerStatus()
        #: What a server reports that was started and is not ready yet.
        self._coming: asyncio.Task[Answer] | None = None

    @property
    def connected(self) -> bool:
        """Whether a server runs and obeys."""
        return self._writer is not None

    @property
    def version(self) -> str:
        """The version of the server that runs, as far as it was asked; empty while none does."""
        return self._told.version if self.connected else ""

    @property
    def transport(self) -> tuple[str, Reason]:
        """By which of the kernel's drivers it makes devices, and why, as far as it was asked."""
        told = self._told if self.connected else ServerStatus()
        return told.transport, told.transport_reason

    @property
    def compression(self) -> str:
        """By what it packs pages, as far as it was asked; empty while it does not."""
        return self._told.compression if self.connected else ""

    @property
    def pool(self) -> PoolInfo | None:
        """The VRAM in which pages lie packed, as it was when it was last asked; None where they do not."""
        return self._told.pool if self._told.compression else None

    @property
    def by_systemd(self) -> bool:
        """Whether systemd runs the server, and this helper."""
        return server_unit.serves(self._folder, self._attach)

    async def adopt(self) -> bool:
        """Connect to a server that runs already; False when there is none."""
        # A verb may look for one just when it is taken over, beside the verbs: one connection is for both.
        async with self._adopting:
            if self._writer is not None:
                return True
            try:
                reader, self._writer = await asyncio.open_unix_connection(
                    self._folder / CONTROL_SOCKET, limit=MAX_ANSWER
                )
            except OSError:
                return False
            self._quitting = False
            self._reading = asyncio.create_task(self._read(reader))
            if self.by_systemd:
                self._proving = asyncio.create_task(server_unit.count_anew(SERVER_UNIT))
            return True

    async def start(self, config: Config) -> None:
        """Start a server as the settings want it, or adopt the one that runs.

        Raises VramswapError with the server's reason.
        """
        if await self.adopt():
            return
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if self.by_systemd:
            await server_unit.start(config)
        else:
            await self._start_detached(config)
        if not await self.adopt():
            raise VramswapError(Problem.SERVER_SILENT)

    async def _start_detached(self, config: Config) -> None:
        """Where no systemd starts it. One that takes long is waited for by the next call: two would both take over."""
        if self._coming is None or self._coming.done():
            self._coming = asyncio.create_task(self._begin_detached(config))
        try:
            outcome = await asyncio.wait_for(asyncio.shield(self._coming), _START_SECONDS)
        except TimeoutError:
            raise VramswapError(Problem.SERVER_SILENT) from None
        if outcome.error is not None:
            raise outcome.error

    async def _begin_detached(self, config: Config) -> Answer:
        """Returns what it reports. Raises VramswapError."""
        command = [sys.executable, "-P", "-m", "vramswap_gui.server.main",
                   "--control", str(self._folder / CONTROL_SOCKET), "--attach", self._attach,
                   "--compression", codec(config.compression)]  # fmt: skip
        if self._attach == "kernel":
            await swap_area.require_driver(config.transport)
            command += ["--transport", config.transport]
        if config.gpu:
            command += ["--gpu", config.gpu]
        ours, theirs = os.pipe()
        try:
            run.start_detached([*command, "--report", str(theirs)], self._folder / "server.log", [theirs])
        except OSError as error:
            os.close(ours)
            raise VramswapError(Problem.SERVER_NOT_STARTED, why=str(error.strerror)) from None
        finally:
            os.close(theirs)
        return await _first_line(ours)

    async def status(self) -> ServerStatus:
        """What the server says of itself. Raises VramswapError."""
        try:
            found = ServerStatus.from_wire(await self._ask(ControlVerb.STATUS))
        except (ValueError, TypeError, AttributeError):
            raise VramswapError(Problem.SERVER_OTHER_VERSION) from None
        self._told = found
        return found

    async def add(self, size: int) -> SegmentInfo:
        """Have it make a segment. Raises VramswapError."""
        return SegmentInfo.from_wire(await self._ask(ControlVerb.ADD, size=size))

    async def remove(self, index: int) -> None:
        """Have it take a segment back. Raises VramswapError."""
        await self._ask(ControlVerb.REMOVE, index=index)

    async def extend(self, size: int) -> None:
        """Have it take another extent of VRAM into the pool. Raises VramswapError."""
        await self._ask(ControlVerb.EXTEND, size=size)

    async def shrink(self) -> bool:
        """Have it give the newest extent back; whether the others can hold what there is. Raises VramswapError."""
        try:
            await self._ask(ControlVerb.SHRINK)
        except VramswapError as error:
            if error.problem is not Problem.POOL_IN_USE:
                raise
            return False
        return True

    async def compact(self, least: int) -> None:
        """Have it clean when it has time, until so many bytes are not of use yet. Raises VramswapError."""
        await self._ask(ControlVerb.COMPACT, size=least)

    async def _ask(self, verb: ControlVerb, **arguments: int) -> Mapping[str, Any]:
        """One request. Raises VramswapError: the server's, or SERVER_FAILED when it is gone."""
        if self._writer is None:
            raise VramswapError(Problem.SERVER_NOT_RUNNING)
        number = next(self._ids)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(Request(verb, arguments, number).line())
            reply = await asyncio.wait_for(answer, verb.patience)
        except TimeoutError:
            raise VramswapError(Problem.SERVER_SILENT) from None
        finally:
            del self._waiting[number]
        if reply.error is not None:
            raise reply.error
        return reply.result

    async def gpu(self) -> GpuInfo | None:
        """What the server says of its GPU; None while none runs. Raises VramswapError: why the GPU does not serve."""
        if not self.connected:
            return None
        found = await self.status()
        if found.trouble is not None:
            raise found.trouble
        self.damaged, self.no_room = found.damaged, found.no_room
        return found.gpu

    async def quit(self) -> None:
        """Have the server end, and wait until it let go. Raises VramswapError while it has segments."""
        if self._writer is None or self._reading is None:
            return
        self._quitting = True
        reading = self._reading
        try:
            await self._ask(ControlVerb.QUIT)
        except VramswapError as error:
            if error.code is ErrorCode.BUSY:
                self._quitting = False
                raise
        await asyncio.wait([reading], timeout=_END_SECONDS)

    async def upgrade(self) -> None:
        """Have the server become the program that is installed now, and reach it again. Raises VramswapError."""
        await _require_successor((await self.status()).leaves)
        reading = self._reading
        self._quitting = True
        try:
            await self._ask(ControlVerb.UPGRADE)
        except VramswapError:
            # Its end is how it goes over to the new version; all else is a refusal.
            if reading is None or not reading.done():
                self._quitting = False
                raise
        end = asyncio.get_running_loop().time() + _START_SECONDS
        while not await self._runs_again():
            if asyncio.get_running_loop().time() > end:
                raise VramswapError(Problem.SERVER_SILENT)
            await asyncio.sleep(_LOOK_SECONDS)
        self._quitting = False

    async def _runs_again(self) -> bool:
        """Whether the new version serves. A connection may still reach the old one's socket, and end with it."""
        if not await self.adopt():
            return False
        self._quitting = True
        try:
            return (await self.status()).engine is EngineState.RUNNING
        except VramswapError:
            return False

    async def end_strays(self) -> list[str]:
        """Where neither server nor engine is left: have whoever waits for a page be told that it is lost.

        Returns the devices. An engine that still serves is left alone.
        """
        if self._attach != "kernel":
            return []
        command = (sys.executable, "-P", "-m", "vramswap_gui.server.main", "--end-strays")
        done = await run.run(*command, str(self._folder / CONTROL_SOCKET))
        return [line for line in done.output.splitlines() if line.startswith("/dev/")]

    async def close(self) -> None:
        """Let go of the server, which runs on."""
        self._quitting = True
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                reply = control.answer(line)
                answer = self._waiting.get(-1 if reply.id is None else reply.id)
                if answer is not None and not answer.done():
                    answer.set_result(reply)
        except (OSError, ValueError):
            pass
        finally:
            assert self._writer is not None
            if self._proving is not None:
                self._proving.cancel()
            self._writer.close()
            self._writer = self._reading = None
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(VramswapError(Problem.SERVER_ENDED))
            if not self._quitting:
                self.lost()


async def _require_successor(format: int) -> None:
    """Raises VramswapError unless the server that is installed starts, and can go on with what is left in a format."""
    command = (sys.executable, "-P", "-m", "vramswap_gui.server.main", "--understands", str(format))
    try:
        async with asyncio.timeout(_START_SECONDS):
            done = await run.run(*command)
    except TimeoutError:
        raise VramswapError(Problem.SUCCESSOR_UNFIT, why="it does not start") from None
    if done.status:
        raise VramswapError(Problem.SUCCESSOR_UNFIT, why=done.complaint.rstrip("."))


async def _first_line(fd: int) -> Answer:
    """What a server that starts reports; an end without a word is an error too."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
    )
    try:
        with contextlib.suppress(ValueError):
            return control.answer(await reader.readline())
    finally:
        transport.close()
    return Answer(None, error=VramswapError(Problem.SERVER_ENDED_EARLY))
