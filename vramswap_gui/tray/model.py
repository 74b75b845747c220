"""What the tray shows, as a pure function of what is known. No widget decides anything: they show a :class:`View`."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from PySide6.QtCore import QCoreApplication

from vramswap_gui.contract import MIN_SIZE, SIZE_STEP, ErrorCode, State, Status, VramswapError
from vramswap_gui.tray.history import History
from vramswap_gui.tray.machine import GpuView, Machine, MemoryView, SwapView
from vramswap_gui.tray.programs import Holder, shares
from vramswap_gui.units import GIB, MIB, format_size, round_down


class Look(enum.StrEnum):
    """What the icon tells."""

    OFF = "off"
    ON = "on"
    BUSY = "busy"
    WAITING = "waiting"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"


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


@dataclass(frozen=True, slots=True)
class SizeChoice:
    """The slider, in bytes. Without a ``maximum`` there is nothing to choose from yet, and ``text`` says so."""

    minimum: int = 0
    maximum: int = 0
    step: int = 1
    value: int = 0
    automatic: bool = True
    enabled: bool = False
    text: str = ""

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


@dataclass(frozen=True, slots=True)
class View:
    """Everything on the screen."""

    look: Look
    headline: str
    sentence: str
    tooltip: str
    checked: bool = False
    toggle_enabled: bool = False
    #: Pages are on their way home, and could stay.
    cancellable: bool = False
    #: The used share of the swap, 0 to 1: the ring of the icon.
    ring: float = 0.0
    size: SizeChoice = field(default_factory=SizeChoice)
    presets: tuple[Preset, ...] = ()
    #: When VRAM is lent by itself; empty while that is not known.
    mode: str = ""
    gpu_name: str = ""
    vram: Bar | None = None
    vram_note: str = ""
    #: What the GPU takes while it is held awake.
    cost: str = ""
    tiers: tuple[Bar, ...] = ()
    #: The traffic of the last minutes; None while there is no swap.
    history: History | None = None
    problem: Problem | None = None
    banner: str = ""
    quit_text: str = ""


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
_PRESETS: Final = tuple(
    [256 * MIB, 512 * MIB] + [gib * GIB for gib in (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)]
)
_STEPS: Final = ((2 * GIB, 32 * MIB), (8 * GIB, 128 * MIB), (32 * GIB, 256 * MIB), (128 * GIB, GIB))


def view(status: Status | None, error: VramswapError | None, machine: Machine) -> View:
    """What to show. ``error`` is that of the last thing asked for; without a ``status`` there is no helper."""
    gpu, memory = machine.gpu, machine.memory
    if status is None:
        return _without_helper(error, gpu, memory)
    used = _used(status, memory)
    headline, sentence = _words(status)
    tooltip = _tooltip(status, headline, used)
    return View(
        look=_LOOKS[status.state],
        headline=headline,
        sentence=sentence,
        tooltip=tooltip,
        checked=status.state in _TOWARDS_ON or (status.state is State.FAILED and bool(status.segments)),
        toggle_enabled=not status.state.busy,
        cancellable=status.bytes_left > 0,
        ring=min(1.0, used / status.size) if status.size else 0.0,
        size=_size(status, gpu),
        presets=_presets(status, gpu),
        mode=status.mode.value,
        gpu_name=_gpu_name(status, gpu),
        vram=_vram(status, used, gpu),
        vram_note=_vram_note(status, gpu),
        cost=_cost(status, gpu),
        tiers=tuple(_tiers(status, memory)),
        history=machine.history if status.segments else None,
        problem=_problem(status, error),
        banner=_banner(status),
        quit_text=_tr("&Quit, the swap stays on") if status.segments else _tr("&Quit"),
    )


_TOWARDS_ON: Final = (State.WAITING, State.STARTING, State.ON, State.RESIZING)


def _tr(text: str) -> str:
    return QCoreApplication.translate("tray", text)


def _without_helper(error: VramswapError | None, gpu: GpuView | None, memory: MemoryView | None) -> View:
    nothing = Status()
    if error is None:
        headline, sentence = _tr("Connecting…"), _tr("Looking for the helper, which does the work.")
    else:
        headline, sentence = _tr("Helper unavailable"), _tr("The helper, which does the work, does not answer.")
    return View(
        look=Look.UNAVAILABLE if error else Look.BUSY,
        headline=headline,
        sentence=sentence,
        tooltip=_tr("VRAM swap: {state}").format(state=headline),
        gpu_name=_gpu_name(nothing, gpu),
        vram=_vram(nothing, 0, gpu),
        vram_note=_vram_note(nothing, gpu),
        tiers=tuple(_tiers(nothing, memory)),
        problem=problem(error) if error else None,
        quit_text=_tr("&Quit"),
    )


def problem(error: VramswapError) -> Problem:
    """An error as the box shows it: the first command in the remedy can be copied."""
    command = re.search(r"`([^`]+)`", error.remedy)
    return Problem(_plain(error.message), _plain(error.remedy), command[1] if command else "")


def _plain(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"“\1”", text)


def _problem(status: Status, error: VramswapError | None) -> Problem | None:
    if error is not None:
        return problem(error)
    code, message, remedy = status.error
    if message:
        return problem(VramswapError.from_dict({"code": code, "message": message, "remedy": remedy}))
    if status.state is State.FAILED:
        return problem(VramswapError(ErrorCode.INTERNAL, status.reason or _tr("The helper does not say why.")))
    return None


def _words(status: Status) -> tuple[str, str]:
    """Headline and sentence."""
    size = format_size(status.size)
    match status.state:
        case State.OFF:
            reason = "" if status.reason in ("", "Off.") else status.reason
            return _tr("Off"), reason or _tr("No VRAM is lent, and the GPU may sleep.")
        case State.WAITING:
            return _tr("Waiting"), status.reason or _tr("It turns on as soon as there is VRAM to lend.")
        case State.STARTING:
            return _tr("Turning on…"), status.reason or _tr("Reserving VRAM.")
        case State.ON:
            return _tr("On, {size}").format(size=size), status.reason or _tr("VRAM is lent as swap.")
        case State.RESIZING:
            return _tr("Changing the size…"), _homecoming(status) or status.reason
        case State.STOPPING:
            return _tr("Turning off…"), _homecoming(status) or status.reason or _tr("Bringing pages home.")
        case State.FAILED if status.segments:
            return _tr("In trouble"), _tr("{size} of VRAM are still in use as swap.").format(size=size)
    return _tr("Failed"), _tr("No VRAM is lent. Nothing else was changed.")


def _homecoming(status: Status) -> str:
    if not status.bytes_left:
        return ""
    return _tr("Bringing pages home, {size} to go.").format(size=format_size(status.bytes_left))


def _tooltip(status: Status, headline: str, used: int) -> str:
    text = _tr("VRAM swap: {state}").format(state=headline)
    if status.size:
        text += "\n" + _tr("{used} of {size} used").format(used=format_size(used), size=format_size(status.size))
    if status.simulated:
        text += "\n" + _banner(status)
    return text


def _banner(status: Status) -> str:
    names = {"gpu": _tr("GPU"), "kernel": _tr("kernel")}
    parts = ", ".join(names.get(part, part) for part in status.simulated)
    return _tr("Simulated: {parts}").format(parts=parts) if parts else ""


def _used(status: Status, memory: MemoryView | None) -> int:
    """The kernel's own count is newer than the helper's, when it has been read."""
    if memory is None:
        return status.used
    count = {swap.device: swap.used for swap in memory.swaps}
    return sum(count.get(segment.device, segment.used) for segment in status.segments)


def _gpu_name(status: Status, gpu: GpuView | None) -> str:
    return status.gpu_name or (gpu.name if gpu else "")


def _maximum(status: Status, gpu: GpuView | None) -> int:
    return status.maximum or round_down(gpu.total if gpu else 0, SIZE_STEP)


def _size(status: Status, gpu: GpuView | None) -> SizeChoice:
    maximum = _maximum(status, gpu)
    automatic = status.wanted == 0
    if maximum < MIN_SIZE:
        text = _tr("Automatic") if automatic else format_size(status.wanted)
        return SizeChoice(automatic=automatic, text=text + " – " + _tr("other sizes are offered once the GPU is awake"))
    step = next((step for limit, step in _STEPS if maximum <= limit), 4 * GIB)
    step = max(MIN_SIZE, min(step, round_down(maximum, MIN_SIZE)))
    value = min(status.wanted or status.size or maximum, maximum)
    if automatic:
        text = _tr("Automatic, now {size}").format(size=format_size(status.size)) if status.size else _tr("Automatic")
    elif 0 < status.size < status.wanted:
        text = _tr("{wanted}, now {size}").format(wanted=format_size(status.wanted), size=format_size(status.size))
    else:
        text = format_size(status.wanted)
    return SizeChoice(step, maximum, step, value, automatic, not status.state.busy, text)


def _presets(status: Status, gpu: GpuView | None) -> tuple[Preset, ...]:
    maximum = _maximum(status, gpu)
    sizes = [size for size in _PRESETS if size < maximum][-4:] + [maximum] * (maximum >= MIN_SIZE)
    if status.wanted:
        sizes.append(status.wanted)
    entries = [Preset(0, _tr("Automatic, all that is free"), status.wanted == 0)]
    return (*entries, *(Preset(size, format_size(size), size == status.wanted) for size in sorted(set(sizes))))


def _vram(status: Status, used: int, gpu: GpuView | None) -> Bar | None:
    size = status.size
    total = gpu.total if gpu else 0
    if not total and not size:
        return None
    parts = tuple(Part(_FILLS[share.holder], share.label, share.size) for share in shares(gpu, status, used))
    detail = _tr("{size} in all") if total else _tr("{size} lent")
    return Bar(_tr("Video memory"), detail.format(size=format_size(total or size)), parts)


def _cost(status: Status, gpu: GpuView | None) -> str:
    if gpu is None or gpu.watts is None or not status.segments:
        return ""
    return _tr("The GPU is awake and takes {watts} W.").format(watts=round(gpu.watts))


def _vram_note(status: Status, gpu: GpuView | None) -> str:
    """Why there are no numbers of the GPU."""
    if gpu is None or (gpu.note and "gpu" in status.simulated):
        # A simulated GPU is on no bus, so there is nothing to say about it while it is not in use.
        return "" if status.size else _tr("Its memory is shown when the swap is on.")
    return _tr("The GPU is asleep. Looking would wake it.") if gpu.asleep else gpu.note


def _tiers(status: Status, memory: MemoryView | None) -> Iterator[Bar]:
    """Main memory, then the swap areas in the order in which the kernel fills them; ours are one."""
    if memory is None:
        return
    yield _tier(_tr("Memory"), memory.total - memory.available, memory.total, Fill.OTHER)
    ours = {segment.device for segment in status.segments}
    mine = [swap for swap in memory.swaps if swap.device in ours]
    shown = False
    for swap in memory.swaps:
        if swap.device not in ours:
            yield _tier(_area_name(swap), swap.used, swap.size, Fill.OTHER)
        elif not shown:
            shown = True
            yield _tier(_tr("VRAM"), sum(s.used for s in mine), sum(s.size for s in mine), Fill.USED)


def _tier(title: str, used: int, size: int, fill: Fill) -> Bar:
    detail = _tr("{used} of {size}").format(used=format_size(used), size=format_size(size))
    return Bar(title, detail, (Part(fill, _tr("Used"), used), Part(Fill.FREE, _tr("Free"), max(0, size - used))))


def _area_name(swap: SwapView) -> str:
    if swap.device.startswith("/dev/zram"):
        return _tr("Compressed memory (zram)")
    kind = _tr("Swap file {path}") if swap.kind == "file" else _tr("Disk {path}")
    return kind.format(path=swap.device)
