# SPDX-License-Identifier: MIT
"""What is below a folder, on fixtures laid out as the kernel does it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from vramswap_gui.system import disk, smallfile
from vramswap_gui.system.swaps import Swap

LUKS = "CRYPT-LUKS2-0123456789abcdef0123456789abcdef-root"
LVM = "LVM-abcdefgh"


def devices(sys: Path, made: Mapping[str, tuple[str, list[str]]]) -> None:
    """Devices by number: the dm/uuid of each, and the numbers of what it is made of."""
    for number, (uuid, below) in made.items():
        folder = sys / "dev/block" / number
        (folder / "slaves").mkdir(parents=True)
        if uuid:
            (folder / "dm").mkdir()
            (folder / "dm/uuid").write_text(f"{uuid}\n")
        for one in below:
            (folder / "slaves" / one).mkdir()
            (folder / "slaves" / one / "dev").write_text(f"{one}\n")


def mounts(proc: Path, *lines: str) -> None:
    (proc / "self").mkdir(parents=True)
    (proc / "self/mountinfo").write_text("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    ("name", "made", "encrypted"),
    [
        ("a partition", {"8:1": ("", [])}, False),
        ("LUKS", {"8:1": (LUKS, ["8:2"]), "8:2": ("", [])}, True),
        ("plain dm-crypt", {"8:1": ("CRYPT-PLAIN-swap", [])}, True),
        ("LVM", {"8:1": (LVM, ["8:2"]), "8:2": ("", [])}, False),
        ("LVM on LUKS", {"8:1": (LVM, ["8:2"]), "8:2": (LUKS, ["8:3"]), "8:3": ("", [])}, True),
        ("LVM on a disk with LUKS and one without", {"8:1": (LVM, ["8:2", "8:3"]), "8:2": (LUKS, []), "8:3": ("", [])},
         False),
        ("verity is no encryption", {"8:1": ("CRYPT-VERITY-root", ["8:2"]), "8:2": ("", [])}, False),
        ("a name that only looks like it", {"8:1": ("LVM-CRYPT-LUKS2-", [])}, False),
        ("a circle", {"8:1": (LVM, ["8:1"])}, False),
        ("nothing is known", {}, False),
    ],
)  # fmt: skip
def test_encryption(name: str, made: dict[str, tuple[str, list[str]]], encrypted: bool, tmp_path: Path) -> None:
    devices(tmp_path, made)
    assert disk.is_encrypted("8:1", tmp_path) is encrypted


def test_the_innermost_mount_counts_and_of_two_the_last(tmp_path: Path) -> None:
    proc, sys, inside = tmp_path / "proc", tmp_path / "sys", tmp_path / "a b"
    inside.mkdir()
    escaped = str(inside).replace(" ", "\\040")
    devices(sys, {"8:1": ("", []), "253:0": (LUKS, [])})
    mounts(
        proc,
        "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
        f"2 1 8:1 / {escaped} rw - tmpfs tmpfs rw",
        f"3 1 253:0 / {escaped} rw master:1 shared:2 - xfs /dev/mapper/root rw",
        f"4 1 0:40 / {escaped}/further rw - nfs4 host:/ rw",
        "a line that is none",
    )
    # What is still to be made lies where the nearest folder is.
    for folder in (inside, inside / "swap/further"):
        found = disk.look(folder, proc, sys)
        assert (found.kind, found.encrypted) == ("xfs", True)
        assert 0 < found.free <= found.total
    outside = disk.look(Path("/"), proc, sys)
    assert (outside.kind, outside.encrypted) == ("ext4", False)


def test_no_mount_is_left_out_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on top comes last; a disk that is not encrypted must not pass for one that is."""
    many = [
        f"{number} 0 0:{number} / /run/containers/{number:064d} rw - overlay overlay rw" for number in range(12_000)
    ]
    mounts(
        tmp_path / "proc", "1 0 8:1 / / rw - ext4 /dev/sda1 rw", *many, f"2 0 8:2 / {tmp_path} rw - xfs /dev/sda2 rw"
    )
    assert (tmp_path / "proc/self/mountinfo").stat().st_size > smallfile.LIMIT
    assert disk.look(tmp_path / "there", tmp_path / "proc", tmp_path).kind == "xfs"
    monkeypatch.setattr(disk, "_MOST_MOUNTS", smallfile.LIMIT)
    with pytest.raises(OSError, match="large"):
        disk.look(tmp_path / "there", tmp_path / "proc", tmp_path)


@pytest.mark.parametrize("line", ["1 0 8:2 / / rw -", "1 0 8:2 / / rw - xfs", "- - -", "1"])
def test_a_line_that_is_cut_off_is_passed_over(line: str, tmp_path: Path) -> None:
    mounts(tmp_path / "proc", "1 0 8:1 / / rw - ext4 /dev/sda1 rw", line)
    assert disk.look(Path("/"), tmp_path / "proc", tmp_path).kind == "ext4"


def test_what_others_may_write_is_not_guarded(tmp_path: Path) -> None:
    mounts(tmp_path / "proc", "1 0 8:1 / / rw - ext4 /dev/sda1 rw")
    place = tmp_path / "place"
    place.mkdir(mode=0o700)
    before = disk.look(place, tmp_path / "proc", tmp_path).guarded
    place.chmod(0o770)
    assert not disk.look(place, tmp_path / "proc", tmp_path).guarded
    place.chmod(0o1777)
    assert not disk.look(place, tmp_path / "proc", tmp_path).guarded
    place.chmod(0o700)
    assert disk.look(place, tmp_path / "proc", tmp_path).guarded is before


def test_a_link_that_others_can_turn_elsewhere_is_not_guarded(tmp_path: Path) -> None:
    """What is checked is at its end now; what is made there later is wherever it leads then."""
    mounts(tmp_path / "proc", "1 0 8:1 / / rw - ext4 /dev/sda1 rw")
    place, others = tmp_path / "place", tmp_path / "others"
    place.mkdir(mode=0o700)
    others.mkdir()
    others.chmod(0o777)
    (others / "link").symlink_to(place)
    (tmp_path / "link").symlink_to(place)
    (tmp_path / "through").symlink_to(others / "link")
    (tmp_path / "circle").symlink_to("circle")

    def guarded(name: str) -> bool:
        return disk.look(tmp_path / name, tmp_path / "proc", tmp_path).guarded

    before = guarded("place")
    assert guarded("link") is before
    assert guarded("link/not/there/yet") is before
    for name in ("others", "others/link", "others/link/inside", "through", "link/../others/link", "others/not/yet"):
        assert not guarded(name), name
    with pytest.raises(OSError, match="symbolic"):
        guarded("circle")


@pytest.mark.parametrize(
    ("area", "plain"),
    [
        (Swap("/dev/zram0", "partition", 1, 0, 100), False),
        (Swap("/nowhere/swap", "file", 1, 0, -2), False),
        (Swap("/dev/no-such-device", "partition", 1, 0, -2), False),
        (Swap("/clear/swap", "file", 1, 0, -2), True),
        (Swap("/crypt/swap", "file", 1, 0, -2), False),
    ],
)
def test_swap_in_the_clear(area: Swap, plain: bool, tmp_path: Path) -> None:
    devices(tmp_path, {"8:1": ("", []), "8:2": (LUKS, [])})
    mounts(tmp_path / "proc", "1 0 8:1 / /clear rw - ext4 /dev/sda1 rw", "2 0 8:2 / /crypt rw - ext4 /dev/mapper/c rw")
    assert disk.holds_plain_pages(area, tmp_path / "proc", tmp_path) is plain
