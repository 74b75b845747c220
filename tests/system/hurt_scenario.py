# SPDX-License-Identifier: MIT
"""Runs in the guest: a bit flips in VRAM, and one on the way out of it, with pages as they are and packed.

What was hurt on the way nobody notices. What was hurt where it lies ends the program whose page it is, and no other:
all that they have had swapped out comes back, and the swap can be turned off.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.fakegpu import FakeGpu
from tests.support.waiting import wait_for
from tests.system.fill import PAGE, page
from tests.system.serving import Server
from tests.system.swapped import command, say, still_in_memory, used
from vramswap_gui.units import MIB

SIZE: Final = 16 * MIB
#: Of the pool, which has to hold that whatever it is.
EXTENT: Final = 32 * MIB
EACH: Final = 2 * MIB
#: The seeds of programs, one after the other; the second one's pages are hurt.
FIRST, VICTIM, LAST = PROGRAMS = (1, 2, 3)
#: So many of them: some may be in memory still.
HURT: Final = 64
#: Of memory, besides what is free.
HOG: Final = 8 * MIB
#: A program that has its pages swapped out, and reads them when its input ends.
_PROGRAM: Final = """
import mmap, sys
from tests.system.fill import PAGE, page
seed, size = int(sys.argv[1]), int(sys.argv[2])
memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for number in range(size // PAGE):
    memory[number * PAGE : (number + 1) * PAGE] = page(seed, 0, number)
memory.madvise(21)  # MADV_PAGEOUT, see madvise(2); the module does not name it
print("swapped", flush=True)
sys.stdin.read()
for number in range(size // PAGE):
    assert memory[number * PAGE : (number + 1) * PAGE] == page(seed, 0, number), number
"""


def start(seed: int) -> subprocess.Popen[bytes]:
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(seed), str(EACH)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert program.stdout is not None
    assert program.stdout.readline() == b"swapped\n"
    return program


def end(program: subprocess.Popen[bytes]) -> int:
    """Have it read its pages; the status with which it ends."""
    program.communicate()
    return program.returncode


def are_out(device: str) -> bool:
    """Whether most of what the programs have is in memory no more, after somebody else wanted that."""
    both, all_of_it = still_in_memory(HOG), used(device)
    say(f"{all_of_it / MIB:.1f} MiB are swapped, {both / MIB:.1f} of them in memory too")
    return all_of_it - both > len(PROGRAMS) * EACH - EACH // 2


def hurt(gpu: FakeGpu) -> int:
    """Flip a bit in pages of a program that are in VRAM, wherever they lie; how many there were."""
    path = max(gpu.folder.glob("vram-*"), key=lambda path: path.stat().st_size)
    stored = path.read_bytes()
    places = [stored.find(page(VICTIM, 0, number)) for number in random.Random(1).sample(range(EACH // PAGE), HURT)]
    found = [place for place in places if place >= 0]
    with path.open("r+b") as file:
        for place in found:
            file.seek(place + PAGE // 3)
            file.write(bytes([stored[place + PAGE // 3] ^ 0x10]))
    return len(found)


def suffer(gpu: FakeGpu, packed: bool) -> None:
    server = Server(*(["--compression", "lz4"] if packed else []))
    if packed:
        server.ask("extend", size=EXTENT)
    device = server.ask("add", size=SIZE)["device"]
    command("mkswap", device)
    command("swapon", "--priority", "1000", device)
    programs = {seed: start(seed) for seed in PROGRAMS}
    # What is written out stays in memory as well until somebody else wants that.
    wait_for(lambda: are_out(device), "pages to be in memory no more")
    gpu["flips_out"] = 1
    assert end(programs[FIRST]) == 0
    assert gpu["flips_out"] == 0
    assert server.ask("status")["damaged"] == [1, 0]
    count = hurt(gpu)
    say(f"one page was right the second time; {count} are hurt now, where they lie")
    assert count >= HURT // 2
    ended = end(programs[VICTIM])
    mended, lost = server.ask("status")["damaged"]
    say(f"the program that has them ended with {ended}; {mended} pages were right the second time, {lost} were not")
    assert ended == -signal.SIGBUS
    assert mended == 1 and lost > 0
    assert end(programs[LAST]) == 0
    command("swapoff", device)
    server.ask("remove", index=0)
    server.ask("quit")
    assert server.process.wait() == 0
    wait_for(lambda: not list(Path("/sys/block").glob("nbd*/pid")), "the device to go")


def main(stores: Sequence[str]) -> None:
    # One page at a time, so that it is clear who wants it.
    Path("/proc/sys/vm/page-cluster").write_text("0")
    gpu = FakeGpu(Path(os.environ["FAKEGPU_DIR"]), Path(os.environ["LD_LIBRARY_PATH"]))
    for store in stores:
        say(f"pages are {store}")
        suffer(gpu, store == "packed")
    say("all done")


if __name__ == "__main__":
    main(sys.argv[1:])
