# SPDX-License-Identifier: MIT
"""What the tray shows, as a pure function of what is known. No widget decides anything: they show a :class:`View`."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PySide6.QtCore import QLocale

from vramswap_gui.api.limits import Vram, limits
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, Landing, Mode, State, Status
from vramswap_gui.errors import VramswapError
from vramswap_gui.paths import LANDING_FOLDER, ZRAM
from vramswap_gui.settings import Config
from vramswap_gui.tray.happened import Happened, benefit, happened, moment
from vramswap_gui.tray.history import History
from vramswap_gui.tray.i18n import part_text, size_text, tr, worded
from vramswap_gui.tray.readings import GpuView, Machine, MemoryView, SwappedView, SwapView
from vramswap_gui.tray.vram_usage import Holder, shares
from vramswap_gui.units import GIB, MIB, MIN_SIZE, round_down


class Look(enum.StrEnum):
    """What the icon tells."""

    OFF = "off"
    ON = "on"
    BUSY = "busy"
    WAITING = "waiting"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"


class Offer(enum.StrEnum):
    """What a person is offered to do about the present state, besides the switch."""

    NONE = ""
    #: Have the pages that are on their way home stay.
    CANCEL = "cancel"
    #: End the pause.
    RESUME = "resume"
    #: Use it on battery, this once.
    BATTERY = "battery"
    #: Do not wait until memory gets short.
    LEND = "lend"


class Fill(enum.StrEnum):
    """What a part of a bar stands for; decides its colour."""

    USED = "used"
    RESERVED = "reserved"
    PROGRAM = "program"
    OTHER = "other"
    HEADROOM = "headroom"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a bar."""

    fill: Fill
    label: str
    size: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: what it measures, its numbers as text, and its parts."""

    title: str
    detail: str
    parts: tuple[Part, ...]
    #: Whether the parts are bytes, which can be told one by one.
    bytes: bool = True


@dataclass(frozen=True, slots=True)
class SizeChoice:
    """The slider, in bytes. Without a ``maximum`` there is nothing to choose from yet, and ``note`` says so."""

    minimum: int = 0
    maximum: int = 0
    #: What the GPU has beyond that and nobody may choose.
    kept: int = 0
    step: int = 1
    value: int = 0
    automatic: bool = True
    #: Why nothing can be chosen now; empty when something can.
    blocked: str = ""
    text: str = ""
    #: What is said in the slider's place.
    note: str = ""

    @property
    def known(self) -> bool:
        """Whether the range is known."""
        return self.maximum > 0


@dataclass(frozen=True, slots=True)
class Preset:
    """An entry of the size menu; size 0 is automatic."""

    size: int
    text: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """What failed, what to do, and a command to copy, if the remedy names one."""

    message: str
    remedy: str = ""
    command: str = ""
    #: It is the state of things, which is not over when it was read.
    lasts: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that only a person can decide, once: a question, what is at stake, and the two answers."""

    question: str
    text: str
    yes: str
    no: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the screen."""

    look: Look
    headline: str
    sentence: str
    tooltip_title: str
    tooltip_text: str = ""
    checked: bool = False
    #: Why it can neither be turned on nor off now; empty when it can. What is greyed says this.
    blocked: str = ""
    #: A start, resize or stop is under way.
    moving: bool = False
    offer: Offer = Offer.NONE
    #: Whether there is something that could pause.
    pausable: bool = False
    #: Whether VRAM is lent on battery too, this once.
    battery_once: bool = False
    #: The used share of the swap, 0 to 1: the ring of the icon.
    ring: float = 0.0
    size: SizeChoice = field(default_factory=SizeChoice)
    presets: tuple[Preset, ...] = ()
    #: When VRAM is lent by itself; empty while that is not known.
    mode: str = ""
    gpu_name: str = ""
    vram: Bar | None = None
    vram_note: str = ""
    #: Whether the GPU sleeps, and who keeps it awake; empty where nobody can tell.
    power: str = ""
    tiers: tuple[Bar, ...] = ()
    #: Whose memory is in swap; None while nobody wants to know.
    swapped: tuple[SwappedView, ...] | None = None
    #: What VRAM was good for today; empty when it was not needed.
    benefit: str = ""
    #: The last events, newest first.
    happened: tuple[Happened, ...] = ()
    #: The traffic of the last minutes; None while there is no swap.
    history: History | None = None
    problem: Problem | None = None
    #: Whether pages may land on the disk; None when that is decided, or does not matter now.
    landing: Ask | None = None
    banner: str = ""
    quit_text: str = ""


#: What is offered; a longer one is turning it off.
PAUSE_SECONDS: Final = 3600

_LOOKS: Final = {
    State.OFF: Look.OFF,
    State.WAITING: Look.WAITING,
    State.ON: Look.ON,
    State.FAILED: Look.FAILED,
    State.STARTING: Look.BUSY,
    State.RESIZING: Look.BUSY,
    State.STOPPING: Look.BUSY,
}
_FILLS: Final = {
    Holder.PAGES: Fill.USED,
    Holder.RESERVED: Fill.RESERVED,
    Holder.PROGRAM: Fill.PROGRAM,
    Holder.OTHERS: Fill.OTHER,
    Holder.HEADROOM: Fill.HEADROOM,
    Holder.FREE: Fill.FREE,
}
#: Reasons that say what is seen anyway.
_ROUTINE: Final = (ReasonCode.OFF, ReasonCode.LENT, ReasonCode.FAILED)
#: Reasons to wait that a person may not want to wait for.
_NOT_NEEDED: Final = (ReasonCode.MEMORY_PLENTIFUL, ReasonCode.MEMORY_NOT_SHORT)
#: More names would be no sentence any more.
_NAMED: Final = 3
_PRESETS: Final = tuple(
    [256 * MIB, 512 * MIB] + [gib * GIB for gib in (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)]
)
#: The finest is more than MIN_PACKED: with pages packed, each of them can be had.
_STEPS: Final = ((2 * GIB, 64 * MIB), (8 * GIB, 128 * MIB), (32 * GIB, 256 * MIB), (128 * GIB, GIB))


def view(status: Status | None, error: VramswapError | None, machine: Machine, config: Config | None = None) -> View:
    """What to show. ``error`` is that of the last thing asked for; without a ``status`` there is no helper.

    ``config``: the settings in force, None while they are not known.
    """
    gpu, memory = machine.gpu, machine.memory
    # A helper that knows a GPU, be it a simulated one, knows better than a look at the bus.
    if gpu is not None and gpu.absent and not (status and (status.gpu_name or status.gpu_pci or status.simulated)):
        return _without_gpu()
    if status is None:
        return _without_helper(error, gpu, memory)
    used = _used(status, memory)
    headline, sentence = _words(status, used, gpu, machine.now)
    blocked = tr("once this is done") if status.state.busy else ""
    # One thing at a time: what failed, then what has to be decided, then what is only to be known.
    failed = _problem(status, error)
    landing = None if failed else _landing(status)
    return View(
        look=_LOOKS[status.state],
        headline=headline,
        sentence=sentence,
        tooltip_title=_titled(headline),
        tooltip_text="\n".join(filter(None, (sentence, _banner(status)))),
        checked=status.state in _TOWARDS_ON or (status.state is State.FAILED and bool(status.segments)),
        blocked=blocked,
        moving=status.state.busy,
        offer=_offer(status),
        pausable=_pausable(status),
        battery_once=status.battery_once,
        ring=min(1.0, used / status.size) if status.size else 0.0,
        size=_size(status, machine, config, blocked),
        presets=_presets(status, machine, config),
        mode=status.mode.value,
        gpu_name=_gpu_name(status, gpu),
        vram=_vram(status, used, gpu, config.headroom if config else 0),
        vram_note=_vram_note(status, gpu),
        power=_power(status, machine),
        tiers=tuple(_tiers(status, memory)),
        swapped=machine.swapped,
        benefit=benefit(machine.activity.today, memory) if not status.state.busy else "",
        happened=happened(machine.activity.entries, machine.now),
        history=machine.history if status.segments else None,
        problem=failed or (None if landing else _damage(status)),
        landing=landing,
        banner=_banner(status),
        quit_text=tr("&Quit, the swap stays on") if status.segments else tr("&Quit"),
    )


_TOWARDS_ON: Final = (State.WAITING, State.STARTING, State.ON, State.RESIZING)


def _without_gpu() -> View:
    """One sentence says it all: neither a driver nor the helper would change anything."""
    headline = tr("No NVIDIA GPU")
    sentence = tr(
        "None can be seen, so there is no video memory to lend. If this computer has one, “Check this computer…” says"
        " what hides it."
    )
    blocked = tr("there is no NVIDIA GPU")
    return View(
        look=Look.UNAVAILABLE,
        headline=headline,
        sentence=sentence,
        tooltip_title=_titled(headline),
        tooltip_text=sentence,
        blocked=blocked,
        size=SizeChoice(blocked=blocked),
        quit_text=tr("&Quit"),
    )


def _without_helper(error: VramswapError | None, gpu: GpuView | None, memory: MemoryView | None) -> View:
    nothing = Status()
    if error is None:
        headline, sentence = tr("Connecting…"), tr("Looking for the helper, which does the work.")
        blocked = tr("once the helper is found")
    else:
        headline, sentence = tr("Helper unavailable"), tr("The helper, which does the work, does not answer.")
        blocked = tr("the helper does not answer")
    return View(
        look=Look.UNAVAILABLE if error else Look.BUSY,
        headline=headline,
        sentence=sentence,
        tooltip_title=_titled(headline),
        tooltip_text=sentence,
        blocked=blocked,
        size=SizeChoice(blocked=blocked),
        gpu_name=_gpu_name(nothing, gpu),
        vram=_vram(nothing, 0, gpu, 0),
        vram_note=_vram_note(nothing, gpu),
        tiers=tuple(_tiers(nothing, memory)),
        problem=problem(error, lasts=True) if error else None,
        quit_text=tr("&Quit"),
    )


def problem(error: VramswapError, *, lasts: bool = False) -> Problem:
    """An error as the box shows it: the first command in the remedy can be copied."""
    remedy = worded(error.advice)
    command = re.search(r"`([^`]+)`", remedy)
    return Problem(plain(worded(error)), plain(remedy), command[1] if command else "", lasts)


def plain(text: str) -> str:
    """``text`` with quotation marks around its commands."""
    return re.sub(r"`([^`]+)`", lambda command: tr("“{command}”").format(command=command[1]), text)


def _problem(status: Status, error: VramswapError | None) -> Problem | None:
    if error is not None:
        return problem(error)
    if status.error is not None:
        return problem(status.error, lasts=True)
    if status.state is State.FAILED:
        return Problem(tr("The helper does not say why."), lasts=True)
    return None


def _damage(status: Status) -> Problem | None:
    _, lost = status.damaged
    if not lost:
        return None
    message = tr("%n page(s) came back damaged from VRAM.", lost)
    remedy = tr(
        "A program that wanted one was ended, rather than given wrong data. If the GPU is overclocked, undo that; if it"
        " goes on, turn the swap off."
    )
    return Problem(message, remedy)


def _landing(status: Status) -> Ask | None:
    if status.landing is not Landing.ASK or not status.segments:
        return None
    question = tr("May memory be written to this disk?")
    text = tr(
        "If memory is full when a game or sleep needs the VRAM, what is in it fits only in a swap file on this disk."
        " Without one the game has to do without, and the computer stays awake. The disk is not encrypted: whoever gets"
        " hold of it could read what was in memory, passwords too."
    )
    return Ask(question, text, tr("A&llow it"), tr("&Never"))


def _words(status: Status, used: int, gpu: GpuView | None, now: float) -> tuple[str, str]:
    """The state in a word, and what there is to know about it that nothing else on the screen says."""
    size, reason = size_text(status.lent), "" if status.reason.code in _ROUTINE else worded(status.reason)
    match status.state:
        case State.OFF:
            return _off(status, reason, now)
        case State.WAITING:
            return tr("Waiting"), reason or tr("It turns on as soon as there is VRAM to lend.")
        case State.STARTING:
            return tr("Turning on…"), reason or worded(Reason.of(ReasonCode.STARTING))
        case State.ON:
            return tr("On"), "\n".join(filter(None, (_use(status, used, gpu), _packed(status), reason)))
        case State.RESIZING:
            return tr("Changing the size…"), _homecoming(status) or reason
        case State.STOPPING:
            return tr("Turning off…"), _homecoming(status) or reason or worded(Reason.of(ReasonCode.STOPPING))
        case State.FAILED if status.segments:
            return tr("In trouble"), tr("{size} of VRAM are still in use as swap.").format(size=size)
    return tr("Failed"), tr("No VRAM is lent. Nothing else was changed.")


def _off(status: Status, reason: str, now: float) -> tuple[str, str]:
    if status.cause is Cause.PAUSE and status.paused_until:
        until = tr("Until {time}. Then it goes on as before.").format(time=moment(status.paused_until, now))
        return tr("Paused"), until
    if status.reason.code is ReasonCode.ON_BATTERY:
        return tr("Off"), tr("The computer is on battery.")
    return tr("Off"), reason or tr("No VRAM is lent, and the GPU may sleep.")


def _offer(status: Status) -> Offer:
    if status.bytes_left:
        return Offer.CANCEL
    if status.state is State.OFF and status.cause is Cause.PAUSE:
        return Offer.RESUME
    if status.state is State.WAITING and status.reason.code in _NOT_NEEDED:
        return Offer.LEND
    # Below the battery's floor the switch is all there is.
    on_battery = status.reason.code is ReasonCode.ON_BATTERY
    return Offer.BATTERY if status.state is State.OFF and on_battery else Offer.NONE


def _pausable(status: Status) -> bool:
    by_itself = status.mode is not Mode.OFF and status.cause not in (Cause.HAND, Cause.PAUSE)
    return not status.state.busy and (bool(status.segments) or by_itself)


def _homecoming(status: Status) -> str:
    if not status.bytes_left:
        return ""
    return tr("Bringing pages home, {size} to go.").format(size=size_text(status.bytes_left))


def _titled(headline: str) -> str:
    return tr("VRAM swap: {state}").format(state=headline)


def _use(status: Status, used: int, gpu: GpuView | None) -> str:
    """How much of the swap is in use, and what that costs."""
    use = tr("{part} in use").format(part=part_text(used, status.size))
    if gpu is None or gpu.watts is None:
        return use
    return tr("{use} · {watts} W").format(use=use, watts=round(gpu.watts))


def _packed(status: Status) -> str:
    """What pages take of VRAM; empty where they are not packed."""
    if not status.compression:
        return ""
    if not status.ratio:
        return tr("Pages are compressed. As they turn out small, there is more swap.")
    text = tr("{pages} in {vram} of VRAM ({ratio} : 1)")
    ratio = QLocale().toString(status.ratio, "f", 1)
    return text.format(pages=size_text(status.packed[2]), vram=size_text(status.taken), ratio=ratio)


def _banner(status: Status) -> str:
    names = {"gpu": tr("GPU"), "kernel": tr("kernel")}
    parts = ", ".join(names.get(part, part) for part in status.simulated)
    return tr("Simulated: {parts}").format(parts=parts) if parts else ""


def _used(status: Status, memory: MemoryView | None) -> int:
    """The kernel's own count is newer than the helper's, when it has been read."""
    if memory is None:
        return status.used
    count = {swap.device: swap.used for swap in memory.swaps}
    return sum(count.get(segment.device, segment.used) for segment in status.segments)


def _gpu_name(status: Status, gpu: GpuView | None) -> str:
    return status.gpu_name or (gpu.name if gpu else "")


def _maximum(status: Status, machine: Machine, config: Config | None) -> int:
    """The largest size to choose: what the helper says, or what will be so once it has asked the GPU."""
    if status.maximum or config is None:
        return status.maximum
    display = machine.gpu is not None and machine.gpu.display
    return limits(Vram(machine.vram, None, 0, display), config.headroom, config.maximum).largest


def _size(status: Status, machine: Machine, config: Config | None, blocked: str) -> SizeChoice:
    maximum = _maximum(status, machine, config)
    automatic = status.wanted == 0
    if maximum < MIN_SIZE:
        return SizeChoice(
            automatic=automatic,
            blocked=blocked or tr("once the GPU has been awake"),
            text=tr("Automatic") if automatic else size_text(status.wanted),
            note=tr("Another can be chosen once the GPU has been awake."),
        )
    step = next((step for limit, step in _STEPS if maximum <= limit), 4 * GIB)
    step = max(MIN_SIZE, min(step, round_down(maximum, MIN_SIZE)))
    value = min(status.wanted or status.lent or maximum, maximum)
    if automatic:
        text = tr("Automatic, now {size}").format(size=size_text(status.lent)) if status.lent else tr("Automatic")
    elif 0 < status.lent < status.wanted:
        text = tr("{wanted}, now {size}").format(wanted=size_text(status.wanted), size=size_text(status.lent))
    else:
        text = size_text(status.wanted)
    return SizeChoice(step, maximum, max(0, machine.vram - maximum), step, value, automatic, blocked, text)


def _presets(status: Status, machine: Machine, config: Config | None) -> tuple[Preset, ...]:
    maximum = _maximum(status, machine, config)
    sizes = [size for size in _PRESETS if size < maximum][-4:] + [maximum] * (maximum >= MIN_SIZE)
    if status.wanted:
        sizes.append(status.wanted)
    entries = [Preset(0, tr("Automatic, all that is free"), status.wanted == 0)]
    return (*entries, *(Preset(size, size_text(size), size == status.wanted) for size in sorted(set(sizes))))


def _vram(status: Status, used: int, gpu: GpuView | None, headroom: int) -> Bar | None:
    size = status.lent
    total = gpu.total if gpu else 0
    if not total and not size:
        return None
    parts = tuple(Part(_FILLS[share.holder], share.label, share.size) for share in shares(gpu, status, used, headroom))
    detail = tr("{size} in all") if total else tr("{size} lent")
    return Bar(tr("Video memory"), detail.format(size=size_text(total or size)), parts)


def _power(status: Status, machine: Machine) -> str:
    power = machine.power
    if power is None or "gpu" in status.simulated:
        return ""
    if power.asleep:
        return tr("The GPU is asleep.")
    if status.segments:
        return tr("The GPU is awake, because its memory is lent.")
    if power.holders:
        return tr("The GPU is kept awake by {programs}.").format(programs=", ".join(power.holders[:_NAMED]))
    return tr("The GPU is awake.")


def _vram_note(status: Status, gpu: GpuView | None) -> str:
    """Why there are no numbers of the GPU."""
    if gpu is None or (gpu.note and "gpu" in status.simulated):
        # A simulated GPU is on no bus, so there is nothing to say about it while it is not in use.
        return "" if status.size else tr("Its memory is shown when the swap is on.")
    return tr("The GPU is asleep. Looking would wake it.") if gpu.asleep else gpu.note


def _tiers(status: Status, memory: MemoryView | None) -> Iterator[Bar]:
    """Main memory, then the swap areas in the order in which the kernel fills them; ours are one."""
    if memory is None:
        return
    yield _tier(tr("Memory"), memory.total - memory.available, memory.total, Fill.OTHER)
    ours = {segment.device for segment in status.segments}
    mine = [swap for swap in memory.swaps if swap.device in ours]
    shown = False
    for swap in memory.swaps:
        if swap.device not in ours:
            yield _tier(_area_name(swap), swap.used, swap.size, Fill.OTHER)
        elif not shown:
            shown = True
            yield _tier(tr("VRAM"), sum(s.used for s in mine), sum(s.size for s in mine), Fill.USED)


def _tier(title: str, used: int, size: int, fill: Fill) -> Bar:
    parts = (Part(fill, tr("Used"), used), Part(Fill.FREE, tr("Free"), max(0, size - used)))
    return Bar(title, part_text(used, size), parts)


def _area_name(swap: SwapView) -> str:
    if swap.device.startswith(ZRAM):
        return tr("Compressed memory (zram)")
    if Path(swap.device).parent.name.startswith(LANDING_FOLDER):
        return tr("Landed on the disk")
    kind = tr("Swap file {path}") if swap.kind == "file" else tr("Disk {path}")
    return kind.format(path=swap.device)
