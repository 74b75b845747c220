# SPDX-License-Identifier: MIT
"""The sockets over which segments are served to any NBD client."""

from __future__ import annotations

import asyncio
import errno
import socket
from pathlib import Path
from typing import Any

import pytest

from vramswap_gui.server.exports.nbd_socket import NbdSocketExports
from vramswap_gui.server.messages import DeviceUnlinked, Event


async def test_one_that_could_not_be_accepted_is_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, told, failed = asyncio.get_running_loop(), list[Event](), list[int]()
    accept = loop.sock_accept

    async def short(listener: socket.socket) -> Any:
        if len(failed) < 3:
            failed.append(errno.EMFILE)
            raise OSError(errno.EMFILE, "Too many open files")
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", short)
    exports = NbdSocketExports(told.append, "socket", lambda index: tmp_path / f"{index}.sock")
    exports.attach(0, 1 << 20, "vramswap-x-0", 1)
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        await loop.sock_connect(client, str(tmp_path / "0.sock"))
        assert (await loop.sock_recv(client, 8)) == b"NBDMAGIC"
    assert len(failed) == 3
    exports.close()


async def test_a_path_that_is_too_long_is_said_to_be() -> None:
    told = list[Event]()
    exports = NbdSocketExports(told.append, "socket", lambda index: Path("/tmp") / ("x" * 200))
    exports.attach(0, 1 << 20, "vramswap-x-0", 1)
    await asyncio.sleep(0)
    (event,) = told
    assert isinstance(event, DeviceUnlinked) and event.error is not None
    assert "too long" in event.error.message
