# SPDX-License-Identifier: MIT
"""Runs in the guest: VRAM is to be lent when memory is full already. That costs no program its life, and is done where
others can be swapped out for it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.support.children import children
from tests.support.ctl import server_pid, status
from tests.system.lent import ctl, place, priorities, told
from tests.system.swapped import Filling, available, command, say, scarce, used
from vramswap_gui.system import smallfile
from vramswap_gui.units import MIB

DISK: Final = "/dev/ubda"
DEVICE: Final = "/dev/nbd0"
SIZE: Final = 64 * MIB
#: Less than a server needs, and more than who asks for it.
LEFT: Final = 64 * MIB
#: What somebody has written who is not to lose it.
WRITTEN: Final = 16 * MIB
#: What one program has of memory, and what it wants besides, which is on the disk.
FILLED: Final = 96 * MIB
EXCESS: Final = 48 * MIB
_NOIO: Final = 0x00080000


def killed() -> int:
    """How many programs the kernel has ended for their memory, see /proc/vmstat."""
    return int(smallfile.table(smallfile.data(Path("/proc/vmstat")), b" ")[b"oom_kill"])


def require_flushers(stack: Stack) -> None:
    """No thread of the server's processes may wait for I/O when it wants memory: PF_MEMALLOC_NOIO in the flags of
    proc_pid_stat(5), include/linux/sched.h."""
    server = server_pid(stack)
    processes = [server, *children(server)]
    assert len(processes) == 3, "keeper, sentry and engine"
    for thread in (path for pid in processes for path in Path(f"/proc/{pid}/task").iterdir()):
        flags = int((thread / "stat").read_text().rpartition(")")[2].split()[6])
        assert flags & _NOIO, f"{thread} {(thread / 'comm').read_text()}"


def main() -> None:
    with running(
        Plan(gpu="a test", kernel="", polkit="", display=""),
        lambda stack: place(stack, f'mode = "off"\nsize = {SIZE}\n'),
    ) as stack, told(stack):  # fmt: skip
        mine = Filling.resting(WRITTEN, 1)
        with scarce(LEFT):
            done = stack.ctl("on")
            say(f"with no swap: {done.stderr.strip()}")
            assert done.returncode == 1
            assert "of memory are needed, and only" in done.stderr
            assert status(stack)["state"] == "failed"
            assert killed() == 0
        ctl(stack, "on")
        assert not status(stack)["error"]
        require_flushers(stack)
        ctl(stack, "off")

        command("mkswap", DISK)
        command("swapon", DISK)
        with scarce(FILLED):
            others = Filling.resting(available() + EXCESS, 2)
            say(f"{used(DISK) // MIB} MiB are on the disk, {available() // MIB} MiB of memory are available")
            assert used(DISK) > 0
            ctl(stack, "on")
            assert DEVICE in priorities()
            require_flushers(stack)
            assert others.running()
            others.process.kill()
        os.kill(mine.process.pid, signal.SIGCONT)
        mine.finish()
        ctl(stack, "off")
        assert killed() == 0
    say("all done")


if __name__ == "__main__":
    main()
