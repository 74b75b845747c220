# SPDX-License-Identifier: MIT
"""What compression would make of programs' memory: which pages are read, and what is said of them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from vramswap_gui.bench import codecs, pages
from vramswap_gui.bench.pages import PAGE, Run
from vramswap_gui.errors import Problem, VramswapError

KINDS = ("random", "text", "copies", "filled")
COUNT = 64
UNTOUCHED = 8192

#: A program with pages of each kind, and a mapping of which it never used any.
_PROGRAM = f"""
import mmap, random, sys
draw = random.Random(7)
some = mmap.mmap(-1, {COUNT * len(KINDS)} * {PAGE}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
copy = draw.randbytes({PAGE})
some.write(draw.randbytes({COUNT * PAGE}))
some.write(b"".join((b"line %d of a text, " % n * 400)[:{PAGE}] for n in range({COUNT})))
some.write(copy * {COUNT})
some.write(b"".join(bytes([n]) * {PAGE} for n in range({COUNT})))
none = mmap.mmap(-1, {UNTOUCHED * PAGE}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
none.madvise(mmap.MADV_NOHUGEPAGE)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def program() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        yield child.pid
        child.stdin.close()


def made() -> list[bytes]:
    """The pages of the program that are nowhere else."""
    draw = random.Random(7)
    draw.randbytes(PAGE)
    data = draw.randbytes(COUNT * PAGE)
    return [data[place : place + PAGE] for place in range(0, len(data), PAGE)]


_find = pages.find


def runs_of(pid: int) -> list[Run]:
    """Those of one program alone: how many others run, and how much they have, takes no time from it."""
    with tempfile.TemporaryDirectory(prefix="vramswap-proc-") as folder:
        (Path(folder) / str(pid)).symlink_to(f"/proc/{pid}")
        return _find(os.getuid(), Path(folder))


def resident(pid: int) -> int:
    """Pages of a program that are in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


def test_all_pages_that_a_program_has_are_read_and_no_others(program: int) -> None:
    before = resident(program)
    runs = runs_of(program)
    data = [run[place : place + PAGE] for run in pages.read(runs) for place in range(0, len(run), PAGE)]
    assert set(made()) <= set(data)
    assert COUNT * len(KINDS) <= len(data) < UNTOUCHED
    assert len(data) == sum(run.count for run in runs)
    assert resident(program) == before
    assert all(run.count <= 32 for run in runs)


def test_neither_our_own_nor_those_of_others(program: int) -> None:
    assert os.getpid() not in {run.pid for run in pages.find(os.getuid())}
    assert pages.find(os.getuid() + 4711) == []


def test_time_is_bounded(program: int) -> None:
    assert pages.find(os.getuid(), until=0.0) == []
    # Something is read, however late it is.
    assert len(list(pages.read(runs_of(program), until=0.0))) == 1


def test_number_is_bounded() -> None:
    runs = [Run(1, place * 32 * PAGE, 32) for place in range(1000)]
    some = pages.spread(runs, 3200)
    assert sum(run.count for run in some) == 3200
    assert len({run.address // (100 * 32 * PAGE) for run in some}) == 10
    assert pages.spread(runs, 32000) == runs
    assert pages.spread([], 0) == []


def test_a_program_that_ended_is_passed_over_and_none_is_a_reason(program: int) -> None:
    gone = Run(2**22 + 1, PAGE, 32)
    assert len(list(pages.read([gone, *runs_of(program)[:1], replace(gone, address=0)]))) == 1
    with pytest.raises(VramswapError) as error:
        list(pages.read([gone]))
    assert error.value.problem is Problem.BENCH_NO_PAGES


def test_who_asks_through_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1234")
    assert pages.asking_user() == 1234
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert pages.asking_user() == 1000


def test_what_is_said_of_known_pages() -> None:
    draw = random.Random(1)
    words = [b"%d bottles of beer on the wall, " % number for number in range(100)]
    texts = [b"".join(draw.choices(words, k=200))[:PAGE] for _ in range(200)]
    copies = [page for page in (draw.randbytes(PAGE) for _ in range(200)) for _ in range(2)]
    filled = [bytes([number]) * PAGE for number in range(200)]
    found = codecs.measure([b"".join(texts), b"".join(copies), b"".join(filled)], 3, 3, lambda share, what: None)
    assert (found.programs, found.pages, found.missing) == (3, 800, ())
    assert found.filled == 25
    # One of three pages was there before; a quarter of them is looked at.
    assert 20 < found.copies < 45
    assert [method.name for method in found.methods] == ["lz4", "zstd", "zstd-2", "zstd-3"]
    for method in found.methods:
        assert (method.pages, method.raw) == (600, 400)
        # What is kept as it is takes its sum as well.
        assert 400 * 4112 < method.stored < 400 * 4112 + 200 * 2048
        assert method.compress > 0 and method.expand > 0
    lz4, zstd = found.methods[:2]
    assert 1 < lz4.ratio < zstd.ratio < 1.5
    assert found.as_dict()["methods"][0]["ratio"] == lz4.ratio
    lines = codecs.table(found).splitlines()
    assert lines[0].split() == ["codec", "ratio", "raw", "compress", "µs", "expand", "µs"]
    assert lines[1].split()[:3] == ["lz4", f"{lz4.ratio:.2f}x", "66.7%"]
    assert lines[-1].startswith("800 pages of 3 programs were read: 25.0 % are full of one word")


def test_nothing_that_was_read_is_nothing_to_say() -> None:
    found = codecs.measure([], 0, 0, lambda share, what: None)
    assert (found.pages, found.filled, found.copies) == (0, 0, 0)
    assert {method.ratio for method in found.methods} == {0}


def test_a_codec_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from vramswap_gui.server.engine import records

    absent = VramswapError(Problem.CODEC_MISSING, library="libzstd.so.1")
    monkeypatch.setattr(records, "missing", lambda name: absent if name.startswith("zstd") else None)
    found = codecs.measure([bytes(PAGE)], 1, 1, lambda share, what: None)
    assert [method.name for method in found.methods] == ["lz4"]
    assert found.methods[0].ratio == 0
    assert str(absent) in codecs.table(found).splitlines()


def test_the_whole_of_it(program: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "find", lambda user: runs_of(program))
    seen: list[float] = []
    found = codecs.survey(lambda share, what: seen.append(share))
    assert found.programs == 1
    assert found.pages >= COUNT * len(KINDS)
    assert found.filled >= COUNT / found.pages * 100 - 1
    assert (seen[0], seen[-1]) == (0, 1)
