# SPDX-License-Identifier: MIT
"""Sizes, settings and the status on the wire."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, Mode, Segment, State, Status, status_from_wire, status_to_wire
from vramswap_gui.bus.connection import plain, sealed
from vramswap_gui.errors import ErrorCode, Problem, VramswapError
from vramswap_gui.helper.config_file import ConfigFile
from vramswap_gui.settings import SETTINGS, Config, config_from, setting
from vramswap_gui.units import GIB, MIB, format_size, parse_size

STATUS = Status(
    State.ON, Reason.of(ReasonCode.LENT, size=GIB), Cause.VRAM, VramswapError(Problem.CANCELLED),
    (Segment("/dev/nbd0", GIB, 5, 100),), Mode.ALWAYS, GIB, 8 * GIB, 7, "GPU", "0000:01:00.0", ("gpu",), "1",
    paused_until=1_700_000_000, battery_once=True, compression="lz4", packed=(GIB, MIB, 3 * MIB),
    no_room=7,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8G", 8 * GIB),
        ("1.5 g", 1536 * MIB),
        ("512MiB", 512 * MIB),
        ("4096", 4096),
        (" 2T ", 2048 * GIB),
        ("1KB", 1024),
    ],
)
def test_sizes_people_write(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1", "0", "1e3", "8X", "1,5G", "0x10", "٣G", "9" * 50, "nan", "8 G B"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match=r"size|zero|GPU"):
        parse_size(text)


@given(st.integers(1, 4096))
def test_a_size_that_is_shown_can_be_typed(mib: int) -> None:
    shown = format_size(mib * MIB)
    assert abs(parse_size(shown) - mib * MIB) <= 1 + 0.05 * GIB


def test_the_status_survives_the_wire() -> None:
    wire = status_to_wire(STATUS)
    assert status_from_wire(plain(sealed(wire))) == STATUS
    assert status_from_wire({"Wanted": 5, "FromTheFuture": 1}, STATUS).wanted == 5


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("size", "auto", 0),
        ("size", "2G", 2 * GIB),
        ("priority", "100", 100),
        ("gpu", "", ""),
        ("headroom", "1G", GIB),
        ("mode", "Always", "always"),
        ("only_on_ac", "no", False),
        ("battery_floor", "15", 15),
    ],
)
def test_settings_as_typed(key: str, text: str, value: object) -> None:
    assert setting(key).parse(text) == value


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": "8G"}, "whole number"),
        ({"size": True}, "whole number"),
        ({"size": 3 * MIB}, "outside 16 MiB"),
        ({"size": 17 * MIB}, "multiple of 2 MiB"),
        ({"priority": 0}, "outside 16"),
        ({"gpu": 0}, "short printable text"),
        ({"gpu": "a\nb"}, "short printable text"),
        ({"mode": "sometimes"}, "one of off, on-demand, always"),
        ({"mode": True}, "one of"),
        ({"at_boot": "yes"}, "on or off"),
        ({"at_boot": 1}, "on or off"),
        ({"battery_floor": 101}, "outside 0 % to 100 %"),
        ({"colour": 1}, "no setting “colour”"),
    ],
)
def test_settings_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(VramswapError, match=words) as caught:
        config_from(values)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT


def test_every_setting_is_described_and_its_default_valid() -> None:
    assert list(SETTINGS) == list(asdict(Config()))
    for declared in SETTINGS.values():
        assert declared.title
        assert declared.help.endswith(".")
        assert declared.check(declared.default) == declared.default


def test_the_file_keeps_what_differs_from_the_defaults(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "etc" / "config.toml")
    assert file.load() == Config()
    config = Config(size=2 * GIB, gpu='a "quoted" \\ name')
    file.save(config)
    assert file.load() == config
    text = (tmp_path / "etc" / "config.toml").read_text()
    assert "headroom" not in text
    assert sorted(path.name for path in (tmp_path / "etc").iterdir()) == ["config.toml"]


@pytest.mark.parametrize("text", ["size = ", "size = 1.5", "mode = 1", "at_boot = 'on'", "\x00", "size = 17"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(VramswapError, match=str(path)) as caught:
        ConfigFile(path).load()
    assert caught.value.code is ErrorCode.CONFIG_INVALID
