# SPDX-License-Identifier: MIT
"""What happened lately and what VRAM was good for, in words."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QDateTime, QLocale

from tests.support.scenes import ACTIVITY, MEMORY, NOW, WONT_FIT, WONT_FIT_FIELDS
from vramswap_gui.api.activity import Entry, Today
from vramswap_gui.api.status import Cause
from vramswap_gui.system.journald import Event
from vramswap_gui.tray.happened import Happened, benefit, happened
from vramswap_gui.tray.readings import MemoryView
from vramswap_gui.units import GIB, MIB


def told(event: str, sentence: str = "", **fields: Any) -> tuple[str, str]:
    (found,) = happened([Entry(NOW, event, sentence, fields)], NOW)
    return found.what, found.why


@pytest.mark.parametrize(
    ("event", "fields", "what", "why"),
    [
        ("on", {"size": 2 * GIB, "cause": "memory"}, "On, 2 GiB", "memory is short"),
        ("on", {"size": 2 * GIB, "cause": "memory", "asked": 1}, "On, 2 GiB", "by hand"),
        ("on", {"size": 2 * GIB}, "On, 2 GiB", ""),
        ("resized", {"size": GIB, "from": 2 * GIB, "cause": "vram"}, "Less: 1 GiB after 2 GiB",
         "other programs use the VRAM"),
        ("resized", {"size": 2 * GIB, "from": GIB, "cause": "memory"}, "More: 2 GiB after 1 GiB", "memory is short"),
        ("off", {"from": GIB, "state": "off", "cause": "battery"}, "Off", "on battery"),
        ("off", {"from": GIB, "state": "waiting", "cause": "memory"}, "Waiting", "memory is plentiful"),
        ("idle", {"state": "off", "cause": "from-the-future"}, "Off", ""),
        ("mode", {"setting": "mode", "to": "on-demand"}, "Turn on by itself: When memory gets short", ""),
        ("setting", {"setting": "only_on_ac", "to": "off"}, "Only on mains power: off", ""),
        ("setting", {"setting": "headroom", "to": "512 MiB"}, "VRAM kept free: 512 MiB", ""),
        ("setting", {"setting": "make_way_for", "to": "empty"}, "Make way for programs: empty", ""),
        ("setting", {"setting": "gpu", "to": "empty"}, "GPU: The first one", ""),
        ("setting", {"setting": "release_after", "to": "5400 s"}, "Give back after: 90 min", ""),
        ("setting", {"setting": "size", "to": "auto"}, "Swap size: Automatic", ""),
        ("setting", {"setting": "priority", "to": "of another version"}, "Swap priority: of another version", ""),
        ("earned", {"from": 3 * GIB, "swap": 4 * GIB}, "Pages are packed well: 1 GiB more of swap", ""),
        ("forfeited", {"from": 4 * GIB, "swap": 3 * GIB},
         "Pages are not packed so well any more: 1 GiB less of swap", ""),
        ("full", {"times": 7}, "The VRAM was full, and pages stayed in memory", ""),
        ("sleep", {}, "The computer went to sleep", ""),
    ],
)  # fmt: skip
def test_events(event: str, fields: dict[str, Any], what: str, why: str) -> None:
    assert told(event, **fields) == (what, why)


def test_what_failed_and_what_was_refused_is_said() -> None:
    assert told("failed", "The GPU is gone.") == ("Failed", "The GPU is gone.")
    what, why = told("refused", "Stop of user 7 was refused: …", **WONT_FIT_FIELDS)
    assert (what, why) == ("Not done", WONT_FIT.message)
    for arguments in ("{", "[" * 9999, "[]", '{"used": -1}'):
        assert told("failed", "In words.", **{**WONT_FIT_FIELDS, "arguments": arguments})[1] == "In words."


def test_what_is_of_no_interest_is_left_out() -> None:
    plain = [Entry(NOW, event, "s", {}) for event in ("started", "ended", "blind", "new-in-a-later-version")]
    assert happened([*plain, Entry(NOW, "setting", "", {"setting": "unknown"})], NOW) == ()
    # Whoever invents an event has to think of it here.
    known = {"on", "resized", "off", "idle", "mode", "setting", "failed", "refused", "sleep", "wake", "recovered",
             "landed", "cleared", "damaged", "earned", "forfeited", "full"}  # fmt: skip
    servers = {"attached", "detached", "engine", "late", "lost", "upgraded"}
    others = {"started", "adopted", "ended", "blind", "left-out", "cleaned"}
    assert {event.word for event in Event} == known | servers | others


def test_every_cause_has_a_word() -> None:
    wordless = {Cause.NONE, Cause.HAND}
    for cause in Cause:
        assert bool(told("off", cause=cause.value)[1]) is (cause not in wordless), cause


def test_the_newest_first_and_no_more_than_one_reads() -> None:
    found = happened(ACTIVITY.entries, NOW)
    assert [line.what for line in found][:2] == ["On, 4 GiB", "Waiting"]
    clock = QLocale().toString(QDateTime.fromSecsSinceEpoch(NOW - 600).time(), QLocale.FormatType.ShortFormat)
    assert found[0] == Happened(clock, "On, 4 GiB", "by hand")
    assert found[-1].when.startswith("25 Nov, ")
    assert len(happened([Entry(NOW, "sleep", "")] * 100, NOW)) == 12


@pytest.mark.parametrize(
    ("today", "memory", "text"),
    [
        (Today(), MEMORY, ""),
        (Today(MIB - 1, 0, 9000), MEMORY, ""),
        (Today(3 * GIB, 0, 7890), MEMORY, "Today: 3 GiB kept off the disk ({0} pages), in 2\u00a0h 11\u00a0min."),
        (Today(MIB, 0, 5), MemoryView(GIB, GIB), "Today: 1 MiB moved to VRAM (256 pages), in 1\u00a0min."),
        (Today(MIB, 0, 5), None, "Today: 1 MiB moved to VRAM (256 pages), in 1\u00a0min."),
    ],
)
def test_the_benefit(today: Today, memory: MemoryView | None, text: str) -> None:
    assert benefit(today, memory) == text.format(QLocale().toString(786_432))
