# SPDX-License-Identifier: MIT
"""Machines with GPUs, as the kernel shows them in folders that stand for /sys and /proc."""

from __future__ import annotations

from pathlib import Path
from typing import Final

UUID: Final = "GPU-5eed5eed-1111-2222-3333-444455556666"


def add(
    root: Path, pci: str, driver: str = "nvidia", uuid: str = "", minor: int | None = None, kind: str = "0x030200"
) -> None:
    """A card as the kernel and, where it has it, NVIDIA's driver show it."""
    device = root / "sys/bus/pci/devices" / pci
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    (device / "class").write_text(f"{kind}\n")
    if driver:
        (device / "driver").symlink_to(f"../../../../bus/pci/drivers/{driver}")
    if minor is not None:
        facts = root / "proc/driver/nvidia/gpus" / pci / "information"
        facts.parent.mkdir(parents=True)
        facts.write_text(
            f"Model: \t\t NVIDIA GeForce RTX 3050 Laptop GPU\nIRQ:   \t\t 150\nGPU UUID: \t {uuid}\n"
            f"Video BIOS: \t ??.??.??.??.??\nBus Type: \t PCIe\nBus Location: \t {pci}\nDevice Minor: \t {minor}\n"
        )
