"""Runs in the guest: everything but the GPU is real, from ``vramswapctl on`` to pages in VRAM and back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from tests.demo.plan import Plan
from tests.demo.stack import Stack, running
from tests.system.swapped import Filling, available, used, wait_for
from vramswap_gui.units import MIB

SIZE: Final = 64 * MIB
SMALL: Final = 16 * MIB
EXCESS: Final = 52 * MIB
SWAPPED: Final = 32 * MIB
DEVICE: Final = "/dev/nbd0"


def say(text: str) -> None:
    print(f"{time.monotonic():7.1f} {text}", flush=True)


def ctl(stack: Stack, *arguments: str) -> str:
    done = stack.ctl(*arguments)
    assert done.returncode == 0, done
    return done.stdout


def status(stack: Stack) -> Any:
    return json.loads(ctl(stack, "status", "--json"))


def swaps() -> list[str]:
    return [line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]]


def refused_caller(stack: Stack) -> None:
    """Somebody without a session may not turn it on."""
    done = subprocess.run(
        ["setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups", "dbus-send", "--system",
         "--print-reply", "--dest=org.vramswap.Helper", "/org/vramswap/Helper", "org.vramswap.Helper1.Start"],
        env=stack.environment, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "org.vramswap.Error.NotAuthorized" in done.stderr, done.stderr
    assert swaps() == []


def kill_helper(stack: Stack) -> None:
    stack.kill("helper")
    stack.start_helper()
    now = status(stack)
    assert (now["state"], now["size"]) == ("on", SIZE), now
    say("helper killed; the next one took over what runs")


def kill_engine(stack: Stack) -> None:
    (engine,) = engines(stack)
    os.kill(engine, signal.SIGKILL)
    wait_for(lambda: engines(stack) not in ([], [engine]), "a new engine")
    say(f"engine {engine} killed; the next one serves")


def keeper(stack: Stack) -> int:
    """The server's process, or 0."""
    mark = f"--control\0{stack.control}\0".encode()
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "cmdline").read_bytes():
                parents[int(process.name)] = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    return next((pid for pid, parent in parents.items() if parent not in parents), 0)


def engines(stack: Stack) -> list[int]:
    pid = keeper(stack)
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def fill_and_disturb(stack: Stack) -> None:
    """More pages than memory holds; meanwhile helper and engine die and the size changes. Every page must be right."""
    size = available() + EXCESS
    say(f"filling {size // MIB} MiB")
    filling = Filling.start(size, seed=3, rounds=3)
    wait_for(lambda: used(DEVICE) >= SWAPPED, "pages in VRAM")
    say(f"{used(DEVICE) // MIB} MiB swapped to {DEVICE}")
    kill_helper(stack)
    kill_engine(stack)
    ctl(stack, "size", str(SIZE + SMALL))
    say(f"grown to {swaps()}")
    assert len(swaps()) == 2
    ctl(stack, "size", str(SIZE))
    say(f"shrunk to {swaps()}")
    assert swaps() == [DEVICE]
    most = 0
    while filling.running():
        most = max(most, used(DEVICE))
        time.sleep(0.1)
    filling.finish()


def bring_home_without_a_keeper(stack: Stack) -> None:
    """The keeper is dead, the engine serves on: the pages come home, and the devices are let go."""
    pid = keeper(stack)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: status(stack)["state"] == "failed", "the helper to see it")
    assert stack.ctl("on").returncode == 1
    stack.kill("helper")
    stack.start_helper()
    now = status(stack)
    assert (now["state"], now["error"]["code"], now["size"]) == ("failed", "ServerFailed", SIZE), now
    ctl(stack, "off")
    assert swaps() == []
    wait_for(lambda: not attached(), "the devices to be let go")
    say("keeper killed; every page came home all the same")


def attached() -> list[Path]:
    return list(Path("/sys/block").glob("nbd*/pid"))


def _prepare(stack: Stack) -> None:
    stack.libraries = Path(os.environ["LD_LIBRARY_PATH"])
    # Simulated VRAM must not be swapped itself.
    stack.gpu_folder = Path("/run/gpu/card")
    stack.config.write_text(f"size = {SIZE}\n")


def main() -> None:
    plan = Plan(gpu="a test", kernel="", polkit="", display="")
    with running(plan, _prepare) as stack:
        found = {check["name"]: check["verdict"] for check in json.loads(stack.ctl("doctor", "--json").stdout)}
        assert (found["Kernel module nbd"], found["Helper"]) == ("ok", "ok"), found
        refused_caller(stack)
        say(ctl(stack, "on"))
        assert swaps() == [DEVICE]
        assert Path("/proc/swaps").read_text().split()[-1] == "1000"
        fill_and_disturb(stack)
        ctl(stack, "off")
        assert (swaps(), attached(), keeper(stack)) == ([], [], 0)
        say("off: nothing is left")
        say(ctl(stack, "on"))
        bring_home_without_a_keeper(stack)
        say(ctl(stack, "on"))
        ctl(stack, "off")
    assert (swaps(), attached()) == ([], [])
    say("all done")


if __name__ == "__main__":
    main()
