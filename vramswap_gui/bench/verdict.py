# SPDX-License-Identifier: MIT
"""What a measurement says to somebody who wants to know whether VRAM is worth it here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vramswap_gui.bench.results import Measured
from vramswap_gui.bench.suite import PAGE_IN, PAGE_OUT, Report, Row, Scenario

#: Runs that differ by more, in percent, were not measured on a machine that was at rest.
UNSTEADY: Final = 25.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How long a page takes to come back, in nanoseconds, and how many bytes a second leave, on both media."""

    page_vram: float
    page_disk: float
    leave_vram: float
    leave_disk: float
    #: By how many percent of their median the runs differ that differ most.
    spread: float

    @property
    def steady(self) -> bool:
        """Whether the figures can be relied on."""
        return self.spread <= UNSTEADY

    @property
    def sentence(self) -> str:
        """For a terminal."""
        times = self.page_disk / self.page_vram
        rate = self.leave_vram / self.leave_disk
        text = f"VRAM brings a page back {_compared(times)} as the disk, and takes pages {_compared(rate)}."
        if self.steady:
            return text
        return f"{text} The runs differ by up to {self.spread:.0f} %: measure again when the machine is at rest."


def verdict(report: Report) -> Verdict | None:
    """None without a disk to compare with."""
    found = [_row(report, medium, scenario) for scenario in (PAGE_IN, PAGE_OUT) for medium in ("VRAM", "disk")]
    rows = [row for row in found if row is not None]
    if len(rows) < len(found):
        return None
    page_vram, page_disk = (row.median(_latency) for row in rows[:2])
    leave_vram, leave_disk = (row.median(_bandwidth) for row in rows[2:])
    return Verdict(page_vram, page_disk, leave_vram, leave_disk, max(spread(row) for row in rows))


def spread(row: Row) -> float:
    """By how many percent of their median the runs differ, in requests a second."""
    iops = [run.iops for run in row.runs]
    return (max(iops) - min(iops)) / row.median(lambda run: run.iops) * 100


def _row(report: Report, medium: str, scenario: Scenario) -> Row | None:
    return next((row for row in report.rows if (row.medium, row.scenario) == (medium, scenario)), None)


def _latency(run: Measured) -> float:
    return float(run.p50)


def _bandwidth(run: Measured) -> float:
    return run.bandwidth


def _compared(times: float) -> str:
    if 0.9 <= times <= 1.1:
        return "as fast"
    return f"{times:.1f} times as fast" if times >= 1 else f"only {times:.2f} times as fast"
