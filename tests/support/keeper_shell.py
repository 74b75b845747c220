# SPDX-License-Identifier: MIT
"""What a keeper orders, carried out on nothing."""

from __future__ import annotations

from collections.abc import Iterator

from vramswap_gui.api.control import ControlVerb
from vramswap_gui.server import messages as m
from vramswap_gui.server.supervisor.keeper import Keeper
from vramswap_gui.units import SIZE_STEP


class Shell:
    """Carries out what a keeper orders at once and without a fault, but for what a test holds back."""

    def __init__(self, devices: int, compression: str = "") -> None:
        self.now = 100.0
        self.keeper = Keeper("token", "1", "kernel", compression=compression)
        self.held: tuple[type, ...] = ()
        self.silent: tuple[m.Question, ...] = ()
        self.ordered: list[m.Action] = []
        self.hear(m.Started(None))
        for number in range(devices):
            self.hear(m.Asked(number, ControlVerb.ADD, size=SIZE_STEP))
        self.ordered.clear()

    def hear(self, event: m.Event) -> list[m.Action]:
        """What a keeper orders after an event, and all that follows of it."""
        before = len(self.ordered)
        waiting: list[m.Event] = [event]
        while waiting:
            for action in self.keeper.handle(waiting.pop(0), self.now):
                self.ordered.append(action)
                if not isinstance(action, self.held) and getattr(action, "question", None) not in self.silent:
                    waiting += self._carry_out(action)
        return self.ordered[before:]

    def _carry_out(self, action: m.Action) -> Iterator[m.Event]:
        if isinstance(action, m.Fork):
            yield m.EngineReady(action.gen, 1000 + action.gen, {"uuid": "GPU"})
        elif isinstance(action, m.Kill):
            yield m.EngineReaped(action.gen, 9)
        elif isinstance(action, m.Prepare):
            yield m.DevicePrepared(action.index)
        elif isinstance(action, m.Attach | m.Reconnect):
            yield m.DeviceLinked(action.index, f"/dev/nbd{action.index}")
        elif isinstance(action, m.Detach):
            yield m.DeviceDetached(action.index)
        elif isinstance(action, m.Ask):
            fd = 10 + action.index if action.question is m.Question.CREATE else -1
            yield m.Answered(action.gen, action.seq, fd=fd)

    def passes(self, seconds: float) -> list[m.Action]:
        """Time, with a look whenever the keeper wants one."""
        before, until = len(self.ordered), self.now + seconds
        while (at := self.keeper.deadline()) is not None and at <= until:
            assert at > self.now or self.hear(m.Tick()), "a look is wanted of which nothing follows"
            self.now = max(self.now, at)
            self.hear(m.Tick())
        self.now = until
        return self.ordered[before:]
