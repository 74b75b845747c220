# SPDX-License-Identifier: MIT
"""Small files of kernel, driver and administrators, read as what they are: bytes of any kind, or not there at all.

The kernel escapes in a name only what separates the fields of the very file that it is in (``seq_path`` of
fs/seq_file.c): ``/proc/swaps`` and ``/proc/self/mountinfo`` have space, tab, newline and backslash as three octal
digits. What Python calls white space, a form feed or a no-break space, stands there as it is. So lines end at
newlines, fields at spaces and tabs, and bytes that are no text in this locale become surrogates (PEP 383), from which
:func:`os.fsencode` makes the name again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: No file that is read here is larger, by far; what is behind it is left unread.
LIMIT: Final = 1 << 20

_FIELDS: Final = re.compile(rb"[ \t]+")
_OCTAL: Final = re.compile(rb"\\([0-3][0-7]{2})")
#: As many digits as any number of the kernel has; ``int`` itself would take underscores, and other scripts' digits.
_NUMBER: Final = re.compile(rb"[+-]?[0-9]{1,20}")


def names(folder: Path) -> list[str]:
    """What is in a folder of the kernel's, in order; nothing where there is no such folder.

    Raises OSError: what could not be looked for is not what is not there.
    """
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except FileNotFoundError:
        return []


def numbers(folder: Path, prefix: str) -> list[int]:
    """The numbers in names such as ``nbd0`` in a folder of the kernel's, as :func:`names`. Raises OSError."""
    ends = [name.removeprefix(prefix) for name in names(folder) if name.startswith(prefix)]
    return [int(end) for end in ends if end.isdecimal()]


def data(path: Path, limit: int = LIMIT) -> bytes:
    """The first ``limit`` bytes of a file; a pipe that nobody writes is not waited for. Raises OSError."""
    with _opened(path) as descriptor:
        return _read(descriptor, limit)


def settled(path: Path, limit: int = LIMIT) -> tuple[bytes, bool]:
    """:func:`data`, and whether it is all there: false while somebody has the file open to write it.

    While it is read, whoever opens it to write waits for that: a read lease (``F_SETLEASE`` of fcntl(2)). Where there
    are none, as on some file systems, and of a file of somebody else's without CAP_LEASE, all counts as there.
    Raises OSError.
    """
    with _opened(path) as descriptor:
        whole = True
        try:
            # The lease ends with the descriptor. That somebody waits for it is a signal, which by itself would end us.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            whole = error.errno != errno.EAGAIN
        return _read(descriptor, limit), whole


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """To read; a pipe that nobody writes is not waited for. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except ValueError as error:
        # A zero byte in a name.
        raise FileNotFoundError(str(error)) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(descriptor: int, limit: int) -> bytes:
    """Raises OSError."""
    parts, room = [], limit
    # The kernel gives some of its files in pieces of a page.
    while room and (part := os.read(descriptor, room)):
        parts.append(part)
        room -= len(part)
    return b"".join(parts)


def text(path: Path) -> str:
    """What a file says, without white space around it; nothing when it cannot be read."""
    try:
        return decode(data(path).strip())
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """The whole number that is all of a file; None when it is not that."""
    try:
        return parse_number(data(path).strip())
    except OSError:
        return None


def write(path: Path, text: str) -> None:
    """Have a file say ``text``: at once or not at all, and whatever lay in its place. Raises OSError."""
    fresh = path.with_name(f".{path.name}")
    try:
        # What was left there may be a pipe, which would never be written.
        fresh.unlink(missing_ok=True)
        with fresh.open("xb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def entries(folder: Path) -> list[Path]:
    """What is in a folder, in order of the names; nothing when it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except (OSError, ValueError):
        return []


def lines(content: bytes) -> list[bytes]:
    """The lines, without their ends; what else some call the end of a line is a part of it."""
    return [line for line in content.split(b"\n") if line]


def fields(line: bytes) -> list[bytes]:
    """What stands between the spaces and tabs of a line."""
    return [field for field in _FIELDS.split(line) if field]


def table(content: bytes, separator: bytes) -> dict[bytes, bytes]:
    """Lines such as ``MemTotal:  16 kB`` as keys and values; of two with one key the first counts."""
    found: dict[bytes, bytes] = {}
    for line in lines(content):
        key, middle, value = line.partition(separator)
        if middle:
            found.setdefault(key.strip(), value.strip())
    return found


def name(field: bytes) -> str:
    """A name in a file of fields, with what the kernel escaped as it was."""
    return decode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field))


def parse_number(field: bytes) -> int | None:
    """A whole number as the kernel writes it; None for anything else."""
    return int(field) if _NUMBER.fullmatch(field) else None


def decode(content: bytes) -> str:
    """As text, from which the same bytes can be had again, and which names the same file."""
    return os.fsdecode(content)
