# SPDX-License-Identifier: MIT
"""Memory pressure: the kernel's text, and triggers on its real file."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE
from vramswap_gui.system.psi import Pressure, Stall, Trigger, Unavailable, open_trigger, read

TEXT = (
    "some avg10=12.34 avg60=5.60 avg300=0.78 total=5633602\n"
    "full avg10=4.00 avg60=0.09 avg300=0.00 total=4023807\n"
)  # fmt: skip


def proc(root: Path, text: str) -> Path:
    (root / "pressure").mkdir()
    (root / "pressure/memory").write_text(text)
    return root


def test_the_averages(tmp_path: Path) -> None:
    assert read(proc(tmp_path, TEXT)) == Pressure(
        some=Stall(12.34, 5.60, 0.78, 5_633_602), full=Stall(4.0, 0.09, 0.0, 4_023_807)
    )


def test_a_field_more_is_no_harm(tmp_path: Path) -> None:
    pressure = read(proc(tmp_path, TEXT.replace("avg10", "avg1=99.00 avg10")))
    assert pressure is not None
    assert pressure.some.avg10 == 12.34


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("empty", ""),
        ("half of it", TEXT.splitlines()[0]),
        ("a value is missing", TEXT.replace("total=4023807", "")),
        ("no numbers", TEXT.replace("4.00", "much")),
        ("no fields", "some\nfull\n"),
    ],
)
def test_what_cannot_be_understood_is_not_measured(name: str, text: str, tmp_path: Path) -> None:
    assert read(proc(tmp_path, text)) is None


def test_a_kernel_without_it(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    assert open_trigger(tmp_path) == Unavailable(
        "This kernel does not measure memory pressure (CONFIG_PSI, or psi=1 on its command line)."
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errno.EOPNOTSUPP, "does not measure memory pressure"),
        (errno.EACCES, "more privileges"),
        (errno.EPERM, "more privileges"),
        (errno.EROFS, "refused the memory pressure trigger (Read-only file system)."),
    ],
)
def test_a_refusal_says_why(error: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, data: bytes) -> int:
        raise OSError(error, "refused")

    folder = proc(tmp_path, "")
    before = descriptors()
    monkeypatch.setattr(os, "write", refuse)
    refused = open_trigger(folder)
    assert isinstance(refused, Unavailable)
    assert words in refused.why
    assert refused.why.endswith(".")
    assert descriptors() == before


def test_a_file_that_cannot_be_polled_leaves_nothing_open(tmp_path: Path) -> None:
    before = descriptors()
    # An ordinary file takes the text, and epoll refuses it.
    assert isinstance(open_trigger(proc(tmp_path, "")), Unavailable)
    assert (tmp_path / "pressure/memory").read_bytes() == b"some 300000 2000000\0"
    assert descriptors() == before


def test_without_privileges_the_window_is_two_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(descriptor: int, data: bytes) -> int:
        asked.append(data)
        raise OSError(errno.EINVAL, "refused")

    monkeypatch.setattr(os, "write", refuse)
    open_trigger(proc(tmp_path, ""))
    assert asked == [b"some 150000 1000000\0", b"some 300000 2000000\0"]


def test_this_kernel() -> None:
    """A trigger on the real file, closed without a trace, or the sentence that says why there is none."""
    before = descriptors()
    trigger = open_trigger()
    if read() is None:
        assert isinstance(trigger, Unavailable)
        assert trigger.why.startswith("This kernel does not measure memory pressure")
    elif isinstance(trigger, Unavailable):
        assert "privileges" in trigger.why or "refused" in trigger.why
    else:
        with trigger:
            assert not os.get_inheritable(trigger.fileno())
            trigger.wait(0)
        trigger.close()
    assert descriptors() == before


@pytest.fixture
def urgent() -> Iterator[tuple[socket.socket, Trigger]]:
    """A trigger on one end of a connection. Urgent data from the other makes it fire: poll calls that POLLPRI too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = socket.create_connection(server.getsockname())
        receiver, _ = server.accept()
    with sender, Trigger(receiver.detach()) as trigger:
        yield sender, trigger


def test_data_is_no_event(urgent: tuple[socket.socket, Trigger]) -> None:
    sender, trigger = urgent
    sender.send(b"always readable, as the kernel's file is")
    # What was sent on this machine is there, and would fire at once.
    assert not trigger.wait(0)
    sender.send(b"!", socket.MSG_OOB)
    assert trigger.wait(PATIENCE)


async def test_an_event_loop_can_watch_it(urgent: tuple[socket.socket, Trigger]) -> None:
    sender, trigger = urgent
    fired = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(trigger.fileno(), fired.set)
    try:
        sender.send(b"data")
        # Two looks of the loop: what is there is dealt with by the second.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not fired.is_set()
        sender.send(b"!", socket.MSG_OOB)
        await fired.wait()
    finally:
        loop.remove_reader(trigger.fileno())


def test_a_closed_trigger_is_closed_once(urgent: tuple[socket.socket, Trigger]) -> None:
    _, trigger = urgent
    before = descriptors()
    trigger.close()
    trigger.close()
    assert descriptors() == before - 2
    with pytest.raises(ValueError):
        trigger.wait(0)


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
