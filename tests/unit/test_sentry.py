# SPDX-License-Identifier: MIT
"""What is left when keeper and engine are gone knows each of the kernel's drivers that is there."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server import ipc, lock
from vramswap_gui.server.supervisor import sentry


def test_a_driver_that_is_not_there_keeps_nobody_from_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def absent() -> Callable[[], object]:
        raise VramswapError(Problem.NBD_NOT_LOADED)

    def present() -> Callable[[], object]:
        return lambda: told.append("it is lost")

    monkeypatch.setattr(sentry, "_DISCONNECT", (absent, present, absent))
    for disconnect in sentry._prepared():
        disconnect()
    assert told == ["it is lost"]


def test_what_others_serve_is_left_to_them(tmp_path: Path) -> None:
    """An engine without a keeper that ends in good order ends its sentry, which must not end another one's devices."""
    assert not sentry.somebody_serves(tmp_path)
    with ipc.listen_orphaned(tmp_path):
        assert sentry.somebody_serves(tmp_path)
    assert not sentry.somebody_serves(tmp_path)


def test_who_looks_while_an_engine_opens_its_door_does_not_close_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket is there before anybody listens: between bind(2) and listen(2) it looks like one of who is gone."""
    listen = socket.socket.listen

    def looked_at(end: socket.socket, *arguments: int) -> None:
        sentry.somebody_serves(tmp_path)
        listen(end, *arguments)

    monkeypatch.setattr(socket.socket, "listen", looked_at)
    with ipc.listen_orphaned(tmp_path):
        assert ipc.engines(tmp_path) == [os.getpid()]
        # What somebody of that number left before is replaced.
        with ipc.listen_orphaned(tmp_path):
            assert ipc.engines(tmp_path) == [os.getpid()]
            assert len(list(tmp_path.iterdir())) == 1


def test_a_keeper_between_two_engines_is_waited_for(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        with lock.take(tmp_path):
            asked = pool.submit(sentry.somebody_serves, tmp_path)
            assert lock.is_held(tmp_path)
            time.sleep(0.3)
            assert not asked.done()
            with ipc.listen_orphaned(tmp_path):
                assert asked.result(PATIENCE)
            asked = pool.submit(sentry.somebody_serves, tmp_path)
        assert not asked.result(PATIENCE)
    assert not lock.is_held(tmp_path)
