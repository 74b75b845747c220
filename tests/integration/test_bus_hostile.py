# SPDX-License-Identifier: MIT
"""Whatever a bus delivers, the helper goes on and serves the others: on the reference bus and on dbus-broker."""

from __future__ import annotations

import contextlib
import os
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.demo.stack import Stack
from tests.support import raw_bus
from tests.support.raw_bus import (
    BUS,
    BUS_PATH,
    RETURN,
    UNIX_FDS,
    RawClient,
    call,
    header_field,
    message,
    padded,
    signal,
    signature,
    string,
    strings,
)
from tests.support.waiting import PATIENCE
from vramswap_gui.api.dbus import BUS_NAME, INTERFACE, OBJECT_PATH, VERBS

PROPERTIES: Final = "org.freedesktop.DBus.Properties"
MIB: Final = 1 << 20


@pytest.fixture(params=["dbus-daemon", "dbus-broker"])
def stack(request: pytest.FixtureRequest, make_stack: Callable[..., Stack]) -> Stack:
    """The usual stack on each of the two buses."""
    made = make_stack(start=False)
    made.broker = request.param == "dbus-broker"
    made.start()
    return made


class Sender:
    """Sends anything, on a new connection each time that the bus had enough of the last one."""

    def __init__(self, stack: Stack, **options: bool) -> None:
        self.path = str(stack.folder / "bus")
        self.options = options
        self.client = RawClient(self.path, **options)
        self.serial = 10
        self.delivered = 0
        self.refused = 0

    def send(self, data: bytes, fds: tuple[int, ...] = ()) -> None:
        """Send it, and wait until the bus has seen it."""
        self.serial += 1
        with contextlib.suppress(OSError):
            self.client.send(data, fds)
            self.client.send(call(BUS, BUS_PATH, BUS, "GetId", serial=self.serial))
        try:
            self.client.answer(self.serial)
            self.delivered += 1
        except (OSError, EOFError):
            self.refused += 1
            self.client.close()
            self.client = RawClient(self.path, **self.options)


@pytest.fixture
def sender(stack: Stack) -> Iterator[Sender]:
    made = Sender(stack)
    yield made
    made.client.close()


def helper(stack: Stack) -> int:
    """The helper's process, which must live."""
    (process,) = (process for name, process in stack._running if name == "helper")
    assert process.poll() is None, stack.last_words("helper")
    return process.pid


def owner(client: RawClient) -> str:
    """The helper's unique name."""
    client.send(call(BUS, BUS_PATH, BUS, "GetNameOwner", serial=5, kind="s", body=string(BUS_NAME)))
    return client.answer(5)[3][4:-1].decode()


def served(client: RawClient, serial: int = 7) -> None:
    """The helper answers, with its settings."""
    client.send(call(BUS_NAME, OBJECT_PATH, INTERFACE, "GetConfig", serial=serial))
    kind, _, _, body = client.answer(serial)
    assert kind == RETURN
    assert b"battery_floor" in body


def peak(pid: int) -> int:
    """The most memory that a process ever had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def variants(depth: int) -> bytes:
    """A variant in a variant in a variant."""
    return signature("v") * depth + signature("y") + b"\1"


def arrays(depth: int) -> tuple[bytes, bytes]:
    """The signature of an array of arrays, and one of them that holds nothing."""
    return b"a" * depth + b"y", struct.pack("<I", 0)


def to_helper(member: str = "SetConfig", kind: str | bytes = "", body: bytes = b"", *more: bytes) -> bytes:
    return call(BUS_NAME, OBJECT_PATH, INTERFACE, member, 9, kind, body, *more)


def everything(name: str) -> dict[str, bytes]:
    """Messages that no library sends; ``name`` is the helper's unique one."""
    unknown = header_field(42, "s", string("what is this"))
    texts = {
        "not UTF-8": string(b"\xff\xfe"), "a NUL": string(b"a\0b"), "no end": struct.pack("<I", 9) + b"abc",
        "longer than all": struct.pack("<I", 0xFFFFFFFF) + b"abc\0",
    }  # fmt: skip
    deep, empty = arrays(200)
    noc = strings(BUS_NAME, name, ":9.9")
    changed = padded(string(INTERFACE), 4) + struct.pack("<II", 0, 0)
    return {
        "an unknown field": to_helper("GetConfig", "", b"", unknown),
        "an unknown field of a large type": to_helper(
            "GetConfig", "", b"", header_field(200, "(ss)", padded(b"", 8) + padded(string("a"), 4) + string("b"))
        ),
        "an unknown field in a signal": signal(name, OBJECT_PATH, INTERFACE, "Any", "", b"", unknown),
        "an unknown type": message(77, 9, [header_field(raw_bus.DESTINATION, "s", string(BUS_NAME))]),
        "unknown flags": call(BUS_NAME, OBJECT_PATH, INTERFACE, "GetConfig", flags=0xF8),
        "variants in variants": to_helper("SetConfig", "v", variants(60)),
        "far too many variants": to_helper("SetConfig", "v", variants(20_000)),
        "deep arrays": to_helper("SetConfig", deep, empty),
        "a signature that is none": to_helper("SetConfig", b"a{", b"\0\0\0\0"),
        "a signature with structs": to_helper("SetConfig", b"(" * 200, b"\0\0\0\0"),
        "a signature and no body": to_helper("SetConfig", "a{sv}"),
        "a body and no signature": to_helper("SetConfig", "", b"\0\0\0\0"),
        "a body that says it is longer": to_helper("SetConfig", "ay", struct.pack("<I", 1 << 20) + b"\0"),
        "an unhashable key": to_helper("SetConfig", b"a{vv}", struct.pack("<II", 0, 0)),
        "a reply that nobody asked for": message(
            RETURN, 9, [header_field(raw_bus.DESTINATION, "s", string(name)),
                        header_field(raw_bus.REPLY_SERIAL, "u", struct.pack("<I", 3))],
        ),
        "an error that nobody asked for": message(
            raw_bus.ERROR, 9, [header_field(raw_bus.DESTINATION, "s", string(name)),
                               header_field(raw_bus.ERROR_NAME, "s", string("org.example.No")),
                               header_field(raw_bus.REPLY_SERIAL, "u", struct.pack("<I", 3))],
        ),
        "a lie about who owns a name": signal(name, BUS_PATH, BUS, "NameOwnerChanged", "sss", noc),
        "a lie of no type": signal(name, BUS_PATH, BUS, "NameOwnerChanged"),
        "a status that is not ours": signal(name, OBJECT_PATH, PROPERTIES, "PropertiesChanged", "sa{sv}as", changed),
        **{f"a text that is {what}": to_helper("SetMode", "s", text) for what, text in texts.items()},
    }  # fmt: skip


def test_what_no_library_sends_ends_nothing(stack: Stack, sender: Sender) -> None:
    pid = helper(stack)
    name = owner(sender.client)
    before = stack.ctl("status", "--json").stdout
    for what, data in everything(name).items():
        sender.send(data)
        with contextlib.closing(RawClient(sender.path)) as other:
            served(other)
        assert helper(stack) == pid, what
    # What the bus keeps to itself has tried nothing.
    assert sender.delivered >= 10
    assert stack.ctl("status", "--json").stdout == before
    assert "Traceback" not in (stack.folder / "logs/helper").read_text()


def test_an_unknown_field_is_no_reason_to_refuse(stack: Stack, sender: Sender) -> None:
    field = header_field(42, "s", string("from the future"))
    sender.client.send(call(BUS_NAME, OBJECT_PATH, INTERFACE, "GetConfig", 9, "", b"", field))
    kind, _, _, body = sender.client.answer(9)
    assert (kind, b"battery_floor" in body) == (RETURN, True)


@pytest.mark.parametrize("size", [65 << 10, 30 * MIB])
def test_what_is_too_large_is_passed_over(stack: Stack, sender: Sender, size: int) -> None:
    pid = helper(stack)
    with contextlib.closing(RawClient(sender.path)) as other:
        served(other)
        before = peak(pid)
        kinds = {"ay": bytes(size), "as": padded(string("x" * 11), 4) * (size // 16)}
        for serial, (kind, content) in enumerate(kinds.items(), start=11):
            data = to_helper("SetConfig", kind, struct.pack("<I", len(content)) + content)
            data = data[:8] + struct.pack("<I", serial) + data[12:]
            sender.client.send(data)
            sender.client.send(
                signal(owner(other), OBJECT_PATH, INTERFACE, "Any", kind, struct.pack("<I", len(content)) + content)
            )
            served(other, serial)
            answer, _, head, body = sender.client.answer(serial)
            assert (answer, b"LimitsExceeded" in head, b"65536 bytes" in body) == (raw_bus.ERROR, True, True)
        assert peak(pid) - before < 4 * MIB


def test_many_large_ones_keep_nobody_waiting(stack: Stack, sender: Sender) -> None:
    """Work is counted, not time: what an answer costs the helper's processor beside a stream of large messages."""
    pid = helper(stack)
    content = bytes(30 * MIB)
    data = call(BUS_NAME, OBJECT_PATH, INTERFACE, "SetConfig", 9, "ay", struct.pack("<I", len(content)) + content)

    def ticks() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    for _ in range(4):
        sender.send(data)
    with contextlib.closing(RawClient(sender.path)) as other:
        served(other)
    # To read 120 MiB byte by byte, as a list, took minutes. Beside much else the same work takes more of them.
    assert ticks() - before < 20 * os.sysconf("SC_CLK_TCK")


def test_descriptors_are_not_taken(stack: Stack, tmp_path: Path) -> None:
    sender = Sender(stack, fds=True)
    pid = helper(stack)
    field = header_field(UNIX_FDS, "u", struct.pack("<I", 2))
    paths = (tmp_path / "one", tmp_path / "two")
    with paths[0].open("w") as one, paths[1].open("w") as two:
        for kind, body in (("hh", struct.pack("<II", 0, 1)), ("", b"")):
            sender.send(to_helper("SetConfig", kind, body, field), (one.fileno(), two.fileno()))
    served(sender.client)
    # Among others that come and go while it starts.
    held = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held.add(path.readlink())
    assert held & set(paths) == set()
    assert len(held) > 3
    sender.client.close()


WRONG: Final = {
    "": b"", "y": b"\1", "b": struct.pack("<I", 1), "s": string("x"), "t": struct.pack("<Q", 1 << 63),
    "ss": padded(string("a"), 4) + string("b"), "v": signature("s") + b"\0" + string("x"),
    "a{sv}": struct.pack("<II", 0, 0), "as": struct.pack("<I", 0), "ay": struct.pack("<I", 0), "g": signature("a{sv}"),
    "o": string("/"), "d": struct.pack("<d", float("nan")), "(s)": string("x"),
}  # fmt: skip


def test_every_method_with_every_type(stack: Stack, sender: Sender) -> None:
    """As root, whom polkit would allow it: what is of the wrong type is refused, and of the right type tried."""
    for number, (name, verb) in enumerate(VERBS.items()):
        if name in ("Start", "Sleep", "SetMode"):
            continue
        for serial, (kind, body) in enumerate(WRONG.items(), start=100 * (number + 1)):
            sender.client.send(
                call(BUS_NAME, OBJECT_PATH, INTERFACE, name, serial=serial, kind=kind, body=body)
            )  # fmt: skip
            answer, _, head, text = sender.client.answer(serial)
            assert b"Internal" not in head, (name, kind, text)
            if kind != verb.signature:
                assert answer == raw_bus.ERROR, (name, kind)
                assert b"InvalidArgs" in head, (name, kind)
    served(sender.client)
    assert "Traceback" not in (stack.folder / "logs/helper").read_text()


def test_random_bytes_after_a_good_beginning(stack: Stack, sender: Sender) -> None:
    draw = random.Random(7)
    passed = []
    for data in everything(owner(sender.client)).values():
        before = sender.delivered
        sender.send(data)
        if sender.delivered > before and len(data) < 4096:
            passed.append(data)
    before = sender.delivered
    for _ in range(400):
        changed = bytearray(draw.choice(passed))
        for _ in range(draw.randrange(1, 3)):
            # What says how long it is stays: the bus would only wait for more.
            changed[draw.randrange(16, len(changed))] = draw.choice(b"\0\1abvsy/.:\xff")
        sender.send(bytes(changed))
    # What the bus keeps to itself has tried nothing.
    assert sender.delivered - before >= 20
    served(sender.client)
    assert "Traceback" not in (stack.folder / "logs/helper").read_text()


def test_the_helper_ends_with_its_bus_alone_and_says_so(stack: Stack) -> None:
    (process,) = (process for name, process in stack._running if name == "helper")
    # It has started, and its other connections with it.
    assert stack.ctl("status").returncode == 0
    bus = next(process for name, process in stack._running if name.startswith("dbus-"))
    bus.terminate()
    bus.wait()
    assert process.wait(PATIENCE) == 1
    assert "The bus is gone." in stack.last_words("helper")
    stack._running.clear()
    stack.bring_up()
    with contextlib.closing(RawClient(str(stack.folder / "bus"))) as client:
        served(client)
