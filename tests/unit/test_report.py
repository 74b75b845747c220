# SPDX-License-Identifier: MIT
"""A report tells what is wrong with a machine, and not whose it is."""

from __future__ import annotations

import platform
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui import __version__
from vramswap_gui.doctor import report

NAMES = {"annas-laptop": "<host>", "anna": "<user>", "Anna Müller": "<user>", "/srv/people/anna": "<home>"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("anna pressed on", "<user> pressed on"),
        ("ANNAS-LAPTOP kernel: swap", "<host> kernel: swap"),
        ("/dev/mapper/annas--laptop--vg-swap_1", "/dev/mapper/<host>--vg-swap_1"),
        ("/home/bob/swap file", "<home>/swap file"),
        ("/srv/people/anna/.nv and /srv/people/annabel", "<home>/.nv and /srv/people/annabel"),
        ("session of Anna Müller (anna_x)", "session of <user> (<user>_x)"),
        ("hannah and savannas stay", "hannah and savannas stay"),
        ("GPU-0a1b2c3d-0011-2233-4455-66778899aabb", "GPU-<uuid>"),
        ("eth 00:1a:2B:3c:4d:5e up", "eth <address> up"),
        ("machine 0123456789abcdef0123456789abcdef.", "machine <id>."),
        ("NVRM 580.159.03 at 0000:01:00.0, priority 1000", "NVRM 580.159.03 at 0000:01:00.0, priority 1000"),
    ],
)
def test_redact(text: str, expected: str) -> None:
    assert report.redact(text, NAMES) == expected


WORDS = st.text(alphabet=" .:/-_()[]'09%\n", max_size=20)


@given(before=WORDS, after=WORDS, name=st.sampled_from(sorted(NAMES)))
def test_no_name_survives_whatever_is_around_it(before: str, after: str, name: str) -> None:
    assert name not in report.redact(f"{before} {name} {after}", NAMES)


def test_names_of_this_machine() -> None:
    names = report.private_names()
    people = [account.pw_name for account in pwd.getpwall() if 1000 <= account.pw_uid < 60000]
    assert {platform.node(), *people} - names.keys() <= {"localhost"}
    assert not {"", "root", "/", "/root"} & names.keys()


async def test_a_whole_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a bus, too, and with what this very machine is called."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
    monkeypatch.setenv("SUDO_USER", "klothilde")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "klothilde's GNOME")
    text = await report.compose()
    for part in (__version__, platform.release(), "== doctor", "MemTotal:", "Filename", "system bus", "== journal"):
        assert part in text, part
    assert "klothilde" not in text and "<user>'s GNOME" in text


async def test_what_others_say_is_plain_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swaps = tmp_path / "swaps"
    swaps.write_bytes(b"Filename\tType\n/mnt/\xff\x1b[2J\x07 file 4 0 -2\n")
    read = report._text
    monkeypatch.setattr(report, "_text", lambda path: read(str(swaps) if path == "/proc/swaps" else path))
    text = await report.compose()
    assert "/mnt/\\xff\\x1b[2J\\x07 file 4 0 -2" in text
    assert "Filename        Type" in text
    assert all(line.isprintable() for line in text.split("\n"))


async def test_a_program_that_hangs_does_not_keep_the_report_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_SECONDS", 0.05)
    done = await report._run("sleep", "60")
    assert done.status == 1 and "did not answer" in done.errors
