# SPDX-License-Identifier: MIT
"""Runs in the guest: the whole way, from ``vramswapctl`` over D-Bus and polkit to pages that the kernel swaps to VRAM.

Helper and engine are killed meanwhile; what was written is read back, and nothing is left when it is off.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack
from tests.support.ctl import status
from tests.support.waiting import wait_for
from tests.system.lent import ctl, priorities
from tests.system.swapped import Filling, available, command, say, used
from vramswap_gui.api.dbus import BUS_NAME, INTERFACE, OBJECT_PATH
from vramswap_gui.units import MIB

#: More than the fill needs: helpers and commands that start meanwhile drive out as many pages again.
SIZE: Final = 96 * MIB
LARGER: Final = 160 * MIB
PRIORITY: Final = 1000
FIRST: Final = "/dev/nbd0"
SECOND: Final = "/dev/nbd1"
SWAPPED: Final = 32 * MIB
EARLY: Final = 4 * MIB
#: How much more than the free memory a fill takes, so that more than SWAPPED must be in swap.
EXCESS: Final = 44 * MIB
#: What of memory and swap together stays free at the most, when there has to be too little for the second segment.
RESIZING_LEAVES: Final = 36 * MIB
RESIZES: Final = (11, 12)
LOAD: Final = 32 * MIB
#: The fill that sleeps, so that its pages are what the other one drives out.
ASLEEP: Final = 96 * MIB
#: How much less than the swap programs can have, where the kernel promises no more than there is.
LITTLE: Final = 8 * MIB
SERVER: Final = "vramswap_gui.server.main"


def servers() -> dict[int, int]:
    """The server's processes, with the parent of each: the keeper, and its child the engine."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if SERVER.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    return found


def engine() -> int:
    """The engine's process id, 0 while there is none."""
    found = servers()
    return next((pid for pid, parent in found.items() if parent in found), 0)


def restart_helper(stack: Stack) -> None:
    """A helper that starts takes over the swap that it finds."""
    stack.start_helper()
    found = status(stack)
    assert found["state"] == "on", found
    assert found["error"] is None
    assert {segment["device"] for segment in found["segments"]} == set(priorities())
    say(f"the helper is back, {found['used'] // MIB} MiB of {found['size'] // MIB} MiB swapped")


def fill_while_the_helper_dies(stack: Stack) -> None:
    """The helper is killed while pages come and go; they do not need it."""
    size = available() + EXCESS
    say(f"filling {size // MIB} MiB")
    filling = Filling.start(size, seed=1)
    filling.reaches(SWAPPED, lambda: used(FIRST))
    say(f"{used(FIRST) // MIB} MiB swapped")
    stack.kill("helper")
    say("helper killed")
    restart_helper(stack)
    filling.finish()


def fill_asleep() -> Filling:
    """A fill that is stopped with its pages written, and not yet all of them read."""
    return Filling.resting(ASLEEP, seed=2)


def fill_while_all_die(stack: Stack) -> None:
    """The swap grows while pages are in it; then engine and helper are killed at once."""
    size = available() + EXCESS
    say(f"filling {size // MIB} MiB")
    filling = Filling.start(size, seed=3)
    filling.reaches(EARLY, lambda: used(FIRST))
    ctl(stack, "size", str(LARGER))
    assert priorities() == {FIRST: PRIORITY, SECOND: PRIORITY - 1}
    # Not while the fill grows: as long as the swap is dead, that takes the last page of memory.
    wait_for(lambda: filling.lines, "the end of its growth")
    old = engine()
    os.kill(old, signal.SIGKILL)
    stack.kill("helper")
    killed = time.monotonic()
    say(f"engine {old} and helper killed, {(used(FIRST) + used(SECOND)) // MIB} MiB swapped")
    wait_for(lambda: engine() not in (0, old), "a new engine")
    say(f"a new engine after {time.monotonic() - killed:.2f} s")
    restart_helper(stack)
    filling.finish()


def resize_under_load(stack: Stack, seed: int) -> None:
    """Larger, until pages of the fill that sleeps are in what was added; then smaller, first when they do not fit."""
    ctl(stack, "size", str(LARGER))
    room = available() + LARGER - used(FIRST) - used(SECOND)
    # It keeps all that it has, so that there is no room.
    filling = Filling.resting(room - RESIZING_LEAVES, seed)
    before = priorities()
    refused = stack.ctl("size", str(SIZE))
    say(refused.stdout + refused.stderr.strip())
    os.kill(filling.process.pid, signal.SIGCONT)
    assert refused.returncode == 1
    assert "of pages are in VRAM, memory and other swap have room for" in refused.stderr
    assert priorities() == before == {FIRST: PRIORITY, SECOND: PRIORITY - 1}
    filling.finish()
    filling = Filling.start(LOAD, seed)
    say(f"{used(FIRST) // MIB} and {used(SECOND) // MIB} MiB swapped")
    assert used(SECOND) >= EARLY
    ctl(stack, "size", str(SIZE))
    assert priorities() == {FIRST: PRIORITY}
    say(f"smaller, {used(FIRST) // MIB} MiB swapped")
    filling.finish()


def check_doctor(stack: Stack) -> None:
    """This guest lacks a GPU on the PCI bus, so the doctor's verdict as a whole is not good."""
    found = {check["name"]: check for check in json.loads(stack.ctl("doctor", "--json").stdout)}
    assert found["Kernel module nbd"]["verdict"] == "ok", found
    assert found["Programs"]["verdict"] == "ok", found
    assert found["Helper"]["verdict"] == "ok", found


def check_refusal(stack: Stack) -> None:
    """Another user without a session may look and do nothing."""
    for method, allowed in ((f"{INTERFACE}.GetConfig", True), (f"{INTERFACE}.Start", False)):
        done = subprocess.run(
            ["setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups", "gdbus", "call", "--system",
             "--dest", BUS_NAME, "--object-path", OBJECT_PATH, "--method", method],
            env=stack.environment, capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
        say(f"{method} by another user: {done.stdout}{done.stderr}".rstrip())
        assert (done.returncode == 0) is allowed
        assert ("org.vramswap.Error.NotAuthorized" in done.stderr) is not allowed
    assert priorities() == {}


def strict_accounting(stack: Stack) -> None:
    """Where the kernel promises no more memory than there is, swap may have to stay although its pages had room."""
    proc = Path("/proc/sys/vm")
    before = (proc / "overcommit_ratio").read_text()
    values = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    promised, swap = (int(values[key].split()[0]) for key in ("Committed_AS", "SwapTotal"))
    # Programs can have a little less than the swap that is to go.
    (proc / "overcommit_kbytes").write_text(str(promised + ((SIZE - LITTLE) >> 10) - swap))
    (proc / "overcommit_memory").write_text("2")
    refused = stack.ctl("off")
    say(refused.stdout + refused.stderr.strip())
    assert refused.returncode == 1
    assert "vm.overcommit_memory=2" in refused.stderr and "Until then it stays." in refused.stderr, refused
    assert priorities() == {FIRST: PRIORITY}
    checks = {check["name"]: check for check in json.loads(stack.ctl("doctor", "--json").stdout)}
    assert any("vm.overcommit_memory=2" in json.dumps(check) for check in checks.values()), checks
    (proc / "overcommit_memory").write_text("0")
    (proc / "overcommit_ratio").write_text(before)


def check_nothing_is_left() -> None:
    assert priorities() == {}
    assert not list(Path("/sys/block").glob("nbd*/pid"))
    wait_for(lambda: not servers(), "the server's end")


def use(stack: Stack) -> None:
    check_doctor(stack)
    ctl(stack, "config", "size", str(SIZE))
    check_refusal(stack)
    ctl(stack, "on")
    assert priorities() == {FIRST: PRIORITY}
    assert status(stack)["simulated"] == ["gpu"]
    fill_while_the_helper_dies(stack)
    asleep = fill_asleep()
    fill_while_all_die(stack)
    say(f"{used(FIRST) // MIB} and {used(SECOND) // MIB} MiB swapped")
    assert used(FIRST) + used(SECOND) >= SWAPPED
    for seed in RESIZES:
        resize_under_load(stack, seed)
    assert used(FIRST) >= SWAPPED
    strict_accounting(stack)
    ctl(stack, "off")
    check_nothing_is_left()
    os.kill(asleep.process.pid, signal.SIGCONT)
    asleep.finish()


def main() -> None:
    stack = Stack(Plan(gpu="a test", kernel="", polkit="", display=""), libraries=Path(os.environ["LD_LIBRARY_PATH"]))
    # The GPU's folder holds what is VRAM elsewhere, so it must not be swapped.
    command("mount", "-t", "ramfs", "gpu", str(stack.folder / "gpu"))
    try:
        stack.start()
        # Simulated VRAM is memory, which what is added later would take from programs.
        stack.gpu.keep(LARGER)
        say("bus, polkit and helper run")
        use(stack)
    except BaseException:
        for log in (*sorted((stack.folder / "logs").iterdir()), stack.control.with_name("server.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace') if log.exists() else ''}", flush=True)
        raise
    assert stack.stop() == []
    say("all done")


if __name__ == "__main__":
    main()
