# SPDX-License-Identifier: MIT
"""The last minutes of traffic as a value, and that the picture of it shows what is in it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtWidgets import QApplication

from vramswap_gui.system.vmstat import Moved
from vramswap_gui.tray.history import SPAN, History, Sample, ceiling
from vramswap_gui.tray.readings import Reader
from vramswap_gui.tray.widgets.colours import contrast
from vramswap_gui.tray.widgets.graph import Graph, Scale, Series, series_colour
from vramswap_gui.units import GIB, KIB, MIB

NBD0, NBD1 = "/dev/nbd0", "/dev/nbd1"


def history(*readings: tuple[float, dict[str, Moved]], held: int = GIB, lent: int = 4 * GIB) -> History:
    made = History()
    for at, counters in readings:
        made = made.add(at, held, lent, counters)
    return made


def rates(made: History) -> list[tuple[float | None, float | None]]:
    return [(sample.paged_in, sample.paged_out) for sample in made.samples]


def test_rates_are_of_the_time_between_two_readings() -> None:
    made = history((0, {NBD0: Moved(0, 0)}), (1, {NBD0: Moved(10, 200)}), (3, {NBD0: Moved(10, 600)}))
    assert rates(made) == [(None, None), (10.0, 200.0), (0.0, 200.0)]
    assert made.samples[2].seconds == 2.0
    assert (made.peak_rate, made.peak_held, made.lent) == (200.0, GIB, 4 * GIB)


@pytest.mark.parametrize(
    ("name", "first", "second", "expected"),
    [
        ("two devices", {NBD0: Moved(1, 1), NBD1: Moved(5, 5)}, {NBD0: Moved(2, 3), NBD1: Moved(9, 5)}, (5.0, 2.0)),
        ("one has come", {NBD0: Moved(1, 1)}, {NBD0: Moved(2, 3), NBD1: Moved(900, 900)}, (1.0, 2.0)),
        ("one has gone", {NBD0: Moved(1, 1), NBD1: Moved(5, 5)}, {NBD0: Moved(2, 3)}, (1.0, 2.0)),
        ("made anew", {NBD0: Moved(500, 500), NBD1: Moved(0, 0)}, {NBD0: Moved(1, 2), NBD1: Moved(3, 4)}, (3.0, 4.0)),
        ("all others", {NBD0: Moved(1, 1)}, {"": Moved(2**40, 2**40)}, (None, None)),
        ("turned off", {NBD0: Moved(1, 1)}, {}, (None, None)),
        ("not counted", {}, {}, (None, None)),
    ],
)
def test_devices_come_and_go(
    name: str, first: dict[str, Moved], second: dict[str, Moved], expected: tuple[float | None, float | None]
) -> None:
    assert rates(history((0, first), (1, second)))[1] == expected


def test_without_swap_nothing_moves() -> None:
    assert rates(history((0, {}), (1, {}), held=0, lent=0)) == [(None, None), (0.0, 0.0)]


def test_a_gap_has_no_rates_and_parts_the_line() -> None:
    made = history(
        *((at, {NBD0: Moved(0, 0)}) for at in (0, 1, 2)), *((at, {NBD0: Moved(0, 50 * MIB)}) for at in (60, 61))
    )
    assert rates(made)[3] == (None, None)
    assert [[sample.at for sample in part] for part in made.stretches()] == [[0, 1, 2], [60, 61]]
    assert made.peak_rate == 0.0
    assert History().stretches() == ()


def test_two_readings_at_once_are_one() -> None:
    made = history((5, {NBD0: Moved(0, 0)}))
    assert made.add(5.01, 0, 0, {}) is made
    assert made.add(4.0, 0, 0, {}) is made


@given(st.lists(st.floats(0.11, 400), max_size=60))
def test_nothing_is_older_than_the_span(steps: list[float]) -> None:
    made, at = History(), 0.0
    for step in steps:
        at += step
        made = made.add(at, 1, 1, {NBD0: Moved(0, 0)})
        assert all(at - SPAN <= sample.at <= at for sample in made.samples)
        assert made.latest == made.samples[-1] and made.latest.at == at
        assert tuple(sample for part in made.stretches() for sample in part) == made.samples


@pytest.mark.parametrize(
    ("peak", "top"), [(0, 2), (2, 2), (2.1, 3), (3, 3), (3.5, 4), (5, 6), (6.1, 8), (9, 12), (1000, 1024)]
)
def test_axes_end_at_round_numbers(peak: float, top: int) -> None:
    assert ceiling(peak, 2) == top


def test_the_line_s_axis_ends_at_what_is_lent() -> None:
    assert Scale.of(history((0, {}))) == Scale(MIB, 4 * GIB)
    # What was lent before may have held more.
    assert Scale.of(history((0, {}), held=3 * GIB, lent=GIB)).held == 3 * GIB
    assert Scale.of(History()) == Scale(MIB, MIB)


def test_reading_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([5000.0, 5001.5])
    monkeypatch.setattr(time, "clock_gettime", lambda which: next(clock) if which == time.CLOCK_BOOTTIME else 0.0)
    (tmp_path / "block/nbd0").mkdir(parents=True)
    (tmp_path / "swaps").write_text(
        "Filename Type Size Used Priority\n/dev/nbd0 partition 2048 512 1000\n/dev/sda2 partition 9999 9999 -2\n"
    )
    stat = tmp_path / "block/nbd0/stat"
    stat.write_text("0 0 0 0 0 0 0 0 0 0 0\n")
    reader = Reader(tmp_path, tmp_path)
    first = reader.read_history({NBD0}).latest
    assert first is not None and (first.held, first.paged_out) == (512 * KIB, None)
    stat.write_text("0 0 16 0 0 0 800 0 0 0 0\n")
    made = reader.read_history({NBD0})
    second = made.samples[1]
    assert (second.seconds, second.paged_out, second.paged_in) == (1.5, 800 * 512 / 1.5, 16 * 512 / 1.5)
    assert made.lent == 2 * MIB
    (tmp_path / "swaps").unlink()
    assert reader.read_history({NBD0}) is made


# The picture

PALETTES = {
    "light": QPalette(QColor("#efefef"), QColor("#efefef")),
    "dark": QPalette(QColor("#3a3a3a"), QColor("#2d2d2d")),
}
WIDTH = 400


@pytest.fixture(params=PALETTES)
def graph(application: QApplication, request: pytest.FixtureRequest) -> Graph:
    made = Graph()
    made.setPalette(PALETTES[request.param])
    made.resize(WIDTH, made.sizeHint().height())
    return made


def picture(graph: Graph, shown: History) -> QImage:
    graph.show_history(shown)
    return graph.grab().toImage()


def inked(image: QImage, colour: QColor, left: int, right: int) -> list[int]:
    """The heights at which ``colour`` is found in some column from ``left`` to ``right``."""
    # Antialiasing makes neighbours of a colour; a wash of it is farther away.
    near = [y for x in range(left, right) for y in range(image.height()) if _apart(image.pixelColor(x, y), colour) < 60]
    return sorted(set(near))


def _apart(one: QColor, other: QColor) -> int:
    return abs(one.red() - other.red()) + abs(one.green() - other.green()) + abs(one.blue() - other.blue())


def busy(start: int, paged_in: int, paged_out: int, held: int = 0) -> History:
    """Sixty seconds of steady traffic, then none for as long."""
    made = History()
    for second in range(120):
        moving = min(second, 60)
        made = made.add(start + second, held, 4 * GIB, {NBD0: Moved(paged_in * moving, paged_out * moving)})
    return made


def test_out_is_above_and_back_is_below(graph: Graph) -> None:
    # The newest 60 of 300 seconds, without traffic, are the right fifth of the picture; the ones before are its fourth.
    left, right = WIDTH * 3 // 5 + 10, WIDTH * 4 // 5 - 10
    out, back = (series_colour(graph.palette(), series) for series in (Series.OUT, Series.BACK))
    plot = graph.height() * 3 // 4
    empty = picture(graph, History())
    assert [y for y in inked(empty, out, left, right) if y < plot] == []
    sent = picture(graph, busy(0, 0, 30 * MIB))
    above = [y for y in inked(sent, out, left, right) if y < plot]
    fetched = picture(graph, busy(0, 30 * MIB, 0))
    below = [y for y in inked(fetched, back, left, right) if y < plot]
    assert above and below and max(above) <= min(below)
    assert [y for y in inked(sent, back, left, right) if y < plot] == []
    # Nothing of it where nothing moved.
    assert [y for y in inked(sent, out, WIDTH * 4 // 5 + 10, WIDTH - 10) if y < plot] == []


def test_the_line_rises_with_what_vram_holds(graph: Graph) -> None:
    ink = series_colour(graph.palette(), Series.HELD)
    left, right = WIDTH * 3 // 5 + 10, WIDTH * 4 // 5 - 10
    plot = graph.height() * 3 // 4
    places = []
    for held in (GIB, 2 * GIB, 3 * GIB):
        found = [y for y in inked(picture(graph, busy(0, 0, 0, held)), ink, left, right) if y < plot]
        places.append(sum(found) / len(found))
    assert places[0] > places[1] > places[2]
    # Equal steps.
    assert abs((places[0] - places[1]) - (places[1] - places[2])) <= 2


def test_a_gap_is_seen_as_one(graph: Graph) -> None:
    ink = series_colour(graph.palette(), Series.HELD)
    plot = graph.height() * 3 // 4
    made = History()
    for second in (*range(100), *range(200, 300)):
        made = made.add(second, 3 * GIB, 4 * GIB, {NBD0: Moved(0, 0)})
    image = picture(graph, made)
    third = WIDTH // 3
    for left, line in ((10, True), (third + 10, False), (2 * third + 10, True)):
        assert bool([y for y in inked(image, ink, left, left + third - 30) if y < plot]) is line


def test_it_says_the_numbers_in_words(graph: Graph) -> None:
    assert "–" in graph.accessibleDescription()
    graph.show_history(busy(0, 0, 30 * MIB, 2 * GIB))
    assert graph.accessibleName()
    text = graph.accessibleDescription()
    assert "To VRAM 0 B/s" in text and "in VRAM 2 GiB" in text and "30 MiB/s" in text


@pytest.mark.parametrize(
    "accent", ["#308cc6", "#e95420", "#33d17a", "#f8e45c", "#777777", "#000000", "#ffffff", "#c01c28"]
)
@pytest.mark.parametrize("scheme", PALETTES)
def test_colours_can_be_seen_and_told_apart(scheme: str, accent: str) -> None:
    palette = QPalette(PALETTES[scheme])
    palette.setColor(QPalette.ColorRole.Highlight, QColor(accent))
    colours = [series_colour(palette, series) for series in Series]
    window = palette.window().color()
    assert all(contrast(colour, window) >= 3 for colour in colours)
    assert len({colour.name() for colour in colours}) == 3 or accent in ("#000000", "#ffffff")


def test_a_single_sample_is_drawn(graph: Graph) -> None:
    ink = series_colour(graph.palette(), Series.HELD)
    image = picture(graph, History((Sample(7.0, 2 * GIB),), 4 * GIB))
    assert [y for y in inked(image, ink, WIDTH - 6, WIDTH) if y < graph.height() * 3 // 4]
