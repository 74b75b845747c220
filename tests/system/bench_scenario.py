# SPDX-License-Identifier: MIT
"""Runs in the guest: ``vramswapctl bench --pressure`` with VRAM, zram and a disk as swap; it leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.demo.plan import Plan
from tests.demo.stack import BIN, Stack, running
from tests.support.waiting import wait_for
from tests.system import uml
from tests.system.lent import ctl, place, priorities, told
from tests.system.swapped import command, say
from vramswap_gui.bench.pressure import LONGEST, SMALLEST, _whole
from vramswap_gui.system import meminfo
from vramswap_gui.units import KIB, MIB

GROUPS: Final = Path("/sys/fs/cgroup")
DEVICE: Final = "/dev/nbd0"
ZRAM: Final = "/dev/zram0"
DISK: Final = "/dev/ubda"
SIZE: Final = 20 * MIB


def prepare() -> None:
    """Control groups as systemd or OpenRC have them, and two more swap areas, of which zram comes first."""
    command("mount", "-t", "cgroup2", "groups", str(GROUPS))
    (GROUPS / "cgroup.subtree_control").write_text("+memory")
    # Older kernels have what zram needs in a module of its own.
    for module in ("zsmalloc", "zram"):
        for path in Path(os.environ[uml.MODULES]).rglob(f"{module}.ko"):
            command("insmod", str(path))
    Path("/sys/block/zram0/disksize").write_text(str(64 * MIB))
    for device, priority in ((ZRAM, 100), (DISK, 10)):
        command("mkswap", device)
        command("swapon", "-p", str(priority), device)


def groups() -> list[str]:
    return [path.name for path in GROUPS.glob("vramswap-*")]


def bench(stack: Stack, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ctl(stack, "bench", "--pressure", "--size", str(SIZE), "--json", *options))
    for run in found["runs"]:
        say(f"{run['place']}: {run}")
        assert run["wrong"] == 0
        # A guest that shares its core with others may not get to the end within the time of a run.
        assert run["finished"] or run["seconds"] >= LONGEST
    assert groups() == []
    return found


def without_vram(stack: Stack) -> None:
    refused = stack.ctl("bench", "--pressure")
    assert refused.returncode == 1 and "vramswapctl on" in refused.stderr, refused


@contextlib.contextmanager
def promising(room: int) -> Iterator[None]:
    """The kernel holds programs to a sum, and promises so many bytes more."""
    vm, now = Path("/proc/sys/vm"), meminfo.read()
    (vm / "overcommit_kbytes").write_text(str(max(1, (now.committed + room - now.swap_total) // KIB)))
    (vm / "overcommit_memory").write_text("2")
    try:
        yield
    finally:
        (vm / "overcommit_memory").write_text("0")


def with_little_promised(stack: Stack) -> None:
    """As much is measured as the kernel promises. Where that is next to nothing, it is said what is in the way."""
    with promising(45 * MIB):
        refused = stack.ctl("bench", "--pressure", "--size", str(3 * SIZE))
    assert refused.returncode == 1 and "vm.overcommit_memory is 2" in refused.stderr, refused
    assert groups() == []
    # Less than two bytes for each that is to go to swap, besides what the programs need that measure it.
    with promising(160 * MIB):
        found = bench(stack, "--size", str(3 * SIZE))
    assert SMALLEST <= found["size"] < (160 * MIB - _whole(0)) // 2 < found["asked"], found


def all_of_it(stack: Stack) -> None:
    """In memory, then with VRAM, then with what comes next; afterwards VRAM is lent as before."""
    before = priorities()
    found = bench(stack, "--others")
    assert [run["place"] for run in found["runs"]] == ["memory", "vram", "zram"]
    memory, vram, zram = found["runs"]
    # No more than what was left over from before.
    assert memory["waits"] < vram["waits"] and memory["areas"] == {}
    for run, device in ((vram, DEVICE), (zram, ZRAM)):
        # zram has a page no more once it was read.
        assert run["areas"][device] > MIB, run
        assert run["waits"] > SIZE // 4096 // 8, run
    wait_for(lambda: priorities() == before, "VRAM, which is swap again")


def start(stack: Stack, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(BIN / "vramswapctl"), "bench", "--pressure", "--size", str(SIZE), *options],
        env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def interrupted(stack: Stack, number: signal.Signals) -> None:
    """It is asked to end while its program is under pressure: no group is left, nor anybody in it, and no pause."""
    before = priorities()
    process = start(stack, "--others")
    wait_for(lambda: (groups() and DEVICE not in priorities()) or process.poll() is not None, "its program, with zram")
    os.killpg(process.pid, number)
    output, _ = process.communicate()
    assert process.returncode == 128 + number, output
    assert groups() == []
    wait_for(lambda: priorities() == before, "VRAM, which is swap again")


def killed(stack: Stack) -> None:
    """It cannot clean up then. Its program ends with it, and its group goes with the next measurement."""
    process = start(stack)
    wait_for(lambda: groups() or process.poll() is not None, "its group")
    (group,) = groups()
    process.kill()
    process.communicate()
    wait_for(lambda: not (GROUPS / group / "cgroup.procs").read_text(), "the end of its program")
    assert groups() == [group]
    bench(stack)


def main() -> None:
    prepare()
    with running(Plan(gpu="a test", kernel="", polkit="", display=""), _prepare) as stack, told(stack):
        without_vram(stack)
        ctl(stack, "on")
        with_little_promised(stack)
        all_of_it(stack)
        interrupted(stack, signal.SIGINT)
        interrupted(stack, signal.SIGTERM)
        killed(stack)
        ctl(stack, "off")
    say("all done")


def _prepare(stack: Stack) -> None:
    place(stack, f'mode = "off"\nsize = {64 * MIB}\nheadroom = 0\n')


if __name__ == "__main__":
    main()
