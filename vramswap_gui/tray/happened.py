# SPDX-License-Identifier: MIT
"""What happened lately, and what VRAM was good for today, in words."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QDateTime, QLocale

from vramswap_gui.api.activity import Entry, Today
from vramswap_gui.api.status import Cause
from vramswap_gui.errors import VramswapError
from vramswap_gui.paths import NBD, ZRAM
from vramswap_gui.settings import SETTINGS
from vramswap_gui.tray.i18n import size_text, tr, worded
from vramswap_gui.tray.readings import MemoryView
from vramswap_gui.tray.value_text import value_text
from vramswap_gui.units import MIB

#: More than anybody reads at once.
_SHOWN: Final = 12
#: Less is not worth a word.
_LEAST: Final = MIB


@dataclass(frozen=True, slots=True)
class Happened:
    """An event: when, what, and why, which may be empty."""

    when: str
    what: str
    why: str = ""


def _clock(at: float) -> str:
    """The time of day, as the user writes it."""
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(round(at)).time(), QLocale.FormatType.ShortFormat)


def moment(at: int, now: float) -> str:
    """The time of day, and the day when it is another one than that of ``now``."""
    then, today = QDateTime.fromSecsSinceEpoch(at), QDateTime.fromSecsSinceEpoch(round(now)).date()
    if then.date() == today:
        return _clock(at)
    # As Qt's formats have it: d is the day, MMM the name of the month.
    day = QLocale().toString(then.date(), tr("d MMM"))
    return tr("{day}, {time}").format(day=day, time=_clock(at))


def happened(entries: Sequence[Entry], now: float) -> tuple[Happened, ...]:
    """The last events that are of interest, newest first. ``now``: seconds since 1970."""
    words = ((entry, *_words(entry)) for entry in reversed(entries))
    told = (Happened(moment(entry.at, now), what, why) for entry, what, why in words if what)
    return tuple(found for found, _ in zip(told, range(_SHOWN), strict=False))


def benefit(today: Today, memory: MemoryView | None) -> str:
    """What VRAM was good for since midnight; empty when it was not needed."""
    if today.paged_out < _LEAST:
        return ""
    size, pages = size_text(today.paged_out), QLocale().toString(today.paged_out // os.sysconf("SC_PAGE_SIZE"))
    disk = memory is not None and any(not swap.device.startswith((ZRAM, NBD)) for swap in memory.swaps)
    text = (
        tr("Today: {size} kept off the disk ({pages} pages), in {time}.")
        if disk
        else tr("Today: {size} moved to VRAM ({pages} pages), in {time}.")
    )
    return text.format(size=size, pages=pages, time=_duration(today.seconds))


def _duration(seconds: int) -> str:
    hours, minutes = divmod(max(60, seconds) // 60, 60)
    if hours:
        return tr("{hours}\u00a0h {minutes}\u00a0min").format(hours=hours, minutes=minutes)
    return tr("{minutes}\u00a0min").format(minutes=minutes)


def _words(entry: Entry) -> tuple[str, str]:
    """What happened and why; two empty texts when it is of no interest."""
    size, before = entry.number("size"), entry.number("from")
    match entry.event:
        case "on":
            return tr("On, {size}").format(size=size_text(size)), _why(entry)
        case "resized":
            text = tr("More: {size} after {before}") if size > before else tr("Less: {size} after {before}")
            return text.format(size=size_text(size), before=size_text(before)), _why(entry)
        case "earned" | "forfeited":
            return _earned(entry.number("swap") - before), ""
        case "off" | "idle":
            return (tr("Waiting") if entry.text("state") == "waiting" else tr("Off")), _why(entry)
        case "mode" | "setting":
            return _setting(entry), ""
        case "failed":
            return tr("Failed"), _error(entry)
        case "refused":
            return tr("Not done"), _error(entry)
    plain_words = {
        "sleep": tr("The computer went to sleep"),
        "wake": tr("The computer woke up"),
        "recovered": tr("All is well again"),
        "landed": tr("Swap was made on the disk, for pages that fitted nowhere else"),
        "cleared": tr("The swap on the disk is gone again"),
        "damaged": tr("Pages came back from VRAM damaged"),
        "full": tr("The VRAM was full, and pages stayed in memory"),
    }
    return plain_words.get(entry.event, ""), ""


def _earned(size: int) -> str:
    if size > 0:
        return tr("Pages are packed well: {size} more of swap").format(size=size_text(size))
    return tr("Pages are not packed so well any more: {size} less of swap").format(size=size_text(-size))


def _why(entry: Entry) -> str:
    if entry.number("asked"):
        return tr("by hand")
    on = bool(entry.number("size"))
    reasons: dict[str, str] = {
        Cause.MEMORY: tr("memory is short") if on else tr("memory is plentiful"),
        Cause.BATTERY: tr("on battery"),
        Cause.GAME: tr("a game is running"),
        Cause.PROGRAM: tr("a program of yours is running"),
        Cause.PROFILE: tr("the power mode saves power"),
        Cause.PAUSE: tr("paused"),
        Cause.SLEEP: tr("the computer sleeps"),
        Cause.VRAM: tr("other programs use the VRAM"),
    }
    return reasons.get(entry.text("cause"), "")


def _error(entry: Entry) -> str:
    with contextlib.suppress(ValueError, RecursionError):
        arguments = json.loads(entry.text("arguments") or "{}")
        known = {"code": entry.text("error"), "problem": entry.text("problem"), "arguments": arguments}
        return worded(VramswapError.from_dict({**known, "message": entry.sentence}))
    return entry.sentence


def _setting(entry: Entry) -> str:
    declared = SETTINGS.get(entry.text("setting"))
    if declared is None:
        return ""
    try:
        value = value_text(declared, declared.parse(entry.text("to")))
    except VramswapError:
        # A helper of another version knows other values.
        value = entry.text("to")
    return tr("{setting}: {value}").format(setting=tr(declared.title), value=value)
