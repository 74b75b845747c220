# SPDX-License-Identifier: MIT
"""Whether the helper, and with it the policy, is started with the computer."""

from __future__ import annotations

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import HELPER_UNIT
from vramswap_gui.system import run


async def start_at_boot(wanted: bool) -> None:
    """Enable or disable the helper's unit, which systemd does. Raises VramswapError; then it is as before."""
    done = await run.run("systemctl", "enable" if wanted else "disable", HELPER_UNIT)
    if done.status:
        problem = Problem.UNIT_NOT_ENABLED if wanted else Problem.UNIT_NOT_DISABLED
        raise VramswapError(problem, unit=HELPER_UNIT, why=done.complaint)
