# SPDX-License-Identifier: MIT
"""Runs in the guest: large programs come and go beside a small one, with packed pages; then nothing moves, and the VRAM
is of use again. Arguments: how often."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass
from typing import Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.support.server import ask
from tests.support.waiting import wait_for
from tests.system.lent import attached, ctl, place, priorities, swaps, told
from tests.system.swapped import Filling, available, say, size, used
from vramswap_gui.api.control import ServerStatus
from vramswap_gui.helper.policy import pool
from vramswap_gui.helper.policy.sizing import Area
from vramswap_gui.units import MIB

SIZE: Final = 128 * MIB
#: What is swapped of large programs, and of the small one, whose pages lie among theirs.
EXCESS: Final = 112 * MIB
SMALL: Final = 16 * MIB
#: Seconds after each MiB that a large program writes. At once it would have filled all swap before more is earned.
PAUSE: Final = 0.1
#: Per cent of the VRAM that may be of no use, and of what pages take: among many that are in use a few stay.
WASTE: Final = 10
AMONG: Final = 20
#: Seconds until it is less, on a machine that is emulated beside others.
PATIENT: Final = 300.0


@dataclass(frozen=True, slots=True)
class Look:
    """Bytes: of VRAM, of it those in which pages lie, holes, and all that is of no use; of swap, and those in use."""

    vram: int
    live: int
    holes: int
    waste: int
    swap: int
    used: int

    @property
    def share(self) -> float:
        return 100 * self.waste / self.vram

    @property
    def of_use(self) -> bool:
        return self.waste * 100 <= self.vram * WASTE + self.live * AMONG


def look(stack: Stack) -> Look:
    server = ServerStatus.from_wire(ask(stack.control, "status"))
    areas = [
        Area(index, size(device), used(device)) for index, device in server.devices.items() if device in priorities()
    ]
    info = server.pool
    return Look(
        info.vram,
        info.live,
        info.holes,
        pool.waste(areas, info),
        sum(a.size for a in areas),
        sum(a.used for a in areas),
    )


def tell(what: str, found: Look) -> None:
    mib = {name: round(getattr(found, name) / MIB, 1) for name in ("vram", "live", "holes", "waste", "swap", "used")}
    say(f"{what}: {found.share:.1f} % of no use, MiB: {mib}")


def cycle(stack: Stack, number: int) -> Look:
    """A large program comes and goes, and then all is quiet; how it was when most was swapped."""
    large = Filling.start(available() + EXCESS, number, "--packable", "--pause", str(PAUSE), rounds=1)
    most = look(stack)
    while large.running():
        now = look(stack)
        most = max(most, now, key=lambda found: (found.used, found.swap))
        time.sleep(1.0)
    tell(f"cycle {number}, most", most)
    large.finish()
    tell(f"cycle {number}, drained", look(stack))
    wait_for(lambda: look(stack).of_use, "VRAM that is of use", PATIENT)
    tell(f"cycle {number}, quiet", look(stack))
    return most


def main() -> None:
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    with running(plan, lambda stack: place(stack, f'size = {SIZE}\ncompression = "lz4"\n')) as stack, told(stack):
        ctl(stack, "on")
        tell("on", look(stack))
        small = Filling.resting(SMALL, 100, "--packable")
        most = [cycle(stack, number) for number in range(1, int(sys.argv[1]) + 1)]
        # More is earned than is lent, each time anew.
        assert all(found.swap > SIZE for found in most), most
        small.process.send_signal(signal.SIGCONT)
        small.finish()
        ctl(stack, "off")
        assert (swaps(), attached()) == ([], [])
    say("all done")


if __name__ == "__main__":
    main()
