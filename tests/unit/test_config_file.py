# SPDX-License-Identifier: MIT
"""The configuration file as people leave it: with comments, byte order marks, mistakes, and nothing at all."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.helper.config_file import OPEN, WRITING, ConfigFile
from vramswap_gui.settings import EMPTY, SETTINGS, Config, setting
from vramswap_gui.system import inotify, smallfile
from vramswap_gui.units import GIB, MIB

MINE = """# Ask Ada before you change this.

size = 2147483648 # two is enough
only_on_ac = false   # it hangs on a wall
# priority = 5
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "etc/config.toml"


@pytest.fixture
def file(path: Path) -> ConfigFile:
    path.parent.mkdir()
    return ConfigFile(path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a byte order mark", b"\xef\xbb\xbfsize = 2147483648\n"),
        ("lines of another system", b"# x\r\nsize = 2147483648\r\n"),
        ("a byte order mark alone", b"\xef\xbb\xbf"),
        ("empty", b""),
        ("no newline at the end", b"size = 2147483648"),
        ("quoted and spaced", b'  "size"   =   2_147_483_648 # x'),
        ("hexadecimal", b"size = 0x80000000"),
    ],
)
def test_what_editors_make_is_read(name: str, data: bytes, file: ConfigFile, path: Path) -> None:
    path.write_bytes(data)
    assert file.load().size in (0 if b"size" not in data else 2 * GIB,)
    file.save(Config(size=GIB))
    assert ConfigFile(path).load() == Config(size=GIB)


MISTAKES = [
    (b"a = 1\nsize = 1GiB\n", "line 2", "after"),
    (b"mode = 'always'\n\nsize = '1 GiB'\n", "line 3", "size: it must be a whole number"),
    (b"size = 1.5", "line 1", "whole number"),
    (b"\n\nsize = nan\n", "line 3", "whole number"),
    (b"size = inf", "line 1", "whole number"),
    (b"size = 1e999", "line 1", "whole number"),
    (b"size = " + b"9" * 4000, "line 1", "far too large"),
    (b"size = " + b"9" * 5000, "", ""),
    (b"size = 0x" + b"f" * 20000, "line 1", "far too large"),
    (b"priority = -" + b"9" * 4000, "line 1", "far too large"),
    (b"size = 16777216\nsize = 16777216\n", "line 2", "overwrite"),
    (b"size = 16777216\n\xff = 1", "line 2", "not UTF-8"),
    ("size = 16777216\ncolour\u0000 = 1".encode(), "line 2", ""),
    (b"[size]\nx = 1\n", "line 1", "whole number"),
    (b"size.x = 1\n", "line 1", "whole number"),
    (b"size = " + b"[" * 100_000, "", "nested"),
    (b"x = " + b"{a=" * 20_000, "", "nested"),
    (b"size = 2004-01-01\n", "line 1", "whole number"),
    ("\u202esize = 1".encode(), "line 1", ""),
    (b"gpu = \"\"\"a\nb\"\"\"", "line 1", "printable"),
    (b"#" * (2 << 20), "", "too large"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "line", "words"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_with_its_line(data: bytes, line: str, words: str, file: ConfigFile, path: Path) -> None:
    path.write_bytes(data)
    with pytest.raises(VramswapError) as caught:
        file.load()
    error = caught.value
    assert error.code is ErrorCode.CONFIG_INVALID
    assert error.message.startswith(str(path)) and line in error.message and words.lower() in error.message.lower()
    assert error.message.isprintable() and len(error.message) < 1001 and error.remedy
    assert file.trouble is error


@pytest.mark.parametrize("kind", ["folder", "pipe", "endless", "loop"])
def test_what_is_no_file_at_all(kind: str, file: ConfigFile, path: Path) -> None:
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "endless":
            path.symlink_to("/dev/zero")
        case _:
            path.symlink_to(path)
    if kind == "pipe":
        assert file.load() == Config()
        return
    with pytest.raises(VramswapError) as caught:
        file.load()
    assert caught.value.code is ErrorCode.CONFIG_INVALID


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=60)
    | st.lists(
        st.sampled_from([*SETTINGS, "=", "\n", "1", "0", "-1", "true", '"off"', "'", "[", "]", "{", "}", ".", ",", "#",
                         "nan", "inf", "1e400", "\\", "\u00e4", "\ufeff", "999999999999999999999999"]),
        max_size=12,
    ).map(lambda words: " ".join(words).encode())
)  # fmt: skip
def test_any_file_is_read_or_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(data)
    file = ConfigFile(path)
    try:
        config = file.load()
    except VramswapError as error:
        assert error.code is ErrorCode.CONFIG_INVALID and error.message.isprintable()
        with pytest.raises(VramswapError):
            file.save(Config(battery_floor=33))
        assert path.read_bytes() == data
    else:
        assert isinstance(config, Config)
        file.save(Config(battery_floor=33))
        assert ConfigFile(path).load().battery_floor == 33


def test_the_last_good_settings_stay_in_force(file: ConfigFile, path: Path) -> None:
    path.write_text("size = 1073741824\n")
    assert file.load().size == GIB and file.trouble is None
    path.write_text("size = 1GiB\n")
    for _ in range(2):
        assert file.load().size == GIB
        assert file.trouble is not None and "line 1" in file.trouble.message
    path.write_text("size = 536870912\n")
    assert file.load().size == 512 * MIB and file.trouble is None
    path.unlink()
    then = time.time() - 2 * WRITING
    os.utime(path.parent, (then, then))
    assert file.load() == Config()


def test_a_helper_that_takes_over_has_the_last_good_settings(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    kept = tmp_path / "run/settings.json"
    path.write_text("size = 1073741824\n")
    ConfigFile(path, kept).load()
    path.write_text("size = 1GiB\n")
    later = ConfigFile(path, kept)
    assert later.load().size == GIB and later.trouble is not None
    for broken in (b"\xff", b"[]", b"[" * 100_000):
        kept.write_bytes(broken)
        with pytest.raises(VramswapError):
            ConfigFile(path, kept).load()
    # Of another version: what is none here, or not possible here, is left out.
    kept.write_text('{"size": 2147483648, "mode": "sometimes", "battery_floor": "x", "shine": 1}')
    assert ConfigFile(path, kept).load() == Config(size=2 * GIB)
    # Without a place to keep them nothing else changes.
    path.write_text("size = 1073741824\n")
    assert ConfigFile(path, Path("/proc/none/settings.json")).load().size == GIB


NEWER = """# mine
size = 1073741824
shine = "bright"  # since the next version

[moon]
phase = 3
"""


def test_what_another_version_set_is_told_and_stays(file: ConfigFile, path: Path) -> None:
    path.write_text(NEWER)
    assert file.load() == Config(size=GIB)
    trouble = file.trouble
    assert trouble is not None and trouble.code is ErrorCode.CONFIG_INVALID
    assert "no setting “shine, moon”" in trouble.message and trouble.message.startswith(str(path))
    file.save(Config(size=2 * GIB, battery_floor=30))
    text = path.read_text()
    assert '# mine\nsize = 2147483648\nshine = "bright"  # since the next version\n' in text
    assert text.endswith("\n[moon]\nphase = 3\n")
    assert ConfigFile(path).load() == Config(size=2 * GIB, battery_floor=30)
    path.write_text("size = 1073741824\n")
    assert file.load() == Config(size=GIB) and file.trouble is None


def test_what_is_strange_is_read_once(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.write_text(NEWER)
    kept = tmp_path / "settings.json"
    file = ConfigFile(path, kept)
    file.load()
    kept.unlink()
    assert file.load() == Config(size=GIB) and file.trouble is not None
    assert not kept.exists()


def test_a_name_that_is_no_name_is_told_plainly(file: ConfigFile, path: Path) -> None:
    path.write_bytes(b'\n"a\\nb\\u001b[2J" = 1\nsize = 1073741824\n' + b"x" * 5000 + b" = 1\n")
    assert file.load().size == GIB and file.trouble is not None
    assert file.trouble.message.isprintable() and len(file.trouble.message) < 1001


def test_comments_and_order_stay(file: ConfigFile, path: Path) -> None:
    path.write_text(MINE)
    file.save(Config(size=GIB, only_on_ac=False, battery_floor=30))
    assert path.read_text() == MINE.replace("2147483648", "1073741824") + "battery_floor = 30\n"
    # Back to what it was: a comment is worth more than a short file.
    file.save(Config(size=0, only_on_ac=True))
    assert path.read_text() == (MINE.replace("2147483648", "0").replace("false", "true") + "battery_floor = 20\n")
    assert file.load() == Config()


def test_a_mistake_is_not_written_over(file: ConfigFile, path: Path) -> None:
    path.write_text(MINE)
    file.load()
    broken = MINE.replace("2147483648", '"2 GiB"')
    path.write_text(broken)
    with pytest.raises(VramswapError, match="line 3"):
        file.save(Config(size=2 * GIB, only_on_ac=False, battery_floor=30))
    assert path.read_text() == broken
    # Unless it is what was wanted.
    file.save(Config(size=GIB, only_on_ac=False))
    assert path.read_text() == MINE.replace("2147483648", "1073741824")
    assert file.trouble is None


def test_who_may_read_the_file_stays(file: ConfigFile, path: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text(MINE)
    elsewhere.chmod(0o660)
    path.symlink_to(elsewhere)
    file.save(Config(size=GIB, only_on_ac=False))
    assert path.is_symlink() and "1073741824" in elsewhere.read_text()
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    path = Path("/proc/none/config.toml")
    file = ConfigFile(path)
    assert file.load() == Config()
    with pytest.raises(VramswapError, match="could not be written") as caught:
        file.save(Config(size=GIB))
    assert caught.value.remedy
    assert file.load() == Config()


def test_a_file_that_an_editor_is_about_to_write_is_waited_for(tmp_path: Path) -> None:
    path, kept = tmp_path / "config.toml", tmp_path / "settings.json"
    path.write_text("size = 1073741824\n")
    file = ConfigFile(path, kept)
    assert file.load().size == GIB
    path.write_text("")
    assert file.load().size == GIB
    assert ConfigFile(path, kept).load().size == GIB, "whoever comes meanwhile knows as well"
    then = time.time() - 2 * WRITING
    os.utime(path, (then, then))
    assert file.load() == Config()
    path.write_text("size = 2147483648\n")
    assert file.load().size == 2 * GIB
    path.rename(tmp_path / "config.toml~")
    assert file.load().size == ConfigFile(path, kept).load().size == 2 * GIB, "others move it away first"
    os.utime(tmp_path, (then, then))
    assert file.load() == ConfigFile(path, kept).load() == Config()


def test_a_file_that_somebody_is_writing_is_waited_for(tmp_path: Path) -> None:
    path, kept = tmp_path / "config.toml", tmp_path / "settings.json"
    path.write_text("size = 1073741824\n")
    file = ConfigFile(path, kept)
    assert file.load().size == GIB
    moment, minute = time.time() - 2 * WRITING, time.time() - 6 * OPEN
    with path.open("w") as writer:
        for text in ("", "# A half", " and the rest\npriority = 60\n"):
            writer.write(text)
            writer.flush()
            os.utime(path, (moment, moment))
            assert file.load() == ConfigFile(path, kept).load() == Config(size=GIB) and file.trouble is None
        assert ConfigFile(path).load() == Config(priority=60), "who knows no better takes what there is"
        os.utime(path, (minute, minute))
        assert file.load() == Config(priority=60), "some never close it"
    path.write_text("priority = 70\n")
    assert file.load() == Config(priority=70)


def test_whoever_writes_while_it_is_read_waits(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("x" * 5000)
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            with path.open("w") as writer:
                for _ in range(5):
                    writer.write("x" * 1000)
                    writer.flush()

    thread = threading.Thread(target=write)
    thread.start()
    wholes: list[int] = []
    parts = 0
    # Whoever has the machine for longer, both are seen some day.
    while len(wholes) < 20 or parts < 20:
        data, whole = smallfile.settled(path)
        if whole:
            wholes.append(len(data))
        else:
            parts += 1
    ended.set()
    thread.join()
    assert set(wholes) == {5000}


@pytest.mark.parametrize("declared", SETTINGS.values(), ids=SETTINGS)
def test_what_is_shown_can_be_typed(declared: object) -> None:
    assert isinstance(declared, type(setting("size")))
    values: list[object] = [declared.default, *declared.choices]
    values += [value for value in (declared.minimum, declared.maximum, declared.auto) if value is not None]
    if declared.signature == "t":
        values += [GIB + 256 * MIB, 7474 * MIB, 18 * MIB, 3 << 40]
    for value in values:
        try:
            declared.check(value)
        except VramswapError:
            continue
        assert declared.parse(declared.show(value) or EMPTY) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("battery_floor", "20 %", 20), ("battery_floor", "20%", 20), ("release_after", "600 s", 600),
        ("release_after", "10 min", 600), ("release_after", "1 h", 3600), ("release_after", "90", 90),
        ("size", "0.5 TiB", 512 * GIB), ("size", "1T", 1 << 40), ("size", "1.3G", 1330 * MIB), ("gpu", " auto ", ""),
        ("gpu", " 01:00.0\n", "01:00.0"),
    ],
)  # fmt: skip
def test_units_may_be_typed(key: str, text: str, value: object) -> None:
    assert setting(key).parse(text) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [("battery_floor", "20 s"), ("priority", "5 %"), ("release_after", "1 day"), ("release_after", "1_0"),
     ("release_after", "٣"), ("release_after", "9" * 5000), ("battery_floor", ""), ("battery_floor", "1.5"),
     ("size", "1.3 foot"), ("size", "9" * 5000), ("size", "nan"), ("size", "1e9"),
     # Whoever forgets the unit does not mean "as much as there is".
     ("size", "1.5"), ("size", "15.9M"), ("maximum", "1.5")],
)  # fmt: skip
def test_what_is_no_value_is_refused(key: str, text: str) -> None:
    with pytest.raises(VramswapError) as caught:
        setting(key).parse(text)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT and len(str(caught.value)) < 300


def test_a_changed_file_is_heard_of(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    watch = inotify.watch(tmp_path)
    assert watch is not None and not watch.clear()
    for change in (lambda: path.write_text("x"), lambda: path.rename(tmp_path / "y"), (tmp_path / "y").unlink):
        change()
        assert watch.clear() and not watch.clear()
    watch.close()
    assert inotify.watch(tmp_path / "none") is None and inotify.watch(Path("/etc/passwd")) is None
