# SPDX-License-Identifier: MIT
"""The keeper's control socket (api/control.py): one answer to each request, for root alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vramswap_gui.api.control import MAX_REQUEST, Answer, BadRequest, ControlVerb, Request, request
from vramswap_gui.errors import VramswapError
from vramswap_gui.server.exports.nbd_socket import listen
from vramswap_gui.server.supervisor.runner import Runner

_MAX_CLIENTS: Final = 16


class ControlServer:
    """Serves a runner's verbs until closed. Any bytes may come; only well-formed requests reach it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        """Listen at ``path``, which only the owner can reach. Raises OSError."""
        self._server = await asyncio.start_unix_server(self._talk, sock=listen(path), limit=MAX_REQUEST)

    async def close(self) -> None:
        """Stop listening and let go of every client."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._clients):
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= _MAX_CLIENTS:
            writer.close()
            return
        self._clients.add(writer)
        try:
            # A line over the limit raises ValueError; what follows it could be taken for a request, so it ends there.
            while line := await reader.readline():
                writer.write((await self._answer(line)).line())
                await writer.drain()
        except (ValueError, OSError, asyncio.CancelledError):
            # The last: the server ends, and asyncio would show a cancelled handler as an error.
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> Answer:
        try:
            asked = request(line)
        except BadRequest as bad:
            return Answer(bad.id, error=bad.error)
        try:
            return Answer(asked.id, await self._carry_out(asked))
        except VramswapError as error:
            return Answer(asked.id, error=error)

    async def _carry_out(self, asked: Request) -> Mapping[str, Any]:
        match asked.verb:
            case ControlVerb.STATUS:
                return (await self._runner.status()).to_wire()
            case ControlVerb.COUNTERS:
                return self._runner.counters()
        return await self._runner.ask(asked.verb, **asked.arguments)
