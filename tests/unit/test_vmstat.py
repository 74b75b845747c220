# SPDX-License-Identifier: MIT
"""The counters of what was swapped, on files laid out as the kernel does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vramswap_gui.system import vmstat
from vramswap_gui.system.vmstat import MACHINE, Moved

#: /sys/block/<name>/stat with its fields of Linux 5.5 and later; 9000 sectors read, 20000 written.
STAT = (
    "    1129        3     9000      210     2500        0    20000      900        0      640     1110 0 0 0 0 0 0\n"
)
VMSTAT = "nr_free_pages 12345\npgpgin 99\npswpin 10\npswpout 300\n"
PAGE = os.sysconf("SC_PAGE_SIZE")


def files(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = root / ("vmstat" if name == "vmstat" else f"block/{name}/stat")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def read(root: Path, *devices: str) -> dict[str, Moved]:
    return dict(vmstat.read(devices, proc=root, sys=root))


def test_each_device_counts_for_itself(tmp_path: Path) -> None:
    files(tmp_path, nbd0=STAT, nbd1=STAT.replace("9000", "8"), nbd2=STAT, vmstat=VMSTAT)
    assert read(tmp_path, "/dev/nbd0", "/dev/nbd1") == {
        "/dev/nbd0": Moved(9000 * 512, 20000 * 512),
        "/dev/nbd1": Moved(8 * 512, 20000 * 512),
    }


def test_an_old_kernel_has_fewer_fields(tmp_path: Path) -> None:
    files(tmp_path, nbd0=" ".join(STAT.split()[:11]))
    assert read(tmp_path, "/dev/nbd0") == {"/dev/nbd0": Moved(9000 * 512, 20000 * 512)}


def test_the_machine_counts_when_no_device_does(tmp_path: Path) -> None:
    files(tmp_path, vmstat=VMSTAT)
    assert read(tmp_path, "/tmp/nbd0") == {MACHINE: Moved(10 * PAGE, 300 * PAGE)}
    # A device that counts is not mixed with the machine, in which it is counted too.
    files(tmp_path, nbd1=STAT)
    assert list(read(tmp_path, "/dev/nbd0", "/dev/nbd1")) == ["/dev/nbd1"]
    assert read(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "1 2 3\n", "a b c d e f g h\n"])
@pytest.mark.parametrize("machine", ["", "pswpin 1\n", "pswpin\n", "pswpin x\npswpout y\n"])
def test_what_cannot_be_understood_is_not_counted(text: str, machine: str, tmp_path: Path) -> None:
    files(tmp_path, nbd0=text, vmstat=machine)
    assert read(tmp_path, "/dev/nbd0") == {}


def test_this_kernel() -> None:
    """Every Linux counts the machine's swap, and every device in /sys/block has a stat that is understood."""
    assert set(vmstat.read(["/dev/no-such-device"])) == {MACHINE}
    for block in Path("/sys/block").iterdir() if Path("/sys/block").is_dir() else ():
        assert set(vmstat.read([f"/dev/{block.name}"])) == {f"/dev/{block.name}"}
