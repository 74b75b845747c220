# SPDX-License-Identifier: MIT
"""Virtual time, chance, and what has happened so far."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final

#: A seed takes some thousands.
MOST_STEPS: Final = 100_000

#: What a simulated process does: it yields seconds to sleep, or an :class:`Answer` to wait for.
Script = Generator["float | Answer", Any, None]


class Broken(AssertionError):
    """A law was broken."""


@dataclass(slots=True)
class Answer:
    """Something that comes later. ``value`` is what came; waiting ends when it is there."""

    ready: bool = False
    value: Any = None
    resume: Callable[[Any], None] | None = None

    def then(self, call: Callable[[Any], None]) -> None:
        """Have it called with what came, or will."""
        if self.ready:
            call(self.value)
        else:
            self.resume = call

    def set(self, value: Any) -> None:
        """It is there. Only the first time counts."""
        if self.ready:
            return
        self.ready, self.value = True, value
        if self.resume is not None:
            self.resume(value)


class World:
    """The clock, the dice and the history."""

    def __init__(self, seed: int, keep_history: bool = False) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.now = 0.0
        self.history: list[str] | None = [] if keep_history else None
        self.steps = 0
        #: While true, faults happen.
        self.rough = True
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def note(self, text: str, *details: object) -> None:
        """Remember what happened, when histories are wanted."""
        if self.history is not None:
            self.history.append(f"{self.now:9.4f} {text} {' '.join(map(str, details))}")

    def chance(self, probability: float) -> bool:
        """Whether a fault happens now."""
        return self.rough and probability > 0 and self.rng.random() < probability

    def after(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
        """Call something later."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + seconds, self._count, call, arguments))

    def at(self, when: float, call: Callable[..., None], *arguments: Any) -> None:
        """Call something at a time."""
        self._count += 1
        heapq.heappush(self._queue, (max(self.now, when), self._count, call, arguments))

    def soon(self, call: Callable[..., None], *arguments: Any, most: float = 0.02) -> None:
        """Call something after a short while that nobody can foresee."""
        self._count += 1
        heapq.heappush(self._queue, (self.now + self.rng.random() * most, self._count, call, arguments))

    def run(self, until: float) -> None:
        """Let time pass."""
        queue, pop = self._queue, heapq.heappop
        while queue and queue[0][0] <= until:
            self.now, _, call, arguments = pop(queue)
            self.steps += 1
            if self.steps >= MOST_STEPS:
                raise Broken("something runs in circles")
            call(*arguments)
        self.now = until

    def require(self, law: bool, text: str) -> None:
        """Raises Broken unless ``law`` holds."""
        if not law:
            raise Broken(text)

    def play(self, script: Script, alive: Callable[[], bool] = lambda: True) -> None:
        """Run a simulated process as long as it is ``alive``."""

        def go_on(value: Any = None) -> None:
            if not alive():
                script.close()
                return
            try:
                wanted = script.send(value)
            except StopIteration:
                return
            if isinstance(wanted, Answer):
                if wanted.ready:
                    self.after(0.0, go_on, wanted.value)
                else:
                    wanted.resume = lambda result: self.after(0.0, go_on, result)
            else:
                self.after(wanted, go_on)

        self.after(0.0, go_on)
