# SPDX-License-Identifier: MIT
"""What a job under pressure felt, as a table and in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from vramswap_gui.bench.pressed import Figures
from vramswap_gui.bench.pressure import Place, Ran, Result
from vramswap_gui.forms import Phrase, Sentence, say

#: What differs by less was not measured to differ.
_ALIKE: Final = 1.1
#: Where there is nothing to tell.
_NOTHING: Final = "–"

_NAMES: Final = {
    Place.MEMORY: say("memory alone"),
    # What is called the same in every language.
    Place.VRAM: say("{name:text}", name="VRAM"),
    Place.ZRAM: say("{name:text}", name="zram"),
    Place.DISK: say("the disk"),
    Place.SEVERAL: say("the other swap"),
}


def name(place: Place) -> Phrase:
    """What a place is called."""
    return _NAMES[place]


def table(result: Result, word: Callable[[Sentence], str]) -> str:
    """All that was measured, then what it comes to, and what was not compared."""
    head = ["", *map(word, (say("seconds"), say("longest stall"), say("pages a second waited for")))]
    rows = [head, *([word(name(ran.place)), *_figures(ran)] for ran in result.runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [word(what(result))]
    for first, *rest in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join((f"{first:<{widths[0]}}", *cells)).rstrip())
    return "\n".join([*lines, *map(word, sentences(result))])


def _figures(ran: Ran) -> list[str]:
    figures = ran.figures
    # One that its time was too short for says how far it came.
    share = (figures.written + figures.seen) / (2 * figures.pages)
    time = f"{figures.seconds:.1f}" if figures.finished else f"{figures.seconds:.1f} ({share:.0%})"
    back = f"{figures.brought_back:,.0f}" if ran.place is not Place.MEMORY else _NOTHING
    return [time, f"{figures.longest * 1e3:.1f} ms", back]


def what(result: Result) -> Phrase:
    """What was measured."""
    if result.size < result.asked:
        return say(
            "A program with {all:size} of pages, and memory for {most:size} of them; there was room for no more:",
            all=2 * result.size, most=result.size,
        )  # fmt: skip
    return say("A program with {all:size} of pages, and memory for {most:size} of them:", all=2 * result.size,
               most=result.size)  # fmt: skip


def sentences(result: Result) -> Iterator[Phrase]:
    """The verdict, and what it does not say."""
    whole, vram, *without = result.runs
    compares = vram.place is Place.VRAM
    yield from (_too_few(ran) for ran in result.runs if ran.figures.whole is None)
    if compares:
        yield from _slowed_down(whole.figures, vram.figures)
        yield from (verdict(vram, ran) for ran in without)
    else:
        yield _elsewhere(vram)
    for ran in without:
        left = [area.device for area in result.others if area.device not in ran.areas]
        if left:
            yield say("Not measured: {devices:text}. The kernel fills swap by priority, which takes root to change.",
                      devices=", ".join(left))  # fmt: skip
    if not without and (compares or result.refusal is not None):
        yield _not_compared(result)
    if not all(ran.figures.direct for ran in result.runs):
        yield say("zswap was on and could not be passed by, so that some of this went to memory.")


def verdict(vram: Ran, other: Ran) -> Phrase:
    """Which of two is the faster one."""
    ours, theirs, place = vram.figures.whole, other.figures.whole, name(other.place)
    if ours is None or theirs is None:
        return _uncounted(vram.figures.seen, other.figures.seen, place)
    if max(ours, theirs) <= _ALIKE * min(ours, theirs):
        return say("VRAM was as fast as {other:said}.", other=place)
    if ours < theirs:
        times = _times(theirs / ours, vram.figures, other.figures)
        return say("VRAM was {times:said} times as fast as {other:said}.", times=times, other=place)
    times = _times(ours / theirs, other.figures, vram.figures)
    return say("VRAM was slower: {other:said} was {times:said} times as fast.", times=times, other=place)


def _uncounted(ours: int, theirs: int, place: Phrase) -> Phrase:
    """The same where a run saw too little. All have as much time, so who saw more pages was faster."""
    if ours > theirs:
        return say("VRAM was faster than {other:said}; how many times cannot be told.", other=place)
    if ours < theirs:
        return say("VRAM was slower than {other:said}; how many times cannot be told.", other=place)
    return say("Whether VRAM was faster than {other:said} cannot be told.", other=place)


def _elsewhere(ran: Ran) -> Phrase:
    if not ran.areas:
        return say("No pages went to swap.")
    return say("The pages did not go to VRAM alone: {devices:text} had them. The kernel fills the swap with the highest"
               " priority first.", devices=", ".join(ran.areas))  # fmt: skip


def _slowed_down(whole: Figures, short: Figures) -> Iterator[Phrase]:
    """What it meant to have too little memory."""
    if whole.whole is not None and short.whole is not None:
        yield say("With half of its pages in VRAM the program took {times:said} times as long as with memory for all.",
                  times=_times(short.whole / whole.whole, whole, short))  # fmt: skip


def _times(times: float, fast: Figures, slow: Figures) -> Phrase:
    """How many times as long the one took as the other. What is reckoned for a run is the least that it would take."""
    text = f"{times:.1f}" if times < 10 else f"{times:.0f}"
    if not fast.finished:
        return say("about {times:text}", times=text)
    return say("{times:text}", times=text) if slow.finished else say("at least {times:text}", times=text)


def _too_few(ran: Ran) -> Phrase:
    return say("In the run with {place:said} the program had come back to {seen:number} of its {pages:number} pages"
               " when its time was over, too few to reckon how long it would have taken.",
               place=name(ran.place), seen=ran.figures.seen, pages=ran.figures.pages)  # fmt: skip


def _not_compared(result: Result) -> Phrase:
    refusal = result.refusal
    if not result.others:
        return say("There is no other swap to compare with.")
    if refusal is None:
        return say("Not compared with {devices:text}, which the kernel uses when VRAM is full or away: `--others`"
                   " pauses VRAM for that.", devices=", ".join(area.device for area in result.others))  # fmt: skip
    return say("Not compared with other swap: {why:said}", why=refusal)
