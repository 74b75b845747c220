# SPDX-License-Identifier: MIT
"""A step of the policy looks at the machine once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vramswap_gui.api.status import State
from vramswap_gui.helper.config_file import ConfigFile
from vramswap_gui.helper.event_log import EventLog, Recent
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.monitor import Monitor
from vramswap_gui.helper.reconciler import Reconciler
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.tally import Ledger
from vramswap_gui.system import meminfo, smallfile, swaps
from vramswap_gui.system.journald import Journal


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "meminfo").write_text("MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")
    (proc / "swaps").write_text("Filename Type Size Used Priority\n/dev/sda2 partition 8000000 4 -2\n")
    (tmp_path / "run").mkdir()
    return tmp_path


async def test_one_snapshot_a_step(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ServerClient(machine / "run", str(machine / "devices"))
    lifecycle = Lifecycle(
        server,
        ConfigFile(machine / "config.toml"),
        machine / "run",
        str(machine / "devices"),
        machine / "proc",
        machine,
    )
    events = EventLog(Journal("test"), lifecycle, Recent(machine / "run"))
    ledger = Ledger(machine / "run", machine)
    reconciler = Reconciler(lifecycle, Monitor(machine / "proc", machine), events, ledger)
    await lifecycle.adopt()
    read: Counter[str] = Counter()

    def count(module: Any, name: str) -> None:
        ask = getattr(module, name)

        def counted(*arguments: Any) -> Any:
            read[module.__name__.rpartition(".")[2]] += 1
            return ask(*arguments)

        monkeypatch.setattr(module, name, counted)

    for module in (swaps, meminfo):
        count(module, "read")
    for steps in (1, 2, 3):
        await reconciler._step()
        assert read == {"swaps": steps, "meminfo": steps}
    assert lifecycle.status.state is State.WAITING
    # What is shown has been looked at before.
    monkeypatch.setattr(smallfile, "data", lambda *_: pytest.fail("a getter reads"))
    assert lifecycle.status.size == lifecycle.lent == 0
