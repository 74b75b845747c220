# SPDX-License-Identifier: MIT
"""Work on threads: its results, its errors, and that nothing reaches a loop that is being taken apart."""

from __future__ import annotations

import asyncio
import threading

import pytest

from vramswap_gui.system.threads import Threads


async def test_results_and_errors_come_back() -> None:
    threads = Threads()
    assert await threads.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 / 0)


async def test_what_comes_too_late_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, called = asyncio.get_running_loop(), []
    threads, go = Threads(), threading.Event()
    waiting = asyncio.create_task(threads.run(go.wait))
    before = set(threading.enumerate())
    await asyncio.sleep(0)
    (worker,) = set(threading.enumerate()) - before
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *call: called.append(call))
    threads.close()
    go.set()
    worker.join(20)
    assert not worker.is_alive()
    assert called == []
    waiting.cancel()
