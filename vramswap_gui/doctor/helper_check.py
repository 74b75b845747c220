# SPDX-License-Identifier: MIT
"""What only the helper can say: whether it answers, and what is wrong with the settings."""

from __future__ import annotations

from typing import Final

from vramswap_gui import __version__
from vramswap_gui.api.status import Landing, Status
from vramswap_gui.doctor.machine import Check, Verdict
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.forms import say
from vramswap_gui.paths import STATE


def helper(found: Status | VramswapError) -> Check:
    """Whether the helper answers: with its status, or an error instead."""
    if isinstance(found, VramswapError):
        return Check(say("Helper"), Verdict.FAILED, found, found.advice)
    answered = say("version {version:text}, {state:text}", version=found.version, state=found.state.value)
    if found.version == __version__:
        return Check(say("Helper"), Verdict.OK, answered)
    restart = say("Start the older one anew: this program, or `sudo systemctl restart vramswap-helper`")
    return Check(
        say("Helper"),
        Verdict.WARNING,
        say("{it:said}; this program is {version:text}", it=answered, version=__version__),
        restart,
    )


def server(found: Status) -> Check:
    """Whether the server that runs is the one that is installed."""
    if not found.server_version:
        return Check(say("Server"), Verdict.OK, say("none runs"))
    runs = say("version {version:text}", version=found.server_version)
    if found.server_version == found.version:
        return Check(say("Server"), Verdict.OK, runs)
    return Check(
        say("Server"),
        Verdict.WARNING,
        say("{it:said}; the helper is {version:text}", it=runs, version=found.version),
        say("Have it become the one that is installed, with the swap on: `vramswapctl upgrade`"),
    )


def driver(found: Status) -> Check:
    """By which of the kernel's drivers VRAM is swap, and why by that one."""
    name = say("Kernel driver in use")
    if not found.transport:
        return Check(name, Verdict.OK, say("none is in use"))
    return Check(name, Verdict.OK, say("{driver:text}: {why:said}", driver=found.transport, why=found.transport_reason))


def settings(found: Status) -> Check:
    """Whether the file with the settings is in order."""
    error = found.error
    if error is not None and error.code is ErrorCode.CONFIG_INVALID:
        return Check(say("Settings"), Verdict.WARNING, error, error.advice)
    return Check(say("Settings"), Verdict.OK, say("in order"))


def integrity(found: Status) -> Check:
    """Whether pages come back from VRAM as they went."""
    name, (mended, lost) = say("Pages in VRAM"), found.damaged
    if not mended and not lost:
        return Check(name, Verdict.OK, say("all came back as they had been written"))
    return Check(
        name,
        Verdict.WARNING,
        say(
            "{lost:number} came back damaged and were lost, {mended:number} were right when they were read once more",
            lost=lost,
            mended=mended,
        ),
        say(
            "VRAM or the way to it fails: lower its clocks if they were raised, and see whether it goes on."
            " If so, turn the swap off: `vramswapctl mode off`"
        ),
    )


def landing(found: Status) -> Check:
    """Whether VRAM can be given back when its pages fit nowhere else."""
    name = say("A place to land")
    match found.landing:
        case Landing.READY:
            return Check(name, Verdict.OK, say("a swap file is made when pages fit nowhere else"))
        case Landing.ASK:
            return Check(
                name,
                Verdict.WARNING,
                say("not decided: with memory and other swap full, VRAM cannot be given back, not even for sleep"),
                say(
                    "If what is in memory may be written to the disk, which is not encrypted: `sudo vramswapctl config"
                    " landing {folder:text}`. If not: `sudo vramswapctl config landing off`",
                    folder=str(STATE),
                ),
            )
        case Landing.OFF:
            return Check(name, Verdict.OK, say("not wanted"))
    return Check(
        name,
        Verdict.WARNING,
        say("no swap file can be made where it would be needed"),
        say("Name a folder that is root's alone, on ext4, xfs, btrfs or f2fs: `sudo vramswapctl config landing …`"),
    )


#: Those of a helper that answers.
ALL: Final = (helper, server, driver, settings, integrity, landing)
