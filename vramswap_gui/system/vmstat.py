# SPDX-License-Identifier: MIT
"""How many bytes went to swap and came back, as counters that only grow.

A block device counts in ``/sys/block/<name>/stat`` (Documentation/block/stat.rst), the whole machine in the ``pswpin``
and ``pswpout`` of ``/proc/vmstat`` (mm/page_io.c).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.system import smallfile

#: A sector of stat.rst, whatever the device's own sectors are.
_SECTOR: Final = 512
#: Fields of stat.rst, counted from 0.
_READ_SECTORS: Final = 2
_WRITE_SECTORS: Final = 6

#: The name under which :func:`read` counts the whole machine.
MACHINE: Final = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes that came back from swap and bytes that went there, since the counting began."""

    paged_in: int
    paged_out: int


def read(devices: Iterable[str], proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> Mapping[str, Moved]:
    """The counters of ``devices``, as in ``/dev/nbd0``.

    When the kernel counts none of them, those of all swap together, as :data:`MACHINE`; empty without either.
    """
    names = tuple(devices)
    found = {name: moved for name in names if (moved := _device(name, sys)) is not None}
    if names and not found:
        whole = _machine(proc)
        return {} if whole is None else {MACHINE: whole}
    return found


def _device(device: str, sys: Path) -> Moved | None:
    try:
        content = smallfile.data(sys / "block" / Path(device).name / "stat")
    except OSError:
        return None
    figures = [smallfile.parse_number(field) for field in smallfile.fields(content.strip())]
    if len(figures) <= _WRITE_SECTORS:
        return None
    return _moved(figures[_READ_SECTORS], figures[_WRITE_SECTORS], _SECTOR)


def _machine(proc: Path) -> Moved | None:
    try:
        counts = smallfile.table(smallfile.data(proc / "vmstat"), b" ")
    except OSError:
        return None
    paged_in, paged_out = (smallfile.parse_number(counts.get(key, b"")) for key in (b"pswpin", b"pswpout"))
    return _moved(paged_in, paged_out, os.sysconf("SC_PAGE_SIZE"))


def _moved(paged_in: int | None, paged_out: int | None, unit: int) -> Moved | None:
    return None if paged_in is None or paged_out is None else Moved(paged_in * unit, paged_out * unit)
