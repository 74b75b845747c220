# SPDX-License-Identifier: MIT
"""What kernel and distribution have to bring along."""

from __future__ import annotations

import re
from typing import Final

from vramswap_gui.doctor.machine import Check, Machine, Verdict
from vramswap_gui.forms import say
from vramswap_gui.paths import KERNEL_RELEASE, NBD_MODULE, UBLK_MODULE
from vramswap_gui.system import run, smallfile, ublk

#: Desktops that ask for polkit's passwords themselves; other agents have polkit in their names. As in /proc/PID/comm.
_ASKING_DESKTOPS: Final = {"gnome-shell", "cinnamon", "phosh", "cosmic-osd", "io.elementary.d", "pkttyagent", "soteria"}


def _has(at: Machine, module: str) -> bool:
    """Whether the kernel that runs can load a module."""
    modules = at.root / "lib/modules" / (smallfile.text(at.proc / KERNEL_RELEASE) or "none")
    return any(f"/{module}.ko" in smallfile.text(modules / index) for index in ("modules.dep", "modules.builtin"))


def _has_ublk(at: Machine) -> bool:
    return (at.sys / UBLK_MODULE).is_dir() or _has(at, "ublk_drv")


def nbd(at: Machine) -> Check:
    """The kernel's driver that makes VRAM a block device."""
    name = say("Kernel module nbd")
    if (at.sys / NBD_MODULE).is_dir():
        return Check(name, Verdict.OK, say("loaded"))
    release = smallfile.text(at.proc / KERNEL_RELEASE)
    if _has(at, "nbd"):
        return Check(name, Verdict.OK, say("there, and loaded when needed"))
    if ublk.kernel_version(at.proc) >= ublk.OLDEST_KERNEL and _has_ublk(at):
        return Check(name, Verdict.OK, say("not there, and not needed with ublk_drv"))
    return Check(
        name,
        Verdict.FAILED,
        say("not there for kernel {release:text}", release=release or "?"),
        say("Install the package with your kernel's extra modules, or a kernel that has CONFIG_BLK_DEV_NBD."),
    )


def ublk_driver(at: Machine) -> Check:
    """The kernel's other driver that does, which comes first where it is good enough."""
    name = say("Kernel module ublk_drv")
    version = ublk.kernel_version(at.proc)
    if version < ublk.OLDEST_KERNEL:
        oldest = ".".join(map(str, ublk.OLDEST_KERNEL))
        return Check(name, Verdict.OK, say("not for kernels older than {oldest:text}, so NBD is used", oldest=oldest))
    if not _has_ublk(at):
        return Check(name, Verdict.OK, say("not there, so NBD is used"))
    return Check(name, Verdict.OK, say("there, and used unless transport is nbd"))


def programs(at: Machine) -> Check:
    """What the helper starts."""
    missing = [name for name in ("mkswap", "swapon", "swapoff", "modprobe") if run.find(name) is None]
    if missing:
        return Check(
            say("Programs"),
            Verdict.FAILED,
            say("missing: {programs:text}", programs=", ".join(missing)),
            say("Install util-linux and kmod."),
        )
    return Check(say("Programs"), Verdict.OK, say("util-linux and kmod are there"))


def polkit(at: Machine) -> Check:
    """The daemon that decides who may do what, and the agent in the session that asks for a password."""
    name, running = say("polkit"), set(at.running())
    service = at.root / "usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
    if "polkitd" not in running and not service.is_file():
        return Check(
            name,
            Verdict.FAILED,
            say("not installed, so nobody may turn the swap on"),
            say("Install polkitd (policykit-1 on older systems)."),
        )
    # Its own helper runs only while it asks, and shows no window.
    agents = {program for program in running if re.search("polkit|policykit", program)} | running & _ASKING_DESKTOPS
    if not agents - {"polkitd", "polkit-agent-he"}:
        return Check(
            name,
            Verdict.WARNING,
            say("there, but no program runs that asks for an administrator's password"),
            say("Start one with your session, such as lxpolkit or polkit-gnome. Until then: `sudo vramswapctl config`"),
        )
    return Check(name, Verdict.OK, say("there, and asks for a password where one is needed"))
