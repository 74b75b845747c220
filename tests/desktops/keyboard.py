# SPDX-License-Identifier: MIT
"""The whole flow with the keyboard alone, by what a screen reader is told of it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.demo.stack import Stack
from tests.desktops.session import Session, until

_READER: Final = Path(__file__).with_name("accessible.py")
#: More parts than the window has.
_MOST: Final = 30
_SWITCH: Final = "Use VRAM as swap"
_QUESTION: Final = "May memory be written to this disk?"
#: In Orca's log, what it says.
_SPOKEN: Final = re.compile(r"SPEECH OUTPUT: '(.*?)' \{")


@dataclass(frozen=True, slots=True)
class Part:
    """Of a window, as the desktop's accessibility bus has it."""

    role: str
    name: str
    description: str
    value: str
    states: tuple[str, ...]

    @property
    def spoken(self) -> str:
        """One line of what a screen reader could say."""
        said = (self.name, self.role, self.value, *("checked" for state in self.states if state == "checked"))
        return " · ".join(filter(None, (*said, self.description)))


class Keyboard:
    """Hands on the keyboard, and eyes shut."""

    def __init__(self, session: Session, stack: Stack, say: Callable[[str, bool], None]) -> None:
        self._session = session
        self._stack = stack
        self._say = say
        self._reader = session.runtime / _READER.name
        shutil.copy(_READER, self._reader)

    def run(self) -> None:
        """From the window to VRAM that is lent, to a decision, and back."""
        log = self._session.runtime / "orca.log"
        orca = self._session.start(f"orca --replace --debug-file={log}", "orca")
        self._say("Orca reads", until(log.exists, 60))
        self._session.start("vramswap", "again")
        there = until(lambda: bool(self._parts()), 30)
        self._say("the window is on the accessibility bus", there)
        if not there:
            return
        order = self._walk("spoken")
        self._say("every stop has a name", bool(order) and all(part.name for part in order))
        names = [part.name for part in order]
        self._say(f"the switch is the first stop of {len(names)}", names[:1] == [_SWITCH])
        self._lend()
        self._resize()
        self._decide()
        self._say("it is reached again", self._reach(_SWITCH))
        self._session.key("space")
        self._say("the space bar turns it off", self._becomes("off"))
        self._session.key("Escape")
        self._say("Escape closes the window", until(lambda: not self._parts()))
        orca.terminate()
        heard = "".join(f"{said}\n" for said in _SPOKEN.findall(log.read_text(errors="replace")))
        (self._session.folder / "orca.txt").write_text(heard)
        for what in (_SWITCH, _QUESTION, "GiB"):
            self._say(f"Orca says “{what}”", what in heard)

    def _lend(self) -> None:
        self._say("the switch is reached", self._reach(_SWITCH))
        self._session.key("space")
        self._say("the space bar turns it on", self._becomes("on"))
        self._say("which is told", until(lambda: "checked" in self._named(_SWITCH).states))
        self._say("the focus stays", self._focused().name == _SWITCH)
        self._walk("spoken-on")
        self._session.picture("9-keyboard-on")

    def _resize(self) -> None:
        self._say("the slider is reached", self._reach("Amount of VRAM to lend"))
        before = self._status()["wanted"]
        self._session.key("Left")
        self._say("an arrow changes the size", until(lambda: self._status()["wanted"] != before))
        said = self._focused().description
        self._say(f"the slider says a size: {said}", said.endswith(("GiB", "MiB")))

    def _decide(self) -> None:
        self._say("the question is there", until(lambda: any(part.name == _QUESTION for part in self._parts())))
        self._say("its answer is reached", self._reach("Never", "button"))
        answer = self._focused()
        self._say("which says what it answers", _QUESTION in answer.description)
        self._session.picture("9-keyboard-question")
        self._session.key("space")
        self._say("it is decided", until(lambda: self._status()["landing"] == "off"))
        self._say("the focus goes where nothing happens by itself", until(lambda: bool(self._focused().name)))

    # The window

    def _parts(self) -> list[Part]:
        said = self._session.do(f"timeout 30 python3 {self._reader}")
        return [Part(**part | {"states": tuple(part["states"])}) for part in json.loads(said or "[]")]

    def _named(self, name: str) -> Part:
        return next((part for part in self._parts() if part.name == name and "focusable" in part.states), _NOTHING)

    def _focused(self) -> Part:
        return next((part for part in reversed(self._parts()) if "focused" in part.states), _NOTHING)

    def _walk(self, name: str) -> list[Part]:
        """The stops from one to the same again, kept under a name."""
        stops = [self._focused()]
        for _ in range(_MOST):
            self._session.key("Tab")
            stop = self._focused()
            if (stop.name, stop.role) == (stops[0].name, stops[0].role):
                break
            stops.append(stop)
        (self._session.folder / f"{name}.txt").write_text("".join(f"{stop.spoken}\n" for stop in stops))
        return stops

    def _reach(self, name: str, role: str = "") -> bool:
        for _ in range(_MOST):
            focused = self._focused()
            if focused.name == name and role in focused.role:
                return True
            self._session.key("Tab")
        return False

    # What comes of it

    def _status(self) -> dict[str, object]:
        known: dict[str, object] = json.loads(self._stack.ctl("status", "--json").stdout or "{}")
        return known

    def _becomes(self, state: str) -> bool:
        return until(lambda: self._status()["state"] == state, 30)


_NOTHING: Final = Part("", "", "", "", ())
