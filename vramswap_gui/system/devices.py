# SPDX-License-Identifier: MIT
"""The kernel's devices that are ours, or may be, by whichever driver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vramswap_gui.system import nbd, ublk


@dataclass(frozen=True, slots=True)
class Device:
    """One that programs can use. ``ident`` is None where the kernel does not tell whose it is; ``waits``: the driver
    says that nobody serves it, which only ublk's does."""

    path: str
    number: int
    ident: str | None
    waits: bool = False

    @property
    def by_ublk(self) -> bool:
        """Whether it is ublk's and not NBD's: each counts for itself."""
        return ublk.number_of(self.path) is not None


def found(sys: Path = Path("/sys")) -> list[Device]:
    """Those of both drivers, whichever server of ours made them. Looks at sysfs and reads no device.

    Raises VramswapError, OSError: what could not be looked for may be there.
    """
    by_nbd = [
        Device(known.device, known.number, known.ident)
        for known in nbd.connected(sys) if known.ident is None or known.ident.startswith(nbd.OURS)
    ]  # fmt: skip
    return by_nbd + [Device(info.device, info.number, ident, info.waits) for ident, info in ublk.ours(sys).items()]


def ours(sys: Path = Path("/sys")) -> dict[str, str]:
    """The paths of those that say that they are ours, by their identity. Raises as above."""
    return named(found(sys))


def named(found: Iterable[Device]) -> dict[str, str]:
    """The paths of those of which the kernel tells whose they are, by their identity."""
    return {device.ident: device.path for device in found if device.ident is not None}
