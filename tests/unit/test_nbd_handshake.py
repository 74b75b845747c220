# SPDX-License-Identifier: MIT
"""The handshake as a dialogue of bytes: what each option is answered with, and when it ends."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vramswap_gui.server.exports.nbd_handshake import (
    MAX_REQUEST,
    MIN_BLOCK,
    PREFERRED_BLOCK,
    TRANSMISSION_FLAGS,
    Export,
    negotiate,
)
from vramswap_gui.units import MIB

EXPORT = Export(8 * MIB)
FIXED, NO_ZEROES = 1, 2
EXPORT_NAME, ABORT, LIST, STARTTLS, INFO, GO, STRUCTURED = 1, 2, 3, 5, 6, 7, 8
ACK, SERVER, REP_INFO = 1, 2, 3
UNSUP, INVALID, UNKNOWN, TOO_BIG = (0x80000000 + code for code in (1, 3, 6, 9))


def option(number: int, data: bytes = b"") -> bytes:
    return b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data


def info(name: bytes = b"", requests: tuple[int, ...] = ()) -> bytes:
    return struct.pack(">I", len(name)) + name + struct.pack(f">H{len(requests)}H", len(requests), *requests)


def converse(client: bytes) -> tuple[bytes, bool | None]:
    """What a client that says ``client`` is sent, and the outcome; None when it fell silent first."""
    dialogue = negotiate(EXPORT)
    sent = b""
    try:
        step = next(dialogue)
        while True:
            if isinstance(step, bytes):
                sent += step
                step = next(dialogue)
            else:
                assert 0 < step <= 16 << 10
                if len(client) < step:
                    return sent, None
                data, client = client[:step], client[step:]
                step = dialogue.send(data)
    except StopIteration as stop:
        assert not client, "it ended with unread bytes"
        return sent, stop.value


def replies(sent: bytes) -> list[tuple[int, int, bytes]]:
    """The option replies after the greeting, as (option, type, data)."""
    assert sent[:18] == b"NBDMAGICIHAVEOPT\0\3"
    rest, found = sent[18:], []
    while rest:
        magic, number, kind, length = struct.unpack_from(">QIII", rest)
        assert magic == 0x3E889045565A9
        found.append((number, kind, rest[20 : 20 + length]))
        rest = rest[20 + length :]
    return found


def flags(value: int = FIXED | NO_ZEROES) -> bytes:
    return struct.pack(">I", value)


def test_go_describes_the_export_and_ends_in_transmission() -> None:
    sent, outcome = converse(flags() + option(GO, info(requests=(3,))))
    assert outcome is True
    assert replies(sent) == [
        (GO, REP_INFO, struct.pack(">HQH", 0, EXPORT.size, TRANSMISSION_FLAGS)),
        (GO, REP_INFO, struct.pack(">HIII", 3, MIN_BLOCK, PREFERRED_BLOCK, MAX_REQUEST)),
        (GO, ACK, b""),
    ]


def test_info_says_the_same_and_goes_on() -> None:
    sent, outcome = converse(flags() + option(INFO, info()) + option(ABORT))
    assert outcome is False
    assert [kind for _, kind, _ in replies(sent)] == [REP_INFO, REP_INFO, ACK, ACK]


@pytest.mark.parametrize(("client_flags", "padding"), [(FIXED | NO_ZEROES, 0), (FIXED, 124), (0, 124)])
def test_export_name_is_followed_by_zeroes_unless_both_agreed(client_flags: int, padding: int) -> None:
    sent, outcome = converse(flags(client_flags) + option(EXPORT_NAME))
    assert outcome is True
    assert sent[18:] == struct.pack(">QH", EXPORT.size, TRANSMISSION_FLAGS) + bytes(padding)


def test_list_names_the_one_export() -> None:
    sent, _ = converse(flags() + option(LIST))
    assert replies(sent) == [(LIST, SERVER, bytes(4)), (LIST, ACK, b"")]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        pytest.param(option(STARTTLS), UNSUP, id="tls"),
        pytest.param(option(STRUCTURED), UNSUP, id="structured replies"),
        pytest.param(option(0xFFFFFFFF, b"x" * 99), UNSUP, id="an option nobody knows"),
        pytest.param(option(LIST, b"x"), INVALID, id="list with data"),
        pytest.param(option(GO, info(b"other")), UNKNOWN, id="another export"),
        pytest.param(option(GO, b""), INVALID, id="empty go"),
        pytest.param(option(GO, struct.pack(">IH", 0xFFFFFFFF, 0)), INVALID, id="name longer than the option"),
        pytest.param(option(GO, struct.pack(">IH", 0, 9)), INVALID, id="fewer requests than announced"),
        pytest.param(option(GO, info() + b"xx"), INVALID, id="more than announced"),
    ],
)
def test_what_is_refused_is_refused_and_the_client_may_go_on(asked: bytes, error: int) -> None:
    sent, outcome = converse(flags() + asked + option(GO, info()))
    assert outcome is True
    assert replies(sent)[0][1] == error


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(flags(4), id="unknown client flags"),
        pytest.param(flags() + b"GETPAID?" + bytes(8), id="wrong magic"),
        pytest.param(flags() + option(EXPORT_NAME, b"other"), id="another export by the old option"),
    ],
)
def test_what_cannot_be_answered_ends_the_connection(said: bytes) -> None:
    sent, outcome = converse(said)
    assert outcome is False
    assert sent[18:] == b""


def test_an_endless_option_is_not_read() -> None:
    sent, outcome = converse(flags() + b"IHAVEOPT" + struct.pack(">II", GO, 0xFFFFFFFF))
    assert outcome is False
    assert replies(sent)[0][1] == TOO_BIG


@given(st.binary(max_size=200), st.integers(0, 12))
def test_any_bytes_end_in_an_outcome_or_in_waiting(data: bytes, number: int) -> None:
    for said in (data, flags() + data, flags() + option(number, data)):
        dialogue = negotiate(EXPORT)
        try:
            step = next(dialogue)
            while said or isinstance(step, bytes):
                if isinstance(step, bytes):
                    step = next(dialogue)
                elif len(said) < step:
                    break
                else:
                    taken, said = said[:step], said[step:]
                    step = dialogue.send(taken)
        except StopIteration as stop:
            assert isinstance(stop.value, bool)
