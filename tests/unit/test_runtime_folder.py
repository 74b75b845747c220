# SPDX-License-Identifier: MIT
"""Whatever lies in the runtime directory, a helper that takes over starts, and what it tells can be told."""

from __future__ import annotations

import dataclasses
import datetime
import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from vramswap_gui.api.activity import ENTRIES_SIGNATURE, TODAY_SIGNATURE
from vramswap_gui.api.dbus import LONGEST_PAUSE
from vramswap_gui.bus.connection import Variant
from vramswap_gui.errors import VramswapError
from vramswap_gui.helper import runtime_state
from vramswap_gui.helper.config_file import ConfigFile
from vramswap_gui.helper.event_log import Recent
from vramswap_gui.helper.lifecycle import Lifecycle
from vramswap_gui.helper.runtime_state import RuntimeState
from vramswap_gui.helper.server_client import ServerClient
from vramswap_gui.helper.tally import Ledger
from vramswap_gui.system import smallfile


def _today(**values: object) -> bytes:
    counted = {"day": datetime.date.today().isoformat(), "paged_out": 1, "paged_in": 1, "seconds": 1.0, "counters": {}}
    return json.dumps(counted | values).encode()


def _entry(at: object, event: str = "on", **fields: object) -> bytes:
    return json.dumps([[at, event, "A sentence.", fields]]).encode()


#: What nobody writes there, and what a full disk, another version or an administrator may leave.
CONTENTS: Final[dict[str, bytes]] = {
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
    "no number": b"nan",
    "without end": b"inf",
    "long ago": b"-1e300",
    "far away": b"1e12",
    "digits": b"9" * 5000,
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "no sum": _today(seconds=float("nan")),
    "too much": _today(paged_out=float("inf")),
    "too many": _today(paged_in=1 << 80),
    "less than none": _today(paged_out=-5),
    "no counters": _today(counters={"/dev/nbd0": [float("inf"), 1]}),
    "no time": _entry(float("inf")),
    "no day": _entry(10**17),
    "no name": _entry(1, "\ud800\0", **{"\0": "x"}),
    "no field": _entry(1, size=1 << 80, text="\ud800\0"),
}


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.mkdir()


KINDS: Final[dict[str, Callable[[Path], None]]] = {
    "a pipe": _pipe, "a circle": _circle, "without end": _endless, "a folder": _folder,
}  # fmt: skip
FILES: Final = ("hand", "asleep", "paused", "battery", "today", "activity", "landing", "devices", "settings.json")


async def take_over(folder: Path) -> Lifecycle:
    """All of a helper that reads there, and all of it that is told on the bus."""
    (folder / "swaps").write_text("Filename Type Size Used Priority\n")
    (folder / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 1000 kB\n")
    lifecycle = Lifecycle(
        ServerClient(folder, "devices"), ConfigFile(folder / "none.toml", folder / "settings.json"), folder, "devices",
        folder, folder, folder / "state",
    )  # fmt: skip
    await lifecycle.adopt()
    assert lifecycle.status.paused_until <= time.time() + LONGEST_PAUSE + 1
    datetime.datetime.fromtimestamp(lifecycle.status.paused_until)
    recent = Recent(folder).entries
    for entry in recent:
        datetime.datetime.fromtimestamp(entry.at)
    told = [
        [entry.at, entry.event, entry.sentence, {name: _variant(value) for name, value in entry.fields.items()}]
        for entry in recent
    ]
    str(told).encode()
    Variant(ENTRIES_SIGNATURE, told)
    Variant(TODAY_SIGNATURE, list(dataclasses.astuple(Ledger(folder, folder).today)))
    return lifecycle


def _variant(value: Any) -> Variant:
    return Variant("s", value) if isinstance(value, str) else Variant("x", value)


@pytest.mark.parametrize("content", CONTENTS)
async def test_any_bytes(content: str, tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(CONTENTS[content])
    await take_over(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_file(kind: str, tmp_path: Path) -> None:
    for name in FILES:
        KINDS[kind](tmp_path / name)
    await take_over(tmp_path)


@pytest.mark.parametrize("kind", ["a pipe", "a circle", "without end"])
def test_what_is_no_file_is_written_over(kind: str, tmp_path: Path) -> None:
    for name in ("hand", ".hand"):
        KINDS[kind](tmp_path / name)
    smallfile.write(tmp_path / "hand", "off")
    assert (tmp_path / "hand").read_text() == "off"
    assert not (tmp_path / "hand").is_symlink()


def test_a_pause_goes_on_with_the_next_helper_if_it_can_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when no time at all has passed since it was told to last as long as one can."""
    monkeypatch.setattr(runtime_state, "boot_time", lambda: 13381.57962577)
    until = 13381.57962577 + LONGEST_PAUSE
    RuntimeState(tmp_path).paused_until = until
    assert RuntimeState(tmp_path).paused_until == until
    (tmp_path / "paused").write_text(f"{until + 3600:.3f}")
    assert RuntimeState(tmp_path).paused_until is None


@pytest.mark.parametrize("hours", [-1, 1, 365 * 24])
async def test_a_pause_is_as_long_whatever_becomes_of_the_clock(
    hours: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And people are told its end by the clock that they see."""
    right = time.time
    told: list[int] = []
    lifecycle = await take_over(tmp_path)
    await lifecycle.pause(600)
    lifecycle.changed = lambda status: told.append(status.paused_until)
    lifecycle.expire(on_ac=True)
    assert told == []
    monkeypatch.setattr(time, "time", lambda: right() + hours * 3600)
    lifecycle.expire(on_ac=True)
    (until,) = told
    assert until - time.time() == pytest.approx(600, abs=60)
    await lifecycle.pause(0)


async def test_a_pause_ends_where_nothing_can_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what a person says would be done, told as a failure, and undone by the policy."""
    lifecycle = await take_over(tmp_path)

    removed = Path.unlink

    def refused(path: Path, *_: object, missing_ok: bool = False) -> None:
        if path.name in ("paused", "battery"):
            raise PermissionError(errno.EPERM, "Operation not permitted")
        removed(path, missing_ok=missing_ok)

    await lifecycle.pause(600)
    await lifecycle.use_battery(True)
    monkeypatch.setattr(Path, "unlink", refused)
    await lifecycle.stop()
    await lifecycle.use_battery(False)
    assert lifecycle.hand is False
    assert (lifecycle.status.paused_until, lifecycle.paused_until(time.time())) == (0, None)
    assert (lifecycle.status.battery_once, lifecycle.battery_once) == (False, False)
    # What cannot be written is not begun.
    monkeypatch.setattr(runtime_state, "_write", refused)
    for wish in (lifecycle.pause(600), lifecycle.use_battery(True)):
        with pytest.raises(VramswapError, match="The system refused"):
            await wish
    assert (lifecycle.paused_until(time.time()), lifecycle.battery_once) == (None, False)


async def test_a_machine_sleeps_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lifecycle = await take_over(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runtime_state, "_write", full)
    await lifecycle.sleep()
    assert lifecycle.asleep
    with pytest.raises(VramswapError):
        await lifecycle.start()
    await lifecycle.wake()
    assert not lifecycle.asleep


def test_what_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "hand"
    smallfile.write(path, "on")
    (tmp_path / ".hand").mkdir()
    with pytest.raises(OSError):
        smallfile.write(path, "off")
    assert path.read_text() == "on"
