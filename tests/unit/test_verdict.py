# SPDX-License-Identifier: MIT
"""What a measurement comes to, in a sentence."""

from __future__ import annotations

from vramswap_gui.bench import present, verdict
from vramswap_gui.bench.results import Measured
from vramswap_gui.bench.suite import PAGE_IN, PAGE_OUT, Report, Row, Scenario


def runs(p50: int, bandwidths: tuple[int, ...], block: int) -> tuple[Measured, ...]:
    return tuple(Measured(rate // block, rate, 1.0, p50, p50, p50) for rate in bandwidths)


def row(medium: str, scenario: Scenario, p50: int, *bandwidths: int) -> Row:
    return Row(medium, scenario, runs(p50, bandwidths, scenario.block_size))


VRAM = (row("VRAM", PAGE_IN, 20_000, 10**8), row("VRAM", PAGE_OUT, 1, 5 * 10**9, 5 * 10**9, 5 * 10**9))


def test_vram_beside_a_disk() -> None:
    disk = (row("disk", PAGE_IN, 80_000, 10**7), row("disk", PAGE_OUT, 1, 2 * 10**9))
    report = Report((*VRAM, *disk), 0.2, 1 << 20)
    found = verdict.verdict(report)
    assert found is not None and found.steady
    assert (found.page_vram, found.page_disk, found.leave_vram, found.leave_disk) == (20_000, 80_000, 5e9, 2e9)
    sentence = "VRAM brings a page back 4.0 times as fast as the disk, and takes pages 2.5 times as fast."
    assert found.sentence == sentence
    assert present.table(report).endswith(sentence)


def test_a_disk_that_is_faster_and_runs_that_differ() -> None:
    disk = (row("disk", PAGE_IN, 19_000, 10**7), row("disk", PAGE_OUT, 1, 9 * 10**9, 10**10, 2 * 10**10))
    found = verdict.verdict(Report((*VRAM, *disk), 0.2, 1 << 20))
    assert found is not None and not found.steady
    assert found.sentence.startswith(
        "VRAM brings a page back as fast as the disk, and takes pages only 0.50 times as fast. The runs differ by"
    )


def test_without_a_disk_there_is_nothing_to_compare() -> None:
    assert verdict.verdict(Report(VRAM, 0.2, 1 << 20)) is None
