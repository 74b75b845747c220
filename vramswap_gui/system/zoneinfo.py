# SPDX-License-Identifier: MIT
"""How much memory is free at this moment, beyond what makes the kernel look for more (``/proc/zoneinfo``, proc(5)).

Below a zone's ``low`` watermark the kernel begins to swap out, and below ``min`` whoever asks for memory has to wait
for that (mm/page_alloc.c). Part of a lower zone is kept for those who can use no other: the last of ``protection``.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Final

from vramswap_gui.system import smallfile

_NUMBERS: Final = re.compile(rb"[0-9]+")
_MARGIN: Final = 8


def spare(proc: Path = Path("/proc")) -> int:
    """Bytes that can be had without waiting, and without anything being swapped out for it; 0 when it is not known."""
    return sum(max(0, free - low) for free, low in _zones(b"low", proc)) * mmap.PAGESIZE


def is_short(proc: Path = Path("/proc")) -> bool:
    """Whether so little is free everywhere that who asks has to wait, or that is not known.

    An eighth below ``min`` is a little more than what those get at least who go first
    (:func:`vramswap_gui.server.memlock.go_first`): a quarter of it is theirs alone.
    """
    return all(free <= least - least // _MARGIN for free, least in _zones(b"min", proc))


def _zones(mark: bytes, proc: Path) -> list[tuple[int, int]]:
    """Of each zone that has memory: the pages that are free and not kept for others, and a watermark."""
    try:
        content = smallfile.data(proc / "zoneinfo")
    except OSError:
        return []
    found = (_zone(zone, mark) for zone in content.split(b"zone ")[1:])
    return [zone for zone in found if zone is not None]


def _zone(text: bytes, mark: bytes) -> tuple[int, int] | None:
    """None for a zone that has no memory, or says nothing that can be read."""
    free = least = protected = None
    for line in text.splitlines():
        match smallfile.fields(line.strip()):
            case [b"pages", b"free", number]:
                free = smallfile.parse_number(number)
            case [name, number] if name == mark:
                least = smallfile.parse_number(number)
            case [b"managed", b"0"]:
                return None
            case [b"protection:", *_]:
                protected = max(map(int, _NUMBERS.findall(line)), default=0)
                break
    if free is None or least is None or protected is None:
        return None
    return free - protected, least
