# SPDX-License-Identifier: MIT
"""The gate to the journal: journald's protocol on a real socket, one line an event, never too many, never waiting."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.journald import Entry, parse
from vramswap_gui.system import process
from vramswap_gui.system.journald import (
    BURST,
    BURST_SECONDS,
    REPEAT_SECONDS,
    Event,
    Journal,
    Limiter,
    encode,
    is_journal,
    one_line,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket like journald's, which nobody reads but the test."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(str(tmp_path / "socket"))
        bound.setblocking(False)
        yield bound


@pytest.fixture
def make(
    inbox: socket.socket, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Journal]:
    """Makes journals whose stderr is the journal."""

    def made(**more: Any) -> Journal:
        # Which file is captured may be another one in a fixture than in the test.
        stderr = os.fstat(2)
        monkeypatch.setenv("JOURNAL_STREAM", f"{stderr.st_dev}:{stderr.st_ino}")
        return Journal("vramswap-test", path=Path(inbox.getsockname()), **more)

    return made


def test_an_event_is_an_entry_with_fields(inbox: socket.socket, make: Callable[..., Journal]) -> None:
    make().tell(Event.ON, "1 GiB\nof VRAM.", {"size": 1 << 30, "uid": 0, "gpu": "", "by": None, "text": "a=b\nc\n"})
    assert parse(inbox.recv(9999)) == {
        "MESSAGE": "1 GiB of VRAM.",
        "PRIORITY": "5",
        "SYSLOG_IDENTIFIER": "vramswap-test",
        "VRAMSWAP_EVENT": "on",
        "VRAMSWAP_SIZE": "1073741824",
        "VRAMSWAP_UID": "0",
        "VRAMSWAP_TEXT": "a=b\nc\n",
    }


def test_nothing_else_is_written_where_there_is_a_journal(
    make: Callable[..., Journal], capfd: pytest.CaptureFixture[str]
) -> None:
    make().tell(Event.ON, "On.")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("plain", "expected"), [(True, "vramswap-test: One line.\n"), (False, "")])
@pytest.mark.parametrize("stream", ["", "1:2", "nonsense"])
def test_without_a_journal_it_is_a_line_on_stderr(
    plain: bool, expected: str, stream: str, inbox: socket.socket, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("JOURNAL_STREAM", stream)
    Journal("vramswap-test", plain=plain, path=Path(inbox.getsockname())).tell(Event.ON, "One\nline.", {"size": 1})
    assert capfd.readouterr().err == expected


def test_a_journal_whose_socket_is_hidden_is_no_journal(
    make: Callable[..., Journal], inbox: socket.socket, capfd: pytest.CaptureFixture[str]
) -> None:
    Path(inbox.getsockname()).unlink()
    make().tell(Event.ON, "On.")
    assert capfd.readouterr().err == "vramswap-test: On.\n"


def test_a_journal_that_takes_no_more_is_not_waited_for(
    make: Callable[..., Journal], inbox: socket.socket, capfd: pytest.CaptureFixture[str]
) -> None:
    journal, count = make(), 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others:
        others.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                others.sendto(b"MESSAGE=of others\n", inbox.getsockname())
                count += 1
    journal.tell(Event.LOST, "The GPU is gone.")
    assert [inbox.recv(99) for _ in range(count)] == [b"MESSAGE=of others\n"] * count
    with pytest.raises(BlockingIOError):
        inbox.recv(99)
    # It was dropped, and the next one comes.
    journal.tell(Event.ON, "On.")
    assert parse(inbox.recv(9999))["MESSAGE"] == "On."
    inbox.close()
    journal.tell(Event.OFF, "Off.")
    assert capfd.readouterr().err == ""


def test_a_pipe_that_nobody_reads_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    os.set_blocking(writer, True)
    monkeypatch.setattr("vramswap_gui.system.journald._STDERR", writer)
    Journal("vramswap-test").tell(Event.ON, "On.")
    os.close(reader)
    Journal("vramswap-test").tell(Event.ON, "On.")
    os.close(writer)
    Journal("vramswap-test").tell(Event.ON, "On.")


def test_what_is_too_long_is_cut(make: Callable[..., Journal], inbox: socket.socket) -> None:
    make().tell(Event.FAILED, "é" * 100_000, {"error": "\n" * 100_000})
    entry = parse(inbox.recv(99_999))
    assert entry["MESSAGE"] == "é" * 999 + "…"
    assert entry["VRAMSWAP_ERROR"] == "\n" * 1000


@given(st.dictionaries(st.sampled_from(["MESSAGE", "VRAMSWAP_A", "VRAMSWAP_B"]), st.text()))
def test_any_value_comes_through(entry: Entry) -> None:
    assert parse(encode(entry)) == entry


@given(st.text())
def test_a_message_is_one_line_whatever_is_in_it(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    encode({"MESSAGE": line, "VRAMSWAP_RAW": text})


@pytest.mark.parametrize("fd", [2, 99])
def test_stderr_is_the_journal_only_if_systemd_says_so(fd: int) -> None:
    assert not is_journal(fd, "")
    if fd == 2:
        assert is_journal(fd, f"{os.fstat(fd).st_dev}:{os.fstat(fd).st_ino}")


A, B = (Event.ON, "a"), (Event.OFF, "b")


def many(event: Event, count: int) -> list[tuple[Event, str, float]]:
    """Lines that are not the same, one a second."""
    return [(event, f"{second}", second) for second in range(count)]


@pytest.mark.parametrize(
    ("lines", "admitted", "left_out"),
    [
        ([(*A, 0), (*B, 0), (*A, 1)], [True, True, True], 0),
        ([(*A, 0), (*A, 1), (*A, REPEAT_SECONDS - 1), (*A, REPEAT_SECONDS)], [True, False, False, True], 2),
        ([(*A, 0), (Event.ON, "c", 1), (*A, 2)], [True, True, True], 0),
        (many(Event.ON, BURST + 2), [True] * BURST + [False] * 2, 2),
        # Another event is not kept out by the many.
        ([*many(Event.REFUSED, BURST + 1), (Event.LOST, "", 0)], [True] * BURST + [False, True], 1),
        # The oldest one makes room when its time is over.
        (
            [*many(Event.ON, BURST), (Event.ON, "x", BURST_SECONDS), (Event.ON, "y", BURST_SECONDS)],
            [True] * BURST + [True, False],
            1,
        ),
    ],
)  # fmt: skip
def test_the_limiter(lines: list[tuple[Event, str, float]], admitted: list[bool], left_out: int) -> None:
    limiter = Limiter()
    assert [limiter.admits(*line) for line in lines] == admitted
    assert (limiter.left_out(), limiter.left_out()) == (left_out, 0)


def test_what_was_left_out_is_counted(make: Callable[..., Journal], inbox: socket.socket) -> None:
    journal = make()
    for number in range(4):
        journal.tell(Event.REFUSED, f"It is full, {number} times.", like="full")
    journal.tell(Event.ON, "On.")
    entries = [parse(inbox.recv(9999)) for _ in range(3)]
    assert [entry["VRAMSWAP_EVENT"] for entry in entries] == ["refused", "left-out", "on"]
    assert entries[1]["VRAMSWAP_LINES"] == "3"


def test_every_event_is_documented() -> None:
    words = [event.word for event in Event]
    assert len(set(words)) == len(words)
    names = {2: "crit", 3: "err", 4: "warning", 5: "notice", 6: "info"}
    table = "".join(f"| `{event.word}` | {names[event.priority]} | {event.meaning} |\n" for event in Event)
    assert table in (ROOT / "docs/administration.md").read_text(encoding="utf-8"), table


def test_a_process_has_its_name(tmp_path: Path) -> None:
    for program in ("helper", "keeper", "engine"):
        assert len(f"vramswap-{program}") <= process.LONGEST
    process.call_it("vramswap-and-so-on", tmp_path)
    assert (tmp_path / "comm").read_text() == "vramswap-and-so"
    process.call_it("vramswap-test", tmp_path / "missing")
