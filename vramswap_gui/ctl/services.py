# SPDX-License-Identifier: MIT
"""What the machine's services are told when system files come and go: by systemd or OpenRC, whichever runs it."""

from __future__ import annotations

import contextlib
import os
import signal
import sysconfig
from pathlib import Path

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import (
    CONTROL_SOCKET,
    HELPER_SERVICE,
    HELPER_UNIT,
    OPENRC,
    RUNTIME,
    SERVER_SERVICE,
    SERVER_UNIT,
    SLEEP_UNIT,
    SYSTEMD,
)
from vramswap_gui.system import process, run, smallfile


def booted() -> bool:
    """Whether systemd runs this machine (sd_booted(3))."""
    return SYSTEMD.is_dir()


async def systemd(*arguments: str) -> None:
    """Raises VramswapError. Without systemd there is nothing to tell."""
    if not booted():
        return
    done = await run.run("systemctl", *arguments)
    if done.status:
        raise VramswapError(Problem.SYSTEMCTL_FAILED, command=" ".join(arguments), why=done.complaint)


async def try_systemd(*arguments: str) -> None:
    """The same, where a refusal changes nothing."""
    with contextlib.suppress(VramswapError):
        await systemd(*arguments)


async def openrc(*command: str) -> None:
    """What it refuses, as it knows no such service, need not be done."""
    if OPENRC.is_dir():
        await run.run(*command)


async def start_helper() -> None:
    """As it was before :func:`stop_helper`, unless the bus alone starts it."""
    await try_systemd("start", HELPER_UNIT)
    if not booted():
        await openrc("rc-service", HELPER_SERVICE, "start")


async def try_helper_again() -> None:
    """One that could not be started, which may be mended now, is tried again at once, and not within a minute. systemd
    alone makes the tries more seldom; the bus waits for one."""
    if booted():
        done = await run.run("systemctl", "show", "--property=SubState", "--value", HELPER_UNIT)
        if done.output.startswith("auto-restart"):
            await try_systemd("try-restart", HELPER_UNIT)


async def stop_helper(proc: Path = Path("/proc")) -> None:
    """Whoever runs it. The next caller on the bus has it started again."""
    await try_systemd("stop", HELPER_UNIT)
    if not booted():
        await openrc("rc-service", HELPER_SERVICE, "stop")
        # The bus started it, and nobody else ends it.
        _end(str(Path(sysconfig.get_path("scripts")) / "vramswap-helper"), proc)


async def stop_server(proc: Path = Path("/proc")) -> None:
    """One that has nothing to serve ends, one that has goes on serving."""
    await try_systemd("kill", "--signal=TERM", SERVER_UNIT)
    if not booted():
        await openrc("rc-service", SERVER_SERVICE, "stop")
        _end(str(RUNTIME / CONTROL_SOCKET), proc)


async def disable_sleep() -> None:
    """Nothing of ours is waited for before the machine sleeps: one that waits for what is gone never does."""
    await try_systemd("disable", SLEEP_UNIT)


async def forget_helper() -> None:
    """When its service is gone, OpenRC does not start it with the machine any more. systemd's links are just files."""
    if not booted():
        await openrc("rc-update", "--all", "delete", HELPER_SERVICE)


def _end(argument: str, proc: Path) -> None:
    """Whoever has this among its arguments."""
    for folder in process.folders(proc):
        if argument in smallfile.text(folder / "cmdline").split("\0"):
            with contextlib.suppress(OSError):
                os.kill(int(folder.name), signal.SIGTERM)
