# SPDX-License-Identifier: MIT
"""Runs in the guest: what a program has had swapped out is gone from VRAM soon after its end, and no other page is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.serving import Server
from tests.system.swapped import command, say, used
from vramswap_gui.units import MIB

SIZE: Final = 48 * MIB
PAGED_OUT: Final = 24 * MIB
KEPT: Final = 8 * MIB
#: So many of the pages have to be in VRAM; some that are in use at that moment stay in memory.
LEAST: Final = PAGED_OUT // 4096 * 3 // 4
#: What each page of a program begins with, and where simulated VRAM lies.
MARKS: Final = {"gone": b"this is to be forgotten, by all", "kept": b"this is to be kept, page by page"}
VRAM: Final = Path(os.environ["FAKEGPU_DIR"])
_PAGED_OUT: Final = """
import mmap, sys
size, mark = int(sys.argv[1]), sys.argv[2].encode()
memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(0, size, 4096):
    memory[page : page + len(mark) + 8] = mark + b"%8d" % page
memory.madvise(21)  # MADV_PAGEOUT, see madvise(2); the module does not name it
print("swapped", flush=True)
sys.stdin.read()
for page in range(0, size, 4096):
    assert memory[page : page + len(mark) + 8] == mark + b"%8d" % page, page
"""


def start(size: int, mark: bytes) -> subprocess.Popen[bytes]:
    program = subprocess.Popen(
        [sys.executable, "-c", _PAGED_OUT, str(size), mark.decode()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert program.stdout is not None
    assert program.stdout.readline() == b"swapped\n"
    return program


def found(mark: bytes) -> int:
    """How many pages in VRAM are of a program."""
    return sum(path.read_bytes().count(mark) for path in VRAM.glob("vram-*"))


def main() -> None:
    server = Server("--transport", *sys.argv[1:2] or ["auto"])
    device = server.ask("add", size=SIZE)["device"]
    queue = Path(f"/sys/block/{Path(device).name}/queue")
    assert int((queue / "discard_max_bytes").read_text()) == 2 * MIB
    command("mkswap", device)
    command("swapon", "--discard=pages", device)
    kept = start(KEPT, MARKS["kept"])
    gone = start(PAGED_OUT, MARKS["gone"])
    # The call returns while the last of its writes are under way, megabytes of them where the server is slow.
    before = wait_for(lambda: pages if (pages := found(MARKS["gone"])) >= LEAST else 0, "pages in VRAM")
    say(f"{used(device) // MIB} MiB are swapped, {before} pages of those to be forgotten")
    gone.kill()
    gone.wait()
    began = time.monotonic()
    # The kernel forgets clusters; what shares one with pages of somebody else stays for now.
    wait_for(lambda: found(MARKS["gone"]) <= before // 8, "VRAM to forget")
    say(f"{found(MARKS['gone'])} are left after {time.monotonic() - began:.1f} s: {server.ask('counters')}")
    assert server.ask("counters")["bytes_discarded"] >= before * 4096 // 2
    kept.communicate()
    assert kept.returncode == 0
    command("swapoff", device)
    server.ask("remove", index=0)
    assert not any(found(mark) for mark in MARKS.values())
    server.ask("quit")
    assert server.process.wait() == 0
    say("all done")


if __name__ == "__main__":
    main()
