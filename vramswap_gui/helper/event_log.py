# SPDX-License-Identifier: MIT
"""What the helper tells the journal, and when: each time that the swap, a setting or the sleep is not as it was told
last, and when something that was wanted was not done.

Who asks for something, a person over the bus or the policy, has the log look afterwards. What happens in between,
and each sentence of the policy, is for the status alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vramswap_gui import __version__
from vramswap_gui.api.activity import Entry
from vramswap_gui.api.status import Status
from vramswap_gui.errors import VramswapError
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.settings import EMPTY, SETTINGS, Config
from vramswap_gui.system import smallfile
from vramswap_gui.system.journald import Event, Journal
from vramswap_gui.text.language import ENGLISH
from vramswap_gui.units import format_size

#: So many events are remembered.
_RECENT: Final = 60


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything of which a change is told."""

    status: Status = field(default_factory=Status)
    config: Config = field(default_factory=Config)
    asleep: bool = False
    #: The device that goes, or went last, because much of what it has is stale.
    stale: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One event."""

    event: Event
    sentence: str
    fields: Mapping[str, object] = field(default_factory=dict)


def changes(before: Scene, after: Scene, by: int | None) -> Iterator[Line]:
    """What is to be told of the way from one scene to another, which user ``by`` asked for; None: nobody did."""
    yield from _settings(before.config, after.config, by)
    if before.asleep and not after.asleep:
        yield Line(Event.WAKE, "The machine is awake.", {"uid": by})
    yield from _landing(before.status.landed[0], after.status.landed[0])
    if after.status.no_room > before.status.no_room:
        times = after.status.no_room - before.status.no_room
        sentence = f"A page found no room in packed VRAM and stayed in memory, {times} times; none is lost."
        yield Line(Event.FULL, sentence, {"times": times})
    lines = _swap(before.status, after.status, by, after.stale)
    # Of the sleep itself one line is enough.
    yield from (line for line in lines if line.event is not Event.IDLE or before.asleep is after.asleep)
    if after.asleep and not before.asleep:
        yield Line(Event.SLEEP, "No page is in VRAM: the machine may sleep.", {"uid": by})


def _settings(before: Config, after: Config, by: int | None) -> Iterator[Line]:
    for key, setting in SETTINGS.items():
        old, new = (setting.show(getattr(config, key)) or EMPTY for config in (before, after))
        if old != new:
            what, event = ("mode", Event.MODE) if key == "mode" else (f"setting {key}", Event.SETTING)
            fields = {"setting": key, "from": old, "to": new, "uid": by}
            now, then = ("not set" if value == EMPTY else value for value in (new, old))
            yield Line(event, f"The {what} is {now} now, and was {then}.{_asked(by)}", fields)


def _landing(before: int, after: int) -> Iterator[Line]:
    fields = {"size": after, "from": before}
    if after > before:
        sentence = f"{format_size(after - before)} of swap were made on the disk, as pages in VRAM fitted nowhere else."
        yield Line(Event.LANDED, sentence, fields)
    elif after < before:
        sentence = f"{format_size(before - after)} of swap on the disk are gone again: they are not needed any more."
        yield Line(Event.CLEARED, sentence, fields)


def _swap(before: Status, after: Status, by: int | None, stale: str = "") -> Iterator[Line]:
    fields: dict[str, object] = {
        "state": after.state, "size": after.lent, "segments": len(after.segments), "gpu": after.gpu_pci,
        "cause": after.cause, "reason": after.reason.key,
    }  # fmt: skip
    if after.compression:
        fields |= {"swap": after.size, "taken": after.taken, "pages": after.packed[2]}
    old, new = format_size(before.lent), format_size(after.lent)
    why = _asked(by) or f" {ENGLISH.say(after.reason)}"
    if after.lent != before.lent:
        fields |= {"uid": by, "from": before.lent}
        if not before.size:
            yield Line(Event.ON, f"{new} of VRAM are swap, in {_segments(after)}.{why}", fields)
        elif not after.size:
            yield Line(Event.OFF, f"{old} of VRAM were given back.{why}", fields)
        else:
            yield Line(Event.RESIZED, f"{new} of VRAM are swap, and were {old}.{why}", fields)
    elif after.size > before.size:
        sentence = f"{format_size(after.size - before.size)} more of swap were earned: {_held(after)}."
        yield Line(Event.EARNED, sentence, fields | {"from": before.size})
    elif after.size < before.size and _devices(before) - _devices(after) == {stale}:
        sentence = f"{format_size(before.size - after.size)} of swap went, much of which was stale: {_held(after)}."
        yield Line(Event.CLEANED, sentence, fields | {"from": before.size})
    elif after.size < before.size:
        gone = format_size(before.size - after.size)
        sentence = f"{gone} of swap went, as pages are not packed so well any more: {_held(after)}."
        yield Line(Event.FORFEITED, sentence, fields | {"from": before.size})
    error = after.error
    if error is not None and (before.error is None or error.code is not before.error.code):
        yield Line(Event.FAILED, error.message, fields | _fields(error))
    elif before.error is not None and error is None and before.size and after.size == before.size:
        sentence = f"{new} of VRAM are swap, and all is well again."
        yield Line(Event.RECOVERED, sentence, fields | {"error": before.error.code})
    elif not before.size and not after.size and before.state != after.state and error is None:
        yield Line(Event.IDLE, f"Nothing is lent.{why}", fields | {"uid": by})


def _devices(status: Status) -> set[str]:
    return {segment.device for segment in status.segments}


def _fields(error: VramswapError) -> dict[str, object]:
    arguments = error.as_dict()["arguments"]
    coded = {"arguments": json.dumps(arguments, ensure_ascii=False)} if arguments else {}
    return {"error": error.code, "problem": error.key, "remedy": error.remedy, **coded}


def _held(status: Status) -> str:
    held = f"{format_size(status.packed[2])} of pages lie in {format_size(status.taken)}"
    return f"{held}, and {format_size(status.lent)} of VRAM are {format_size(status.size)} of swap now"


def _segments(status: Status) -> str:
    count = len(status.segments)
    return "1 segment" if count == 1 else f"{count} segments"


def _asked(by: int | None) -> str:
    return "" if by is None else f" User {by} asked for it."


class Recent:
    """The last events, for whoever opens a window; kept in the runtime directory until the machine starts anew."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "activity"
        self._entries: deque[Entry] = deque(_recall(self._path), maxlen=_RECENT)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The oldest first."""
        return tuple(self._entries)

    def note(self, event: str, sentence: str, fields: Mapping[str, object]) -> None:
        """One more. What is said again and again is kept once, with its last time."""
        if self._entries and (self._entries[-1].event, self._entries[-1].sentence) == (event, sentence):
            self._entries.pop()
        told = {name: value if isinstance(value, int) else str(value) for name, value in fields.items() if value}
        if told.pop("uid", None) is not None or fields.get("uid") == 0:
            told["asked"] = 1
        self._entries.append(Entry(round(time.time()), event, sentence, told))
        # A full /run costs no more than that.
        with contextlib.suppress(OSError):
            text = json.dumps([dataclasses.astuple(entry) for entry in self._entries])
            smallfile.write(self._path, text)


def _recall(path: Path) -> list[Entry]:
    """What a helper before left."""
    with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
        return [Entry.from_wire(kept) for kept in json.loads(smallfile.text(path) or "[]")]
    return []


class EventLog:
    """The one of a helper. It remembers what was told last."""

    def __init__(self, journal: Journal, lifecycle: Lifecycle, recent: Recent) -> None:
        self._journal = journal
        self._recent = recent
        self._lifecycle = lifecycle
        self._told = Scene()

    def begin(self) -> None:
        """The helper has taken over what there was."""
        self._told = self._scene()
        status = self._told.status
        started = f"vramswap {__version__} is at your service, in the mode {status.mode}."
        self._say(Event.STARTED, started, {"version": __version__, "mode": status.mode})
        if status.size:
            adopted = f"{format_size(status.size)} of swap in {_segments(status)} were on already, and stay."
            self._say(Event.ADOPTED, adopted, {"size": status.size, "segments": len(status.segments)})
        self._tell(_swap(dataclasses.replace(status, error=None), status, None))

    def look(self, by: int | None = None) -> frozenset[Event]:
        """Tell what has changed, if it has come to rest, since the last look; ``by``: at the wish of this user."""
        if self._lifecycle.busy:
            return frozenset()
        try:
            scene = self._scene()
        except (OSError, ValueError):
            # What cannot be read now is seen at the next look.
            return frozenset()
        if scene.status.state.busy:
            return frozenset()
        before, self._told = self._told, scene
        return self._tell(changes(before, scene, by))

    @contextlib.contextmanager
    def request(self, verb: str, by: int | None) -> Iterator[None]:
        """What somebody on the bus asks for is done inside, or refused."""
        try:
            yield
        except VramswapError as error:
            if Event.FAILED not in self.look(by):
                fields = {**_fields(error), "verb": verb, "uid": by}
                asked = "" if by is None else f" of user {by}"
                sentence = f"{verb}{asked} was refused: {error.message}"
                self._say(Event.REFUSED, sentence, fields, like=f"{verb} {by} {error.code}")
            raise
        self.look(by)

    def not_followed(self, error: VramswapError) -> None:
        """The policy wanted something that cannot be done."""
        self.look()
        # What is in the status has been told, and will be said to be over.
        told = self._told.status.error
        if told is None or told.code is not error.code:
            sentence = f"What the policy wants cannot be done: {error.message}"
            self._say(Event.REFUSED, sentence, _fields(error), like=error.code)

    def blind(self, error: Exception) -> None:
        """The policy could not look at the machine."""
        self._say(Event.BLIND, f"Looking at the machine failed: {error}.", {"error": type(error).__name__})

    def end(self) -> None:
        """The helper ends by itself or because it was told to."""
        size = self._told.status.size
        on = f"; {format_size(size)} of swap go on without it" if size else ""
        self._say(Event.ENDED, f"The helper ends{on}.", {"size": size})

    def _say(self, event: Event, sentence: str, fields: Mapping[str, object], like: str = "") -> None:
        self._journal.tell(event, sentence, fields, like)
        self._recent.note(event.word, sentence, fields)

    def _scene(self) -> Scene:
        config = self._told.config
        with contextlib.suppress(VramswapError):
            # The policy, which needs it too, says so when it cannot be read.
            config = self._lifecycle.config()
        return Scene(self._lifecycle.status, config, self._lifecycle.asleep, self._lifecycle.stale)

    def _tell(self, lines: Iterator[Line]) -> frozenset[Event]:
        told = list(lines)
        for line in told:
            self._say(line.event, line.sentence, line.fields)
        return frozenset(line.event for line in told)
