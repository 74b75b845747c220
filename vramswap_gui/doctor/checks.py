# SPDX-License-Identifier: MIT
"""What vramswap needs of a machine, checked one by one without waking the GPU or changing anything."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from vramswap_gui.doctor import gpu_checks, memory_checks, sleep_checks, system_checks
from vramswap_gui.doctor.machine import Check, Machine, Verdict
from vramswap_gui.forms import say

__all__ = ["Check", "Machine", "Verdict", "look"]


#: What is checked of a part that may be simulated.
_OF_PART: Final = {
    gpu_checks.card: "gpu", gpu_checks.driver: "gpu", gpu_checks.cuda: "gpu", system_checks.nbd: "kernel",
    system_checks.ublk_driver: "kernel",
}  # fmt: skip


def look(machine: Machine | None = None, simulated: Collection[str] = ()) -> list[Check]:
    """All checks that need no D-Bus, the causes before what depends on them.

    ``simulated``: the parts that the helper simulates, of which the machine itself says nothing.
    """
    at = machine or Machine()
    checks = (
        gpu_checks.card, gpu_checks.driver, gpu_checks.secure_boot, gpu_checks.cuda, gpu_checks.switchers,
        system_checks.nbd, system_checks.ublk_driver, system_checks.programs, system_checks.polkit,
        sleep_checks.sleep, sleep_checks.nvidia_sleep, sleep_checks.hibernation,
        memory_checks.swap, memory_checks.areas, memory_checks.zswap, memory_checks.reclaim, memory_checks.pressure,
        memory_checks.killers, memory_checks.overcommit,
    )  # fmt: skip
    found = ((check(at), _OF_PART.get(check)) for check in checks)
    return [Check(one.name, Verdict.OK, say("simulated")) if part in simulated else one for one, part in found]
