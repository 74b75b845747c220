# SPDX-License-Identifier: MIT
"""Stands in for systemd-journald: a real socket, and what came in by journald's own protocol."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for

Entry = dict[str, str]

#: In a mount namespace of the program's own the socket is where it belongs. Where stderr leads is told as systemd does.
_AT_ITS_PLACE: Final = (
    'mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind "$1" /run/systemd/journal && shift &&'
    ' JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) && export JOURNAL_STREAM && exec "$@"'
)


def parse(data: bytes) -> Entry:
    """One datagram, by https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. Raises ValueError."""
    entry: Entry = {}
    while data:
        head, _, data = data.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", data[:8])
            value, end, data = data[8 : 8 + length], data[8 + length : 9 + length], data[9 + length :]
            if len(value) != length or end != b"\n":
                raise ValueError(f"{name!r} is cut off")
        if name.decode() in entry:
            raise ValueError(f"{name!r} comes twice")
        entry[name.decode()] = value.decode()
    return entry


class Journald:
    """A journal with its socket in ``folder``; it is read all the time, because a socket holds only some datagrams."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[Entry] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "socket"))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def events(self, program: str = "") -> list[str]:
        """The events of a program, or of all, in their order."""
        return [entry["VRAMSWAP_EVENT"] for entry in self.entries if program in entry["SYSLOG_IDENTIFIER"]]

    def last(self, event: str) -> Entry:
        """The last entry of an event, once there is one: what was sent may not have been read yet."""
        found = wait_for(lambda: [entry for entry in self.entries if entry["VRAMSWAP_EVENT"] == event], event)
        return found[-1]

    def before(self, command: Sequence[str]) -> list[str]:
        """``command``, with this as the machine's journal and its stderr. Needs root."""
        return ["unshare", "--mount", "sh", "-c", _AT_ITS_PLACE, "sh", str(self.folder), *command]

    def close(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()

    def _read(self) -> None:
        while data := self._socket.recv(1 << 20):
            self.entries.append(parse(data))


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[Journald]:
    """A journal that ends with the test."""
    folder.mkdir()
    journal = Journald(folder)
    try:
        yield journal
    finally:
        journal.close()
