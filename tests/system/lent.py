# SPDX-License-Identifier: MIT
"""What scenarios with the whole product ask of it and of the guest: its verbs, its processes, its devices."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.demo.stack import Stack
from tests.support.children import children
from tests.support.ctl import server_pid
from tests.system.swapped import say


def place(stack: Stack, settings: str) -> None:
    """Where the guest has what is simulated, and the settings."""
    stack.libraries = Path(os.environ["LD_LIBRARY_PATH"])
    # Simulated VRAM must not be swapped itself.
    stack.gpu_folder = Path("/run/gpu/card")
    stack.config.write_text(settings)


def ctl(stack: Stack, *arguments: str) -> str:
    """What ``vramswapctl`` prints; it must succeed."""
    began = time.monotonic()
    done = stack.ctl(*arguments)
    assert done.returncode == 0, f"vramswapctl {' '.join(arguments)}: {done.stdout}{done.stderr}"
    say(f"vramswapctl {' '.join(arguments)}: {time.monotonic() - began:.1f} s")
    return done.stdout


def priorities() -> dict[str, int]:
    """Each swap of the kernel, with its priority."""
    lines = [line.split() for line in Path("/proc/swaps").read_text().splitlines()[1:]]
    return {fields[0]: int(fields[4]) for fields in lines}


def swaps() -> list[str]:
    return list(priorities())


def engines(stack: Stack) -> list[int]:
    return [child for child in children(server_pid(stack)) if _name(child) == "vramswap-engine\n"]


def _name(pid: int) -> str:
    """Empty when it has just ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text()
    return ""


def state(pid: int) -> str:
    """One letter, see proc_pid_stat(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def is_on(stack: Stack) -> bool:
    """Whether it is on, and an engine serves."""
    if not (server_pid(stack) and engines(stack)):
        # What asks the helper takes its time in a machine that has no memory left.
        return False
    found = stack.ctl("status", "--json")
    return found.returncode == 0 and json.loads(found.stdout)["state"] == "on"


def attached() -> list[Path]:
    """Devices that are served, or were and wait for it."""
    return [*Path("/sys/block").glob("nbd*/pid"), *Path("/sys/block").glob("ublkb*")]


@contextlib.contextmanager
def told(stack: Stack) -> Iterator[None]:
    """When what is inside fails: what the helper, the server and the kernel said, and what ours are doing in that."""
    try:
        yield
    except BaseException:
        for log in (*sorted((stack.folder / "logs").iterdir()), stack.control.with_name("server.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace') if log.exists() else ''}", flush=True)
        # With what it knew of its memory when it had to end a program.
        kernel = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
        print(f"--- kernel\n{kernel[-20000:]}", flush=True)
        for thread in Path("/proc").glob("[0-9]*/task/*"):
            with contextlib.suppress(OSError):
                name = (thread / "comm").read_text().strip()
                if name.startswith("vramswap"):
                    state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
                    command = (thread / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    print(
                        f"--- {name} {thread} {state} {command}", (thread / "stack").read_text(), sep="\n", flush=True
                    )
        raise
