"""The keeper's control socket: JSON lines, one answer to each request, for root alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server.exports.nbd_socket import listen
from vramswap_gui.server.supervisor.runner import Runner

_MAX_LINE: Final = 4096
_MAX_CLIENTS: Final = 16

#: Verb → what it takes, all of it whole numbers.
_TAKES: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (),
    "counters": (),
    "add": ("size",),
    "remove": ("index",),
    "quit": (),
    "upgrade": (),
}


class ControlServer:
    """Serves a runner's verbs until closed. Any bytes may come; only well-formed requests reach it."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        """Listen at ``path``, which only the owner can reach. Raises OSError."""
        self._server = await asyncio.start_unix_server(self._talk, sock=listen(path), limit=_MAX_LINE)

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
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ValueError, OSError, asyncio.CancelledError):
            # The last: the server ends, and asyncio would show a cancelled handler as an error.
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        request_id: object = None
        try:
            request = _parse(line)
            request_id = request.pop("id", None)
            return {"id": request_id, "result": dict(await self._carry_out(*_find(request)))}
        except VramswapError as error:
            return {"id": request_id, "error": error.as_dict()}

    async def _carry_out(self, verb: str, arguments: Mapping[str, int]) -> Mapping[str, Any]:
        if verb == "status":
            return await self._runner.status()
        if verb == "counters":
            return self._runner.counters()
        return await self._runner.ask(verb, **arguments)


def _find(request: dict[str, Any]) -> tuple[str, dict[str, int]]:
    """The verb and its arguments. Raises VramswapError."""
    verb = request.pop("verb", None)
    if not isinstance(verb, str) or verb not in _TAKES:
        raise _invalid(f"There is no verb “{str(verb)[:40]}”.")
    takes = _TAKES[verb]
    if request.keys() != set(takes):
        raise _invalid(f"“{verb}” takes {', '.join(takes) or 'nothing'}.")
    for key in takes:
        if type(request[key]) is not int:
            raise _invalid(f"“{key}” must be of type int.")
    return verb, request


def _parse(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise _invalid("The request is not JSON.") from None
    if not isinstance(request, dict) or type(request.get("id")) not in (int, type(None)):
        raise _invalid("A request is an object with a whole number as its id.")
    return request


def _invalid(message: str) -> VramswapError:
    return VramswapError(ErrorCode.INVALID_ARGUMENT, message, f"Verbs: {', '.join(_TAKES)}.")
