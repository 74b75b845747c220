# SPDX-License-Identifier: MIT
"""What a decision about the swap looks at, and what it comes to. Sizes in bytes, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from vramswap_gui.api.limits import DISPLAY_HEADROOM
from vramswap_gui.api.reasons import Reason
from vramswap_gui.api.status import Cause, Mode, State
from vramswap_gui.settings import Config
from vramswap_gui.system.gpu import Power
from vramswap_gui.units import MIB


@dataclass(frozen=True, slots=True)
class Memory:
    """The machine's memory, of which programs can have ``total``, and ``available`` without swapping."""

    total: int
    available: int
    #: Swap that is not ours: zram and disk together.
    other_swap_used: int = 0
    other_swap_free: int = 0
    #: Per cent of the last ten seconds; None without PSI.
    psi_some_avg10: float | None = None
    psi_full_avg10: float | None = None
    #: The PSI trigger fired since the last decision. The averages take seconds to notice.
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class GpuObservation:
    """The GPU. What takes NVML to know is None while nobody asked it, above all while the GPU sleeps."""

    runtime: Power
    total: int | None = None
    #: Everything our processes hold: segments, buffers, the CUDA context.
    used_by_us: int = 0
    used_by_others: int | None = None
    other_clients: int | None = None
    #: Per cent of the time in which a kernel ran; copies, which is all that we do, do not count.
    utilisation: int | None = None
    display_attached: bool = False

    @property
    def free(self) -> int | None:
        """VRAM that nobody uses, None while that is not known."""
        if self.runtime.asleep or self.total is None or self.used_by_others is None:
            return None
        return self.total - self.used_by_us - self.used_by_others


@dataclass(frozen=True, slots=True)
class PowerObservation:
    """``on_ac`` is None where nothing tells, ``battery_percent`` where there is no battery.

    ``saving``: the power mode is the one that saves power.
    """

    on_ac: bool | None = None
    battery_percent: float | None = None
    saving: bool = False


@dataclass(frozen=True, slots=True)
class SessionObservation:
    """What people want: ``game_mode`` while one of them plays, ``asleep`` from before the machine sleeps until after.

    ``hand`` is what a person said last, on or off, which holds until the machine starts anew; None: the mode decides.
    ``taken_down``: somebody used ``swapoff`` on it since it was last lent. ``paused_until``: nothing is lent before.
    ``battery_once``: on battery it is as on mains power. ``program``: one that runs, of those that get all of it.
    """

    game_mode: bool = False
    asleep: bool = False
    hand: bool | None = None
    taken_down: bool = False
    paused_until: float | None = None
    battery_once: bool = False
    program: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """The swap as it is: ``size`` is what is lent, ``used`` what holds pages."""

    size: int = 0
    used: int = 0
    #: When lending more was last tried and failed.
    failed_at: float | None = None
    #: How much of what is lent is in use, where pages are packed; else it is what they are.
    packed: int | None = None

    @property
    def taken(self) -> int:
        """How much of what is lent is in use."""
        return self.used if self.packed is None else self.packed


@dataclass(frozen=True, slots=True)
class PolicyState:
    """What of earlier decisions matters to the next. A person's own command to start or resize begins a fresh one."""

    #: What the last decision said; None before the first.
    size: int | None = None
    #: What was lent after the last raise.
    peak: int = 0
    #: When the size was raised within the last hour.
    raises: tuple[float, ...] = ()
    #: When, within the last hour, VRAM that had been lent was first taken back.
    yields: tuple[float, ...] = ()
    #: The last change was such a yield.
    falling: bool = False
    urgent: bool = False
    #: Other clients of the GPU at the last look.
    clients: int | None = None
    #: When others were last seen at work on the GPU.
    active_at: float | None = None
    #: When and by what lending was last made impossible.
    denied_at: float | None = None
    denied_by: Reason | None = None
    #: Since when all pages would fit comfortably into memory.
    quiet_since: float | None = None
    low_battery: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """All that a decision looks at."""

    memory: Memory
    gpu: GpuObservation
    power: PowerObservation = PowerObservation()
    session: SessionObservation = SessionObservation()
    running: Running = Running()


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """The settings. Percentages are 0 to 100; 0 as ``size`` means automatic, as ``maximum`` no limit."""

    mode: Mode = Mode.ON_DEMAND
    size: int = 0
    maximum: int = 0
    headroom: int = 512 * MIB
    display_headroom: int = DISPLAY_HEADROOM
    only_on_ac: bool = True
    battery_floor: int = 20
    pause_for_games: bool = True
    pause_in_power_saver: bool = True
    #: Memory is short when less than this is available, …
    start_available: int = 12
    #: … or it is not plentiful and some, or all, tasks wait for it so much of the time, or other swap is that full.
    start_some: float = 10.0
    start_full: float = 4.0
    start_other_swap: int = 90
    #: Memory is plentiful when so much is available.
    plenty: int = 30
    #: More is lent when so much of what is lent is used.
    grow_used: int = 75
    #: A GPU that works so much is in use; then a quarter of its VRAM stays free.
    busy: int = 50
    #: How long memory has to be plentiful before everything is released.
    quiet: float = 600.0
    #: How long nobody else has to want the GPU before more is lent.
    calm: float = 60.0
    #: The most raises in an hour.
    raises: int = 8
    #: Sizes are multiples of it, or of a sixteenth of the largest.
    segment: int = 512 * MIB


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be so now, and why."""

    size: int
    #: ``OFF``, ``WAITING`` or ``ON``.
    state: State
    reason: Reason
    cause: Cause
    #: When to decide again at the latest; None: only when something changes.
    until: float | None
    #: Somebody waits for what is given back; otherwise the pages come home at leisure.
    urgent: bool


def rules(config: Config) -> PolicyConfig:
    """The rules that the settings make."""
    return PolicyConfig(
        mode=Mode(config.mode),
        size=config.size,
        maximum=config.maximum,
        headroom=config.headroom,
        only_on_ac=config.only_on_ac,
        battery_floor=config.battery_floor,
        pause_for_games=config.pause_for_games,
        pause_in_power_saver=config.pause_in_power_saver,
        quiet=float(config.release_after),
    )
