# SPDX-License-Identifier: MIT
"""Steps about hibernation, with a disk's swap below ours. Whoever watches the machine turns it on again."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.swapped import command
from tests.vm.guest import PATIENCE, RESUME, UEFI, ctl, holding, log, status, swapped, swaps, tell
from vramswap_gui.units import MIB

_DISK: Final = "/dev/vdc"
_LOGIN: Final = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
_TOO_SMALL: Final = 64 * MIB


def _can(what: str = "Hibernate") -> str:
    """What a desktop's menu goes by: ``yes``, or why not."""
    return command("busctl", "call", *_LOGIN, f"Can{what}").split('"')[1]


def _doctor() -> tuple[str, str]:
    """The verdict on hibernation, and what was found."""
    done = subprocess.run(["vramswapctl", "doctor", "--json"], capture_output=True, text=True, timeout=PATIENCE)
    check = next(check for check in json.loads(done.stdout) if check["name"] == "Hibernation")
    return check["verdict"], check["found"]


def _sleep(verb: str) -> str:
    """Returns what systemd said, when the machine is awake again and all is as before."""
    begun = time.time()
    done = subprocess.run(["systemctl", verb], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    said = f"Operation '{verb}' finished"
    wait_for(lambda: said in log(begun, "-u", "systemd-logind.service"), f"the end of {verb}", PATIENCE)
    wait_for(lambda: not command("systemctl", "list-jobs", "--no-legend").strip(), "an end of all jobs", PATIENCE)
    wait_for(lambda: status()["state"] == "on", "the swap to come back", PATIENCE)
    assert len(swaps()) == 2, swaps()
    return log(begun, "-u", f"systemd-{verb}.service")


def prepares() -> None:
    """swap on a disk, with a lower priority than ours"""
    # What an emulated processor takes long for: not to be taken for a program that refuses to stop.
    Path("/sys/power/pm_freeze_timeout").write_text("300000")
    if _DISK not in swaps():
        command("swapon", "LABEL=disk")
    ctl("size", str(256 * MIB))


def nobody_was_told() -> None:
    """neither resume= nor UEFI: systemd does not hibernate, with VRAM lent or without; the doctor says so"""
    assert _can() == "na"
    ctl("on")
    assert _can() == "na"
    assert _doctor() == ("ok", "not set up: there is neither resume= nor UEFI to keep the place")


def hibernates() -> None:
    """resume=: it is offered while VRAM is lent, pages are home before, and all are right after the power was off"""
    ctl("on")
    with holding(160, "--out") as holder:
        assert swapped() > 100 * MIB, swapped()
        for what in ("Hibernate", "HybridSleep", "SuspendThenHibernate"):
            assert _can(what) == "yes", what
        verdict, found = _doctor()
        assert verdict == "ok", found
        assert _DISK in found, found
        tell(down="systemctl hibernate", way=RESUME, hurry=False)
        said = _sleep("hibernate")
        assert "System returned from sleep" in said, said
        holder.verify()


def suspends() -> None:
    """systemctl hybrid-sleep and suspend-then-hibernate, woken from memory: pages are home meanwhile, and all right"""
    for verb in ("hybrid-sleep", "suspend-then-hibernate"):
        with holding(160, "--out") as holder:
            assert swapped() > 100 * MIB, swapped()
            tell(sleeps=True)
            said = _sleep(verb)
            tell(sleeps=False)
            assert "System returned from sleep" in said, said
            holder.verify()


def does_not_fit() -> None:
    """an image that does not fit on the disk: the machine stays on, and the swap comes back"""
    command("swapoff", _DISK)
    command("mkswap", "--label", "small", _DISK, str(_TOO_SMALL >> 10))
    command("swapon", "LABEL=small")
    with holding(160, "--out") as holder:
        assert _can() == "yes"
        said = _sleep("hibernate")
        assert "Failed to put system to sleep" in said, said
        holder.verify()
    command("swapoff", _DISK)
    command("mkswap", "--label", "disk", _DISK)


def asks_vram() -> None:
    """UEFI without resume=: while VRAM is lent, systemd looks for room there; the doctor says so before"""
    assert _can() == "yes"
    verdict, found = _doctor()
    assert (verdict, "no resume=" in found) == ("warning", True), found
    ctl("size", str(16 * MIB))
    ctl("on")
    with holding(100):
        assert _can() != "yes", Path("/proc/swaps").read_text() + Path("/proc/meminfo").read_text()
        refused = subprocess.run(["systemctl", "hibernate"], capture_output=True, text=True, timeout=PATIENCE)
        assert refused.returncode, refused
        assert "Not enough suitable swap space for hibernation" in refused.stderr, refused.stderr
    ctl("off")
    ctl("size", str(256 * MIB))


def hibernates_by_uefi() -> None:
    """UEFI without resume=, with room in VRAM: it hibernates to the disk all the same, and all pages are right after"""
    ctl("on")
    assert _can() == "yes"
    with holding(160, "--out") as holder:
        tell(down="systemctl hibernate, by UEFI", way=UEFI, hurry=False)
        said = _sleep("hibernate")
        assert "System returned from sleep" in said, said
        holder.verify()
    # systemd has told the kernel, and nobody untells it.
    assert _doctor()[0] == "ok"
