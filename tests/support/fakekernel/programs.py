# SPDX-License-Identifier: MIT
"""What stands in for mkswap, swapon and swapoff (see tests/support/fakekernel/__init__.py): by the first argument."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import struct
import sys
import time
from pathlib import Path
from typing import NoReturn

ME = sys.argv[1]
FOLDER = Path(os.environ["VRAMSWAP_FAKEPROC"])
SWAPS = FOLDER / "swaps"
PAGE = 4096
SIGNATURE = b"SWAPSPACE2"
MAGIC_AT = PAGE - len(SIGNATURE)


def fail(why: str, status: int = 1) -> NoReturn:
    print(f"{ME}: {why}", file=sys.stderr)
    sys.exit(status)


class Device:
    """An NBD client, just able to read and write the first page (the NBD protocol's doc/proto.md)."""

    def __init__(self, path: str) -> None:
        self.end = socket.socket(socket.AF_UNIX)
        try:
            self.end.connect(path)
        except OSError as error:
            fail(f"cannot open {path}: {error.strerror}")
        assert self.take(16) == b"NBDMAGICIHAVEOPT"
        self.take(2)
        # Fixed newstyle without the 124 zeroes; option 1 is NBD_OPT_EXPORT_NAME, with the empty name.
        self.end.sendall(struct.pack(">I8sII", 3, b"IHAVEOPT", 1, 0))
        self.size = struct.unpack(">QH", self.take(10))[0]

    def take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.end.recv(count - len(data))
            if not part:
                fail("the device is gone")
            data += part
        return data

    def ask(self, command: int, data: bytes = b"") -> bytes:
        self.end.sendall(struct.pack(">IHHQQI", 0x25609513, 0, command, 1, 0, PAGE) + data)
        if struct.unpack(">IIQ", self.take(16))[1] != 0:
            fail("input/output error")
        return self.take(PAGE) if command == 0 else b""


class File:
    """A swap file."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.size = self.path.stat().st_size

    def ask(self, command: int, data: bytes = b"") -> bytes:
        with self.path.open("r+b") as file:
            if command:
                file.write(data)
                return b""
            return file.read(PAGE)


def opened(path: str) -> Device | File:
    return File(path) if Path(path).is_file() else Device(path)


def rows() -> list[list[str]]:
    # A name may be any bytes; what separates the fields is escaped in it.
    text = SWAPS.read_bytes().decode("latin-1")
    return [re.split("[ \t]+", line) for line in text.split("\n")[1:] if line]


def store(new: list[list[str]]) -> None:
    new.sort(key=lambda row: -int(row[4]))
    text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n" + "".join("\t".join(row) + "\n" for row in new)
    part = FOLDER / ".swaps"
    part.write_bytes(text.encode("latin-1"))
    part.replace(SWAPS)


def mkswap(arguments: list[str]) -> None:
    device = opened(arguments[-1])
    device.ask(1, bytes(MAGIC_AT) + SIGNATURE)


def swapon(arguments: list[str]) -> None:
    path = arguments[-1]
    # As the kernel does it, without a wish it is below all others.
    lowest = min([0, *(int(row[4]) for row in rows())]) - 1
    priority = arguments[arguments.index("--priority") + 1] if "--priority" in arguments else str(lowest)
    device = opened(path)
    if device.ask(0)[MAGIC_AT:] != SIGNATURE:
        fail(f"{path}: read swap header failed")
    if any(row[0] == path for row in rows()):
        fail(f"{path}: swapon failed: Device or resource busy", 255)
    kind = "file" if isinstance(device, File) else "partition"
    store([*rows(), [path, kind, str((device.size - PAGE) // 1024), "0", priority]])


def swapoff(arguments: list[str]) -> None:
    kept = [row for row in rows() if row[0] != arguments[-1]]
    gone = [row for row in rows() if row[0] == arguments[-1]]
    if not gone:
        fail(f"{arguments[-1]}: swapoff failed: Invalid argument", 4)
    for row in kept:
        # Where there is a file, memory has no room.
        if row[1] == "file":
            row[3] = str(int(row[3]) + int(gone[0][3]))
    store(kept)


def main() -> None:
    while (FOLDER / f"hold-{ME}").exists():
        time.sleep(0.01)
    refusal = FOLDER / f"refuse-{ME}"
    if refusal.exists() and refusal.read_text():
        fail(refusal.read_text(), 255)
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        {"mkswap": mkswap, "swapon": swapon, "swapoff": swapoff}[ME](sys.argv[2:])


if __name__ == "__main__":
    main()
