# SPDX-License-Identifier: MIT
"""Runs in the guest: several scenarios, each in a process of its own, because an emulated machine takes long to start.

Each argument is a scenario's module and its arguments, as one word. The first one that fails is the last.
"""

from __future__ import annotations

import os
import runpy
import shlex
import sys

# What they have in common is loaded once.
from tests.system import serving as serving
from tests.system.swapped import say


def run(command: str) -> int:
    """Exit status of one."""
    say(f"--- {command}")
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    name, *arguments = shlex.split(command)
    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(next((status for status in map(run, sys.argv[1:]) if status), 0))
