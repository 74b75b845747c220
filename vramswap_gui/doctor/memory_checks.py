# SPDX-License-Identifier: MIT
"""Memory, other swap, and who else decides about both."""

from __future__ import annotations

from typing import Final

from vramswap_gui.doctor.machine import Check, Machine, Verdict
from vramswap_gui.forms import listed, say
from vramswap_gui.paths import RUNTIME, ZSWAP, below
from vramswap_gui.system import memory, ours, psi, smallfile, swaps
from vramswap_gui.system.swaps import Swap

#: Below it the kernel prefers to drop files from memory so strongly that swap is of little use.
_LEAST_SWAPPINESS: Final = 10
#: With so few left there is room for a few segments only.
_FEW: Final = 4
#: As in /proc/PID/comm, and as people know them.
_KILLERS: Final = {"systemd-oomd": "systemd-oomd", "earlyoom": "earlyoom", "nohang": "nohang", "oomd": "oomd"}


def swap(at: Machine) -> Check:
    """Pages in VRAM must have somewhere to go when memory is full and the GPU is wanted back."""
    others = _others(at)
    if others is None:
        return Check(
            say("Other swap"),
            Verdict.FAILED,
            say("this kernel has no swap at all"),
            say("Use a kernel that has CONFIG_SWAP."),
        )
    if not others:
        return Check(
            say("Other swap"),
            Verdict.WARNING,
            say("none"),
            say("With memory full, VRAM could not be given back. A swap file or zram makes room for its pages."),
        )
    return Check(
        say("Other swap"),
        Verdict.OK,
        listed(say("{device:text} {size:size}", device=area.device, size=area.size) for area in others),
    )


def zswap(at: Machine) -> Check:
    """Whether pages are compressed before they reach any swap."""
    if smallfile.text(at.sys / ZSWAP) == "Y":
        return Check(
            say("zswap"),
            Verdict.WARNING,
            say("on: pages are compressed in memory first, and reach VRAM late"),
            say("For VRAM first: `echo N | sudo tee /sys/module/zswap/parameters/enabled`"),
        )
    return Check(say("zswap"), Verdict.OK, say("off"))


def reclaim(at: Machine) -> Check:
    """How willingly the kernel swaps, and how much it reads back at once (Documentation/admin-guide/sysctl/vm.rst)."""
    name = say("Swappiness")
    swappiness, cluster = (smallfile.number(at.proc / "sys/vm" / key) for key in ("swappiness", "page-cluster"))
    pages = 1 << cluster if cluster is not None and 0 <= cluster < 16 else 0
    found = say("unknown") if swappiness is None else say("{swappiness:number}", swappiness=swappiness)
    if pages == 1:
        found = say("{found:said}, one page is read at once", found=found)
    elif pages:
        found = say("{found:said}, {pages:number} pages are read at once", found=found, pages=pages)
    if swappiness is not None and swappiness < _LEAST_SWAPPINESS:
        return Check(
            name,
            Verdict.WARNING,
            say("{found:said}: the kernel swaps as late as it can", found=found),
            say("The kernel's own choice is 60: `sudo sysctl vm.swappiness=60`"),
        )
    return Check(name, Verdict.OK, found)


def pressure(at: Machine) -> Check:
    """Whether the kernel tells when memory gets short."""
    name = say("Memory pressure")
    if psi.read(at.proc) is None:
        return Check(
            name,
            Verdict.WARNING,
            say("not measured by this kernel, so short memory is noticed late"),
            say("Add psi=1 to the kernel's command line, or use a kernel that has CONFIG_PSI."),
        )
    return Check(name, Verdict.OK, say("measured by the kernel"))


def areas(at: Machine) -> Check:
    """The kernel has room for two dozen swap areas in all."""
    name, others = say("Swap areas"), len(_others(at) or ())
    if others > swaps.MOST_AREAS - _FEW:
        return Check(
            name,
            Verdict.WARNING,
            say(
                "{count:number} are in use already, and the kernel has room for some {most:number}",
                count=others,
                most=swaps.MOST_AREAS,
            ),
            say("Turn some of them off; fewer and larger areas serve as well: `swapon --show`"),
        )
    return Check(name, Verdict.OK, say("there is room for more"))


def killers(at: Machine) -> Check:
    """Programs that end others before memory runs out may be faster than VRAM that is lent on demand."""
    name, found = say("Early OOM killer"), sorted(set(at.running()) & _KILLERS.keys())
    if not found:
        return Check(name, Verdict.OK, say("none runs"))
    shown = ", ".join(_KILLERS[program] for program in found)
    if not _others(at):
        return Check(
            name,
            Verdict.WARNING,
            say("{programs:text}: without other swap it may end programs before VRAM is lent", programs=shown),
            say("Lend VRAM all the time: `vramswapctl mode always`. Or have some other swap, such as zram."),
        )
    return Check(name, Verdict.OK, say("{programs:text}: swap in VRAM counts for it as any other", programs=shown))


def overcommit(at: Machine) -> Check:
    """Where the kernel holds programs to a sum, swap counts in it, used or not."""
    name = say("Overcommit")
    try:
        commit = memory.read(at.proc, at.sys).commit
    except OSError:
        commit = None
    if commit is None:
        return Check(name, Verdict.OK, say("the kernel does not hold programs to a sum"))
    return Check(
        name,
        Verdict.WARNING,
        say(
            "vm.overcommit_memory=2: programs may ask for {limit:size} in all, and were promised {used:size}; swap in"
            " VRAM raises the limit, and cannot go while it is needed",
            limit=commit.limit,
            used=commit.used,
        ),
        say("Unless you want it so: `sudo sysctl vm.overcommit_memory=0`"),
    )


def _others(at: Machine) -> list[Swap] | None:
    """The swap areas that are not ours; None where there is no swap at all."""
    try:
        found = swaps.read(at.proc)
    except OSError:
        return None
    known = ours.recorded(below(at.root, RUNTIME))
    return [area for area in found if not ours.is_ours(area.device, known, at.proc, at.sys)]
