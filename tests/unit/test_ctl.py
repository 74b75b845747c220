# SPDX-License-Identifier: MIT
"""The command line's own parts: what it imports, how it writes, what it says of a status."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.errors import failure
from vramswap_gui.api.reasons import NO_DRIVER, Reason, ReasonCode
from vramswap_gui.api.status import Mode, Segment, State, Status
from vramswap_gui.bench import suite
from vramswap_gui.bench.suite import Report
from vramswap_gui.ctl import describe, output, parser
from vramswap_gui.ctl.commands import config, upkeep
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.settings import SETTINGS, Config
from vramswap_gui.units import GIB, MIB

SENTENCE = "→ “é” ’…’ ß ş \U0001f600 \u05d0"


def modules(code: str) -> set[str]:
    """What is imported after ``code``."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_parser_needs_nothing_that_takes_time() -> None:
    found = modules("from vramswap_gui.ctl import parser\nparser.build()")
    assert not found & {"asyncio", "dbus_next", "ctypes", "tomllib", "subprocess", "vramswap_gui.client"}
    assert not any(name.startswith(("vramswap_gui.system", "vramswap_gui.doctor", "vramswap_gui.bench"))
                   for name in found)  # fmt: skip


def test_a_command_of_every_day_needs_no_upkeep() -> None:
    found = modules("import vramswap_gui.ctl.main, vramswap_gui.ctl.commands.swap")
    assert not any(name.startswith(("vramswap_gui.doctor", "vramswap_gui.bench", "vramswap_gui.ctl.install"))
                   for name in found)  # fmt: skip


def test_every_command_has_its_code() -> None:
    for command in parser.COMMANDS.values():
        room, _, function = command.run.partition(".")
        assert callable(getattr(__import__(f"vramswap_gui.ctl.commands.{room}", fromlist=[function]), function))
    assert set(parser.COMMANDS) == {command.name for group in parser.GROUPS.values() for command in group}
    text = parser.build().format_help()
    assert all(f"\n  {name} " in text for name in parser.COMMANDS) and all(
        f"\n{title}:\n" in text for title in parser.GROUPS
    )
    assert parser.parse([]).command == parser.parse(["status"]).command == "status"
    assert "debug" in parser.parse(["--debug"]) and "debug" not in parser.parse(["off"])


@pytest.mark.parametrize("encoding", sorted({"utf-8", "ascii", "latin-1", "koi8-r", "iso8859-9", "euc_jp", "cp1256"}))
def test_every_encoding_takes_every_sentence(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    output.prepare()
    output.say(SENTENCE)
    output.say_json({"x": SENTENCE})
    written = raw.getvalue().decode(encoding)
    line, _, rest = written.partition("\n")
    assert json.loads(rest) == {"x": SENTENCE}
    if encoding == "utf-8":
        assert line == SENTENCE
    if encoding == "ascii":
        assert line == "-> \"\\xe9\" '...' \\xdf \\u015f \\U0001f600 \\u05d0"


@given(st.text(st.characters(codec=None)))
def test_nothing_that_is_said_fails(text: str) -> None:
    raw = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
        output.prepare()
        output.say(text)
        output.say_json(text)
        assert raw.getvalue().isascii()


#: As they are where nobody says so.
USUAL = ("--gpu=", f"--threads {min(8, os.cpu_count() or 1)}", "--seconds 1", "--seconds 1.0", "--runs 2")


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ("--pressure", "pressure"), ("--pressure --others --size 64M --json", "pressure"),
        ("--codecs", "codecs"), ("--codecs --json", "codecs"),
        *((f"--pressure {option}", "") for option in (
            "--codecs", "--gpu 1", "--threads 64", "--seconds 2", "--runs 1", "--disk /", "--quick", "--no-verify",
            "--svg x.svg", *USUAL)),
        *((f"--codecs {option}", "") for option in ("--others", "--size 64M", "--runs 1", "--svg x.svg", *USUAL)),
        *((f"{option} --json", "plain") for option in USUAL), ("--size 2G --seconds 1 --json", "plain"),
        ("--others", ""), ("--quick --others", ""), ("--seconds 61", ""), ("--runs 0", ""),
    ],
)  # fmt: skip
async def test_what_a_measurement_would_pass_over_is_refused(
    arguments: str, runs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    async def pressure(options: object) -> None:
        ran.append("pressure")

    async def plain(plan: object, progress: object) -> Report:
        ran.append("plain")
        return Report((), 0.0, 0)

    async def no_driver() -> tuple[str, Reason]:
        return "", NO_DRIVER

    monkeypatch.setattr(upkeep, "_pressure", pressure)
    monkeypatch.setattr(upkeep, "_codecs", lambda options: ran.append("codecs"))
    monkeypatch.setattr(suite, "measure", plain)
    monkeypatch.setattr(upkeep, "_driver", no_driver)
    given = parser.parse(["--debug", "bench", *arguments.split()])
    if not runs:
        with pytest.raises(VramswapError) as caught:
            await upkeep.bench(given)
        assert caught.value.problem is Problem.BENCH_OPTIONS
    else:
        await upkeep.bench(given)
    assert "".join(ran) == runs


@pytest.mark.parametrize("kind", ["", "--pressure"])
async def test_an_empty_size_is_not_the_usual_one(kind: str) -> None:
    with pytest.raises(VramswapError) as caught:
        await upkeep.bench(parser.parse(["bench", "--size=", *kind.split()]))
    assert caught.value.problem is Problem.SETTING_NO_SIZE


def test_what_was_given_is_told_from_what_is_usual() -> None:
    bare, said = parser.parse(["bench"]), parser.parse(["--debug", "bench", "--runs", "2", "--gpu", "", "--json"])
    assert (bare.given, said.given) == (frozenset(), {"runs", "gpu", "json"})
    assert vars(bare) | {"given": 0, "debug": True, "json": True} == vars(said) | {"given": 0}
    assert (parser.parse(["pause"]).duration, parser.parse([]).given) == ("1h", frozenset())
    assert parser.parse(["pause", "1h"]).given == {"duration"}


@pytest.mark.parametrize("name", parser.COMMANDS)
def test_help_says_what_is_usual(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser.parse([name, "--help"])
    said = capsys.readouterr().out
    assert "SUPPRESS" not in said and "Usual" not in said
    for names, how in parser.COMMANDS[name].arguments:
        if "%(default)s" in how.get("help", ""):
            assert f"({how['default']})" in said, names


def test_a_complaint_takes_the_place_of_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    output.show_progress("half")
    output.complain("It failed.")
    assert terminal.getvalue().endswith("half\r\x1b[Kvramswapctl: It failed.\n")


ENOUGH = Reason.of(ReasonCode.LENT_LESS, size=256 * MIB, goal=GIB, why=Reason.of(ReasonCode.ENOUGH))
ON = Status(
    State.ON, ENOUGH, segments=(Segment("/dev/nbd0", 256 * MIB, 64 * MIB, 1000),), mode=Mode.ON_DEMAND, wanted=GIB,
    maximum=7 * GIB + 512 * MIB, gpu_name="Card\x1b[2J", gpu_pci="0000:01:00.0",
)  # fmt: skip


def test_the_status_in_words() -> None:
    assert describe.full(ON).splitlines() == [
        "on: 256 MiB of 1 GiB: no more is needed.",
        "Used       64 MiB of 256 MiB",
        "Mode       on-demand (when memory gets short)",
        "Size       1 GiB, at most 7.5 GiB",
        "GPU        Card\\x1b[2J (0000:01:00.0)",
    ]
    assert describe.full(ON, verbose=True).splitlines()[-1].endswith("64 MiB of 256 MiB used, priority 1000")
    assert describe.line(Status(State.OFF)) == "off"
    packed = dataclasses.replace(ON, compression="zstd", packed=(128 * MIB, 20 * MIB, 62 * MIB))
    assert describe.full(packed).splitlines()[2] == "Packed     62 MiB in 20 MiB of 128 MiB of VRAM, 3.1:1 (zstd)"
    empty = dataclasses.replace(packed, packed=(128 * MIB, 0, 0))
    assert describe.full(empty).splitlines()[2] == "Packed     0 B in 0 B of 128 MiB of VRAM (zstd)"
    assert describe.line(Status(State.STOPPING, Reason.of(ReasonCode.STOPPING), bytes_left=MIB)).endswith(
        "home. 1 MiB left."
    )
    broken = dataclasses.replace(ON, error=failure(ErrorCode.CONFIG_INVALID, "line 3: no.", "Mend it."))
    assert describe.full(broken).splitlines()[1:3] == ["Error      line 3: no.", "           → Mend it."]
    tonight = datetime.datetime.combine(datetime.date.today(), datetime.time(23, 59))
    later = tonight + datetime.timedelta(7)
    for until, words in ((tonight, "23:59"), (later, f"{later:%Y-%m-%d} 23:59")):
        paused = dataclasses.replace(ON, paused_until=round(until.timestamp()))
        assert f"\nPaused     until {words}\n" in describe.full(paused)
    said = dataclasses.replace(ON, reason=Reason.of(ReasonCode.OFF), mode=Mode.ALWAYS)
    assert describe.mode(said) == "always; off by hand until it is turned on, or the mode chosen again"
    assert describe.mode(Status()) == "off (never)"


def test_settings_are_listed_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    config.list_all(Config())
    lines = capsys.readouterr().out.splitlines()
    for declared in SETTINGS.values():
        key, value, meaning = next(re.split(r"  +", line) for line in lines if line.startswith(f"{declared.key} "))
        assert declared.parse(value) == declared.default
        assert key == declared.key and declared.typed_help.startswith(meaning[:40])
