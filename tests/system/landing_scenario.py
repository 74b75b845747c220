# SPDX-License-Identifier: MIT
"""Runs in the guest: VRAM is given back though its pages fit nowhere else, because there is a disk for them.

The argument is the disk's file system. A helper is killed with pages on the disk, and the next one goes on.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.support.ctl import status
from tests.support.waiting import wait_for
from tests.system.lent import ctl, place, priorities, told
from tests.system.swapped import Filling, available, command, say, used
from vramswap_gui.units import MIB

DISK: Final = "/dev/ubda"
SIZE: Final = 128 * MIB
DEVICE: Final = "/dev/nbd0"
#: More than memory has room for, so it is in VRAM.
EXCESS: Final = 92 * MIB
SWAPPED: Final = 48 * MIB
MAKE: Final = {"ext4": ("-q", "-F"), "btrfs": ("-q", "-f"), "xfs": ("-q", "-f")}


def filled(stack: Stack, seed: int) -> Filling:
    """Memory is full, pages are in VRAM, and who has them does nothing for now."""
    filling = Filling.resting(available() + EXCESS, seed)
    say(f"{used(DEVICE) // MIB} MiB are in VRAM, {available() // MIB} MiB of memory are available")
    assert used(DEVICE) >= SWAPPED
    return filling


def is_clean(folder: Path) -> bool:
    return not list(folder.glob("vramswap-landing-*")) and not any(str(folder) in name for name in priorities())


def refuse(stack: Stack, verb: str, words: str) -> None:
    before = priorities()
    done = stack.ctl(verb)
    say(f"{verb}: {done.stderr.strip()}")
    assert done.returncode == 1
    assert words in done.stderr
    assert priorities() == before


def land(stack: Stack, folder: Path, verb: str, seed: int, between: Callable[[], None]) -> None:
    """VRAM is given back with full memory; the pages are on the disk, right, and the file goes when it is empty."""
    filling = filled(stack, seed)
    refuse(stack, verb, "nobody has said whether the rest may be written to the disk")
    ctl(stack, "config", "landing", str(folder))
    ctl(stack, verb)
    (path,) = folder.glob("vramswap-landing-*/swap")
    assert priorities().keys() == {str(path)}
    found = path.stat()
    assert (found.st_mode & 0o7777, found.st_uid) == (0o600, 0)
    made, landed = status(stack)["landed"]
    say(f"{verb}: {landed // MIB} of {made // MIB} MiB are used on the disk")
    assert made >= landed >= MIB
    assert "On disk" in ctl(stack, "status")
    between()
    os.kill(filling.process.pid, signal.SIGCONT)
    filling.finish()
    wait_for(lambda: is_clean(folder), "the end of the swap file")
    ctl(stack, "config", "landing", "auto")


def restart_helper(stack: Stack, folder: Path) -> None:
    """The next helper takes over a file that is swap, and removes one that is not."""
    stack.kill("helper")
    stray = folder / "vramswap-landing-9"
    stray.mkdir()
    (stray / "swap").write_bytes(bytes(MIB))
    before = priorities()
    stack.start_helper()
    assert priorities() == before
    assert status(stack)["landed"][0] > 0
    assert not stray.exists()


def wake_up(stack: Stack) -> None:
    """With pages on the disk, and VRAM again."""
    ctl(stack, "wake")
    assert DEVICE in priorities()
    found = status(stack)
    assert found["state"] == "on", found
    # All other swap comes before the disk.
    assert max(priorities(), key=lambda name: priorities()[name]) == DEVICE


def main() -> None:
    kind = sys.argv[1]
    command(f"mkfs.{kind}", *MAKE[kind], DISK)

    def prepare(stack: Stack) -> None:
        place(stack, f'mode = "off"\nsize = {SIZE}\n')
        folder = stack.folder / "state"
        folder.mkdir(0o700)
        command("mount", "-t", kind, DISK, str(folder))

    with running(Plan(gpu="a test", kernel="", polkit="", display=""), prepare) as stack, told(stack):
        folder = stack.folder / "state"
        assert status(stack)["landing"] == "ask"
        ctl(stack, "on")
        land(stack, folder, "off", 1, lambda: restart_helper(stack, folder))
        ctl(stack, "on")
        land(stack, folder, "sleep", 2, lambda: wake_up(stack))
        ctl(stack, "off")
        assert priorities() == {}
        command("umount", str(folder))
    say("all done")


if __name__ == "__main__":
    main()
