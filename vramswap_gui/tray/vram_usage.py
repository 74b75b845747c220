# SPDX-License-Identifier: MIT
"""Who has the VRAM, as parts that add up to all of it."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vramswap_gui.api.status import Status
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.readings import GpuView

#: More names would be too short to be told from each other in a bar.
_NAMED: Final = 3


class Holder(enum.StrEnum):
    """Whose a share is."""

    PAGES = "pages"
    RESERVED = "reserved"
    PROGRAM = "program"
    OTHERS = "others"
    HEADROOM = "headroom"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the VRAM in bytes, and its name for a person."""

    holder: Holder
    label: str
    size: int


def shares(gpu: GpuView | None, status: Status, used: int, headroom: int = 0) -> tuple[Share, ...]:
    """The VRAM from the first byte to the last; without numbers of the GPU only what our swap has of it.

    ``used``: bytes in swap that hold pages, as new as they are known; ``headroom``: the setting.
    """
    return tuple(_shares(gpu, status, used, headroom))


def _shares(gpu: GpuView | None, status: Status, used: int, headroom: int) -> Iterator[Share]:
    lent = status.lent
    pages = min(status.taken if status.packed[0] else used, lent)
    yield Share(Holder.PAGES, tr("Swap, used"), pages)
    yield Share(Holder.RESERVED, tr("Swap, reserved"), lent - pages)
    if gpu is None or not gpu.total:
        return
    # Readings of different moments need not agree; the bar's end is the one that has to be right.
    total = max(gpu.total, lent)
    taken = max(lent, min(gpu.used, total))
    others = taken - lent
    known = [program for program in gpu.programs or () if program.used]
    for program in known[:_NAMED]:
        size = min(program.used or 0, others)
        if size:
            yield Share(Holder.PROGRAM, program.name, size)
        others -= size
    if others or not known:
        # The driver's own part is in it, and what our server needs besides the swap.
        yield Share(Holder.OTHERS, tr("Others") if known else tr("Other programs"), others)
    kept = min(headroom, total - taken)
    if kept:
        yield Share(Holder.HEADROOM, tr("Kept free"), kept)
    yield Share(Holder.FREE, tr("Free"), total - taken - kept)
