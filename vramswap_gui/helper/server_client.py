"""The helper's side of the server: starts it, speaks its control socket, learns when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper import server_unit, swap_area
from vramswap_gui.system import run

_START_SECONDS: Final = 60.0
#: Seconds within which the server answers each verb, by its own deadlines and then some.
_LONGEST: Final = 150.0
_PATIENCE: Final = {"status": 4.0, "counters": 4.0, "quit": 10.0}
#: Seconds that a server which was told to end may take to wipe what is left.
_END_SECONDS: Final = 120.0
_MAX_LINE: Final = 1 << 16
_LOOK_SECONDS: Final = 0.05


class ServerClient:
    """At most one connection to the server. ``lost`` is called when it ends without :meth:`quit`."""

    def __init__(self, folder: Path, attach: str) -> None:
        self._folder = folder
        self._attach = attach
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._quitting = False
        self.lost: Callable[[], None] = lambda: None

    @property
    def connected(self) -> bool:
        """Whether a server runs and obeys."""
        return self._writer is not None

    @property
    def by_systemd(self) -> bool:
        """Whether systemd runs the server, and this helper."""
        return server_unit.serves(self._folder, self._attach)

    async def adopt(self) -> bool:
        """Connect to a server that runs already; False when there is none."""
        if self._writer is not None:
            return True
        try:
            reader, self._writer = await asyncio.open_unix_connection(self._folder / "control.sock", limit=_MAX_LINE)
        except OSError:
            return False
        self._quitting = False
        self._reading = asyncio.create_task(self._read(reader))
        return True

    async def start(self, gpu: str) -> None:
        """Start a server on a GPU, or adopt the one that runs. Raises VramswapError with the server's reason."""
        if await self.adopt():
            return
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        if self.by_systemd:
            await server_unit.start(gpu)
        else:
            await self._start_detached(gpu)
        if not await self.adopt():
            raise _failed("it does not answer")

    async def _start_detached(self, gpu: str) -> None:
        """Where no systemd starts it."""
        if self._attach == "kernel":
            await swap_area.require_nbd()
        command = [sys.executable, "-P", "-m", "vramswap_gui.server.main",
                   "--control", str(self._folder / "control.sock"), "--attach", self._attach]  # fmt: skip
        if gpu:
            command += ["--gpu", gpu]
        ours, theirs = os.pipe()
        try:
            run.start_detached([*command, "--report", str(theirs)], self._folder / "server.log", [theirs])
        except OSError as error:
            os.close(ours)
            raise _failed(f"it could not be started: {error.strerror}") from None
        finally:
            os.close(theirs)
        outcome = await _first_line(ours)
        if "error" in outcome:
            raise VramswapError.from_dict(outcome["error"])

    async def ask(self, verb: str, **arguments: object) -> dict[str, Any]:
        """One request. Raises VramswapError: the server's, or SERVER_FAILED when it is gone."""
        if self._writer is None:
            raise _failed("it is not running")
        number = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(json.dumps({"id": number, "verb": verb, **arguments}).encode() + b"\n")
            reply = await asyncio.wait_for(answer, _PATIENCE.get(verb, _LONGEST))
        except TimeoutError:
            raise _failed(f"it does not answer to “{verb}”") from None
        finally:
            del self._waiting[number]
        if "error" in reply:
            raise VramswapError.from_dict(reply["error"])
        result: dict[str, Any] = reply["result"]
        return result

    async def gpu(self) -> dict[str, Any] | None:
        """What the server says of its GPU; None while none runs. Raises VramswapError: why the GPU does not serve."""
        if not self.connected:
            return None
        found = await self.ask("status")
        # A server of a version before says nothing of trouble.
        if found.get("trouble"):
            raise VramswapError.from_dict(found["trouble"])
        card: dict[str, Any] = found["gpu"]
        return card

    async def quit(self) -> None:
        """Have the server end, and wait until it let go. Raises VramswapError while it has segments."""
        if self._writer is None or self._reading is None:
            return
        self._quitting = True
        reading = self._reading
        try:
            await self.ask("quit")
        except VramswapError as error:
            if error.code is ErrorCode.BUSY:
                self._quitting = False
                raise
        await asyncio.wait([reading], timeout=_END_SECONDS)

    async def upgrade(self) -> None:
        """Have the server become the program that is installed now, and reach it again. Raises VramswapError."""
        reading = self._reading
        self._quitting = True
        try:
            await self.ask("upgrade")
        except VramswapError:
            # Its end is how it goes over to the new version; all else is a refusal.
            if reading is None or not reading.done():
                self._quitting = False
                raise
        end = asyncio.get_running_loop().time() + _START_SECONDS
        while not await self._runs_again():
            if asyncio.get_running_loop().time() > end:
                raise _failed("the new version does not answer")
            await asyncio.sleep(_LOOK_SECONDS)
        self._quitting = False

    async def _runs_again(self) -> bool:
        """Whether the new version serves. A connection may still reach the old one's socket, and end with it."""
        if not await self.adopt():
            return False
        self._quitting = True
        try:
            return bool((await self.ask("status"))["engine"] == "running")
        except VramswapError:
            return False

    async def end_strays(self) -> list[str]:
        """Where neither server nor engine is left: have whoever waits for a page be told that it is lost.

        Returns the devices. An engine that still serves is left alone.
        """
        if self._attach != "kernel":
            return []
        command = (sys.executable, "-P", "-m", "vramswap_gui.server.main", "--end-strays")
        done = await run.run(*command, str(self._folder / "control.sock"))
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
                reply = json.loads(line)
                answer = self._waiting.get(reply.get("id"))
                if answer is not None and not answer.done():
                    answer.set_result(reply)
        except (OSError, ValueError):
            pass
        finally:
            assert self._writer is not None
            self._writer.close()
            self._writer = self._reading = None
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(_failed("it ended"))
            if not self._quitting:
                self.lost()


async def _first_line(fd: int) -> dict[str, Any]:
    """What a server that starts reports; an end without a word is an error too."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
    )
    try:
        with contextlib.suppress(TimeoutError, ValueError):
            outcome: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), _START_SECONDS))
            return outcome
    finally:
        transport.close()
    return {"error": _failed("it ended before it was ready").as_dict()}


def _failed(why: str) -> VramswapError:
    return VramswapError(
        ErrorCode.SERVER_FAILED,
        f"The server that holds the VRAM failed: {why}.",
        "See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.",
    )


def keeper_died() -> VramswapError:
    """The error while segments are in use and nobody watches over them."""
    return VramswapError(
        ErrorCode.SERVER_FAILED,
        "The process that watches over the VRAM ended.",
        "It is being replaced, and no page is lost. If it stays so, turn the swap off and see `journalctl -b`.",
    )


def pages_lost(device: str) -> VramswapError:
    """The error when nobody serves a device any more, and nobody can."""
    return VramswapError(
        ErrorCode.SERVER_FAILED,
        f"Both processes that held {device} in VRAM ended, and what was on it is lost.",
        "Turn the swap off; programs that miss pages end. Then see `journalctl -b`, and report it.",
    )
