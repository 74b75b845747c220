# SPDX-License-Identifier: MIT
"""The server as a unit of systemd, with a confinement and a cgroup of its own: vramswap-server.service."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Final

from vramswap_gui.api import control
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.helper.policy.pool import codec
from vramswap_gui.paths import NBD_MODULE, RUNTIME, SERVER_UNIT, SYSTEMD
from vramswap_gui.settings import Config
from vramswap_gui.system import run

#: Seconds after which a service that was started again is none that ends each time, and for which systemd is asked.
_PROVEN: Final = 60.0
_ASKED: Final = 10.0


def serves(folder: Path, attach: str) -> bool:
    """Whether the unit is for a server of this kind: on a machine that systemd runs, for real swap.

    It knows no folder but the one; a helper that has another is a test's or a demonstration's.
    """
    return attach == "kernel" and folder == RUNTIME and SYSTEMD.is_dir()


async def start(config: Config) -> None:
    """Start it as the settings want it; it is ready afterwards.

    Raises VramswapError with the server's reason.
    """
    # Quoted as EnvironmentFile= wants it (systemd.exec(5)).
    quoted = re.sub(r'([\\"$`])', r"\\\1", config.gpu)
    told = {"GPU": quoted, "TRANSPORT": config.transport, "COMPRESSION": codec(config.compression)}
    environment = "".join(f'VRAMSWAP_{name}="{value}"\n' for name, value in told.items())
    (RUNTIME / "server.env").write_text(environment, encoding="utf-8")
    outcome = RUNTIME / "start.json"
    outcome.unlink(missing_ok=True)
    done = await run.run("systemctl", "start", SERVER_UNIT)
    if done.status:
        raise _reason(outcome, done.complaint)


async def count_anew(unit: str) -> None:
    """When a service has run for a while, which begins now, have systemd forget how often it ended before.

    systemd waits the longer the more often one ended, and counts since somebody started it, however long ago that was
    (its issue 43813). To be cancelled when the service ends.
    """
    await asyncio.sleep(_PROVEN)
    # Where it cannot be told (TimeoutError is an OSError), the next start comes later.
    with contextlib.suppress(OSError):
        async with asyncio.timeout(_ASKED):
            await run.run("systemctl", "reset-failed", unit)


def _reason(outcome: Path, complaint: str) -> VramswapError:
    try:
        told = control.answer(outcome.read_bytes()).error
    except (OSError, ValueError):
        told = None
    unloaded = not (Path("/sys") / NBD_MODULE).is_dir()
    if unloaded and (told is None or told.problem is Problem.NBD_NOT_LOADED):
        return VramswapError(Problem.NBD_NOT_LOADABLE, why="`journalctl -u vramswap-server`")
    # Without a word it did not come so far as to tell.
    return told or VramswapError(Problem.SERVER_NOT_STARTED, why=complaint)
