# SPDX-License-Identifier: MIT
"""What comes from a bus as bytes: cut into messages, passed over, read, or known to be nothing."""

from __future__ import annotations

import math
import struct
from functools import reduce
from typing import Any

import pytest
from dbus_next.constants import MessageType
from dbus_next.message import Message
from dbus_next.signature import SignatureTree, Variant
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import raw_bus
from vramswap_gui.bus import library
from vramswap_gui.bus.library import Frames, Incoming, MalformedError, StreamBrokenError, printable, unmarshal

CALL = raw_bus.call("org.example.To", "/a", "org.example.Interface", "Do", 7, "s", raw_bus.string("text"))


def read(data: bytes, step: int = 1 << 20) -> list[Incoming]:
    frames = Frames()
    return [message for begin in range(0, len(data), step) for message in frames.feed(data[begin : begin + step])]


@given(st.binary(max_size=300), st.sampled_from([b"", CALL, CALL[:40], CALL[:16]]), st.sampled_from([1, 7, 4096]))
def test_any_bytes_are_messages_or_the_end(data: bytes, before: bytes, step: int) -> None:
    try:
        for message in read(before + data, step):
            try:
                message.values()
            except MalformedError:
                continue
    except StreamBrokenError:
        return


@given(st.integers(16, len(CALL) - 1), st.binary(min_size=1, max_size=8))
@settings(max_examples=500)
def test_any_bytes_in_a_message_of_a_known_length_leave_the_next_one_alone(place: int, bytes_: bytes) -> None:
    wrong = (CALL[:place] + bytes_ + CALL[place + len(bytes_) :])[: len(CALL)]
    messages = read(wrong + CALL)
    assert messages[-1].values() == ["text"]
    assert len(messages) <= 2


@given(st.binary(max_size=200), st.text(alphabet="ybnqiuxtdsogavh(){}", max_size=12), st.sampled_from("lB"))
@settings(max_examples=500)
def test_any_body_of_any_signature_is_values_or_malformed(body: bytes, signature: str, order: str) -> None:
    try:
        values = unmarshal(signature, body, order)
    except MalformedError:
        return
    assert len(values) == len(SignatureTree._get(signature).types)


VALUES = {
    "y": st.integers(0, 255), "b": st.booleans(), "n": st.integers(-(1 << 15), (1 << 15) - 1),
    "q": st.integers(0, (1 << 16) - 1), "i": st.integers(-(1 << 31), (1 << 31) - 1), "u": st.integers(0, (1 << 32) - 1),
    "x": st.integers(-(1 << 63), (1 << 63) - 1), "t": st.integers(0, (1 << 64) - 1),
    "s": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "as": st.lists(st.text(alphabet="aé漢", max_size=5)), "a{st}": st.dictionaries(st.text("ab"), st.integers(0, 9)),
    "(sib)": st.tuples(st.text("ab"), st.integers(0, 9), st.booleans()).map(list), "ay": st.binary(),
    "v": st.integers(0, 9).map(lambda number: Variant("i", number)),
}  # fmt: skip


@given(
    st.lists(st.sampled_from(sorted(VALUES)).flatmap(lambda kind: VALUES[kind].map(lambda v: (kind, v))), max_size=5)
)
def test_what_the_library_writes_is_read(values: list[tuple[str, Any]]) -> None:
    signature = "".join(kind for kind, _ in values)
    sent = Message("org.example.To", "/a/b", "org.example.I", "Do", serial=3, signature=signature,
                   body=[value for _, value in values])  # fmt: skip
    (got,) = read(bytes(sent._marshall()), step=13)  # type: ignore[no-untyped-call]
    assert (got.kind, got.path, got.interface, got.member) == (MessageType.METHOD_CALL, "/a/b", "org.example.I", "Do")
    assert (got.serial, got.destination, got.signature) == (3, "org.example.To", signature)
    assert got.values() == sent.body


def test_the_other_byte_order() -> None:
    fields = b"\x01\x01o\0" + struct.pack(">I", 2) + b"/a\0" + bytes(5) + b"\x08\x01g\0\x01i\0"
    data = b"B\x04\0\1" + struct.pack(">III", 4, 5, len(fields)) + fields + bytes(-len(fields) % 8)
    (got,) = read(data + struct.pack(">i", -2))
    assert (got.kind, got.path, got.serial, got.values()) == (MessageType.SIGNAL, "/a", 5, [-2])


@pytest.mark.parametrize("size", [library.MAX_BODY, library.MAX_BODY + 1, 100 << 20])
def test_a_body_beyond_the_limit_is_passed_over_in_little_memory(size: int) -> None:
    head = raw_bus.call("org.example.To", "/a", "org.example.I", "Do", 7, "ay", b"")
    head = head[:4] + struct.pack("<I", size) + head[8:]
    frames = Frames()
    messages = list(frames.feed(head))
    piece = struct.pack("<I", size - 4) + bytes((64 << 10) - 4)
    left, most = size, 0
    while left:
        messages += frames.feed(piece[:left])
        left -= min(left, len(piece))
        piece = bytes(64 << 10)
        most = max(most, len(frames._buffer))
    messages += frames.feed(CALL)
    large, after = messages
    assert after.values() == ["text"]
    assert most <= library.MAX_BODY + len(head)
    if size > library.MAX_BODY:
        assert large.body is None
        with pytest.raises(MalformedError, match="longer than 65536 bytes"):
            large.values()
    else:
        assert large.values() == [bytes(size - 4)]


def test_a_header_beyond_the_limit_is_nobodys() -> None:
    field = raw_bus.header_field(99, "s", raw_bus.string("x" * library.MAX_FIELDS))
    large = raw_bus.call("org.example.To", "/a", "org.example.I", "Do", 7, "s", raw_bus.string("a"), field)
    assert [message.values() for message in read(large + CALL, step=5000)] == [["text"]]


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        ("v", raw_bus.signature("v") * 100 + raw_bus.signature("y") + b"\1"),
        ("v", raw_bus.signature("v") * 20_000 + raw_bus.signature("y") + b"\1"),
        ("a" * 100 + "y", reduce(lambda inner, _: struct.pack("<I", len(inner)) + inner, range(100), b"")),
        ("a{vv}", struct.pack("<II", 0, 0) + b"\0"),
        ("v", b"\0\0"),
        ("v", raw_bus.signature("ii") + bytes(12)),
        ("s", struct.pack("<I", 0xFFFFFFFF) + b"a\0"),
        ("ay", struct.pack("<I", 0xFFFFFFFF)),
        ("s", raw_bus.string(b"\xff")),
        ("o", raw_bus.string("/a") + b"x"),
        ("", b"x"),
        ("z", b"x"),
        ("(", b""),
    ],
)
def test_what_is_wrong_is_malformed(signature: str, body: bytes) -> None:
    with pytest.raises(MalformedError):
        unmarshal(signature, body, "l")


def test_foreign_signatures_are_forgotten() -> None:
    for number in range(3 * library._MAX_SIGNATURES):
        try:
            unmarshal("y" * (number % 250) + "u" * (number // 250), bytes(1000), "l")
        except MalformedError:
            continue
    assert len(SignatureTree._cache) <= library._MAX_SIGNATURES + 1


def test_no_text_of_ours_ends_the_connection() -> None:
    text = b"/mnt/Disque\xa0dur\0\xff".decode("utf-8", "surrogateescape")
    shown = printable([text, {text: Variant("s", text)}, (1, math.pi, b"\0"), Variant("as", [text])])
    good = "/mnt/Disque\\udca0dur\\x00\\udcff"
    assert shown == [good, {good: Variant("s", good)}, [1, math.pi, b"\0"], Variant("as", [good])]
