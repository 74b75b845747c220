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


def spare(proc: Path = Path("/proc")) -> int:
    """Bytes that can be had without waiting, and without anything being swapped out for it; 0 when it is not known."""
    try:
        content = smallfile.data(proc / "zoneinfo")
    except OSError:
        return 0
    return sum(max(0, pages) for pages in map(_spare_pages, content.split(b"zone ")[1:])) * mmap.PAGESIZE


def _spare_pages(zone: bytes) -> int:
    free = low = protected = None
    for line in zone.splitlines():
        match smallfile.fields(line.strip()):
            case [b"pages", b"free", number]:
                free = smallfile.parse_number(number)
            case [b"low", number]:
                low = smallfile.parse_number(number)
            case [b"protection:", *_]:
                protected = max(map(int, _NUMBERS.findall(line)), default=0)
                break
    if free is None or low is None or protected is None:
        return 0
    return free - low - protected
