# SPDX-License-Identifier: MIT
"""The NVIDIA GPUs of this machine, without waking one: from sysfs, and from what the driver shows in ``/proc``.

Reading sysfs neither wakes a suspended GPU nor keeps an idle one awake (Documentation/ABI/testing/sysfs-devices-power);
nor does ``/proc/driver/nvidia`` (chapter "The /proc File System" of the driver's README). What takes NVML to know is in
:mod:`~vramswap_gui.system.nvml`.

Whatever names a card for a person or a program, :func:`pick` finds out which is meant, in the server too.
"""

from __future__ import annotations

import contextlib
import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import PCI_DEVICES
from vramswap_gui.plain import plain
from vramswap_gui.system import smallfile

_NVIDIA: Final = "0x10de"
#: PCI class codes of display controllers: VGA and 3D.
_DISPLAY: Final = ("0x0300", "0x0302")
_DRIVER: Final = "nvidia"
#: Kernel drivers that keep a device for virtual machines.
_GUESTS: Final = frozenset({"vfio-pci", "pci-stub", "xen-pciback"})
_CARDS: Final = "driver/nvidia/gpus"
_SLICES: Final = "driver/nvidia/capabilities"

# How tools write a card. nvidia-smi has 00000000:01:00.0, sysfs and CUDA 0000:01:00.0, lspci 01:00.0, udev and Mesa
# pci-0000_01_00_0: all hexadecimal.
_PCI: Final = re.compile(
    r"(?:pci[-:])?(?:([0-9a-f]{4,8})[:_])?([0-9a-f]{1,2})[:_]([0-9a-f]{1,2})(?:[._]([0-7]))?", re.IGNORECASE | re.ASCII
)
# Xorg's BusID, PCI:1:0:0 or PCI:1@0:0:0 with the domain after the @, is decimal; its log writes PCI:*(1@0:0:0).
_XORG: Final = re.compile(r"pci:\*?\(?(\d{1,3})(?:@(\d{1,5}))?:(\d{1,2}):(\d)\)?", re.IGNORECASE | re.ASCII)
_INDEX: Final = re.compile(r"(?:(?:gpu|cuda|device)[\s:#-]?)?(\d{1,3})", re.IGNORECASE | re.ASCII)
#: The beginning is enough, as for CUDA_VISIBLE_DEVICES; without the word that goes before it, the first group of it.
_UUID: Final = re.compile(r"(?:gpu-(?=[0-9a-f]{4})|(?=[0-9a-f]{8}))([0-9a-f-]+)", re.IGNORECASE | re.ASCII)


class Power(enum.StrEnum):
    """Runtime power management of a PCI device; ``UNKNOWN`` where sysfs does not list it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    SUSPENDING = "suspending"
    RESUMING = "resuming"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"

    @property
    def asleep(self) -> bool:
        """Whether a touch would wake the GPU, or keep it from going to sleep."""
        return self in (Power.SUSPENDED, Power.SUSPENDING)


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU. What nobody tells is empty."""

    #: As sysfs writes it: ``0000:01:00.0``.
    pci: str
    #: Its number for CUDA and nvidia-smi, in the order of the PCI bus; None for one that NVIDIA's driver does not have.
    index: int | None = None
    #: As in ``GPU-5eed5eed-…``.
    uuid: str = ""
    name: str = ""
    #: The kernel's driver that has it.
    driver: str = ""
    #: Whether it is divided into MIG slices.
    sliced: bool = False

    def __str__(self) -> str:
        number = "" if self.index is None else f"{self.index} = "
        note = f" ({self.driver or 'without a driver'})" if self.index is None else ""
        return f"{number}{self.pci}{f' {self.name}' if self.name else ''}{note}"


def list_pci(sys: Path = Path("/sys")) -> tuple[str, ...]:
    """The PCI addresses of the NVIDIA GPUs, in order, as in ``0000:01:00.0``. Wakes nothing."""
    return tuple(
        device.name
        for device in sorted(smallfile.entries(sys / PCI_DEVICES), key=lambda device: _order(device.name))
        if smallfile.text(device / "vendor") == _NVIDIA and smallfile.text(device / "class")[:6] in _DISPLAY
    )


def cards(sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> tuple[Card, ...]:
    """The NVIDIA GPUs, in the order of the PCI bus. Wakes nothing."""
    drivers = {pci: _driver(sys / PCI_DEVICES / pci / "driver") for pci in list_pci(sys)}
    # Before the driver is loaded no card has one, and it will take those that nobody else has.
    candidates = _DRIVER if _DRIVER in drivers.values() else ""
    found: list[Card] = []
    for pci, driver in drivers.items():
        name, uuid, minor = _facts(proc / _CARDS / pci / "information")
        index = sum(card.index is not None for card in found) if driver == candidates else None
        found.append(Card(pci, index, uuid, name, driver, _is_sliced(proc, minor)))
    return tuple(found)


def pick(selector: str, found: Sequence[Card]) -> Card | None:
    """The card that ``selector`` names, in any spelling that a tool prints; the first one when it is empty.

    None: it is the UUID of one that has not told its own yet. Raises VramswapError NO_GPU, with the cards that there
    are, when there is none of that name or it cannot be lent from.
    """
    usable = [card for card in found if card.index is not None]
    if not selector.strip():
        for card in usable or found:
            require_usable(card, found)
            return card
        raise VramswapError(Problem.GPU_NONE)
    named = _named(selector.strip(), found)
    if len(named) == 1:
        require_usable(named[0], found)
        return named[0]
    if named:
        raise VramswapError(Problem.GPU_AMBIGUOUS, given=selector[:60], known=_listed(named))
    if not _is_uuid(selector.strip()) or all(card.uuid for card in usable):
        raise VramswapError(Problem.GPU_UNKNOWN, given=selector[:60], known=_listed(found))
    return None


def chosen(selector: str, sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> Card | None:
    """The card that would be used for the setting ``gpu``; None where that cannot be told or there is none."""
    with contextlib.suppress(VramswapError):
        found = cards(sys, proc)
        card = pick(selector, found)
        # Of a UUID that nobody tells, one card leaves no doubt.
        return card or (found[0] if len(found) == 1 else None)
    return None


def require(selector: str, sys: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
    """Raises VramswapError NO_GPU when the card that is meant is seen not to be there or of use.

    Where no card is to be seen at all, as on a machine whose graphics switcher hides it, nothing is known.
    """
    found = cards(sys, proc)
    if found:
        pick(selector, found)
    elif selector.strip() and not _is_name(selector.strip()):
        raise VramswapError(Problem.GPU_UNKNOWN, given=selector[:60], known=_listed(found))


def require_usable(card: Card, found: Sequence[Card]) -> None:
    """Raises VramswapError NO_GPU when VRAM of ``card`` cannot be lent, with the reason and the other cards."""
    if card.sliced:
        raise VramswapError(Problem.GPU_SLICED, pci=card.pci, known=_listed(found))
    if card.index is not None:
        return
    if card.driver in _GUESTS:
        raise VramswapError(Problem.GPU_FOR_GUESTS, pci=card.pci, driver=card.driver, known=_listed(found))
    if card.driver:
        raise VramswapError(Problem.GPU_OTHER_DRIVER, pci=card.pci, driver=card.driver, known=_listed(found))
    raise VramswapError(Problem.GPU_WITHOUT_DRIVER, pci=card.pci, known=_listed(found))


def power(pci: str, sys: Path = Path("/sys")) -> Power:
    """Whether the GPU sleeps. Wakes nothing."""
    with contextlib.suppress(ValueError):
        return Power(smallfile.text(sys / PCI_DEVICES / pci / "power/runtime_status"))
    return Power.UNKNOWN


def display_attached(pci: str, sys: Path = Path("/sys")) -> bool:
    """Whether a display is plugged into one of the GPU's connectors. Probes and wakes nothing.

    The kernel shows what it found at the last hotplug (drivers/gpu/drm/drm_sysfs.c); without the NVIDIA driver's kernel
    mode setting there are no connectors to be seen.
    """
    connectors = (sys / PCI_DEVICES / pci / "drm").glob("card*/card*-*/status")
    return any(smallfile.text(status) == "connected" for status in connectors)


def canonical(address: str) -> str | None:
    """A PCI address as sysfs writes it, however it was written; without a domain where none was given.

    None when ``address`` is none.
    """
    if match := _XORG.fullmatch(address):
        bus, domain, device, function = (int(part) if part else None for part in match.groups())
        domain = domain or 0
    elif match := _PCI.fullmatch(address):
        domain, bus, device, function = (int(part, 16) if part else None for part in match.groups())
    else:
        return None
    rest = f"{bus:02x}:{device:02x}.{function or 0:x}"
    return rest if domain is None else f"{domain:04x}:{rest}"


def _named(selector: str, found: Sequence[Card]) -> list[Card]:
    """The cards that a name stands for."""
    address = canonical(selector)
    if address is not None:
        same = [card for card in found if card.pci == address or card.pci.partition(":")[2] == address]
        # Whoever writes no domain means the first, unless there is nothing in it.
        return same[:1]
    if match := _INDEX.fullmatch(selector):
        return [card for card in found if card.index == int(match[1])]
    if _is_uuid(selector):
        digits = _UUID.fullmatch(selector)
        assert digits is not None
        return [card for card in found if card.uuid.lower().removeprefix("gpu-").startswith(digits[1].lower())]
    if selector.lower().startswith("mig-"):
        raise VramswapError(Problem.GPU_SLICE, known=_listed(found))
    return []


def _is_name(selector: str) -> bool:
    """Whether there could be a card of that name."""
    return canonical(selector) is not None or any(pattern.fullmatch(selector) for pattern in (_INDEX, _UUID))


def _is_uuid(selector: str) -> bool:
    return _INDEX.fullmatch(selector) is None and _UUID.fullmatch(selector) is not None


def _listed(found: Sequence[Card]) -> str:
    return "; ".join(map(str, found)) or "–"


def _order(pci: str) -> tuple[int, str]:
    # A domain may have more digits than four.
    return len(pci), pci


def _driver(link: Path) -> str:
    try:
        return link.readlink().name
    except OSError:
        return ""


def _facts(information: Path) -> tuple[str, str, str]:
    """Name, UUID and number of the device file, each empty where the driver does not tell."""
    try:
        found = smallfile.table(smallfile.data(information), b":")
    except OSError:
        return "", "", ""
    name, uuid, minor = (
        plain(smallfile.decode(found.get(key, b"")), 100) for key in (b"Model", b"GPU UUID", b"Device Minor")
    )
    # Question marks until the driver has asked the card.
    return name, "" if "?" in uuid else uuid, minor


def _is_sliced(proc: Path, minor: str) -> bool:
    """A folder for each GPU instance (chapter "Device nodes and capabilities" of NVIDIA's MIG guide)."""
    return minor.isdigit() and any(
        entry.name.startswith("gi") for entry in smallfile.entries(proc / _SLICES / f"gpu{minor}/mig")
    )
