# SPDX-License-Identifier: MIT
"""How long programs wait for memory, from ``/proc/pressure/memory`` (Documentation/accounting/psi.rst).

:func:`read` is a look at the averages; :func:`open_trigger` has the kernel report a stall as it happens, so that a
machine with memory to spare is never woken to look.
"""

from __future__ import annotations

import errno
import os
import re
import select
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from vramswap_gui.system import smallfile

_FILE: Final = "pressure/memory"
#: Microseconds; the kernel takes windows of 500,000 to 10,000,000.
STALL_US: Final = 150_000
WINDOW_US: Final = 1_000_000
_SHARE: Final = re.compile(rb"[0-9]{1,3}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Stall:
    """Shares of the last 10, 60 and 300 seconds in per cent, and the whole time waited in microseconds."""

    avg10: float
    avg60: float
    avg300: float
    total: int


@dataclass(frozen=True, slots=True)
class Pressure:
    """``some``: at least one task waited for memory. ``full``: all of them did at once."""

    some: Stall
    full: Stall


@dataclass(frozen=True, slots=True)
class Unavailable:
    """There is no trigger to be had; ``why`` is a sentence for a person. Poll MemAvailable instead."""

    why: str


def read(proc: Path = Path("/proc")) -> Pressure | None:
    """The pressure now; None where the kernel does not measure it (built without PSI, or ``psi=0``)."""
    try:
        lines = smallfile.lines(smallfile.data(proc / _FILE))
    except OSError:
        return None
    stalls = {kind: _stall(rest) for kind, _, rest in (line.partition(b" ") for line in lines)}
    some, full = stalls.get(b"some"), stalls.get(b"full")
    return Pressure(some, full) if some is not None and full is not None else None


def _stall(line: bytes) -> Stall | None:
    values = dict(word.split(b"=", 1) for word in smallfile.fields(line) if b"=" in word)
    shares = [_SHARE.fullmatch(values.get(key, b"")) for key in (b"avg10", b"avg60", b"avg300")]
    total = smallfile.parse_number(values.get(b"total", b""))
    if total is None or None in shares:
        return None
    avg10, avg60, avg300 = (float(share[0]) for share in shares if share is not None)
    return Stall(avg10, avg60, avg300, total)


class Trigger:
    """A trigger in the kernel. Its ``fileno`` becomes readable when tasks waited for memory longer than agreed.

    At most once per window. An event loop watches it as it watches a socket: PSI reports with POLLPRI, and says
    POLLIN at all times, so the number is that of an epoll which waits for POLLPRI alone.
    """

    def __init__(self, descriptor: int) -> None:
        """Takes ``descriptor`` over, on which the trigger is set already. Raises OSError if it cannot be polled."""
        self._descriptor = descriptor
        try:
            self._epoll = select.epoll()
            self._epoll.register(descriptor, select.EPOLLPRI)
        except OSError:
            os.close(descriptor)
            raise

    def fileno(self) -> int:
        """What to watch for readability."""
        return self._epoll.fileno()

    def wait(self, seconds: float) -> bool:
        """Whether the trigger fires within ``seconds``; 0 looks. A loop that was woken has had the event."""
        return any(event & select.EPOLLPRI for _, event in self._epoll.poll(seconds))

    def close(self) -> None:
        """The kernel forgets the trigger. May be called twice."""
        self._epoll.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Trigger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_trigger(proc: Path = Path("/proc")) -> Trigger | Unavailable:
    """A trigger for 150 ms of waiting within a second, the example of psi.rst, or why there is none.

    Without CAP_SYS_RESOURCE the kernel grants only windows of whole two seconds (an older one none), so the second
    choice is the same share of two seconds.
    """
    refused = Unavailable("The kernel's memory pressure file cannot be watched.")
    for windows in (1, 2):
        try:
            return Trigger(_set(proc / _FILE, windows * STALL_US, windows * WINDOW_US))
        except OSError as error:
            refused = Unavailable(_why(error))
    return refused


def _set(path: Path, stall_us: int, window_us: int) -> int:
    """The descriptor of a new trigger; the trigger lasts as long as it is open. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        # The kernel wants the text with its terminating zero.
        os.write(descriptor, f"some {stall_us} {window_us}\0".encode())
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.EOPNOTSUPP, errno.ENOTDIR):
        return "This kernel does not measure memory pressure (CONFIG_PSI, or psi=1 on its command line)."
    if error.errno in (errno.EACCES, errno.EPERM):
        return "Setting a memory pressure trigger takes more privileges than this process has."
    return f"The kernel refused the memory pressure trigger ({os.strerror(error.errno or 0)})."
