# SPDX-License-Identifier: MIT
"""The helper as a service of systemd's or OpenRC's: whether it starts with the machine, and who starts it anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import HELPER_SERVICE, HELPER_UNIT, OPENRC, SYSTEMD
from vramswap_gui.system import run

#: Of OpenRC's: there while it stops services.
_STOPPING: Final = "rc.stopping"
_RUNLEVEL: Final = "default"


async def is_at_boot(openrc: Path = OPENRC, systemd: Path = SYSTEMD) -> bool | None:
    """Whether it is started with the computer; None where nobody says, as without a unit, and of one that is masked."""
    if _is_openrcs(openrc, systemd):
        # So it lists every service that is there: one that is gone was not taken from its runlevels by anybody.
        done = await run.run("rc-update", "--verbose", "show", _RUNLEVEL)
        said = {name.strip(): bool(levels.strip()) for name, _, levels in
                (line.partition("|") for line in done.output.splitlines())}  # fmt: skip
        return None if done.status else said.get(HELPER_SERVICE)
    done = await run.run("systemctl", "is-enabled", HELPER_UNIT)
    return {"enabled": True, "disabled": False}.get(done.output.strip())


async def start_at_boot(wanted: bool, openrc: Path = OPENRC, systemd: Path = SYSTEMD) -> None:
    """Start it with the computer, or do not. Raises VramswapError; then it is as before."""
    if _is_openrcs(openrc, systemd):
        done = await run.run("rc-update", "add" if wanted else "delete", HELPER_SERVICE, _RUNLEVEL)
    else:
        done = await run.run("systemctl", "enable" if wanted else "disable", HELPER_UNIT)
    if done.status:
        problem = Problem.UNIT_NOT_ENABLED if wanted else Problem.UNIT_NOT_DISABLED
        raise VramswapError(problem, unit=HELPER_UNIT, why=done.complaint)


async def hand_over(openrc: Path = OPENRC) -> bool:
    """Have OpenRC run the helper instead of this process, if the bus started it; whether it does.

    systemd starts the unit when the bus wants it. OpenRC cannot, and a process that the bus started has nobody who
    starts it anew, nor is anything done for it at shutdown. Raises VramswapError when the machine is on its way down:
    swap that is turned on now would be in the way.
    """
    if os.environ.get("DBUS_STARTER_BUS_TYPE") != "system" or not _is_there(openrc):
        return False
    if _is_there(openrc / _STOPPING):
        raise VramswapError(Problem.GOING_DOWN)
    for command in ("start", "status"):
        # One that was started and is not there any more fails the second, and a machine without the service the first.
        if (await run.run("rc-service", HELPER_SERVICE, command)).status:
            return False
    return True


def _is_openrcs(openrc: Path, systemd: Path) -> bool:
    """systemd, where both are installed, is asked when it runs the machine."""
    return _is_there(openrc) and not _is_there(systemd)


def _is_there(folder: Path) -> bool:
    return folder.is_dir()
