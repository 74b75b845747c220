"""The keeper's control socket: JSON lines, one answer to each request, for root alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server.exports.nbd_socket import listen
from vramswap_gui.server.supervisor.keeper import Keeper

_MAX_LINE: Final = 4096
_MAX_CLIENTS: Final = 16

Verb = Callable[..., Awaitable[dict[str, Any]]]


class ControlServer:
    """Serves a keeper's verbs until closed. Any bytes may come; only well-formed requests reach the keeper."""

    def __init__(self, keeper: Keeper) -> None:
        self._verbs: dict[str, tuple[Verb, dict[str, type]]] = {
            "status": (keeper.status, {}),
            "add": (keeper.add, {"size": int}),
            "remove": (keeper.remove, {"index": int}),
            "counters": (keeper.counters, {}),
            "quit": (keeper.quit, {}),
            "upgrade": (keeper.upgrade, {}),
        }
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
        except (ValueError, OSError):
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        request_id: object = None
        try:
            request = _parse(line)
            request_id = request.pop("id", None)
            verb, arguments = self._find(request)
            return {"id": request_id, "result": await verb(**arguments)}
        except VramswapError as error:
            return {"id": request_id, "error": error.as_dict()}

    def _find(self, request: dict[str, Any]) -> tuple[Verb, dict[str, Any]]:
        name = request.pop("verb", None)
        if not isinstance(name, str) or name not in self._verbs:
            raise _invalid(f"There is no verb “{str(name)[:40]}”.")
        verb, types = self._verbs[name]
        if request.keys() != types.keys():
            raise _invalid(f"“{name}” takes {', '.join(types) or 'nothing'}.")
        for key, kind in types.items():
            if type(request[key]) is not kind:
                raise _invalid(f"“{key}” must be of type {kind.__name__}.")
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
    return VramswapError(ErrorCode.INVALID_ARGUMENT, message, "Verbs: status, counters, add, remove, quit, upgrade.")
