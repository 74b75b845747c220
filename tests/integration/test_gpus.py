# SPDX-License-Identifier: MIT
"""Machines with other GPUs than one idle card: helper, server and command line mean the same one, or say what is so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.demo.stack import Stack
from tests.support.ctl import status
from tests.support.machine import UUID, add

FIRST, SECOND = "0000:01:00.0", "0000:02:00.0"


def folders(stack: Stack) -> Path:
    """Where fixtures lay out a machine: the helper's /sys and /proc are links into it."""
    root = stack.folder / "machine"
    root.mkdir()
    (root / "sys").symlink_to(stack.sys)
    (root / "proc").symlink_to(stack.kernel)
    return root


def means(stack: Stack, name: str) -> str:
    """The card that is lent where somebody names it so, or nobody names one; afterwards none is."""
    if name:
        named = stack.ctl("config", "gpu", name)
        assert named.returncode == 0, named.stderr
    on = stack.ctl("on")
    assert on.returncode == 0, on.stderr
    pci = str(status(stack)["gpu_pci"])
    assert stack.ctl("off").returncode == 0
    return pci


@pytest.mark.parametrize("order", ["FASTEST_FIRST", ""])
def test_cards_are_counted_as_on_the_bus(make_stack: Callable[..., Stack], order: str) -> None:
    stack = make_stack(start=False)
    if order:
        stack.environment["CUDA_DEVICE_ORDER"] = order
    stack.start()
    stack.gpu["second"] = 1
    meant = {"": FIRST, "1": SECOND, "0": FIRST, "GPU-600d": SECOND, "PCI:2:0:0": SECOND}
    assert {name: means(stack, name) for name in meant} == meant


def test_what_tools_print_can_be_set_and_used(stack: Stack) -> None:
    for name in ("00000000:01:00.0", "01:00.0", "PCI:1:0:0", "pci-0000_01_00_0", "gpu 0"):
        assert means(stack, name) == FIRST, name


def test_a_card_that_is_not_there_is_refused_when_it_is_set(stack: Stack) -> None:
    root = folders(stack)
    add(root, FIRST, uuid=UUID, minor=0)
    add(root, SECOND, "vfio-pci")
    for name, words in (("1", "There is no NVIDIA GPU"), ("02:00.0", "virtual machines"), ("nonsense", "no NVIDIA GPU"),
                        ("GPU-dead", "no NVIDIA GPU"), ("MIG-5eed", "MIG")):  # fmt: skip
        done = stack.ctl("config", "gpu", name)
        assert done.returncode == 1, name
        assert words in done.stderr and f"0 = {FIRST} NVIDIA GeForce" in done.stderr
        assert stack.ctl("config", "gpu").stdout == "empty\n"
    assert stack.ctl("config", "gpu", UUID[:12]).returncode == 0


def test_a_card_that_is_kept_for_guests_is_said_to_be(stack: Stack) -> None:
    add(folders(stack), FIRST, "vfio-pci")
    done = stack.ctl("on")
    assert done.returncode == 1
    assert "virtual machines (driver vfio-pci)" in done.stderr
    assert status(stack)["error"]["code"] == "NoGpu"


def test_a_gpu_without_memory_of_its_own_is_refused(stack: Stack) -> None:
    stack.gpu["integrated"] = 1
    done = stack.ctl("on")
    assert done.returncode == 1
    assert "has no memory of its own" in done.stderr and "zram" in done.stderr
    assert not status(stack)["segments"]


def test_a_size_that_the_card_never_has_is_refused_while_it_is_off(stack: Stack) -> None:
    assert stack.ctl("on").returncode == 0
    assert stack.ctl("off").returncode == 0
    done = stack.ctl("size", "99G")
    assert done.returncode == 1
    assert "99 GiB cannot be lent: the GPU has 2 GiB of VRAM" in done.stderr and "at most 1.5 GiB" in done.stderr
    before = status(stack)
    assert before["maximum"] == 1536 << 20
    # The limit follows the settings.
    assert stack.ctl("config", "headroom", "1G").returncode == 0
    assert status(stack)["maximum"] == 1 << 30
    assert stack.ctl("size", "1.5G").returncode == 1
    assert stack.ctl("size", "1G").returncode == 0
