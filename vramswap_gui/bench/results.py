# SPDX-License-Identifier: MIT
"""What the load generator is asked for, and what it measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask for. Sizes in bytes; ``seconds`` bounds the time, ``requests`` (0: none) those of a connection."""

    block_size: int
    depth: int
    write_percent: int
    seconds: float
    sequential: bool = False
    requests: int = 0
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """What came back: requests, bytes, seconds, and latencies in nanoseconds at three shares of the requests."""

    requests: int
    bytes: int
    seconds: float
    p50: int
    p99: int
    p999: int

    @property
    def iops(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def bandwidth(self) -> float:
        """Bytes a second."""
        return self.bytes / self.seconds


class LoadFailed(Exception):
    """The server did something wrong; the sentence says what."""
