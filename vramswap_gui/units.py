# SPDX-License-Identifier: MIT
"""Sizes as people write them and read them. Everything inside the program is bytes."""

from __future__ import annotations

import re
from typing import Final

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30
TIB: Final = 1 << 40

#: More segments than this would cost more in devices and buffers than the finer steps are worth.
MAX_SEGMENTS: Final = 16
#: Parts in which VRAM comes and goes where the pages of all segments lie packed in it.
MAX_EXTENTS: Final = 32
#: The last of the numbers by which a server tells its segments apart: ublk keeps 16 bits of one (system/ublk.py).
MAX_SERIAL: Final = 0xFFFF
#: VRAM comes in 2 MiB pages, so every segment is a multiple of this.
SIZE_STEP: Final = 2 * MIB
MIN_SIZE: Final = 16 * MIB
#: With less VRAM than that there is no room to move anything beside packed pages.
MIN_PACKED: Final = 48 * MIB

_FACTORS: Final = {"": 1, "K": KIB, "M": MIB, "G": GIB, "T": TIB}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII)
_LARGEST: Final = 1 << 60
#: Seconds by the units that people write.
DURATIONS: Final = {"s": 1, "sec": 1, "seconds": 1, "min": 60, "minutes": 60, "h": 3600}
_DURATION: Final = re.compile(r"([0-9]{1,9})\s*([a-z]*)", re.IGNORECASE | re.ASCII)


def parse_size(text: str, zero: bool = False) -> int:
    """Bytes for ``8G``, ``512MiB``, ``1.5 g`` or ``1048576``; units are powers of 1024.

    Raises ValueError with a sentence for a person when ``text`` is no positive size, or with ``zero`` none at all.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or len(text) > 40:
        raise ValueError(f"“{text[:40]}” is not a size; write it like 8G, 512M or 1073741824")
    size = (
        int(float(match[1]) * _FACTORS[match[2].upper()])
        if "." in match[1]
        else int(match[1]) * _FACTORS[match[2].upper()]
    )
    if size <= 0 and not zero:
        raise ValueError("the size must be greater than zero")
    if size > _LARGEST:
        raise ValueError(f"“{text[:40]}” is more than any GPU has")
    return size


def parse_duration(text: str) -> int:
    """Seconds for ``90``, ``30min`` or ``1 h``. Raises ValueError with a sentence for a person."""
    match = _DURATION.fullmatch(text.strip())
    factor = DURATIONS.get(match[2].lower() or "s") if match else None
    if match is None or factor is None or not int(match[1]):
        raise ValueError(f"“{text[:40]}” is not a duration")
    return int(match[1]) * factor


def format_size(size: int) -> str:
    """A size for a person, in the largest binary unit that keeps it at or above one: ``1.5 GiB``."""
    for factor, unit in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if abs(size) >= factor:
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size} B"


def exact_size(size: int) -> str:
    """A size for a person who may type it again: in the largest unit that needs no more than three decimal places."""
    for factor, unit in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if abs(size) >= factor and size * 1000 % factor == 0:
            return f"{size / factor:.3f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{size} B"


def round_down(size: int, step: int) -> int:
    """The largest multiple of ``step`` that is not above ``size``."""
    return size - size % step


def round_up(size: int, step: int) -> int:
    """The smallest multiple of ``step`` that is not below ``size``."""
    return -(-size // step) * step
