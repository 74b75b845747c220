# SPDX-License-Identifier: MIT
"""Pages as the compressed store keeps them: every page comes back, and whatever else is there is noticed."""

from __future__ import annotations

import functools
import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vramswap_gui.server.engine.records import METHODS, Packer, missing

from tests.support.counting import Counter, build

PAGE = 4096
RECORD = PAGE + 16
FORM, RAW = 7, 3


@functools.cache
def of(method: str) -> Packer:
    return Packer(method)


@pytest.fixture(params=METHODS)
def packer(request: pytest.FixtureRequest) -> Packer:
    return of(request.param)


@functools.cache
def real_pages() -> tuple[bytes, ...]:
    """What lies in the memory of programs: code and tables, which differ from one Python to the next, and text."""
    code = Path(sys.executable).resolve().read_bytes()
    text = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return tuple(
        data[at : at + PAGE] for data in (code, text) for at in range(0, min(len(data), 100 * PAGE) - PAGE, PAGE)
    )


def test_real_pages_come_back_and_take_less(packer: Packer) -> None:
    taken = 0
    for number, page in enumerate(real_pages()):
        entry, record = packer.pack(number, page)
        assert len(record) % 16 == 0
        assert packer.unpack(entry, number, record) == page
        taken += len(record)
    # Code alone may hardly get smaller.
    assert taken < 0.8 * PAGE * len(real_pages())
    same, raw, total, packing, unpacking = packer.measure(b"".join(real_pages()))
    assert total == taken
    assert same + raw < len(real_pages())
    assert packing > 0 and unpacking > 0


def test_random_pages_are_kept_as_they_are(packer: Packer) -> None:
    page = random.Random(1).randbytes(PAGE)
    entry, record = packer.pack(2**32 - 1, page)
    assert entry & FORM == RAW
    assert len(record) == RECORD
    assert packer.unpack(entry, 2**32 - 1, record) == page


@pytest.mark.parametrize(
    ("word", "needs_none"),
    [
        (0, True), (1, True), (2**64 - 1, True), (0x5A5A5A5A5A5A5A5A, True), (0xDEADBEEFDEADBEEF, True),
        (0x00007F1234567890, True), (0xFFFF888012345678, True), (2**59 - 1, True), (2**64 - 2**59, True),
        # Sixty bits do not say which it is.
        (2**59, False), (0x123456789ABCDEF0, False),
    ],
)  # fmt: skip
def test_a_page_of_one_word_needs_no_record(packer: Packer, word: int, needs_none: bool) -> None:
    page = struct.pack("=Q", word) * (PAGE // 8)
    entry, record = packer.pack(5, page)
    assert (record == b"") is needs_none
    assert len(record) < 256
    assert packer.unpack(entry, 5, record) == page
    # And one that is only nearly so is another page.
    for place in (0, 8, 63, 64, 2048, PAGE - 1):
        other = bytearray(page)
        other[place] ^= 1
        entry, record = packer.pack(5, bytes(other))
        assert record
        assert packer.unpack(entry, 5, record) == other


@given(words=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=8), number=st.integers(0, 2**32 - 1))
def test_any_page_comes_back(words: list[int], number: int) -> None:
    page = (struct.pack(f"={len(words)}Q", *words) * (PAGE // 8))[:PAGE]
    for packer in map(of, METHODS):
        entry, record = packer.pack(number, page)
        assert packer.unpack(entry, number, record) == page


def test_what_was_never_written_is_zeroes(packer: Packer) -> None:
    assert packer.unpack(0, 1, b"") == bytes(PAGE)


def test_a_page_is_only_taken_for_what_it_is(packer: Packer) -> None:
    page = real_pages()[3]
    entry, record = packer.pack(3, page)
    assert packer.unpack(entry, 4, record) is None
    draw = random.Random(3)
    for _ in range(2000):
        hurt = bytearray(record)
        length = 4 + (entry >> 4 & 0xFFF)
        hurt[draw.randrange(length)] ^= 1 << draw.randrange(8)
        # A bit that changes nothing of what comes out is none that is wrong.
        assert packer.unpack(entry, 3, bytes(hurt)) in (None, page)


def test_any_bytes_can_be_unpacked(packer: Packer) -> None:
    """They are no page, and nothing happens."""
    draw = random.Random(4)
    _, record = packer.pack(3, real_pages()[3])
    for _ in range(5000):
        form, length = draw.randrange(8), draw.randrange(4096)
        junk = draw.randbytes(RECORD) if draw.random() < 0.5 else draw.randbytes(draw.randrange(40)) + record
        if form > 2:
            entry = form | length << 4 | draw.getrandbits(48) << 16
            assert packer.unpack(entry, 3, junk.ljust(RECORD, b"\0")) in (None, real_pages()[3])


def test_nothing_is_allocated_after_the_beginning(tmp_path: Path) -> None:
    """However many pages are packed and unpacked, whatever they are like."""
    script = """
import random, sys
from vramswap_gui.server.engine.records import METHODS, Packer
counter = open(sys.argv[1], "rb", buffering=0)
data = open(sys.executable, "rb").read(600 * 4096) + bytes(4096) + random.randbytes(300 * 4096)
def asked(packer, pages):
    before = counter.seek(0) + int.from_bytes(counter.read(8), "little")
    packer.measure(pages)
    return counter.seek(0) + int.from_bytes(counter.read(8), "little") - before
for method in METHODS:
    packer = Packer(method)
    few, many = memoryview(data)[:4096], memoryview(data)
    asked(packer, few)
    print(method, asked(packer, few), asked(packer, many))
"""
    counter = Counter(build(tmp_path), tmp_path / "count")
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "count"], env=os.environ | counter.env, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert counter.read()[0] > 1000, "the library does not count"
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == list(METHODS)
    for method, few, many in lines:
        assert few == many, method


@pytest.mark.parametrize(("library", "method"), [("liblz4.so.1", "lz4"), ("libzstd.so.1", "zstd")])
def test_a_library_that_is_not_there_is_a_reason(library: str, method: str, tmp_path: Path) -> None:
    assert missing(method) is None
    (tmp_path / library).touch()
    script = (
        "import sys; from vramswap_gui.server.engine.records import METHODS, Packer, missing;"
        "print([name for name in METHODS if not missing(name)]); print(missing(sys.argv[1]).message);"
        "Packer(sys.argv[1])"
    )
    path = f"{tmp_path}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    done = subprocess.run(
        [sys.executable, "-c", script, method], env=os.environ | {"LD_LIBRARY_PATH": path}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    have, why = done.stdout.splitlines()
    assert have == str([name for name in METHODS if not name.startswith(method)])
    assert why == f"Pages cannot be compressed: {library} is not installed."
    assert done.stderr.splitlines()[-1].startswith("vramswap_gui.errors.VramswapError: ")
