# SPDX-License-Identifier: MIT
"""What compression would make of the memory of the programs that run now: `vramswapctl bench --codecs`.

Every page is packed as the server would do it (server/engine/records.pyx), so that sizes are those in VRAM.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from vramswap_gui.bench import pages
from vramswap_gui.bench.pages import PAGE

#: Of so many runs of pages one is packed by every method; that takes ten times as long as to read them.
_PACKED_OF: Final = 16
#: So many pages are packed at most.
_PACKED: Final = 40_000
#: For copies of pages all pages count whose digest is a multiple of this: with a page all of its copies.
_COMPARED_OF: Final = 4


@dataclass(frozen=True, slots=True)
class Method:
    """What one way to compress makes of pages. Those full of one word are apart: they take no VRAM by any of them."""

    name: str
    #: Pages and their bytes in VRAM, with sums and rounding; how many of them are kept as they are.
    pages: int
    stored: int
    raw: int
    #: Nanoseconds for a page.
    compress: float
    expand: float

    @property
    def ratio(self) -> float:
        """How many bytes of memory one byte of VRAM holds."""
        return self.pages * PAGE / self.stored if self.stored else 0.0


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in so many pages of so many programs."""

    programs: int
    pages: int
    #: Of all pages those that are full of one word, and of the others those of which there was one before: in percent.
    filled: float
    copies: float
    methods: tuple[Method, ...]
    #: Why some methods could not be measured.
    missing: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: times in nanoseconds for a page, shares in percent."""
        found = asdict(self)
        for known, method in zip(found["methods"], self.methods, strict=True):
            known["ratio"] = method.ratio
        return found


class _Copies:
    """Counts pages that are there more than once."""

    def __init__(self) -> None:
        self.read = self.filled = 0
        self._seen: Counter[int] = Counter()

    def note(self, data: bytes) -> None:
        for place in range(0, len(data), PAGE):
            page = data[place : place + PAGE]
            self.read += 1
            if page[8:] == page[:-8]:
                self.filled += 1
                continue
            digest = hash(page)
            if digest % _COMPARED_OF == 0:
                self._seen[digest] += 1

    @property
    def share(self) -> float:
        """In percent."""
        total = self._seen.total()
        return (total - len(self._seen)) / total * 100 if total else 0.0


def survey(progress: Callable[[float, str], None]) -> Survey:
    """Read pages of the user's programs and pack some of them. Raises VramswapError."""
    progress(0.0, "memory of your programs")
    found = pages.spread(pages.find(pages.asking_user()))
    return measure(pages.read(found), len({run.pid for run in found}), len(found), progress)


def measure(read: Iterable[bytes], programs: int, runs: int, progress: Callable[[float, str], None]) -> Survey:
    """The same of pages from anywhere, in so many runs."""
    from vramswap_gui.server.engine.records import METHODS, Packer, missing

    why = {name: error for name in METHODS if (error := missing(name)) is not None}
    packers = {name: Packer(name) for name in METHODS if name not in why}
    sums = {name: [0] * 5 for name in packers}
    copies, packed = _Copies(), 0
    every = 1 if runs <= _PACKED_OF * 16 else _PACKED_OF
    for number, data in enumerate(read):
        copies.note(data)
        if number % every == 0 and packed < _PACKED:
            packed += len(data) // PAGE
            for name, packer in packers.items():
                same, raw, stored, compress, expand = packer.measure(data)
                here = (len(data) // PAGE - same, raw, stored, compress, expand)
                sums[name] = [old + new for old, new in zip(sums[name], here, strict=True)]
        if number % 64 == 0:
            progress(min(number / max(runs, 1), 0.99), "memory of your programs")
    progress(1.0, "")
    methods = tuple(
        Method(name, count, stored, raw, compress / max(count, 1), expand / max(count, 1))
        for name, (count, raw, stored, compress, expand) in sums.items()
    )
    filled = copies.filled / copies.read * 100 if copies.read else 0.0
    reasons = tuple(dict.fromkeys(str(error) for error in why.values()))
    return Survey(programs, copies.read, filled, copies.share, methods, reasons)


def table(found: Survey) -> str:
    """For a terminal."""
    width = max([*(len(method.name) for method in found.methods), 5])
    lines = [f"{'codec':<{width}} {'ratio':>7} {'raw':>7} {'compress µs':>12} {'expand µs':>10}"]
    for method in found.methods:
        raw = method.raw / max(method.pages, 1) * 100
        lines.append(
            f"{method.name:<{width}} {method.ratio:>6.2f}x {raw:>6.1f}% {method.compress / 1e3:>12.1f}"
            f" {method.expand / 1e3:>10.1f}"
        )
    lines += found.missing
    lines.append(
        f"{found.pages:,} pages of {found.programs} programs were read: {found.filled:.1f} % are full of one word and"
        f" take no VRAM by any codec; of the others {found.copies:.1f} % are copies of one before, stored all the same."
    )
    return "\n".join(lines)
