# SPDX-License-Identifier: MIT
"""Which GPU is meant, in every spelling that a tool prints, and which of those that are there can be used."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.machine import UUID, add
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.system import gpu
from vramswap_gui.system.gpu import Card

OTHER: Final = "GPU-5eed0000-1111-2222-3333-444455556666"


def cards(root: Path) -> tuple[Card, ...]:
    return gpu.cards(root / "sys", root / "proc")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A machine with two cards that NVIDIA's driver has, and the sound of one of them."""
    add(tmp_path, "0000:01:00.0", uuid=UUID, minor=1)
    add(tmp_path, "0000:0a:00.0", uuid=OTHER, minor=0)
    add(tmp_path, "0000:01:00.1", driver="snd_hda_intel", kind="0x040300")
    return tmp_path


FIRST: Final = (
    "", " ", "0", "GPU 0", "gpu0", "cuda:0", "Device 0", "GPU-0",
    "0000:01:00.0", "00000000:01:00.0", "01:00.0", "1:0.0", "0000:01:00", "01:00", "0000:01:00.0 ",
    "PCI:1:0:0", "pci:1:0:0", "PCI:1@0:0:0", "PCI:*(1@0:0:0)", "pci-0000:01:00.0", "pci-0000_01_00_0",
    UUID, UUID.upper(), UUID.lower(), UUID[:14], "GPU-5eed5", UUID.removeprefix("GPU-"),
)  # fmt: skip
SECOND: Final = (
    "1", "GPU 1", "00000000:0A:00.0", "0000:0a:00.0", "0A:00.0", "PCI:10:0:0", "PCI:10@0:0:0", "pci-0000_0a_00_0",
    OTHER, "GPU-5eed0",
)  # fmt: skip


@pytest.mark.parametrize("selector", FIRST)
def test_the_first_card_has_many_names(selector: str, two: Path) -> None:
    found = gpu.pick(selector, cards(two))
    assert found is not None and found.pci == "0000:01:00.0"


@pytest.mark.parametrize("selector", SECOND)
def test_the_second_card_has_many_names(selector: str, two: Path) -> None:
    found = gpu.pick(selector, cards(two))
    assert found is not None and found.pci == "0000:0a:00.0"


@pytest.mark.parametrize(
    "selector",
    ["2", "02:00.0", "01:00.1", "0001:01:00.0", "PCI:1:0:1", "GPU-dead", "RTX 3050", "١", "-1", "0x1", "MIG-5eed5eed",
     "MIG-GPU-5eed5eed-1111-2222-3333-444455556666/1/0", "GPU-", "x" * 5000, "\udcff\n\x1b[2J", "GPU-5eed"],
)  # fmt: skip
def test_what_is_no_card_is_refused_with_those_that_are(selector: str, two: Path) -> None:
    with pytest.raises(VramswapError) as caught:
        gpu.pick(selector, cards(two))
    assert caught.value.code is ErrorCode.NO_GPU
    assert "0 = 0000:01:00.0 NVIDIA GeForce RTX 3050 Laptop GPU" in caught.value.remedy
    assert "1 = 0000:0a:00.0" in caught.value.remedy
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


@given(st.text(max_size=30) | st.from_regex(r"(PCI[:-]|GPU[- ])?[0-9a-f:@._-]{0,20}", fullmatch=True))
def test_any_text_names_a_card_or_none(selector: str) -> None:
    both = (Card("0000:01:00.0", 0, UUID), Card("0000:0a:00.0", 1, OTHER))
    try:
        assert gpu.pick(selector, both) in both
    except VramswapError as error:
        assert error.code is ErrorCode.NO_GPU
    gpu.canonical(selector)


def test_a_domain_counts(tmp_path: Path) -> None:
    add(tmp_path, "10000:01:00.0", uuid=OTHER, minor=1)
    add(tmp_path, "0000:01:00.0", uuid=UUID, minor=0)
    found = cards(tmp_path)
    assert [card.pci for card in found] == ["0000:01:00.0", "10000:01:00.0"]
    for selector, card in (("01:00.0", found[0]), ("10000:01:00.0", found[1]), ("00010000:01:00.0", found[1]),
                           ("PCI:1@65536:0:0", None), ("0000:01:00.0", found[0])):  # fmt: skip
        if card is not None:
            assert gpu.pick(selector, found) == card
    alone = found[1:]
    assert gpu.pick("01:00.0", alone) == alone[0]


def test_a_card_for_guests_is_not_counted_and_said_as_it_is(tmp_path: Path) -> None:
    add(tmp_path, "0000:01:00.0", "vfio-pci")
    add(tmp_path, "0000:02:00.0", uuid=UUID, minor=0)
    found = cards(tmp_path)
    assert [card.index for card in found] == [None, 0]
    for selector in ("", "0", "02:00.0"):
        assert gpu.pick(selector, found) == found[1]
    with pytest.raises(VramswapError, match="kept for virtual machines") as caught:
        gpu.pick("01:00.0", found)
    assert "0000:01:00.0 (vfio-pci)" in caught.value.remedy and "0 = 0000:02:00.0" in caught.value.remedy


@pytest.mark.parametrize(
    ("driver", "words"), [("vfio-pci", "virtual machines"), ("pci-stub", "virtual machines"), ("nouveau", "nouveau"),
                          ("nova_core", "no CUDA")],
)  # fmt: skip
def test_a_card_alone_that_another_driver_has(driver: str, words: str, tmp_path: Path) -> None:
    add(tmp_path, "0000:01:00.0", driver)
    with pytest.raises(VramswapError, match=words) as caught:
        gpu.require("", tmp_path / "sys", tmp_path / "proc")
    assert caught.value.remedy
    assert gpu.chosen("", tmp_path / "sys", tmp_path / "proc") is None


def test_before_the_driver_is_loaded_cards_have_numbers(tmp_path: Path) -> None:
    add(tmp_path, "0000:01:00.0", driver="")
    add(tmp_path, "0000:02:00.0", driver="")
    assert [card.index for card in cards(tmp_path)] == [0, 1]
    # A UUID cannot be looked up, and may be right.
    assert gpu.pick(UUID, cards(tmp_path)) is None
    gpu.require(UUID, tmp_path / "sys", tmp_path / "proc")
    assert gpu.chosen(UUID, tmp_path / "sys", tmp_path / "proc") is None


def test_a_card_that_was_taken_from_the_driver_by_hand(tmp_path: Path) -> None:
    add(tmp_path, "0000:01:00.0", driver="")
    add(tmp_path, "0000:02:00.0")
    assert [card.index for card in cards(tmp_path)] == [None, 0]
    with pytest.raises(VramswapError, match="has no driver") as caught:
        gpu.pick("01:00.0", cards(tmp_path))
    assert "drivers/nvidia/bind" in caught.value.remedy


def test_a_sleeping_card_may_not_have_told_its_uuid(tmp_path: Path) -> None:
    add(tmp_path, "0000:01:00.0", uuid="GPU-????????-????-????-????-????????????", minor=0)
    (card,) = cards(tmp_path)
    assert card.uuid == ""
    assert gpu.pick(UUID, [card]) is None
    assert gpu.chosen(UUID, tmp_path / "sys", tmp_path / "proc") == card


def test_slices_are_refused(two: Path) -> None:
    (two / "proc/driver/nvidia/capabilities/gpu1/mig/gi3").mkdir(parents=True)
    with pytest.raises(VramswapError, match="MIG slices"):
        gpu.pick("0", cards(two))
    assert gpu.pick("1", cards(two)) is not None


@pytest.mark.parametrize(
    ("selector", "known"),
    [("", True), ("01:00.0", True), (UUID, True), (UUID[4:12], True), ("GPU-5eed", True), ("3", True),
     ("my card", False), ("1e309", False), ("face", False), ("GPU-", False)],
)  # fmt: skip
def test_where_no_card_can_be_seen_a_name_is_only_looked_at(selector: str, known: bool, tmp_path: Path) -> None:
    if known:
        gpu.require(selector, tmp_path / "sys", tmp_path / "proc")
    else:
        with pytest.raises(VramswapError, match="There is no NVIDIA GPU"):
            gpu.require(selector, tmp_path / "sys", tmp_path / "proc")
