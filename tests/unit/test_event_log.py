# SPDX-License-Identifier: MIT
"""What is told of a change, as a table: what was, what is, who asked for it, and the lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.errors import failure
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, Segment, State, Status
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper.event_log import EventLog, Recent, Scene, changes
from vramswap_gui.server.supervisor.event_log import how
from vramswap_gui.settings import Config
from vramswap_gui.system.journald import Event
from vramswap_gui.units import MIB

ONE = Segment("/dev/nbd0", 512 * MIB, 0, 1000)
TWO = Segment("/dev/nbd1", 512 * MIB, 0, 999)
BROKEN = failure(ErrorCode.NO_GPU, "There is none.", "Buy one.")
OTHER = failure(ErrorCode.WONT_FIT, "It does not fit.", "Close something.")

ENOUGH = Reason.of(ReasonCode.LENT_LESS, size=512 * MIB, goal=1024 * MIB, why=Reason.of(ReasonCode.ENOUGH))
OFF = Scene(Status(State.OFF))
WAITING = Scene(Status(State.WAITING, Reason.of(ReasonCode.MEMORY_PLENTIFUL), Cause.MEMORY))
ON = Scene(Status(State.ON, ENOUGH, Cause.MEMORY, segments=(ONE,)))
MORE = Scene(Status(State.ON, Reason.of(ReasonCode.LENT, size=1024 * MIB), segments=(ONE, TWO)))
FAILED = Scene(Status(State.FAILED, Reason.of(ReasonCode.FAILED), error=BROKEN))
STUCK = Scene(replace(ON.status, reason=Reason.of(ReasonCode.STUCK), error=OTHER))
ASLEEP = Scene(Status(State.OFF, Reason.of(ReasonCode.ASLEEP), Cause.SLEEP), asleep=True)


#: 512 MiB of VRAM, in which 300 MiB of pages lie.
PACKED = Scene(replace(ON.status, compression="lz4", packed=(512 * MIB, 100 * MIB, 300 * MIB)))
EARNED = Scene(replace(PACKED.status, segments=(ONE, TWO)))
GROWN = Scene(replace(EARNED.status, packed=(1024 * MIB, 100 * MIB, 300 * MIB)))


def having(scene: Scene, **status: Any) -> Scene:
    return replace(scene, status=replace(scene.status, **status))


@pytest.mark.parametrize(
    ("before", "after", "by", "lines"),
    [
        (ON, ON, None, []),
        # Neither how full it is nor another sentence is an event.
        (ON, having(ON, reason=Reason.of(ReasonCode.GAME), cause=Cause.VRAM), None, []),
        (ON, having(ON, segments=(replace(ONE, used=MIB),)), None, []),
        (WAITING, having(WAITING, reason=Reason.of(ReasonCode.MEMORY_NOT_SHORT)), None, []),
        (OFF, ON, 1000, ["on: 512 MiB of VRAM are swap, in 1 segment. User 1000 asked for it."]),
        (WAITING, ON, None, ["on: 512 MiB of VRAM are swap, in 1 segment. 512 MiB of 1 GiB: no more is needed."]),
        (OFF, MORE, 0, ["on: 1 GiB of VRAM are swap, in 2 segments. User 0 asked for it."]),
        (ON, MORE, 1000, ["resized: 1 GiB of VRAM are swap, and were 512 MiB. User 1000 asked for it."]),
        (MORE, ON, None, ["resized: 512 MiB of VRAM are swap, and were 1 GiB. 512 MiB of 1 GiB: no more is needed."]),
        (ON, WAITING, None, ["off: 512 MiB of VRAM were given back. Memory is plentiful."]),
        (ON, OFF, 1000, ["off: 512 MiB of VRAM were given back. User 1000 asked for it."]),
        (OFF, WAITING, None, ["idle: Nothing is lent. Memory is plentiful."]),
        (WAITING, OFF, None, ["idle: Nothing is lent. Off."]),
        (
            PACKED, EARNED, None,
            ["earned: 512 MiB more of swap were earned: 300 MiB of pages lie in 100 MiB, and 512 MiB of VRAM are 1 GiB"
             " of swap now."],
        ),
        (
            EARNED, PACKED, None,
            ["forfeited: 512 MiB of swap went, as pages are not packed so well any more: 300 MiB of pages lie in"
             " 100 MiB, and 512 MiB of VRAM are 512 MiB of swap now."],
        ),
        (
            EARNED, replace(PACKED, stale=TWO.device), None,
            ["cleaned: 512 MiB of swap went, much of which was stale: 300 MiB of pages lie in 100 MiB, and 512 MiB"
             " of VRAM are 512 MiB of swap now."],
        ),
        (
            EARNED, having(PACKED, no_room=512), None,
            ["full: A page found no room in packed VRAM and stayed in memory, 512 times; none is lost.",
             "forfeited: 512 MiB of swap went, as pages are not packed so well any more: 300 MiB of pages lie in"
             " 100 MiB, and 512 MiB of VRAM are 512 MiB of swap now."],
        ),
        (PACKED, GROWN, 7, ["resized: 1 GiB of VRAM are swap, and were 512 MiB. User 7 asked for it."]),
        (EARNED, OFF, 7, ["off: 512 MiB of VRAM were given back. User 7 asked for it."]),
        (OFF, FAILED, 1000, ["failed: There is none."]),
        (FAILED, having(FAILED, error=failure(BROKEN.code, "In other words.")), None, []),
        (FAILED, OFF, 1000, ["idle: Nothing is lent. User 1000 asked for it."]),
        (FAILED, ON, None, ["on: 512 MiB of VRAM are swap, in 1 segment. 512 MiB of 1 GiB: no more is needed."]),
        (ON, STUCK, None, ["failed: It does not fit."]),
        (STUCK, ON, None, ["recovered: 512 MiB of VRAM are swap, and all is well again."]),
        (STUCK, OFF, 0, ["off: 512 MiB of VRAM were given back. User 0 asked for it."]),
        (
            ON, ASLEEP, 0,
            [
                "off: 512 MiB of VRAM were given back. User 0 asked for it.",
                "sleep: No page is in VRAM: the machine may sleep.",
            ],
        ),
        (WAITING, ASLEEP, 0, ["sleep: No page is in VRAM: the machine may sleep."]),
        (ASLEEP, WAITING, 0, ["wake: The machine is awake."]),
        (
            replace(OFF, config=Config("off", MIB)), replace(WAITING, config=Config("on-demand", 0, gpu="1")), 7,
            [
                "mode: The mode is on-demand now, and was off. User 7 asked for it.",
                "setting: The setting size is auto now, and was 1 MiB. User 7 asked for it.",
                "setting: The setting gpu is 1 now, and was not set. User 7 asked for it.",
                "idle: Nothing is lent. User 7 asked for it.",
            ],
        ),
    ],
)  # fmt: skip
def test_changes(before: Scene, after: Scene, by: int | None, lines: list[str]) -> None:
    assert [f"{line.event.word}: {line.sentence}" for line in changes(before, after, by)] == lines


def test_fields() -> None:
    (line,) = changes(OFF, having(ON, gpu_pci="0000:01:00.0"), 1000)
    assert line.fields == {
        "state": "on", "size": 512 * MIB, "from": 0, "segments": 1, "gpu": "0000:01:00.0", "uid": 1000,
        "cause": "memory", "reason": "lent-less",
    }  # fmt: skip
    (line,) = changes(PACKED, EARNED, None)
    assert {key: line.fields[key] for key in ("size", "from", "swap", "taken", "pages")} == {
        "size": 512 * MIB, "from": 512 * MIB, "swap": 1024 * MIB, "taken": 100 * MIB, "pages": 300 * MIB,
    }  # fmt: skip
    (line,) = changes(OFF, FAILED, 1000)
    assert (line.fields["error"], line.fields["remedy"]) == ("NoGpu", "Buy one.")
    (line,) = changes(replace(OFF, config=Config(headroom=MIB)), replace(OFF, config=Config(headroom=2 * MIB)), None)
    assert line.fields == {"setting": "headroom", "from": "1 MiB", "to": "2 MiB", "uid": None}


class Told:
    """A journal, and a manager whose scene the test sets."""

    def __init__(self) -> None:
        self.lines: list[tuple[Event, str, str]] = []
        self.scene = OFF
        self.busy = False

    def tell(self, event: Event, sentence: str, fields: Any = None, like: str = "") -> None:
        self.lines.append((event, sentence, like))

    def config(self) -> Config:
        return self.scene.config

    @property
    def status(self) -> Status:
        return self.scene.status

    @property
    def asleep(self) -> bool:
        return self.scene.asleep

    @property
    def stale(self) -> str:
        return self.scene.stale

    def events(self) -> list[Event]:
        told = [event for event, _, _ in self.lines]
        self.lines.clear()
        return told


def diary_of(told: Told) -> EventLog:
    return EventLog(told, told, Recent(Path("/nonexistent")))  # type: ignore[arg-type]


def test_what_is_on_the_way_is_not_told() -> None:
    told = Told()
    diary = diary_of(told)
    diary.begin()
    assert told.events() == [Event.STARTED]
    for busy, scene, events in (
        (False, having(ON, state=State.STARTING), []),
        (True, ON, []),
        (False, ON, [Event.ON]),
        (False, ON, []),
        (False, having(MORE, state=State.RESIZING), []),
        (False, ON, []),
    ):
        told.busy, told.scene = busy, scene
        diary.look()
        assert told.events() == events


@pytest.mark.parametrize(
    ("scene", "events"), [(ON, [Event.ADOPTED]), (STUCK, [Event.ADOPTED, Event.FAILED]), (OFF, [])]
)
def test_a_helper_tells_what_it_finds(scene: Scene, events: list[Event]) -> None:
    told = Told()
    told.scene = scene
    diary_of(told).begin()
    assert told.events() == [Event.STARTED, *events]


def test_what_fails_is_told_once() -> None:
    told = Told()
    diary = diary_of(told)
    for expected in (Event.FAILED, Event.REFUSED):
        told.scene = FAILED
        with pytest.raises(VramswapError), diary.request("Start", 1000):
            raise BROKEN
        assert told.events() == [expected]
    # The policy tries again and again, and what it fails of is in the status.
    diary.not_followed(BROKEN)
    assert told.events() == []
    for room in ("1 MiB", "2 MiB"):
        diary.not_followed(failure(ErrorCode.OUT_OF_VRAM, f"Only {room} are free."))
    assert {(event, like) for event, _, like in told.lines} == {(Event.REFUSED, "OutOfVram")}


def test_a_machine_that_cannot_be_read_does_no_harm() -> None:
    told = Told()
    diary = diary_of(told)
    told.config = lambda: (_ for _ in ()).throw(OSError("gone"))  # type: ignore[method-assign]
    told.scene = ON
    with diary.request("Stop", None):
        pass
    assert told.events() == []
    del told.config
    diary.look()
    assert told.events() == [Event.ON]


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "ended with status 0"), (-9, "was ended by SIGKILL"), (-99, "was ended by signal 99")],
)
def test_how_an_engine_ended(code: int, words: str) -> None:
    assert how(code) == words


def test_the_last_events_are_remembered_without_who_asked(tmp_path: Path) -> None:
    recent = Recent(tmp_path)
    recent.note("on", "It is on.", {"uid": 1000, "size": MIB, "reason": "", "state": State.ON})
    for _ in range(3):
        recent.note("refused", "No.", {"uid": None, "error": ErrorCode.BUSY})
    recent.note("off", "It is off.", {"uid": 0})
    on, refused, off = recent.entries
    assert on.fields == {"size": MIB, "state": "on", "asked": 1}
    assert (refused.sentence, refused.fields) == ("No.", {"error": "Busy"})
    assert off.fields == {"asked": 1}
    assert Recent(tmp_path).entries == recent.entries
    for number in range(200):
        recent.note("setting", f"Line {number}.", {})
    assert [entry.sentence for entry in recent.entries][-1] == "Line 199."
    assert len(recent.entries) == 60
    for nonsense in ("", "[1]", "[[1, 2, 3, 4]]", "{", "null", "[" * 5000):
        (tmp_path / "activity").write_text(nonsense)
        assert Recent(tmp_path).entries == ()
