"""What scenarios with the whole product ask of it and of the guest: its verbs, its processes, its devices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.demo.stack import Stack


def ctl(stack: Stack, *arguments: str) -> str:
    done = stack.ctl(*arguments)
    assert done.returncode == 0, done
    return done.stdout


def status(stack: Stack) -> Any:
    return json.loads(ctl(stack, "status", "--json"))


def swaps() -> list[str]:
    return [line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]]


def keeper(stack: Stack) -> int:
    """The server's process, or 0. An engine that lost its keeper has the same command line, but another name."""
    mark = f"--control\0{stack.control}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "cmdline").read_bytes() and (process / "comm").read_text() == "vramswap-keeper\n":
                return int(process.name)
        except OSError:
            continue
    return 0


def engines(stack: Stack) -> list[int]:
    pid = keeper(stack)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if Path(f"/proc/{child}/comm").read_text() == "vramswap-engine\n"]


def attached() -> list[Path]:
    return list(Path("/sys/block").glob("nbd*/pid"))
