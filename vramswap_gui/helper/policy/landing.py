# SPDX-License-Identifier: MIT
"""A place to land: whether a swap file may be made for pages that fit nowhere else, and how large. Pure decisions.

Giving VRAM back must not fail for want of room: a laptop that refuses to sleep gets hot in a bag. But what was in
memory may only be written to a disk where that was so before, or is unreadable without its owner: on an encrypted
disk, or where the machine has swap on a disk already. Elsewhere somebody has to say so, by naming the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vramswap_gui.api.status import Landing
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper.policy.sizing import Room, Shortfall
from vramswap_gui.settings import LANDING_AUTO, LANDING_OFF
from vramswap_gui.system.disk import Disk
from vramswap_gui.units import GIB, MIB, round_up

#: File systems that can hold swap as the kernel wants it: on a disk, in blocks that stay where they are.
_FIT: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"})
#: So much of a disk stays free for others: a share of it, within these bounds.
_DISK_SHARE: Final = 20
_DISK_LEAST: Final = GIB
_DISK_MOST: Final = 8 * GIB
#: Sizes are multiples of it.
_STEP: Final = 2 * MIB
#: Beside the pages themselves: what is written meanwhile, and the header.
_SLACK: Final = 8
#: Swap files at once; each takes one of the kernel's few places for swap.
MOST_FILES: Final = 4
#: Pages come home from a disk when so much of memory is available with them in it, in per cent.
_PLENTY: Final = 30


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a swap file would lie."""

    folder: Path
    #: None where it cannot be looked at.
    disk: Disk | None
    #: Whether pages lie on some disk in the clear already.
    swaps_in_the_clear: bool = False


def verdict(setting: str, ground: Ground) -> Landing:
    """What is to be done when pages fit nowhere else."""
    if setting == LANDING_OFF:
        return Landing.OFF
    if ground.disk is None or ground.disk.kind not in _FIT or not ground.disk.guarded:
        return Landing.UNFIT
    if setting == LANDING_AUTO and not ground.disk.encrypted and not ground.swaps_in_the_clear:
        return Landing.ASK
    return Landing.READY


def size(setting: str, ground: Ground, files: int, short: Shortfall, wish: int = 0) -> int:
    """How large the file is to be that makes up for what is short. Raises VramswapError, with numbers, if none may.

    ``files``: how many there are; ``wish``: more bytes that it would be good to have room for.
    """
    found = verdict(setting, ground)
    needed = _whole(max(short.missing, short.promised))
    if found is Landing.ASK:
        raise _refusal(Problem.LANDING_UNDECIDED, short, ground)
    if found is Landing.UNFIT:
        raise _refusal(Problem.LANDING_UNFIT, short, ground, kind=ground.disk.kind if ground.disk else "unknown")
    if found is Landing.OFF or ground.disk is None or files >= MOST_FILES:
        raise short.refusal()
    spare = max(0, ground.disk.free - reserve(ground.disk))
    if needed > spare:
        raise _refusal(Problem.LANDING_TOO_SMALL, short, ground, spare=spare)
    # Several steps down the same way shall not need a file each.
    return max(needed, min(_whole(wish), spare - spare % _STEP))


def _refusal(problem: Problem, short: Shortfall, ground: Ground, **more: Any) -> VramswapError:
    if not short.missing:
        # The pages fit; what is in the way is the kernel's sum, and that has to be said.
        return short.refusal()
    missing, folder = max(short.missing, short.promised), str(ground.folder)
    return VramswapError(problem, used=short.used, room=short.room, missing=missing, folder=folder, **more)


def reserve(disk: Disk) -> int:
    """What of a disk stays free for others."""
    return max(_DISK_LEAST, min(disk.total // _DISK_SHARE, _DISK_MOST))


def may_go(used: int, room: Room, lent_free: int) -> bool:
    """Whether the pages of a swap file can leave it without a loss: into memory that is plentiful, or into VRAM.

    ``room``: where they can go, without the file itself; ``lent_free``: of that, in VRAM that is swap.
    """
    if not used:
        return True
    comfortable = (room.available - used) * 100 >= room.total * _PLENTY
    # Memory may be full: what VRAM takes in need not stay there.
    return comfortable or used + used // _SLACK <= lent_free


def _whole(pages: int) -> int:
    return round_up(pages + pages // _SLACK + _STEP, _STEP)
