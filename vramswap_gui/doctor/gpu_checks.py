# SPDX-License-Identifier: MIT
"""The GPU, its driver, and who else decides about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vramswap_gui.doctor.machine import Check, Machine, Verdict
from vramswap_gui.errors import VramswapError
from vramswap_gui.forms import Phrase, listed, say
from vramswap_gui.paths import DRIVER_VERSION, PCI_DEVICES
from vramswap_gui.system import gpu, smallfile
from vramswap_gui.system.gpu import Card

#: The first driver with CUDA 12.0, the oldest that the server works with.
OLDEST_DRIVER: Final = (525,)
#: What EnvyControl, and older versions of prime-select, write.
_REMOVAL: Final = "50-remove-nvidia.rules"
_RULES: Final = ("etc/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
#: Where ASUS's firmware is told, through the older and the newer kernel driver.
_FIRMWARE: Final = (
    "sys/devices/platform/asus-nb-wmi/dgpu_disable",
    "sys/class/firmware-attributes/asus-armoury/attributes/dgpu_disable/current_value",
)
#: As in /proc/PID/comm.
_TAKERS: Final = {"optimus-manager": "optimus-manager", "bumblebeed": "Bumblebee"}
NO_GPU: Final = say("none on the PCI bus")
_BEFORE: Final = say("Turn the swap off before you switch: `vramswapctl off`")
_USELESS: Final = say("of no use without an NVIDIA GPU")
#: UEFI's variable, in a file with four bytes of attributes before the value (Documentation/filesystems/efivarfs.rst).
_SECURE_BOOT: Final = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def card(at: Machine) -> Check:
    """The cards on the bus, and whether VRAM of one can be lent."""
    name, found = say("NVIDIA GPU"), gpu.cards(at.sys, at.proc)
    if not found:
        switched = next((switch for switch in _switches(at) if switch.hides), None)
        if switched is not None:
            return Check(
                name, Verdict.FAILED, say("none on the PCI bus: {why:said}", why=switched.found), switched.remedy
            )
        return Check(name, Verdict.FAILED, NO_GPU, say("vramswap is of use with an NVIDIA GPU only."))
    try:
        gpu.pick("", found)
    except VramswapError as error:
        return Check(name, Verdict.FAILED, error, error.advice)
    states = (say("{pci:text} ({state:said})", pci=card.pci, state=_state(at, card)) for card in found)
    return Check(name, Verdict.OK, listed(states))


def _state(at: Machine, found: Card) -> Phrase:
    """Its runtime power management (Documentation/ABI/testing/sysfs-devices-power), and who has it if not NVIDIA."""
    state = say("{state:text}", state=gpu.power(found.pci, at.sys).value)
    control = smallfile.text(at.sys / PCI_DEVICES / found.pci / "power/control")
    if control == "on":
        state = say("{state:said}, may not sleep", state=state)
    if found.index is not None:
        return state
    if not found.driver:
        return say("{state:said}, not for CUDA: without a driver", state=state)
    return say("{state:said}, not for CUDA: {driver:text}", state=state, driver=found.driver)


def driver(at: Machine) -> Check:
    """NVIDIA's driver, or who has its place."""
    name, install = (
        say("NVIDIA driver"),
        say("Install NVIDIA's driver 525 or later (package nvidia-driver) and restart."),
    )
    if not gpu.list_pci(at.sys):
        return Check(name, Verdict.OK, _USELESS)
    text = smallfile.text(at.proc / DRIVER_VERSION)
    if not text:
        if (at.sys / "module/nouveau").is_dir():
            return Check(name, Verdict.FAILED, say("nouveau is loaded, which has no CUDA"), install)
        return Check(name, Verdict.FAILED, say("not loaded"), install)
    match = re.search(r"\b([0-9]{3,6}(?:\.[0-9]{1,6})+)\b", text)
    version = match[1] if match else "unknown"
    if match and tuple(int(part) for part in version.split(".")) < OLDEST_DRIVER:
        return Check(name, Verdict.FAILED, say("version {version:text} is too old", version=version), install)
    return Check(name, Verdict.OK, say("version {version:text}", version=version))


def secure_boot(at: Machine) -> Check:
    """Whether the kernel loads only what is signed."""
    name = say("Secure Boot")
    try:
        value = smallfile.data(at.sys / _SECURE_BOOT)
    except OSError:
        return Check(name, Verdict.OK, say("off: this computer did not start with UEFI, or does not tell"))
    if value[4:5] != b"\x01":
        return Check(name, Verdict.OK, say("off"))
    if not gpu.list_pci(at.sys) or (at.sys / "module/nvidia").is_dir():
        return Check(name, Verdict.OK, say("on"))
    return Check(
        name,
        Verdict.WARNING,
        say("on, so the kernel loads only drivers that are signed, and NVIDIA's is not loaded"),
        say("If it is installed, enrol the key that signed it: `sudo mokutil --import /var/lib/dkms/mok.pub`"),
    )


def cuda(at: Machine) -> Check:
    """The library that the VRAM comes from."""
    if not gpu.list_pci(at.sys):
        return Check(say("CUDA driver library"), Verdict.OK, _USELESS)
    try:
        # Loading it touches no device; only initialising it would.
        at.load("libcuda.so.1")
    except OSError:
        return Check(
            say("CUDA driver library"), Verdict.FAILED, say("libcuda.so.1 is not installed"), say("Install libcuda1.")
        )
    return Check(say("CUDA driver library"), Verdict.OK, say("libcuda.so.1 is there"))


@dataclass(frozen=True, slots=True)
class _Switch:
    """A program that decides which GPU is there, and what it has done."""

    found: Phrase
    remedy: Phrase
    #: Whether NVIDIA's GPU is off because of it.
    hides: bool


def switchers(at: Machine) -> Check:
    """Graphics switchers: some take the GPU away for good, some end every program that has it open."""
    name, found = say("Graphics switcher"), list(_switches(at))
    if not found:
        return Check(name, Verdict.OK, say("none found"))
    worst = next((switch for switch in found if switch.hides), next((s for s in found if s.remedy), found[0]))
    return Check(name, Verdict.WARNING if worst.remedy else Verdict.OK, worst.found, worst.remedy)


def _switches(at: Machine) -> Iterator[_Switch]:
    running = set(at.running())
    if any(at.has(f"{folder}/{_REMOVAL}") for folder in _RULES):
        if at.has("usr/bin/envycontrol") or at.has("usr/local/bin/envycontrol"):
            remedy = say("Choose another mode and restart: `sudo envycontrol -s hybrid`")
            yield _Switch(
                say("EnvyControl's mode is integrated, and removes the GPU when the computer starts"), remedy, True
            )
        else:
            remedy = say("Have the graphics switcher choose a hybrid mode, or remove that rule, and restart.")
            yield _Switch(
                say("a udev rule removes the GPU when the computer starts ({file:text})", file=_REMOVAL), remedy, True
            )
    if "supergfxd" in running or at.has("etc/supergfxd.conf"):
        yield _supergfx(at)
    match at.text("etc/prime-discrete"):
        case "off" | "intel":
            remedy = say("Choose another mode and restart: `sudo prime-select on-demand`")
            yield _Switch(say("prime-select has switched the GPU off"), remedy, True)
        case "":
            pass
        case mode:
            yield _Switch(say("prime-select, in the mode {mode:text}", mode=mode[:20]), Phrase(""), False)
    for path in _FIRMWARE:
        if at.text(path) == "1":
            remedy = say("Switch it on and restart: `echo 0 | sudo tee /{path:text}`", path=path)
            yield _Switch(say("the firmware of this ASUS computer has switched the GPU off"), remedy, True)
    if at.text("proc/acpi/bbswitch").endswith("OFF"):
        remedy = say("Switch it on: `echo ON | sudo tee /proc/acpi/bbswitch`")
        yield _Switch(say("bbswitch has switched the GPU off"), remedy, True)
    for program, title in _TAKERS.items():
        if program in running:
            yield _Switch(
                say("{program:text}: it takes the GPU away from all programs when it switches", program=title),
                _BEFORE,
                False,
            )


def _supergfx(at: Machine) -> _Switch:
    match = re.search(r'"mode"\s*:\s*"([A-Za-z0-9_]{1,20})"', at.text("etc/supergfxd.conf"))
    mode = match[1] if match else "unknown"
    if mode in ("Integrated", "Vfio"):
        remedy = say("Choose another mode: `supergfxctl --mode Hybrid`")
        return _Switch(
            say("supergfxctl's mode is {mode:text}, in which the GPU is not for programs", mode=mode), remedy, True
        )
    return _Switch(say("supergfxctl: it ends every program that has the GPU open when it switches"), _BEFORE, False)
