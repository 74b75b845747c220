# SPDX-License-Identifier: MIT
"""Files of the kernel hold any bytes, are cut off, empty, huge or not there: every reader answers all the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vramswap_gui.doctor import checks
from vramswap_gui.doctor.checks import Machine
from vramswap_gui.helper import monitor
from vramswap_gui.plain import plain
from vramswap_gui.system import gpu, meminfo, memory, power_supply, psi, smallfile, swaps, vmstat
from vramswap_gui.units import KIB

HEADER: Final = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
PCI: Final = "0000:01:00.0"
DEVICE: Final = f"sys/bus/pci/devices/{PCI}"

#: Names that files on people's disks have, and what the kernel makes of them in /proc/swaps.
NAMES: Final = {
    "a no-break space": ("/mnt/Disque\u00a0dur/swapfile".encode(), "/mnt/Disque\u00a0dur/swapfile".encode()),
    "Latin-1": (b"/mnt/\xfc\xe9/swap", b"/mnt/\xfc\xe9/swap"),
    "a line separator": ("/mnt/a\u2028b".encode(), "/mnt/a\u2028b".encode()),
    "next line, form feed, carriage return": (b"/a\xc2\x85b\x0cc\rd\x1cf\x0b", b"/a\xc2\x85b\x0cc\rd\x1cf\x0b"),
    "what the kernel escapes": (b"/a b\tc\nd\\e", rb"/a\040b\011c\012d\134e"),
    "a backslash and digits": (rb"/a\040", rb"/a\134040"),
    "a terminal's commands": (b"/\x1b[2J\x07", b"/\x1b[2J\x07"),
    "deleted": (b"/swapfile (deleted)", rb"/swapfile\040(deleted)"),
}


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("name", NAMES)
def test_a_swap_file_may_have_any_name(name: str, tmp_path: Path) -> None:
    true, written = NAMES[name]
    write(tmp_path / "swaps", HEADER + written + b"   file\t\t2048\t\t4\t\t-2\n/dev/nbd0 partition\t8\t0\t1000\n")
    ours, area = swaps.read(tmp_path)
    assert ours.device == "/dev/nbd0"
    assert os.fsencode(area.device) == true
    assert (area.kind, area.size, area.used, area.priority) == ("file", 2048 * KIB, 4 * KIB, -2)
    shown = plain(area.device)
    assert shown.isprintable() and shown.encode() and len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/dev/nbd0", "/dev/nbd0"),
        ("Grafikkarte – ü", "Grafikkarte – ü"),
        (os.fsdecode(b"/\xfc"), "/\\xfc"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("x" * 2000, "x" * 999 + "…"),
        ("", ""),
    ],
)
def test_what_is_shown_is_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(st.characters(codec=None)))
def test_everything_can_be_shown(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable() and len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode() == shown


def test_a_file_that_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    # A pipe that nobody writes has nothing, and an endless file an end.
    assert smallfile.data(tmp_path / "pipe") == b""
    assert len(smallfile.data(tmp_path / "endless")) == smallfile.LIMIT
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe/below", Path("/with\0zero"), tmp_path / ("x" * 300)):
        assert smallfile.text(path) == "" and smallfile.number(path) is None
        with pytest.raises(OSError):
            smallfile.data(path)
        assert smallfile.entries(path) == [] or path == tmp_path


@pytest.mark.parametrize("text", [b"1_0", b"\xd9\xa1", b"", b"-", b"0x1", b"1.5", b"9" * 5000, b"1 2", b"+-1"])
def test_what_is_no_number(text: bytes) -> None:
    assert smallfile.parse_number(text) is None


#: Bytes as a broken file would have them, and files that are nearly right.
ANYTHING: Final = st.binary(max_size=200) | st.lists(
    st.sampled_from(
        [b"\n", b" ", b"\t", b":", b"=", b"-1", b"0", b"7", b"9" * 25, b"kB", b"some", b"full", b"avg10", b"MemTotal",
         b"MemAvailable", b"Hugetlb", b"nan", b"1e999", b"\xff", b"\0", b"\\040", b"/dev/nbd0", b"partition", b"size",
         b"pswpin", b"pswpout", b"total", b"Battery", b"Discharging", b"c_min", b"max", b"GPU UUID", b"0x10de"]
    ),
    max_size=40,
).map(b"".join)  # fmt: skip

#: Reader → the files that it reads, below a folder with proc and sys in it.
READERS: Final[dict[str, tuple[Callable[[Path], Any], tuple[str, ...]]]] = {
    "swaps": (lambda at: swaps.read(at / "proc"), ("proc/swaps",)),
    "meminfo": (lambda at: meminfo.read(at / "proc"), ("proc/meminfo",)),
    "memory": (
        lambda at: memory.read(at / "proc", at / "sys"),
        ("proc/meminfo", "proc/spl/kstat/zfs/arcstats", "proc/sys/vm/overcommit_memory", "sys/fs/cgroup/memory.max",
         "sys/fs/cgroup/memory.current", "sys/fs/cgroup/memory.stat"),
    ),
    "room": (
        lambda at: monitor.room(swaps.read(at / "proc"), (), at / "proc", at / "sys"), ("proc/meminfo", "proc/swaps"),
    ),
    "psi": (lambda at: psi.read(at / "proc"), ("proc/pressure/memory",)),
    "vmstat": (lambda at: vmstat.read(["/dev/nbd0"], at / "proc", at / "sys"), ("proc/vmstat", "sys/block/nbd0/stat")),
    "power_supply": (
        lambda at: power_supply.read(at / "sys"),
        tuple(f"sys/class/power_supply/BAT0/{name}"
              for name in ("type", "scope", "status", "present", "capacity", "energy_full", "online")),
    ),
    "gpu": (
        lambda at: (gpu.cards(at / "sys", at / "proc"), gpu.power(PCI, at / "sys"),
                    gpu.display_attached(PCI, at / "sys"), gpu.chosen("", at / "sys", at / "proc")),
        (f"{DEVICE}/vendor", f"{DEVICE}/class", f"{DEVICE}/power/runtime_status",
         f"{DEVICE}/drm/card0/card0-DP-1/status", f"proc/driver/nvidia/gpus/{PCI}/information"),
    ),
    "doctor": (
        lambda at: checks.look(Machine(at / "proc", at / "sys", lambda name: name)),
        ("proc/driver/nvidia/version", "proc/driver/nvidia/params", "proc/swaps", "proc/1/comm", "proc/meminfo",
         "proc/sys/vm/swappiness", "proc/sys/vm/page-cluster", "proc/sys/kernel/osrelease", "proc/cmdline",
         "sys/module/zswap/parameters/enabled", "proc/pressure/memory", f"{DEVICE}/vendor", f"{DEVICE}/class"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(ANYTHING, min_size=13, max_size=13))
def test_every_reader_answers_whatever_it_reads(reader: str, content: list[bytes], tmp_path: Path) -> None:
    read, files = READERS[reader]
    for path, data in zip(files, content, strict=False):
        write(tmp_path / path, data)
    (tmp_path / "proc").mkdir(exist_ok=True)
    try:
        read(tmp_path)
    except OSError:
        # That is what a file which says nothing of use comes to, where a decision needs it.
        assert reader in ("meminfo", "memory", "room")


def test_what_is_right_is_read_beside_what_is_not(tmp_path: Path) -> None:
    write(tmp_path / "proc/vmstat", b"\xff\xfe\npswpin 2\nfoo\npswpout 3 \n")
    write(tmp_path / "proc/pressure/memory", b"some avg10=1.50 avg60=0.00 avg300=0.00 total=7 new=x\n"
          b"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\nmore \xff\n")  # fmt: skip
    page = os.sysconf("SC_PAGE_SIZE")
    assert vmstat.read(["/dev/none"], tmp_path / "proc", tmp_path) == {"": vmstat.Moved(2 * page, 3 * page)}
    pressure = psi.read(tmp_path / "proc")
    assert pressure is not None and (pressure.some.avg10, pressure.some.total) == (1.5, 7)
