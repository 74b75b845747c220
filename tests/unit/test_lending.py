# SPDX-License-Identifier: MIT
"""When VRAM is lent, how much, and what a person is told, as tables. What holds always is in test_decide_hours.py."""

from __future__ import annotations

import dataclasses
from typing import Final

import pytest

from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, Mode, State
from vramswap_gui.forms import word
from vramswap_gui.helper.policy.lending import decide
from vramswap_gui.helper.policy.types import (
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
from vramswap_gui.units import GIB, MIB

NOW: Final = 100_000.0
HOUR: Final = 3600.0

# A laptop with 16 GiB of memory and a card of 8 GiB.

PLENTIFUL: Final = Memory(16 * GIB, available=8 * GIB)
SOME: Final = Memory(16 * GIB, available=3 * GIB)
SHORT: Final = Memory(16 * GIB, available=1 * GIB)

SLEEPING: Final = GpuObservation(Power.SUSPENDED, total=8 * GIB)
IDLE: Final = GpuObservation(Power.ACTIVE, total=8 * GIB, used_by_others=0, other_clients=0, utilisation=0)


def gpu(
    lent: float = 0, others: float = 0, clients: int = 1, utilisation: int = 0, display: bool = False
) -> GpuObservation:
    """The card, awake; sizes in GiB."""
    return GpuObservation(
        Power.ACTIVE, 8 * GIB, int(lent * GIB), int(others * GIB), clients, utilisation, display
    )  # fmt: skip


PLUGGED: Final = PowerObservation(on_ac=True, battery_percent=80)
UNPLUGGED: Final = PowerObservation(on_ac=False, battery_percent=80)

ON_DEMAND: Final = PolicyConfig(mode=Mode.ON_DEMAND)
ALWAYS: Final = PolicyConfig(mode=Mode.ALWAYS)
OFF: Final = PolicyConfig(mode=Mode.OFF)
BY_HAND: Final = SessionObservation(hand=True)
GAME: Final = SessionObservation(game_mode=True)


def level(percent: float) -> PowerObservation:
    return PowerObservation(on_ac=False, battery_percent=percent)


ANY_POWER: Final = dataclasses.replace(ON_DEMAND, only_on_ac=False)

Row = tuple[str, Observation, PolicyConfig, int, State, Cause, str]
WAITING, ON = State.WAITING, State.ON

#: Nothing is lent; nothing is known of earlier decisions.
BEGINNINGS: Final[list[Row]] = [
    # Memory.
    ("memory is plentiful", Observation(PLENTIFUL, SLEEPING), ON_DEMAND, 0, WAITING, Cause.MEMORY,
     "Memory is plentiful."),
    ("memory is neither plentiful nor short", Observation(SOME, SLEEPING), ON_DEMAND, 0, WAITING, Cause.MEMORY,
     "Memory is not short."),
    ("memory is short: a quarter to begin with", Observation(SHORT, SLEEPING), ON_DEMAND, 2 * GIB, ON, Cause.MEMORY,
     "2 GiB of 7.5 GiB: no more is needed."),
    ("a stall", Observation(dataclasses.replace(SOME, stalled=True), SLEEPING), ON_DEMAND, 2 * GIB, ON,
     Cause.MEMORY, ""),
    ("some tasks wait", Observation(dataclasses.replace(SOME, psi_some_avg10=10.0), SLEEPING), ON_DEMAND, 2 * GIB, ON,
     Cause.MEMORY, ""),
    ("all tasks wait", Observation(dataclasses.replace(SOME, psi_full_avg10=4.0), SLEEPING), ON_DEMAND, 2 * GIB, ON,
     Cause.MEMORY, ""),
    ("they hardly wait", Observation(dataclasses.replace(SOME, psi_some_avg10=9.9, psi_full_avg10=3.9), SLEEPING),
     ON_DEMAND, 0, WAITING, Cause.MEMORY, "Memory is not short."),
    ("a control group at its own limit", Observation(dataclasses.replace(PLENTIFUL, stalled=True, psi_some_avg10=90.0),
     SLEEPING), ON_DEMAND, 0, WAITING, Cause.MEMORY, "Memory is plentiful."),
    ("the disk's swap is nearly full", Observation(Memory(16 * GIB, 3 * GIB, 9 * GIB, GIB), SLEEPING), ON_DEMAND,
     2 * GIB, ON, Cause.MEMORY, ""),
    ("the disk's swap has room", Observation(Memory(16 * GIB, 3 * GIB, 8 * GIB, 2 * GIB), SLEEPING), ON_DEMAND, 0,
     WAITING, Cause.MEMORY, "Memory is not short."),
    # How much.
    ("the card was never asked", Observation(SHORT, GpuObservation(Power.SUSPENDED)), ON_DEMAND, 512 * MIB, ON,
     Cause.NONE, "512 MiB of VRAM are lent as swap."),
    ("a size was chosen", Observation(SHORT, SLEEPING), dataclasses.replace(ON_DEMAND, size=2 * GIB), 512 * MIB, ON,
     Cause.MEMORY, "512 MiB of 2 GiB"),
    ("an administrator's limit", Observation(PLENTIFUL, SLEEPING),
     dataclasses.replace(ALWAYS, size=4 * GIB, maximum=GIB), GIB, ON, Cause.NONE, "1 GiB of VRAM are lent as swap."),
    ("a display is attached", Observation(PLENTIFUL, gpu(display=True)), ALWAYS, 7 * GIB, ON, Cause.NONE, "7 GiB of"),
    ("always", Observation(PLENTIFUL, SLEEPING), ALWAYS, 7 * GIB + 512 * MIB, ON, Cause.NONE,
     "7.5 GiB of VRAM are lent"),
    ("a card with nothing to spare", Observation(SHORT, GpuObservation(Power.SUSPENDED, 512 * MIB)), ON_DEMAND, 0,
     WAITING, Cause.VRAM, "Memory is short, but the GPU has no VRAM to spare."),
    ("always, and nothing to spare", Observation(SHORT, GpuObservation(Power.SUSPENDED, 512 * MIB)), ALWAYS, 0, WAITING,
     Cause.VRAM, "Nothing can be lent: the GPU has no VRAM to spare."),
    # Others on the card.
    ("another program has half of it", Observation(PLENTIFUL, gpu(others=4.1)), ALWAYS, 3 * GIB, ON, Cause.VRAM,
     "3 GiB of 7.5 GiB: another program uses 4.1 GiB of VRAM."),
    ("others have all of it", Observation(SHORT, gpu(others=7.75, clients=2)), ON_DEMAND, 0, WAITING, Cause.VRAM,
     "Memory is short, but other programs use 7.8 GiB of VRAM."),
    ("another program computes", Observation(SHORT, gpu(others=1, utilisation=50)), ON_DEMAND, 0, WAITING, Cause.VRAM,
     "Memory is short, but another program is using the GPU."),
    ("a program that idles is in nobody's way", Observation(SHORT, gpu(others=1, utilisation=49)), ON_DEMAND, 2 * GIB,
     ON, Cause.MEMORY, "no more is needed"),
    # Power.
    ("on battery", Observation(SHORT, SLEEPING, UNPLUGGED), ON_DEMAND, 0, State.OFF, Cause.BATTERY, "Off on battery."),
    ("always, but on battery", Observation(SHORT, SLEEPING, UNPLUGGED), ALWAYS, 0, State.OFF, Cause.BATTERY,
     "Off on battery."),
    ("plugged in", Observation(SHORT, SLEEPING, PLUGGED), ON_DEMAND, 2 * GIB, ON, Cause.MEMORY, ""),
    ("a desktop tells nothing of power", Observation(SHORT, SLEEPING, PowerObservation()), ON_DEMAND, 2 * GIB, ON,
     Cause.MEMORY, ""),
    ("allowed on battery", Observation(SHORT, SLEEPING, UNPLUGGED), ANY_POWER, 2 * GIB, ON, Cause.MEMORY, ""),
    ("a low battery", Observation(SHORT, SLEEPING, level(19.4)), ANY_POWER, 0, State.OFF, Cause.BATTERY,
     "The battery is at 19 %, below the floor of 20 %."),
    ("a battery at the floor", Observation(SHORT, SLEEPING, level(20)), ANY_POWER, 2 * GIB, ON, Cause.MEMORY, ""),
    ("a low battery that is charged", Observation(SHORT, SLEEPING, PowerObservation(True, 3)), ANY_POWER, 2 * GIB, ON,
     Cause.MEMORY, ""),
    # What people want.
    ("off", Observation(SHORT, SLEEPING), OFF, 0, State.OFF, Cause.HAND, "Off."),
    ("turned off with swapoff, and lent all the time", Observation(SHORT, SLEEPING, session=SessionObservation(
        hand=False, taken_down=True)), ALWAYS, 0, State.OFF, Cause.HAND, "Somebody turned it off with swapoff."),
    ("turned off with swapoff, on demand", Observation(PLENTIFUL, SLEEPING, session=SessionObservation(
        taken_down=True)), ON_DEMAND, 0, WAITING, Cause.MEMORY, "Somebody turned it off with swapoff; it comes back"),
    ("turned off with swapoff, and memory is short", Observation(SHORT, SLEEPING, session=SessionObservation(
        taken_down=True)), ON_DEMAND, 2 * GIB, ON, Cause.MEMORY, ""),
    ("turned off by hand", Observation(SHORT, SLEEPING, session=SessionObservation(hand=False)), ALWAYS, 0, State.OFF,
     Cause.HAND, "Off."),
    ("turned on by hand", Observation(PLENTIFUL, SLEEPING, session=BY_HAND), OFF, 7 * GIB + 512 * MIB, ON, Cause.NONE,
     "7.5 GiB of VRAM are lent as swap."),
    ("turned on by hand, on battery", Observation(PLENTIFUL, SLEEPING, level(5), BY_HAND), ON_DEMAND,
     7 * GIB + 512 * MIB, ON, Cause.NONE, ""),
    ("a game", Observation(SHORT, SLEEPING, session=GAME), ON_DEMAND, 0, WAITING, Cause.GAME, "A game is running"),
    ("a game, and turned on by hand", Observation(SHORT, SLEEPING, session=SessionObservation(True, hand=True)), OFF, 0,
     WAITING, Cause.GAME, "A game is running"),
    ("a game, but off anyway", Observation(SHORT, SLEEPING, session=GAME), OFF, 0, State.OFF, Cause.HAND, "Off."),
    ("a game that may share", Observation(SHORT, SLEEPING, session=GAME),
     dataclasses.replace(ON_DEMAND, pause_for_games=False), 2 * GIB, ON, Cause.MEMORY, ""),
    ("a pause", Observation(SHORT, SLEEPING, session=SessionObservation(paused_until=NOW + 1)), ALWAYS, 0, State.OFF,
     Cause.PAUSE, "Paused."),
    ("a pause of what was turned on by hand", Observation(SHORT, SLEEPING, session=SessionObservation(
        hand=True, paused_until=NOW + 1)), OFF, 0, State.OFF, Cause.PAUSE, "Paused."),
    ("a pause, but off anyway", Observation(SHORT, SLEEPING, session=SessionObservation(paused_until=NOW + 1)), OFF, 0,
     State.OFF, Cause.HAND, "Off."),
    ("a pause that is over", Observation(SHORT, SLEEPING, session=SessionObservation(paused_until=NOW)), ON_DEMAND,
     2 * GIB, ON, Cause.MEMORY, ""),
    ("a program that gets everything", Observation(SHORT, SLEEPING, session=SessionObservation(program="blender")),
     ON_DEMAND, 0, WAITING, Cause.PROGRAM, "All VRAM is left to blender while it runs."),
    ("the power mode saves power", Observation(SHORT, SLEEPING, PowerObservation(True, 80, saving=True)), ON_DEMAND, 0,
     State.OFF, Cause.PROFILE, "Off while the power mode saves power."),
    ("the power mode saves power, and nobody minds", Observation(SHORT, SLEEPING, PowerObservation(saving=True)),
     dataclasses.replace(ON_DEMAND, pause_in_power_saver=False), 2 * GIB, ON, Cause.MEMORY, ""),
    ("turned on by hand while the power mode saves power", Observation(SHORT, SLEEPING, PowerObservation(saving=True),
     BY_HAND), ON_DEMAND, 7 * GIB + 512 * MIB, ON, Cause.NONE, ""),
    ("on battery this once", Observation(SHORT, SLEEPING, UNPLUGGED, SessionObservation(battery_once=True)), ON_DEMAND,
     2 * GIB, ON, Cause.MEMORY, ""),
    ("on battery this once, and memory is plentiful", Observation(PLENTIFUL, SLEEPING, UNPLUGGED,
     SessionObservation(battery_once=True)), ON_DEMAND, 0, WAITING, Cause.MEMORY, "Memory is plentiful."),
    ("on battery this once, but it is low", Observation(SHORT, SLEEPING, level(19), SessionObservation(
        battery_once=True)), ON_DEMAND, 0, State.OFF, Cause.BATTERY, "below the floor"),
    ("the machine is about to sleep", Observation(SHORT, SLEEPING, session=SessionObservation(asleep=True, hand=True)),
     ALWAYS, 0, State.OFF, Cause.SLEEP, "Off while the machine sleeps."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "observation", "rules", "size", "state", "cause", "words"), BEGINNINGS, ids=[row[0] for row in BEGINNINGS]
)
def test_beginnings(
    name: str, observation: Observation, rules: PolicyConfig, size: int, state: State, cause: Cause, words: str
) -> None:
    decision, _ = decide(observation, PolicyState(), rules, NOW)
    assert (decision.size, decision.state, decision.cause) == (size, state, cause)
    assert words in word(decision.reason)


#: What is seen, and what is known of earlier decisions.
Course = tuple[Observation, PolicyState]


def lent(gib: float, memory: Memory = SOME, used: float = 0, others: float = 0, **state: object) -> Course:
    """The swap as it was decided; sizes in GiB."""
    past = PolicyState(int(gib * GIB), peak=int(gib * GIB))
    seen = Observation(memory, gpu(gib, others), running=Running(int(gib * GIB), int(used * GIB)))
    return seen, dataclasses.replace(past, **state)  # type: ignore[arg-type]


def packed(gib: float, used: float, taken: float) -> Course:
    """The same, where pages take less room than they are."""
    seen, state = lent(gib, SHORT, used)
    running = dataclasses.replace(seen.running, packed=int(taken * GIB))
    return dataclasses.replace(seen, running=running), state


def with_gpu(course: Course, card: GpuObservation) -> Course:
    return dataclasses.replace(course[0], gpu=card), course[1]


def test_a_pause_takes_all_back_at_once_and_ends_by_itself() -> None:
    seen, state = lent(4, SHORT, used=3)
    seen = dataclasses.replace(seen, session=SessionObservation(paused_until=NOW + 90))
    decision, state = decide(seen, state, ON_DEMAND, NOW)
    assert (decision.size, decision.urgent, decision.until) == (0, True, NOW + 90)
    after = dataclasses.replace(seen, gpu=SLEEPING, running=Running())
    # Nobody else wanted the VRAM, so there is nothing to wait for.
    assert decide(after, state, ON_DEMAND, NOW + 90)[0].size == 2 * GIB


GAME_RAN: Final = Reason.of(ReasonCode.GAME_RAN)

COURSES: Final[list[tuple[str, Course, PolicyConfig, int, bool, float | None, str]]] = [
    # Demand.
    ("it is enough", lent(2, SHORT, used=1), ON_DEMAND, 2 * GIB, False, None, "2 GiB of 7.5 GiB: no more is needed."),
    ("it fills: ahead of need", lent(2, SHORT, used=1.6), ON_DEMAND, 4 * GIB, False, None, "4 GiB of 7.5 GiB"),
    ("it fills to the brim", lent(6, SHORT, used=6), ON_DEMAND, 7 * GIB + 512 * MIB, False, None, "are lent as swap"),
    ("packed, it does not fill", packed(2, used=3, taken=1), ON_DEMAND, 2 * GIB, False, None, "no more is needed"),
    ("packed, it fills all the same", packed(2, used=3, taken=1.6), ON_DEMAND, 4 * GIB, False, None, "4 GiB of"),
    ("it is full, and memory is plentiful", lent(2, Memory(16 * GIB, 12 * GIB), used=2), ON_DEMAND, 2 * GIB, False,
     NOW + 600, "no more is needed"),
    ("pages that would not fit into memory", lent(2, Memory(16 * GIB, 6 * GIB), used=1.5), ON_DEMAND, 2 * GIB, False,
     None, "no more is needed"),
    ("not yet quiet for long", lent(2, PLENTIFUL, quiet_since=NOW - 599), ON_DEMAND, 2 * GIB, False, NOW + 1, ""),
    ("quiet for long", lent(2, PLENTIFUL, quiet_since=NOW - 600), ON_DEMAND, 0, False, None, "Memory is plentiful."),
    ("quiet, but a stall", lent(2, dataclasses.replace(PLENTIFUL, stalled=True), quiet_since=NOW - 600), ON_DEMAND,
     2 * GIB, False, None, ""),
    ("always, though quiet", lent(7.5, PLENTIFUL, quiet_since=NOW - 9999), ALWAYS, 7 * GIB + 512 * MIB, False, None,
     ""),
    # Supply.
    ("room for both", lent(6, others=1.3), ON_DEMAND, 6 * GIB, False, None, "another program uses 1.3 GiB of VRAM"),
    ("another program takes the headroom: a quarter goes", lent(6, others=1.6), ON_DEMAND, 4 * GIB + 512 * MIB, True,
     None, "4.5 GiB of 7.5 GiB: another program uses 1.6 GiB of VRAM."),
    ("another program takes more", lent(6, others=5.8), ON_DEMAND, GIB + 512 * MIB, True, None, "uses 5.8 GiB"),
    ("another program takes all", lent(6, others=7.8), ON_DEMAND, 0, True, None, "Memory is not short."),
    ("another program computes: a quarter of the card stays free",
     with_gpu(lent(6), gpu(6, 0.2, utilisation=80)), ON_DEMAND, 4 * GIB + 512 * MIB, True, None,
     "another program is using the GPU"),
    ("another program has just come", with_gpu(lent(6, clients=1), gpu(6, 0.2, clients=2)), ON_DEMAND,
     4 * GIB + 512 * MIB, True, None, "other programs are using the GPU"),
    ("another program was there before", with_gpu(lent(6, clients=2), gpu(6, 0.2, clients=2)), ON_DEMAND, 6 * GIB,
     False, None, "no more is needed"),
    ("a display is plugged in", with_gpu(lent(7.5), gpu(7.5, display=True)), ALWAYS, 7 * GIB, False, None,
     "7 GiB of VRAM are lent"),
    ("our own buffers are no other program", with_gpu(lent(7.25, size=8 * GIB - 512 * MIB), gpu(7.5)), ALWAYS,
     7 * GIB + 256 * MIB, False, None, "7.2 GiB of VRAM are lent"),
    # Growing back.
    ("a moment after a yield", lent(2, denied_at=NOW - 59, denied_by=GAME_RAN, yields=(NOW - 59,)),
     ALWAYS, 2 * GIB, False, NOW + 1, "2 GiB of 7.5 GiB: a game was running a moment ago."),
    ("a while after a yield", lent(2, others=1, denied_at=NOW - 60, denied_by=GAME_RAN, yields=(NOW - 60,)),
     ALWAYS, 6 * GIB + 512 * MIB, False, None, "6.5 GiB of 7.5 GiB: another program uses 1 GiB of VRAM."),
    ("the third yield within the hour", lent(2, denied_at=NOW - 239, denied_by=GAME_RAN, yields=(NOW - 999,) * 3),
     ALWAYS, 2 * GIB, False, NOW + 1, "a game was running a moment ago"),
    ("after that, too", lent(2, denied_at=NOW - 240, denied_by=GAME_RAN, yields=(NOW - 999,) * 3), ALWAYS,
     7 * GIB + 512 * MIB, False, None, ""),
    ("yields of an hour ago are forgotten", lent(2, denied_at=NOW - 60, denied_by=GAME_RAN, yields=(NOW - HOUR,) * 3),
     ALWAYS, 7 * GIB + 512 * MIB, False, None, ""),
    ("others computed a moment ago", lent(2, others=1, active_at=NOW - 59), ALWAYS, 2 * GIB, False, NOW + 1,
     "2 GiB of 7.5 GiB: another program is using the GPU."),
    ("changed too often", lent(2, raises=tuple(NOW - 3000 + i for i in range(8))), ALWAYS, 2 * GIB, False, NOW + 600,
     "2 GiB of 7.5 GiB: the size changed too often in the last hour."),
    ("changed often, an hour ago", lent(2, raises=(NOW - HOUR, *(NOW - 3000 + i for i in range(7)))), ALWAYS,
     7 * GIB + 512 * MIB, False, None, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "course", "rules", "size", "urgent", "until", "words"), COURSES, ids=[row[0] for row in COURSES]
)
def test_courses(
    name: str, course: Course, rules: PolicyConfig, size: int, urgent: bool, until: float | None, words: str
) -> None:
    decision, _ = decide(*course, rules, NOW)
    assert (decision.size, decision.urgent, decision.until) == (size, urgent, until)
    assert decision.state is (State.ON if size else State.WAITING)
    assert words in word(decision.reason)


def test_a_battery_near_the_floor_does_not_flap() -> None:
    observation, state, sizes = Observation(SHORT, SLEEPING), PolicyState(), []
    for minute, percent in enumerate((21, 20, 19, 20, 21, 24, 25, 24, 20, 19)):
        seen = dataclasses.replace(observation, power=level(percent))
        decision, state = decide(seen, state, ANY_POWER, NOW + 60 * minute)
        observation = dataclasses.replace(observation, running=Running(decision.size))
        sizes.append(decision.size > 0)
    assert sizes == [True, True, False, False, False, False, True, True, True, False]


def test_a_failure_is_not_tried_again_at_once() -> None:
    observation = Observation(SHORT, SLEEPING)
    first, state = decide(observation, PolicyState(), ON_DEMAND, NOW)
    assert first.size == 2 * GIB
    failed = dataclasses.replace(observation, running=Running(failed_at=NOW + 5))
    second, state = decide(failed, state, ON_DEMAND, NOW + 5)
    assert (second.size, second.until) == (0, NOW + 65)
    assert word(second.reason) == "Memory is short, but lending VRAM failed a moment ago."
    assert decide(failed, state, ON_DEMAND, NOW + 65)[0].size == 2 * GIB


def test_pages_come_home_at_leisure_unless_somebody_waits() -> None:
    for session, power, hurry in ((GAME, PLUGGED, True), (SessionObservation(), UNPLUGGED, False)):
        seen, state = lent(4)
        before = dataclasses.replace(seen, session=session, power=power)
        decision, state = decide(before, state, ON_DEMAND, NOW)
        assert (decision.size, decision.urgent) == (0, hurry)
        # It takes its time, and the haste stays as it was; when all is home, there is none.
        halfway = dataclasses.replace(before, running=Running(2 * GIB))
        assert decide(halfway, state, ON_DEMAND, NOW + 1)[0].urgent is hurry
        home = dataclasses.replace(before, running=Running())
        assert not decide(home, state, ON_DEMAND, NOW + 2)[0].urgent


def test_nothing_is_remembered_beside_the_state() -> None:
    seen, state = lent(6, others=1.6)
    before = dataclasses.replace(seen), dataclasses.replace(state)
    assert decide(seen, state, ON_DEMAND, NOW) == decide(seen, state, ON_DEMAND, NOW)
    assert (seen, state) == before
