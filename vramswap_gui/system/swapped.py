# SPDX-License-Identifier: MIT
"""Who has memory in swap: each process's own count, and which application it belongs to.

Memory of its own is not looked at (``cmdline`` and ``environ`` are there), because it may have to come back from swap.
Sources: ``VmSwap`` of proc_pid_status(5); cgroup names of https://systemd.io/DESKTOP_ENVIRONMENTS/.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.system import smallfile
from vramswap_gui.units import KIB

#: ``app[-launcher]-application[@random].service`` and ``app[-launcher]-application-random.scope``.
_UNIT: Final = re.compile(r"app(?:-[^-@]+)??-([^-@]+)(?:(?:@[^/]*)?\.service|-[^-/]+\.scope)")
#: snapd's: ``snap.package.program-random.scope``.
_SNAP: Final = re.compile(r"snap\.([^.]+)\.([^.]+?)-[0-9a-f-]+\.scope")
_ESCAPED: Final = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Process:
    """A process. ``application`` is the name of its desktop file, empty where nobody says; ``swapped`` in bytes."""

    pid: int
    name: str
    application: str
    swapped: int


def read(uid: int, proc: Path = Path("/proc")) -> tuple[Process, ...]:
    """The processes of a user that have memory in swap, in no order."""
    return tuple(_read(uid, proc))


def _read(uid: int, proc: Path) -> Iterator[Process]:
    for folder in proc.glob("[0-9]*"):
        # It may end meanwhile.
        with contextlib.suppress(OSError):
            status = smallfile.table(smallfile.data(folder / "status"), b":")
            swapped = smallfile.parse_number(status.get(b"VmSwap", b"0").removesuffix(b" kB"))
            owner = smallfile.fields(status.get(b"Uid", b""))
            if swapped and owner and smallfile.parse_number(owner[0]) == uid:
                name = smallfile.decode(status.get(b"Name", b""))
                yield Process(int(folder.name), name, application(smallfile.text(folder / "cgroup")), swapped * KIB)


def application(cgroup: str) -> str:
    """The application that a cgroup was made for, by the name of its desktop file; empty if it is of none.

    What an application starts in a cgroup below its own belongs to it.
    """
    for part in reversed(cgroup.split("/")):
        if match := _UNIT.fullmatch(part):
            return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), match[1])
        if match := _SNAP.fullmatch(part):
            return f"{match[1]}_{match[2]}"
    return ""
