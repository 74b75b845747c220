# SPDX-License-Identifier: MIT
"""Whether pages come home before the machine sleeps, and where it can hibernate to."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from vramswap_gui.doctor.machine import Check, Machine, Verdict
from vramswap_gui.forms import Phrase, Sentence, say
from vramswap_gui.paths import ELOGIND, RUNTIME, SLEEP_UNIT, SYSTEMD, below
from vramswap_gui.system import disk, ours, smallfile, swaps
from vramswap_gui.system.swaps import Swap

#: Where systemd looks for units, an administrator's first (systemd.unit(5)).
_UNITS: Final = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system", "lib/systemd/system")
#: In elogind's folder: what is to be done before and after a sleep.
_HOOKS: Final = "system-sleep/*-vramswap"
_NVIDIA_UNITS: Final = ("nvidia-suspend.service", "nvidia-hibernate.service", "nvidia-resume.service")


def sleep(at: Machine) -> Check:
    """Pages in VRAM have to be brought home before the GPU is powered down."""
    name = say("Before sleep")
    if not below(at.root, SYSTEMD).is_dir() and any(below(at.root, ELOGIND).glob(_HOOKS)):
        return _elogind(at, name)
    match _unit(at, SLEEP_UNIT):
        case "enabled":
            return Check(name, Verdict.OK, say("pages are brought home first"))
        case "absent":
            return Check(
                name,
                Verdict.WARNING,
                say("{unit:text} is not installed, so nobody brings the pages home", unit=SLEEP_UNIT),
                say("Turn the swap off before the computer sleeps, or install vramswap's package: `vramswapctl off`"),
            )
        case state:
            enable = f"sudo systemctl enable {SLEEP_UNIT}"
            if state == "masked":
                enable = f"sudo systemctl unmask {SLEEP_UNIT} && {enable}"
            return Check(
                name,
                Verdict.WARNING,
                say("{unit:text} is {state:text}, so nobody brings the pages home", unit=SLEEP_UNIT, state=state),
                say("Enable it: `{command:text}`", command=enable),
            )


def _elogind(at: Machine, name: Phrase) -> Check:
    """A hook that fails keeps the machine awake only if elogind is told to heed it (sleep.conf(5))."""
    folder = below(at.root, ELOGIND)
    files = [folder / "sleep.conf", *sorted((folder / "sleep.conf.d").glob("*.conf"))]
    lines = [line.partition("=") for path in files for line in smallfile.text(path).splitlines()]
    heeded = [value.strip() for key, _, value in lines if key.strip() == "AllowSuspendInterrupts"]
    if heeded and heeded[-1].casefold() in ("yes", "true", "on", "1"):
        return Check(name, Verdict.OK, say("pages are brought home first"))
    return Check(
        name,
        Verdict.WARNING,
        say("elogind sleeps whatever its hooks say, so pages that do not fit into memory are lost"),
        say("Let them keep it awake: AllowSuspendInterrupts=yes in {path:text}", path=str(ELOGIND / "sleep.conf")),
    )


def nvidia_sleep(at: Machine) -> Check:
    """Whether the driver can sleep at all, as it is configured (chapter "Power Management" of its README)."""
    name = say("Sleep of the driver")
    lines = (line.partition(":") for line in smallfile.text(at.proc / "driver/nvidia/params").splitlines())
    params = {key: value.strip() for key, _, value in lines}
    if not params:
        return Check(name, Verdict.OK, say("not known while the driver is not loaded"))
    if params.get("PreserveVideoMemoryAllocations", "0") == "0":
        return Check(name, Verdict.OK, say("it does not keep video memory, and need not"))
    if params.get("UseKernelSuspendNotifiers", "0") not in ("0", ""):
        return Check(name, Verdict.OK, say("it keeps video memory by itself"))
    states = {unit: _unit(at, unit) for unit in _NVIDIA_UNITS}
    if set(states.values()) == {"enabled"}:
        return Check(name, Verdict.OK, say("it keeps video memory, and its units are enabled"))
    absent = [unit for unit, state in states.items() if state == "absent"]
    if absent:
        return Check(
            name,
            Verdict.WARNING,
            say("it is to keep video memory, but {units:text} missing: it will not sleep", units=", ".join(absent)),
            say("Install the driver's units (package nvidia-suspend-common on Debian)."),
        )
    off = [unit for unit, state in states.items() if state != "enabled"]
    return Check(
        name,
        Verdict.WARNING,
        say("it is to keep video memory, but {units:text} not enabled: it will not sleep", units=", ".join(off)),
        say("Enable what it needs: `sudo systemctl enable {units:text}`", units=" ".join(off)),
    )


def _unit(at: Machine, name: str) -> str:
    """As ``systemctl is-enabled`` says: ``enabled``, ``disabled`` or ``masked``; ``absent`` when there is none."""
    folders = [at.root / folder for folder in _UNITS]
    if any((folder / name).is_symlink() and (folder / name).readlink() == Path("/dev/null") for folder in folders):
        return "masked"
    if not any((folder / name).is_file() or (folder / name).is_symlink() for folder in folders):
        return "absent"
    wanting = (wants for folder in folders if folder.is_dir() for wants in folder.iterdir() if wants.is_dir())
    # A link counts wherever it points: systemd goes by its name.
    enabled = any((wants / name).is_symlink() for wants in wanting if wants.suffix in (".wants", ".requires"))
    return "enabled" if enabled else "disabled"


def hibernation(at: Machine) -> Check:
    """Where systemd would hibernate to, which it asks before it has anyone bring pages home.

    It goes by /sys/power/resume, which the initramfs sets from ``resume=``. Where that is empty it takes the swap with
    the highest priority, ours, for its measure, and has to keep the place in a variable of UEFI (systemd-sleep(8)).
    """
    name, command_line = say("Hibernation"), at.text("proc/cmdline").split()
    if "disk" not in at.text("sys/power/state").split() or "nohibernate" in command_line:
        return Check(name, Verdict.OK, say("not possible on this computer"))
    if "[disabled]" in at.text("sys/power/disk"):
        return Check(name, Verdict.OK, say("not allowed by the kernel"))
    if "noresume" in command_line:
        return Check(name, Verdict.OK, say("not set up: the kernel's command line says noresume"))
    try:
        areas = swaps.read(at.proc)
    except OSError:
        areas = ()
    known = ours.recorded(below(at.root, RUNTIME))
    disks = [area for area in areas if not area.in_memory and not ours.is_ours(area.device, known, at.proc, at.sys)]
    place = at.text("sys/power/resume")
    if place not in ("", "0:0"):
        return _hibernates_to(disk.path_of(place, at.sys), disks, known, at)
    if not disks:
        return Check(name, Verdict.OK, say("not set up: there is no swap on a disk"))
    if any(word.startswith("resume=") for word in command_line):
        return Check(
            name,
            Verdict.WARNING,
            say("the kernel's command line has resume=, but the initramfs found no such device, so it is of no use"),
            _resume(disks[0]),
        )
    if not at.has("sys/firmware/efi"):
        return Check(name, Verdict.OK, say("not set up: there is neither resume= nor UEFI to keep the place"))
    return Check(
        name,
        Verdict.WARNING,
        say(
            "the kernel's command line has no resume=, so while VRAM is lent systemd looks for room there, and"
            " hibernates only if it finds enough"
        ),
        _resume(disks[0]),
    )


def _hibernates_to(device: str, disks: Sequence[Swap], known: Collection[str], at: Machine) -> Check:
    """The kernel was told a place."""
    name = say("Hibernation")
    if ours.is_ours(device, known, at.proc, at.sys):
        return Check(
            name,
            Verdict.WARNING,
            say("the kernel would hibernate to VRAM ({device:text}), which forgets everything", device=device),
            _resume(disks[0]) if disks else say("Hibernation needs swap on a disk."),
        )
    # Which disk a file lies on is not always to be seen (btrfs).
    found = next((area for area in disks if area.device == device or area.kind == "file"), None)
    if found is None:
        return Check(
            name,
            Verdict.WARNING,
            say("the kernel would hibernate to {device:text}, which is no swap now; so systemd refuses", device=device),
            say("Turn that swap on, or name another with resume=: `swapon --show`"),
        )
    free = found.size - found.used
    return Check(name, Verdict.OK, say("to {device:text}, where {free:size} are free", device=found.device, free=free))


def _resume(area: Swap) -> Sentence:
    file = area.kind == "file"
    find = shlex.join([*(("findmnt", "-no", "UUID", "-T") if file else ("lsblk", "-no", "UUID")), area.device])
    if file:
        return say(
            "Add resume=UUID=… to the kernel's command line, with the UUID of the disk's swap; for a swap file add"
            " resume_offset= too: `{command:text}`",
            command=find,
        )
    return say(
        "Add resume=UUID=… to the kernel's command line, with the UUID of the disk's swap: `{command:text}`",
        command=find,
    )
