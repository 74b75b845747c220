# SPDX-License-Identifier: MIT
"""The status in words, for a terminal."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Final

from vramswap_gui.api.activity import Today
from vramswap_gui.api.reasons import ReasonCode
from vramswap_gui.api.status import Landing, Mode, Status
from vramswap_gui.paths import STATE
from vramswap_gui.plain import plain
from vramswap_gui.settings import SETTINGS
from vramswap_gui.text import language
from vramswap_gui.text.language import Language
from vramswap_gui.units import exact_size, format_size

_DRIVERS: Final = {"nbd": "NBD"}
_PARTS: Final = {"gpu": "the GPU", "kernel": "the kernel's part"}


def line(status: Status, reader: Language | None = None) -> str:
    """State and reason, in the words of ``reader``; without one, in those that the environment asks for."""
    reader = reader or language.of()
    left = f" {format_size(status.bytes_left)} left." if status.bytes_left else ""
    reason = reader.say(status.reason)
    if status.reason.code is ReasonCode.OFF:
        # "off: Off." would say it twice.
        reason = ""
    elif status.reason.code is ReasonCode.FAILED and status.error is not None:
        reason = reader.say(status.error)
    return f"{status.state}: {reason}{left}" if reason or left else str(status.state)


def full(status: Status, verbose: bool = False) -> str:
    """All that a person wants to know, in a few lines."""
    reader = language.of()
    rows = [f"{name:<11}{text}" for name, text in _rows(status, reader)]
    if verbose:
        for segment in status.segments:
            use = f"{format_size(segment.used)} of {format_size(segment.size)} used"
            rows.append(f"{'':<11}{plain(segment.device)}  {use}, priority {segment.priority}")
    return "\n".join([line(status, reader), *rows])


def error(status: Status, reader: Language) -> str:
    """What failed, unless the first line says it."""
    return "" if status.error is None or status.reason.code is ReasonCode.FAILED else reader.say(status.error)


def _use(status: Status) -> Iterator[tuple[str, str]]:
    if status.segments:
        yield "Used", f"{format_size(status.used)} of {format_size(status.size)}"
    if status.segments and status.compression:
        ratio = f", {status.ratio:.1f}:1" if status.ratio else ""
        held = f"{format_size(status.packed[2])} in {format_size(status.taken)} of {format_size(status.lent)} of VRAM"
        yield "Packed", f"{held}{ratio} ({plain(status.compression)})"


def _rows(status: Status, reader: Language) -> Iterator[tuple[str, str]]:
    if message := error(status, reader):
        yield "Error", message
    if status.error is not None and (remedy := reader.say(status.error.advice)):
        yield "", f"→ {remedy}"
    yield from _use(status)
    if status.paused_until:
        yield "Paused", f"until {_moment(status.paused_until)}"
    if status.battery_once:
        yield "Battery", "used this once, until mains power is back"
    yield "Mode", mode(status)
    yield "Size", size(status)
    if any(status.damaged):
        mended, lost = status.damaged
        yield "Damaged", f"pages lost: {lost}, right when they were read once more: {mended}"
    if status.no_room:
        yield "Full", f"pages that found no room in VRAM and stayed in memory: {status.no_room}; none is lost"
    if any(status.landed):
        made, used = status.landed
        yield "On disk", f"{format_size(used)} used of a swap file of {format_size(made)}, which goes when it can"
    elif status.landing is Landing.ASK:
        yield "Undecided", "whether pages that fit nowhere else may be written to the disk, which is not encrypted"
        yield "", f"→ `sudo vramswapctl config landing {STATE}`, or `… landing off`"
    if status.gpu_name:
        yield "GPU", f"{plain(status.gpu_name)} ({plain(status.gpu_pci)})"
    if status.transport:
        yield (
            "Driver",
            f"{_DRIVERS.get(status.transport, plain(status.transport))}: {reader.say(status.transport_reason)}",
        )
    if status.simulated:
        yield "SIMULATED", ", ".join(_PARTS.get(part, plain(part)) for part in status.simulated)


def _moment(at: int) -> str:
    """A time of today, or of another day, as a pause may be a week long."""
    moment = datetime.datetime.fromtimestamp(at)
    return f"{moment:%H:%M}" if moment.date() == datetime.date.today() else f"{moment:%Y-%m-%d %H:%M}"


def mode(status: Status) -> str:
    """The mode and what it means; what was said by hand goes before it."""
    meaning = SETTINGS["mode"].choices.get(status.mode, "")
    meaning = f" ({meaning[:1].lower()}{meaning[1:]})" if meaning.lower() != status.mode.value else ""
    by_hand = status.reason.code is ReasonCode.OFF and status.mode is not Mode.OFF
    return f"{status.mode}{meaning}" + "; off by hand until it is turned on, or the mode chosen again" * by_hand


def size(status: Status) -> str:
    """The size that was chosen, and the most that can be."""
    limit = f", at most {exact_size(status.maximum)}" if status.maximum else ""
    return f"{SETTINGS['size'].show(status.wanted)}{limit}"


def today(today: Today) -> str:
    """What VRAM was good for since midnight."""
    hours, minutes = divmod(today.seconds // 60, 60)
    lent = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    moved = f"{format_size(today.paged_out)} went there and {format_size(today.paged_in)} came back"
    return f"Today VRAM was lent for {lent}; {moved}."
