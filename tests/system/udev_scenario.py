# SPDX-License-Identifier: MIT
"""Runs in the guest: a real udevd looks at the devices, at moments when nobody can serve them.

When a writer closes a device, as swapoff does, udevd reads it again. With no engine to serve it that look waits for the
server, and the server must not wait for that look. The rule that the package brings keeps udevd away from our devices,
and is tried afterwards; where it is not installed nothing may hang either.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from tests.demo.plan import Plan
from tests.demo.stack import BIN, Stack, running
from tests.support.ctl import server_pid, status
from tests.support.waiting import wait_for
from tests.system.lent import attached, ctl, engines, place, state, swaps
from tests.system.swapped import command, say
from vramswap_gui.units import MIB

SMALL: Final = "24M"
LARGE: Final = "40M"
TRIES: Final = 3
RULE: Final = Path("resources/udev/60-nbd-vramswap.rules")
RULES: Final = Path("/run/udev/rules.d")
UDEVD: Final = "/lib/systemd/systemd-udevd"
#: A driver that no engine can be started with, and one that works.
OLD_DRIVER: Final = 11000
DRIVER: Final = 13000
#: Law 4.
STATUS_SECONDS: Final = 5.0


def smaller_without_an_engine(stack: Stack) -> None:
    """A segment is to go while no engine can start; the server goes on, and everything is well once one can."""
    ctl(stack, "size", LARGE)
    server = server_pid(stack)
    stack.gpu["driver_version"] = OLD_DRIVER
    os.kill(engines(stack)[0], signal.SIGKILL)
    changing = subprocess.Popen(
        [str(BIN / "vramswapctl"), "size", SMALL],
        env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    slowest = 0.0
    for _ in range(8):
        began = time.monotonic()
        status(stack)
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.3)
    assert state(server) != "D", "the server waits for the kernel"
    stack.gpu["driver_version"] = DRIVER
    said, _ = changing.communicate()
    wait_for(lambda: status(stack)["state"] == "on" and engines(stack), "it to be on again")
    say(f"smaller without an engine: {changing.returncode} {said.strip()}; a status took at most {slowest:.1f} s")
    # A guest that shares its core with others is slow in all it does.
    assert slowest < 4 * STATUS_SECONDS
    command("dd", f"if={swaps()[0]}", "of=/dev/null", "bs=4096", "count=1", "iflag=direct")


def watched(device: str) -> bool:
    """Whether udevd watches a device: it has a link from the watch to it, named by its number."""
    number = Path(device).stat().st_rdev
    name = f"b{os.major(number)}:{os.minor(number)}"
    return any(name in (link.name, str(link.readlink())) for link in Path("/run/udev/watch").glob("*"))


def known(device: str) -> str:
    return command("udevadm", "info", "--query=property", f"--name={device}")


def with_the_rule(stack: Stack) -> None:
    """Our devices are neither watched nor read."""
    ctl(stack, "off")
    wait_for(lambda: not attached(), "the devices to be let go")
    shutil.copy(RULE, RULES)
    command("udevadm", "control", "--reload")
    ctl(stack, "on")
    command("udevadm", "settle", "--timeout=60")
    device = swaps()[0]
    say(known(device))
    assert "UDISKS_IGNORE=1" in known(device)
    assert "ID_FS_TYPE" not in known(device)
    assert not watched(device)
    ctl(stack, "size", LARGE)
    command("udevadm", "settle", "--timeout=60")
    assert not any(watched(one) for one in swaps())
    for _ in range(2):
        smaller_without_an_engine(stack)


def main() -> None:
    RULES.mkdir(parents=True)
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    with Path("/run/udev.log").open("wb") as log, subprocess.Popen([UDEVD], stdout=log, stderr=log) as udevd:
        wait_for(lambda: Path("/run/udev/control").exists(), "udevd")
        with running(plan, _prepare) as stack:
            ctl(stack, "on")
            command("udevadm", "settle", "--timeout=60")
            assert watched(swaps()[0]), "without the rule udevd watches"
            say("without the rule:\n" + known(swaps()[0]))
            for _ in range(TRIES):
                smaller_without_an_engine(stack)
            with_the_rule(stack)
            ctl(stack, "off")
        wait_for(lambda: not attached(), "the devices to be let go")
        udevd.terminate()
    say("all done")


def _prepare(stack: Stack) -> None:
    place(stack, f'size = {24 * MIB}\nmode = "off"\n')


if __name__ == "__main__":
    main()
