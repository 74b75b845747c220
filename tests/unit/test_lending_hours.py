# SPDX-License-Identifier: MIT
"""What holds of every decision: a simulated machine on which anything happens, for hours."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from vramswap_gui.api.status import Mode, State
from vramswap_gui.forms import word
from vramswap_gui.helper.policy.lending import decide
from vramswap_gui.helper.policy.types import (
    Decision,
    GpuObservation,
    Memory,
    Observation,
    PolicyConfig,
    PolicyState,
    PowerObservation,
    Running,
    SessionObservation,
)
from vramswap_gui.system.gpu import Power
from vramswap_gui.units import GIB, MIB, MIN_SIZE, SIZE_STEP

HOUR: Final = 3600.0

PLUGGED: Final = PowerObservation(on_ac=True, battery_percent=80)
UNPLUGGED: Final = PowerObservation(on_ac=False, battery_percent=80)

ON_DEMAND: Final = PolicyConfig(mode=Mode.ON_DEMAND)
ALWAYS: Final = PolicyConfig(mode=Mode.ALWAYS)
ANY_POWER: Final = PolicyConfig(mode=Mode.ON_DEMAND, only_on_ac=False)


@dataclass(frozen=True)
class Event:
    """What is new since the last decision."""

    #: Seconds; None: as long as the last plan allows, or ten without a limit.
    after: float | None
    #: Per cent of memory that is available.
    available: int = 50
    stalled: bool = False
    #: Share of what is lent that holds pages, in per cent.
    used: int = 0
    #: What others want of the card, in per cent, their number, and how much they make it work.
    wanted: int = 0
    clients: int = 0
    utilisation: int = 0
    #: Whether a card of which nothing is lent is awake and can be asked.
    awake: bool = False
    display: bool = False
    power: PowerObservation = PLUGGED
    game: bool = False
    asleep: bool = False
    #: How far the swap came on its way to the last plan, in per cent, and whether growing ended with a failure.
    done: int = 100
    failed: bool = False


EVENTS: Final = st.builds(
    Event,
    after=st.none() | st.sampled_from((1.0, 10.0, 60.0, 600.0)) | st.floats(0.001, 2000),
    available=st.sampled_from((5, 20, 50)),
    stalled=st.booleans(),
    used=st.sampled_from((0, 70, 80, 100)),
    wanted=st.integers(0, 100),
    clients=st.integers(0, 3),
    utilisation=st.sampled_from((0, 49, 50, 100)),
    awake=st.booleans(),
    display=st.booleans(),
    power=st.builds(PowerObservation, st.sampled_from((True, False, None)), st.none() | st.floats(0, 100)),
    game=st.booleans(),
    asleep=st.booleans(),
    done=st.sampled_from((0, 40, 100)),
    failed=st.booleans(),
)


def busy_day(random: Random) -> Iterable[Event]:
    """Six hours with decisions every few seconds. Most things last a while, and the machine does as it is told."""
    often, elapsed = random.choice((5.0, 20.0, 60.0)), 0.0
    event = Event(1.0)
    while elapsed < 6 * HOUR:
        changes: dict[str, object] = {
            "available": random.choice((5, 20, 50)),
            "used": random.choice((0, 50, 80, 100)),
            "wanted": random.choice((0, 5, 30, 60, 100)),
            "clients": random.randrange(4),
            "utilisation": random.choice((0, 0, 0, 60)),
            "power": random.choice(
                (PLUGGED, PLUGGED, PLUGGED, UNPLUGGED, PowerObservation(False, random.uniform(10, 30)))
            ),
            "game": random.random() < 0.1,
            "asleep": random.random() < 0.05,
            "display": random.random() < 0.2,
        }
        for name in random.sample(sorted(changes), random.choice((0, 0, 1, 2))):
            event = dataclasses.replace(event, **{name: changes[name]})  # type: ignore[arg-type]
        event = dataclasses.replace(
            event,
            after=random.choice((None, random.expovariate(1 / often))),
            stalled=random.random() < 0.1,
            awake=random.random() < 0.5,
            done=random.choice((100, 100, 100, 50)),
            failed=random.random() < 0.02,
        )
        elapsed += event.after or 10.0
        yield event


class Simulation:
    """A machine that follows the plans, and keeps book of them."""

    def __init__(self, rules: PolicyConfig, hand: bool | None, card: int, start: float) -> None:
        self.rules = rules
        self.hand = hand
        self.card = card
        self.now = start
        self.running = Running()
        self.plan: Decision | None = None
        self.state = PolicyState()
        #: When the size was changed, and whether it was raised.
        self.changes: list[tuple[float, bool]] = []

    def happens(self, event: Event) -> None:
        """An event, the decision that follows, and what must be true of it."""
        self._pass(event)
        self._follow(event)
        observation = Observation(
            Memory(16 * GIB, 16 * GIB * event.available // 100, stalled=event.stalled),
            self._card(event),
            event.power,
            SessionObservation(event.game, event.asleep, self.hand),
            self.running,
        )
        before = self.plan.size if self.plan else 0
        self.plan, self.state = decide(observation, self.state, self.rules, self.now)
        self._check(observation, self.plan)
        if self.plan.size != before:
            self.changes.append((self.now, self.plan.size > before))

    def _pass(self, event: Event) -> None:
        after, until = event.after, self.plan.until if self.plan else None
        self.now = until if after is None and until is not None else self.now + (after or 10.0)

    def _follow(self, event: Event) -> None:
        aim, size = self.plan.size if self.plan else 0, self.running.size
        failed_at = self.running.failed_at
        if event.failed and aim > size:
            failed_at = self.now
        size += (aim - size) * event.done // 100
        if event.done == 100 and not (event.failed and aim > self.running.size):
            size = aim
        if size != aim:
            size -= size % MIN_SIZE
        self.running = Running(size, size * event.used // 100, failed_at)

    def _card(self, event: Event) -> GpuObservation:
        size = self.running.size
        if not size and not event.awake:
            return GpuObservation(Power.SUSPENDED, self.card if self.plan else None)
        ours = size + (200 * MIB if size else 0)
        others = min(self.card * event.wanted // 100, max(0, self.card - ours))
        return GpuObservation(Power.ACTIVE, self.card, ours, others, event.clients, event.utilisation, event.display)

    def _check(self, observation: Observation, plan: Decision) -> None:
        rules, gpu = self.rules, observation.gpu
        assert plan.size % SIZE_STEP == 0
        assert plan.size == 0 or plan.size >= MIN_SIZE
        assert plan.until is None or plan.until > self.now
        assert (plan.state is State.ON) == (plan.size > 0)
        words = word(plan.reason)
        assert len(words) > 3 and words.endswith(".") and not words[0].islower()
        for limit in (rules.size, rules.maximum):
            assert not limit or plan.size <= limit
        if gpu.total is not None:
            kept = rules.headroom + (rules.display_headroom if gpu.display_attached else 0)
            assert plan.size <= max(0, gpu.total - kept)
            if gpu.free is not None:
                # Whatever others use, the headroom is theirs at once.
                assert plan.size <= max(0, self.running.size + gpu.free - kept)
        if forbidden(observation, rules):
            assert plan.size == 0
        if plan.urgent:
            assert plan.size < self.running.size

    def check_changes(self) -> None:
        """The bounds on changes: within any hour, and between two raises."""
        raises = [at for at, raised in self.changes if raised]
        for end in (at for at, _ in self.changes):
            recent = [raised for at, raised in self.changes if at <= end < at + HOUR]
            assert sum(recent) <= self.rules.raises
            assert len(recent) <= self.rules.raises + 6 * (self.rules.raises + 1)
        for first, second in itertools.pairwise([*raises, float("inf")]):
            assert sum(first < at < second for at, _ in self.changes) <= 6


def forbidden(observation: Observation, rules: PolicyConfig) -> bool:
    """Whether somebody or something forbids it, told once more in other words."""
    session, power = observation.session, observation.power
    if session.asleep or session.hand is False:
        return True
    if session.game_mode and rules.pause_for_games:
        return True
    if session.hand:
        return False
    low = power.battery_percent is not None and power.battery_percent < rules.battery_floor and not power.on_ac
    return rules.mode is Mode.OFF or low or (rules.only_on_ac and power.on_ac is False)


RULES: Final = st.builds(
    PolicyConfig,
    mode=st.sampled_from(Mode),
    size=st.sampled_from((0, MIN_SIZE, 3 * GIB, 64 * GIB)),
    maximum=st.sampled_from((0, 0, 100 * MIB, 5 * GIB)),
    headroom=st.sampled_from((0, 512 * MIB, 3 * GIB)),
    only_on_ac=st.booleans(),
    battery_floor=st.sampled_from((0, 20, 90)),
    pause_for_games=st.booleans(),
    raises=st.sampled_from((1, 8)),
)
CARDS: Final = st.sampled_from((512 * MIB, 2 * GIB, 8 * GIB, 24 * GIB))
STARTS: Final = st.floats(0, 1e7)


@settings(max_examples=400)
@given(RULES, st.sampled_from((None, True, False)), CARDS, STARTS, st.lists(EVENTS, max_size=60))
def test_whatever_happens(
    rules: PolicyConfig, hand: bool | None, card: int, start: float, events: Sequence[Event]
) -> None:
    simulation = Simulation(rules, hand, card, start)
    for event in events:
        simulation.happens(event)
    simulation.check_changes()


@settings(max_examples=50)
@given(st.sampled_from((ON_DEMAND, ALWAYS, ANY_POWER)), CARDS, STARTS, st.integers(0, 1 << 32))
def test_hours_of_it(rules: PolicyConfig, card: int, start: float, seed: int) -> None:
    simulation = Simulation(rules, None, card, start)
    for event in busy_day(Random(seed)):
        simulation.happens(event)
    simulation.check_changes()
