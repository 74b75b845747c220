# SPDX-License-Identifier: MIT
"""The policy on a real card: another program that allocates VRAM gets it. The kernel's part is simulated."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from tests.support import card
from tests.support.fakekernel import FakeKernel
from tests.support.waiting import until
from vramswap_gui.helper.config_file import ConfigFile
from vramswap_gui.helper.event_log import EventLog, Recent
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.monitor import Monitor
from vramswap_gui.helper.reconciler import Reconciler
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.tally import Ledger
from vramswap_gui.system.journald import Journal
from vramswap_gui.text.language import ENGLISH
from vramswap_gui.units import GIB, format_size

pytestmark = card.NEEDED

HEADROOM: Final = 64 * GIB
#: Allocates VRAM bit by bit, says when it has so much, and keeps it until its input ends.
_OTHER: Final = """
import sys
from cuda.bindings import driver
driver.cuInit(0)
driver.cuCtxSetCurrent(driver.cuDevicePrimaryCtxRetain(0)[1])
for _ in range(int(sys.argv[1])):
    error, address = driver.cuMemAlloc(1 << 30)
    assert not error, error
print("done", flush=True)
sys.stdin.read()
"""


@contextlib.asynccontextmanager
async def lending(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lifecycle]:
    """A helper without its bus, always on."""
    kernel = FakeKernel(folder / "kernel")
    for name, value in kernel.env(os.environ["PATH"]).items():
        monkeypatch.setenv(name, value)
    config = folder / "config.toml"
    config.write_text(f'mode = "always"\nheadroom = {HEADROOM}\n')
    server = ServerClient(folder / "run", str(kernel.folder))
    manager = Lifecycle(server, ConfigFile(config), folder / "run", str(kernel.folder), kernel.folder)
    await manager.adopt()
    reconciler = asyncio.create_task(
        Reconciler(
            manager,
            Monitor(kernel.folder, Path("/sys")),
            EventLog(Journal("test"), manager, Recent(kernel.folder)),
            Ledger(kernel.folder),
        ).run()
    )
    try:
        yield manager
    finally:
        await manager.stop()
        reconciler.cancel()
        await server.close()


async def test_a_program_that_allocates_gets_its_vram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = card.used()
    async with lending(tmp_path, monkeypatch) as manager:
        await until(lambda: manager.lent > 8 * GIB and not manager.busy, "the swap")
        await asyncio.sleep(2)
        lent = manager.lent
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(10)
        share = (time.process_time() - cpu) / (time.monotonic() - began)
        print(f"\n{format_size(lent)} lent; the helper takes {share:.2%} of a core while it watches")
        assert manager.lent == lent
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _OTHER, "8", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert other.stdout is not None
            assert await other.stdout.readline() == b"done\n"
            began = time.monotonic()
            await until(lambda: manager.lent <= lent - 8 * GIB, "room")
            print(f"{format_size(lent - manager.lent)} back {time.monotonic() - began:.2f} s later: ", end="")
            print(ENGLISH.say(manager.status.reason))
        finally:
            await other.communicate()
    # What a driver keeps of a context that ended may take a moment to go.
    await until(lambda: card.used() <= before + GIB // 8, "all VRAM to be given back")
