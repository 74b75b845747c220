# SPDX-License-Identifier: MIT
"""In which order tests run in several processes: what takes minutes begins at once, and not one after the other.

pytest-xdist gives each process its share of the list, from the beginning to the end, and whoever is done takes from the
end of another's (``--dist worksteal``). So each share has to begin with some of the long ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def spread(chains: Sequence[Sequence[T]], others: Sequence[T], processes: int, cores: int) -> list[T]:
    """The list of all. As many processes as there are cores begin with long ones, but one does not in any case, so that
    the others of its share need not wait.

    ``chains``: the long ones; those of a chain need the same thing, which is made once, and follow each other.
    """
    lanes = max(1, min(cores, processes - 1))
    rest = list(others)
    found: list[T] = []
    left = sum(map(len, chains)) + len(rest)
    for number in range(processes):
        share = left // (processes - number)
        left -= share
        own = [item for chain in chains[number::lanes] for item in chain] if number < lanes else []
        filled = max(0, share - len(own)) if number < processes - 1 else len(rest)
        found += own + rest[:filled]
        del rest[:filled]
    return found
