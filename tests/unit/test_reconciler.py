# SPDX-License-Identifier: MIT
"""A step of the policy looks at the machine once, and the end of a sleep is noticed by it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, State
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper.config_file import ConfigFile
from vramswap_gui.helper.event_log import EventLog, Recent
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.monitor import Monitor
from vramswap_gui.helper.policy.types import Decision
from vramswap_gui.helper.reconciler import Reconciler
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.tally import Ledger
from vramswap_gui.system import meminfo, smallfile, swaps
from vramswap_gui.system.journald import Journal
from vramswap_gui.units import GIB


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "meminfo").write_text("MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")
    (proc / "swaps").write_text("Filename Type Size Used Priority\n/dev/sda2 partition 8000000 4 -2\n")
    (tmp_path / "run").mkdir()
    return tmp_path


def made(machine: Path, monitor: Monitor) -> tuple[Lifecycle, Reconciler]:
    devices = str(machine / "devices")
    server, config = ServerClient(machine / "run", devices), ConfigFile(machine / "config.toml")
    lifecycle = Lifecycle(server, config, machine / "run", devices, machine / "proc", machine)
    events = EventLog(Journal("test"), lifecycle, Recent(machine / "run"))
    return lifecycle, Reconciler(lifecycle, monitor, events, Ledger(machine / "run", machine))


async def test_one_snapshot_a_step(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle, reconciler = made(machine, Monitor(machine / "proc", machine))
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
    # It looks at the settings, beside the steps.
    assert reconciler._tidying is not None
    await reconciler._tidying
    assert lifecycle.status.state is State.WAITING
    # What is shown has been looked at before.
    monkeypatch.setattr(smallfile, "data", lambda *_: pytest.fail("a getter reads"))
    assert lifecycle.status.size == lifecycle.lent == 0


async def test_tidying_up_that_fails_is_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle, reconciler = made(machine, Monitor(machine / "proc", machine))
    await lifecycle.adopt()

    async def breaks() -> None:
        raise ValueError("nobody thought of that")

    monkeypatch.setattr(lifecycle, "tidy", breaks)
    await reconciler._step()
    assert reconciler._tidying is not None
    await reconciler._tidying
    (*_, told) = Recent(machine / "run").entries
    assert (told.event, told.fields["error"]) == ("blind", "ValueError")
    assert "nobody thought of that" in told.sentence


async def test_what_is_wanted_back_does_not_wait_for_what_could_not_be_lent(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle, reconciler = made(machine, Monitor(machine / "proc", machine))
    await lifecycle.adopt()
    size, wanted, followed, broken = 2 * GIB, 0, list[int](), {3 * GIB}

    async def decide() -> Decision:
        return Decision(wanted, State.ON, Reason(), Cause.MEMORY, None, False)

    async def steps(*sizes: int) -> list[float]:
        nonlocal wanted
        looks = []
        for each in sizes:
            wanted = each
            looks.append(await reconciler._step())
        return looks

    async def follow(decision: Decision, *_: object) -> None:
        nonlocal size
        followed.append(decision.size)
        if decision.size in broken:
            raise VramswapError(Problem.SERVER_BUSY)
        size = decision.size

    monkeypatch.setattr(reconciler, "_decide", decide)
    monkeypatch.setattr(lifecycle, "follow", follow)
    monkeypatch.setattr(Lifecycle, "lent", property(lambda _: size))
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    # Neither is anybody kept waiting for the next look.
    assert await steps(3 * GIB, 3 * GIB, GIB, GIB // 2, 3 * GIB) == [1.0] * 5
    assert followed == [3 * GIB, GIB, GIB // 2]
    now += 10
    broken = {0}
    await steps(3 * GIB, 0, 0, GIB, 0)
    # What could not be given back stays for as long, whatever is wanted.
    assert followed[3:] == [3 * GIB, 0]
    now += 10
    await steps(0)
    assert followed[5:] == [0]


async def test_what_was_decided_before_a_sleep_is_not_done_in_it(machine: Path) -> None:
    lifecycle, _ = made(machine, Monitor(machine / "proc", machine))
    await lifecycle.adopt()
    before = lifecycle.generation
    await lifecycle.sleep()
    lends = Decision(GIB, State.ON, Reason(), Cause.MEMORY, None, False)
    for generation in (before, lifecycle.generation):
        # It would fail, as there is no GPU.
        await lifecycle.follow(lends, generation, 0)
    await lifecycle.wake()
    await lifecycle.follow(lends, before, 0)
    with pytest.raises(VramswapError):
        await lifecycle.follow(lends, lifecycle.generation, 0)


async def test_a_sleep_ends_when_logind_says_so(machine: Path) -> None:
    """`vramswapctl wake` may have been killed by its time limit, on a machine that was slow to wake."""
    preparing = False
    lifecycle, reconciler = made(machine, Monitor(machine / "proc", machine, asleep=lambda: preparing))
    await lifecycle.adopt()
    await lifecycle.sleep()
    # By hand, or by an init system without logind: nobody says anything, and it lasts.
    await reconciler._step()
    assert lifecycle.asleep
    preparing = True
    await reconciler._step()
    assert lifecycle.asleep
    preparing = False
    await reconciler._step()
    assert not lifecycle.asleep


@pytest.mark.parametrize(
    ("problem", "wanted", "left"),
    [
        (VramswapError(Problem.MEMORY_SHORT, needed=2, there=1, missing=1), ReasonCode.MEMORY_PLENTIFUL, State.WAITING),
        (VramswapError(Problem.MEMORY_SHORT, needed=2, there=1, missing=1), ReasonCode.SHORT_BUT, State.FAILED),
        (VramswapError(Problem.KEEPER_ENDED), ReasonCode.MEMORY_PLENTIFUL, State.FAILED),
    ],
    ids=["nobody wants it any more", "it is still wanted", "something else failed"],
)
async def test_a_want_of_memory_is_told_as_long_as_it_is_one(
    machine: Path, problem: VramswapError, wanted: ReasonCode, left: State
) -> None:
    lifecycle, _ = made(machine, Monitor(machine / "proc", machine))
    await lifecycle.adopt()
    lifecycle._fail(problem)
    why = {"why": Reason.of(ReasonCode.LENDING_FAILED)} if wanted is ReasonCode.SHORT_BUT else {}
    decision = Decision(0, State.WAITING, Reason(wanted, why), Cause.MEMORY, None, urgent=False)
    await lifecycle.follow(decision, lifecycle.generation, 0)
    assert (lifecycle.status.state, lifecycle.status.error) == (left, problem if left is State.FAILED else None)
