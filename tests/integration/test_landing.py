# SPDX-License-Identifier: MIT
"""The real helper makes a place to land, and takes it away; disks, memory and the kernel's part are simulated."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.demo.stack import Stack
from tests.support.ctl import done, refused, status
from tests.support.policy import PLENTY, Make, becomes, begin, started
from tests.support.waiting import wait_for
from vramswap_gui.units import GIB, MIB

#: KiB of memory with which nothing fits.
NOTHING = 100_000


@pytest.fixture
def full(make_stack: Make) -> Stack:
    """Swap that is on and full, with no memory that it would fit into, and a disk of which nothing is known."""
    stack = started(make_stack, "off")
    begin(stack)
    stack.fake.mount(stack.folder, "ext4")
    done(stack, "on")
    fill(stack)
    return stack


def fill(stack: Stack) -> None:
    for segment in becomes(stack, "on")["segments"]:
        stack.fake.use(segment["device"], segment["size"] // 2048)
    stack.fake.set_available(NOTHING)


def files(stack: Stack, folder: Path | None = None) -> list[Path]:
    return sorted((folder or stack.folder / "state").glob("vramswap-landing-*/swap"))


def test_nobody_has_decided(full: Stack) -> None:
    said = refused(full, "off")
    assert "512 MiB of pages are in VRAM" in said and "nobody has said whether" in said
    assert f"vramswapctl config landing {full.folder}/state" in said
    assert files(full) == []
    done(full, "config", "landing", "off")
    assert "nobody has said" not in refused(full, "off")
    full.fake.set_available(PLENTY)


def test_off_with_a_place_to_land(full: Stack) -> None:
    folder = full.folder / "disk"
    folder.mkdir(mode=0o700)
    done(full, "config", "landing", str(folder))
    done(full, "off")
    (file,) = files(full, folder)
    assert file.stat().st_size >= 512 * MIB
    assert full.fake.devices() == [str(file)]
    seen = status(full)
    assert (seen["state"], seen["landing"], seen["landed"][1]) == ("off", "ready", 512 * MIB)
    full.kill("helper")
    # What a helper that dies in the middle leaves.
    stray = folder / "vramswap-landing-3"
    stray.mkdir()
    (stray / "swap").touch()
    full.start_helper()
    wait_for(lambda: files(full, folder) == [file], "the end of the stray file")
    full.fake.set_available(PLENTY)
    done(full, "config", "release_after", "20")
    wait_for(lambda: not list(folder.iterdir()), "the end of the file")
    assert full.fake.devices() == []
    assert status(full)["landed"] == [0, 0]


def test_the_machine_sleeps_and_the_pages_come_back_into_vram(full: Stack) -> None:
    done(full, "config", "landing", str(full.folder / "state"))
    done(full, "sleep")
    assert len(files(full)) == 1
    assert status(full)["landed"][1] == 512 * MIB
    # So much that programs would not miss it, and too little for the pages.
    full.fake.set_available(2_000_000)
    done(full, "wake")
    assert becomes(full, "on")["size"] == GIB
    wait_for(lambda: files(full) == [], "the end of the file")
    done(full, "off")


def test_a_file_that_cannot_be_made_leaves_all_as_it_was(full: Stack) -> None:
    done(full, "config", "landing", str(full.folder / "state"))
    before = full.fake.devices()
    full.fake.refuse("swapon", "it has holes")
    assert "it has holes" in refused(full, "off")
    assert (files(full), full.fake.devices()) == ([], before)
    full.fake.let_go()
    done(full, "off")
    full.fake.set_available(PLENTY)
    done(full, "config", "landing", "off")
    wait_for(lambda: files(full) == [], "the end of the file")


def test_a_file_that_somebody_swapped_off_goes_too(full: Stack) -> None:
    done(full, "config", "landing", str(full.folder / "state"))
    done(full, "off")
    (file,) = files(full)
    subprocess.run(["swapoff", file], env=full.environment, check=True)
    wait_for(lambda: files(full) == [], "the end of the file")


def test_a_verb_is_not_kept_waiting_by_a_file_that_is_emptied(full: Stack) -> None:
    done(full, "config", "landing", str(full.folder / "state"))
    done(full, "off")
    full.fake.set_available(PLENTY)
    full.fake.hold("swapoff")
    done(full, "config", "release_after", "20")
    done(full, "on")
    assert becomes(full, "on")["size"] == GIB
    full.fake.hold("swapoff", held=False)
    wait_for(lambda: files(full) == [], "the end of the file")
    done(full, "off")
