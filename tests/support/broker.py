# SPDX-License-Identifier: MIT
"""Runs dbus-broker without systemd: its launcher's part, as dbus-broker's own tests play it (test/dbus/util-broker.c).

Usage: broker.py SOCKET. Everybody may own, send and receive anything.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

from tests.support.raw_bus import (
    CALL,
    INTERFACE,
    MEMBER,
    PATH,
    SIGNATURE,
    UNIX_FDS,
    header_field,
    message,
    padded,
    signature,
    string,
)

#: Whether one may connect; own what; send what; receive what (src/bus/policy.c, policy_registry_import).
BATCH = "bta(btbs)a(btssssuutt)a(btssssuutt)"
POLICY = f"(a(u({BATCH}))a(buu({BATCH}))a(ss)bs)"


def put(data: bytes, alignment: int, layout: str, *values: object) -> bytes:
    return padded(data, alignment) + struct.pack("<" + layout, *values)


def array(data: bytes, elements: list[bytes]) -> bytes:
    """An array of structs that holds ``elements``, each a multiple of eight bytes but the last."""
    inner = b"".join(elements)
    return padded(put(data, 4, "I", len(inner)), 8) + inner


def everything() -> bytes:
    """The rule that anything may be sent to, or received from, anybody."""
    rule = put(put(b"", 4, "I", 1), 8, "Q", 1)
    for _ in range(4):
        rule = padded(rule, 4) + string("")
    rule = put(rule, 4, "II", 0, 0)
    return put(rule, 8, "QQ", 0, (1 << 64) - 1)


def policy(data: bytes) -> bytes:
    """``data`` with the policy after it, as a variant."""
    data = padded(data + signature(POLICY), 8)
    own = padded(put(put(put(b"", 4, "I", 1), 8, "Q", 1), 4, "I", 1), 4) + string("")
    # For every user that has no rules of its own. The struct begins at a multiple of eight, so offsets are its own.
    user = put(put(put(b"", 4, "I", 0xFFFFFFFF), 8, "I", 1), 8, "Q", 1)
    user = array(array(array(user, [own]), [everything()]), [everything()])
    data = array(data, [user])
    data = array(array(data, []), [])
    return padded(put(data, 4, "I", 0), 4) + string("session")


def main(path: str) -> int:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    Path(path).chmod(0o666)
    listener.listen(128)
    # The broker accepts until nobody is left.
    listener.setblocking(False)
    ours, theirs = socket.socketpair()
    broker = subprocess.Popen(
        ["dbus-broker", "--controller", str(theirs.fileno()), "--machine-id", "0123456789abcdef0123456789abcdef",
         "--max-matches", "100000", "--max-objects", "100000", "--max-bytes", "500000000"],
        pass_fds=[theirs.fileno()],
    )  # fmt: skip
    theirs.close()
    # It ends with its controller.
    signal.signal(signal.SIGTERM, lambda *_: ours.shutdown(socket.SHUT_RDWR))
    ours.sendall(
        b"\0AUTH EXTERNAL " + str(os.geteuid()).encode().hex().encode() + b"\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"
    )
    body = policy(put(padded(string("/org/bus1/DBus/Listener/0"), 4), 4, "I", 0))
    fields = [
        header_field(PATH, "o", string("/org/bus1/DBus/Broker")),
        header_field(INTERFACE, "s", string("org.bus1.DBus.Broker")),
        header_field(MEMBER, "s", string("AddListener")),
        header_field(SIGNATURE, "g", signature("ohv")),
        header_field(UNIX_FDS, "u", struct.pack("<I", 1)),
    ]
    socket.send_fds(ours, [message(CALL, 1, fields, body)], [listener.fileno()])
    while ours.recv(65536):
        pass
    ours.close()
    return broker.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
