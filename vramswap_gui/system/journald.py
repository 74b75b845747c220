# SPDX-License-Identifier: MIT
"""The one gate to the journal: an event is one line, with fields by which programs find it.

It is told in journald's own protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/) where stderr is the journal, and as
a plain line on stderr elsewhere. Nothing here waits or fails: what is not taken at once is lost.
"""

from __future__ import annotations

import contextlib
import enum
import os
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vramswap_gui.plain import plain

#: Where journald listens. Its memory may be swapped out; a datagram that it has no room for is refused at once.
JOURNALD: Final = Path("/run/systemd/journal/socket")
_STDERR: Final = 2
#: Characters of a line, and of a field. A datagram of them fits into any socket's buffer, a line into any pipe's.
_LONGEST: Final = 1000

#: Of each event there are at most so many lines in so many seconds, …
BURST: Final = 20
BURST_SECONDS: Final = 60.0
#: … and the same line comes twice in a row only after so many.
REPEAT_SECONDS: Final = 300.0

# Priorities, as in syslog(3).
_CRITICAL, _ERROR, _WARNING, _NOTICE, _INFO = 2, 3, 4, 5, 6


class Event(enum.Enum):
    """What is told: the value of ``VRAMSWAP_EVENT``, the priority, and what it means."""

    STARTED = "started", _NOTICE, "the helper or the server runs"
    ADOPTED = "adopted", _NOTICE, "a helper that was started anew took over swap that was on"
    ON = "on", _NOTICE, "VRAM is swap now"
    RESIZED = "resized", _INFO, "it is more or less than before"
    EARNED = "earned", _INFO, "pages are packed so well that the same VRAM is more swap than before"
    FORFEITED = "forfeited", _NOTICE, "pages are not packed so well any more, and part of that swap went"
    FULL = "full", _WARNING, "pages found no room in packed VRAM and stayed in memory; none is lost"
    CLEANED = (
        "cleaned",
        _INFO,
        "of part of that swap much was forgotten by the kernel, and it went with what it took of VRAM",
    )
    OFF = "off", _NOTICE, "all of it was given back"
    IDLE = "idle", _INFO, "nothing is lent, for another reason than before"
    FAILED = "failed", _ERROR, "something is wrong, until a later line says otherwise"
    RECOVERED = "recovered", _NOTICE, "what failed works again"
    REFUSED = "refused", _WARNING, "what a person or the policy wanted was not done"
    BLIND = "blind", _WARNING, "the policy cannot look at the machine"
    MODE = "mode", _NOTICE, "another mode was chosen"
    SETTING = "setting", _NOTICE, "a setting was changed"
    SLEEP = "sleep", _INFO, "no page is in VRAM any more, the machine may sleep"
    WAKE = "wake", _INFO, "the machine is awake again"
    LANDED = "landed", _NOTICE, "swap was made on a disk, for pages in VRAM that fitted nowhere else"
    CLEARED = "cleared", _INFO, "it is gone again"
    ATTACHED = "attached", _INFO, "the server made a device of VRAM"
    DETACHED = "detached", _INFO, "the server wiped a device and took it away"
    ENGINE = "engine", _WARNING, "the server's engine died, and another one serves its devices"
    LATE = "late", _WARNING, "the server's engine was late with pages, and goes on; none is lost"
    DAMAGED = "damaged", _ERROR, "pages came back from VRAM otherwise than they had been written"
    LOST = "lost", _CRITICAL, "the GPU is gone, and with it the pages that were in it"
    UPGRADED = "upgraded", _NOTICE, "the server became another version, with the swap on"
    ENDED = "ended", _NOTICE, "the helper or the server ended"
    LEFT_OUT = (
        "left-out",
        _WARNING,
        "so many lines before the next one were not written, as they repeated or were too many",
    )

    def __init__(self, word: str, priority: int, meaning: str) -> None:
        self.word = word
        self.priority = priority
        self.meaning = meaning


class Limiter:
    """Keeps lines from flooding the journal. Each event has a measure of its own, so that none can hide another."""

    def __init__(self) -> None:
        self._times: dict[Event, deque[float]] = {}
        self._last: tuple[Event, str] | None = None
        self._last_at = 0.0
        self._left_out = 0

    def admits(self, event: Event, line: str, now: float) -> bool:
        """Whether a line is to be written at ``now``, in seconds; if not, it is counted."""
        times = self._times.setdefault(event, deque(maxlen=BURST))
        repeats = self._last == (event, line) and now < self._last_at + REPEAT_SECONDS
        if repeats or (len(times) == BURST and now < times[0] + BURST_SECONDS):
            self._left_out += 1
            return False
        times.append(now)
        self._last, self._last_at = (event, line), now
        return True

    def left_out(self) -> int:
        """How many lines were left out since the last call."""
        count, self._left_out = self._left_out, 0
        return count


class Journal:
    """Where a program tells its events. Made at the program's start, because its socket is.

    ``plain``: without a journal they go to stderr; otherwise nowhere, for stderr may be a file, and files wait for
    memory.
    """

    def __init__(self, program: str, *, plain: bool = True, path: Path = JOURNALD) -> None:
        self._program = program
        self._plain = plain
        self._path = str(path)
        self._limiter = Limiter()
        self._socket: socket.socket | None = None
        if is_journal(_STDERR, os.environ.get("JOURNAL_STREAM", "")) and path.is_socket():
            with contextlib.suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def tell(self, event: Event, sentence: str, fields: Mapping[str, object] | None = None, like: str = "") -> None:
        """One line. Each of ``fields`` becomes ``VRAMSWAP_…``; those that are None or empty are left out.

        ``like``: what makes it the same line as another, where the sentence has numbers that say nothing new.
        """
        if not self._limiter.admits(event, like or sentence, time.monotonic()):
            return
        count = self._limiter.left_out()
        if count:
            self._write(Event.LEFT_OUT, f"Lines left out before the next one: {count}.", {"lines": count})
        self._write(event, sentence, fields or {})

    def _write(self, event: Event, sentence: str, fields: Mapping[str, object]) -> None:
        message = one_line(sentence)
        with contextlib.suppress(OSError):
            if self._socket is not None:
                entry = {
                    "MESSAGE": message,
                    "PRIORITY": str(event.priority),
                    "SYSLOG_IDENTIFIER": self._program,
                    "VRAMSWAP_EVENT": event.word,
                }
                entry |= {
                    f"VRAMSWAP_{name.upper()}": str(value)[:_LONGEST]
                    for name, value in fields.items()
                    if value is not None and value != ""
                }
                self._socket.sendto(encode(entry), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL, self._path)
            elif self._plain and _has_room(_STDERR):
                os.write(_STDERR, f"{self._program}: {message}\n".encode(errors="replace"))


def is_journal(fd: int, stream: str) -> bool:
    """Whether a descriptor is the one of which ``JOURNAL_STREAM`` says that it is the journal (systemd.exec(5))."""
    with contextlib.suppress(OSError):
        found = os.fstat(fd)
        return stream == f"{found.st_dev}:{found.st_ino}"
    return False


def encode(entry: Mapping[str, str]) -> bytes:
    """An entry in journald's protocol. A value with a newline in it has its length before it."""
    data = bytearray()
    for name, text in entry.items():
        value = text.encode(errors="replace")
        if b"\n" in value:
            data += name.encode() + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
        else:
            data += name.encode() + b"=" + value + b"\n"
    return bytes(data)


def one_line(text: str) -> str:
    """``text`` as a line for a terminal: what would break it, or steer the terminal, is not in it any more."""
    return plain(" ".join(text.split()), _LONGEST)


def _has_room(fd: int) -> bool:
    """Whether a write returns at once: to a pipe, a terminal or a socket that nobody reads it would not."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return any(ready & select.POLLOUT for _, ready in poll.poll(0))
