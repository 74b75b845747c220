# SPDX-License-Identifier: MIT
"""A report as a table for a terminal and as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from vramswap_gui.bench import verdict
from vramswap_gui.bench.suite import Report, Row
from vramswap_gui.forms import Phrase, Sentence, say
from vramswap_gui.units import KIB, format_size

_COLOURS: Final = {"VRAM": "#4c9a2a", "disk": "#8a8a8a"}
_BAR, _GAP, _LABEL, _WIDTH = 16, 6, 190, 760


def table(report: Report) -> str:
    """Medians, with the spread of the runs in requests a second."""
    lines = [
        f"{'':5} {'load, connections × depth':<28} {'IOPS':>10} {'spread':>7} {'GB/s':>7} {'p50 µs':>8} {'p99 µs':>8}"
    ]
    for row in report.rows:
        differ = verdict.spread(row)
        lines.append(
            f"{row.medium:5} {row.scenario.title:<28} {row.median(lambda run: run.iops):>10,.0f} {differ:>6.1f}%"
            f" {row.median(lambda run: run.bandwidth) / 1e9:>7.2f} {row.median(lambda run: run.p50) / 1e3:>8.1f}"
            f" {row.median(lambda run: run.p99) / 1e3:>8.1f}"
        )
    lines.append(f"Ready to serve after {report.ready_after:.2f} s, with {format_size(report.memory)} of memory.")
    if (found := verdict.verdict(report)) is not None:
        lines.append(found.sentence)
    return "\n".join(lines)


def driver(transport: str, why: Sentence) -> Phrase:
    """What was not measured: the way through the kernel."""
    if not transport:
        return say("Measured over Unix sockets, without a driver of the kernel's.")
    return say(
        "Measured over Unix sockets. The swap goes by the kernel's driver {driver:text}: {why:said}.",
        driver=transport,
        why=why,
    )


def chart(report: Report) -> str:
    """An SVG with a bar for each row: IOPS for pages, GB/s for larger blocks."""
    small = [row for row in report.rows if row.scenario.block_size == 4 * KIB]
    large = [row for row in report.rows if row.scenario.block_size != 4 * KIB]
    parts: list[str] = []
    y = 10
    for title, rows, unit in (("4 KiB, thousand requests a second", small, 1e3), ("Throughput, GB/s", large, 1e9)):
        y = _panel(parts, y, title, rows, unit)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}"'
        ' font-family="sans-serif" font-size="12">\n'
        f'<rect width="{_WIDTH}" height="{y}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(parts: list[str], y: int, title: str, rows: Sequence[Row], unit: float) -> int:
    values = [row.median(lambda run: run.iops if unit == 1e3 else run.bandwidth) / unit for row in rows]
    scale = (_WIDTH - _LABEL - 80) / max([*values, 1e-9])
    parts.append(f'<text x="10" y="{y + 14}" font-weight="bold" fill="#222222">{escape(title)}</text>')
    y += 24
    for row, value in zip(rows, values, strict=True):
        name = row.scenario.title + ("" if row.medium == "VRAM" else f" ({row.medium})")
        width = max(1.0, value * scale)
        parts.append(f'<text x="{_LABEL - 8}" y="{y + 12}" text-anchor="end" fill="#222222">{escape(name)}</text>')
        parts.append(
            f'<rect x="{_LABEL}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2" fill="{_COLOURS[row.medium]}"/>'
        )
        parts.append(f'<text x="{_LABEL + width + 6:.1f}" y="{y + 12}" fill="#222222">{value:,.1f}</text>')
        y += _BAR + _GAP
    return y + 14
