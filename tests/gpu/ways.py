# SPDX-License-Identifier: MIT
"""The three ways to copy scattered pages, by their number, on the card at hand: ``python -m tests.gpu.ways [SVG]``.

What an engine measures while it warms up, for a driver with and without the call for many. Nanoseconds are medians of
launch and wait. With SVG the table is drawn into that file as well.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Final

from vramswap_gui.server.engine.engine import Engine

from vramswap_gui.server.engine.copy_kernel import compile_copy_kernel
from vramswap_gui.server.engine.vram import Vram
from vramswap_gui.server.supervisor.counters import Counters

WAYS: Final = ("one by one", "one call", "kernel")
COLOURS: Final = ("#888888", "#3b82f6", "#16a34a")
ROUNDS: Final = 9

#: (writing, pages) → microseconds of each way.
Found = dict[tuple[bool, int], tuple[float, float, float]]


def measure() -> Found:
    """Medians over some engines."""
    vram, counters, cubin = Vram(), Counters(), compile_copy_kernel()
    assert cubin is not None, "the driver cannot compile the kernel"
    runs: dict[tuple[bool, int], list[list[float]]] = {}
    for _ in range(ROUNDS):
        for call in (False, True):
            engine = Engine(vram.context, 1, call and vram.can_batch, counters.address, cubin=cubin)
            for writing, pages, without, kernel in engine.ways:
                ways = runs.setdefault((bool(writing), pages), [[], [], []])
                ways[1 if call else 0].append(without / 1e3)
                ways[2].append(kernel / 1e3)
            engine.close()

    def median(values: list[float]) -> float:
        return sorted(values)[len(values) // 2]

    return {key: (median(a), median(b), median(c)) for key, (a, b, c) in sorted(runs.items())}


def draw(found: Found) -> str:
    """Two charts side by side, both scales logarithmic, without a library."""
    width, height, left, bottom = 420, 300, 48, 40
    low, high, most = 4.0, 256.0, max(pages for _, pages in found)

    def x(pages: float) -> float:
        return left + (width - left - 90) * math.log(pages / 2) / math.log(most / 2)

    def y(value: float) -> float:
        return height - bottom - (height - bottom - 30) * math.log(value / low) / math.log(high / low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * width} {height}" font-family="sans-serif" '
        'font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for side, title in enumerate(("VRAM to memory", "memory to VRAM")):
        parts.append(
            f'<g transform="translate({side * width})"><text x="{left}" y="18">{title}: µs by 4 KiB pages</text>'
        )
        for value in (4, 8, 16, 32, 64, 128, 256):
            parts.append(
                f'<line x1="{left}" x2="{x(most):.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#dddddd"/>'
                f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>'
            )
        points = {pages: ways for (writing, pages), ways in found.items() if writing == bool(side)}
        for pages in points:
            parts.append(f'<text x="{x(pages):.1f}" y="{height - bottom + 18}" text-anchor="middle">{pages}</text>')
        for way, (name, colour) in enumerate(zip(WAYS, COLOURS, strict=True)):
            line = " ".join(f"{x(pages):.1f},{y(ways[way]):.1f}" for pages, ways in points.items())
            last = y(points[most][way]) + 4
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
                f'<text x="{x(most) + 6:.1f}" y="{last:.1f}" fill="{colour}">{name}</text>'
            )
        parts.append("</g>")
    return "".join([*parts, "</svg>\n"])


def main() -> None:
    """Measure, print, and draw if asked to."""
    found = measure()
    print(f"{'':22}" + "".join(f"{way:>14}" for way in WAYS))
    for (writing, pages), ways in found.items():
        title = f"{pages} pages {'into VRAM' if writing else 'out of VRAM'}"
        print(f"{title:22}" + "".join(f"{value:11.1f} µs" for value in ways))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(draw(found), encoding="utf-8")


if __name__ == "__main__":
    main()
