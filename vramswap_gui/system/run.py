# SPDX-License-Identifier: MIT
"""The one gate for starting programs. Names are looked up, never given to a shell."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

_LOG: Final = logging.getLogger("run")
#: Where administrators' programs are when PATH, as a desktop session has it, leaves them out.
_ADMIN_FOLDERS: Final = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; ``errors`` is what it wrote to stderr."""

    status: int
    output: str
    errors: str

    @property
    def complaint(self) -> str:
        """The last line of its errors, for a message."""
        return next((line.strip() for line in reversed(self.errors.splitlines()) if line.strip()), "it said nothing")


def find(program: str) -> str | None:
    """The path of a program, or None."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_ADMIN_FOLDERS}")


async def run(*command: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a program to its end; one that is missing ends with status 127. Cancelling kills it.

    ``environment``: besides this process's, and in place of what has it speak English.
    """
    path = find(command[0])
    if path is None:
        return Finished(127, "", f"{command[0]} is not installed")
    _LOG.debug("runs %s", shlex.join([path, *command[1:]]))
    process = await asyncio.create_subprocess_exec(
        path, *command[1:],
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | ({"LC_ALL": "C"} if environment is None else environment),
    )  # fmt: skip
    try:
        output, errors = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    done = Finished(process.returncode or 0, output.decode(errors="replace"), errors.decode(errors="replace"))
    _LOG.debug("%s ended with status %d and said: %s", command[0], done.status, done.errors.strip() or "nothing")
    return done


def start_detached(
    command: Sequence[str], log: Path, pass_fds: Sequence[int], environment: Mapping[str, str] | None = None
) -> int:
    """Start a program that outlives this one, in a session of its own; its output is added to ``log``. Returns its pid.

    Raises OSError.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=pass_fds,
            start_new_session=True, cwd="/", env=environment,
        )  # fmt: skip
    # It is meant to run on: without this the interpreter warns of a child that was never waited for.
    process.returncode = 0
    return process.pid


def become(command: Sequence[str]) -> NoReturn:
    """Go on as another program, run by this interpreter (execve(2)). Raises OSError."""
    os.execv(sys.executable, list(command))
