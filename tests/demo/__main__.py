# SPDX-License-Identifier: MIT
"""Starts vramswap from the checkout on a bus of its own and stops it again; the machine is left as it was.

With a display the tray is started and stays until it is quit or Ctrl-C; without one the job is done on the command
line. Exit status 0 done, 1 failed (one line says what and what to do).
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

from tests.demo import job
from tests.demo.plan import look
from tests.demo.stack import BIN, DemoError, Stack, running

_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """The user wants it to end."""


def main() -> int:
    plan = look(os.environ)
    print(plan.banner, flush=True)
    for number in _ENDING:
        signal.signal(number, _interrupt)
    try:
        with running(plan) as stack:
            if plan.display:
                show_tray(stack)
            else:
                job.do(stack)
            _no_more_interrupts()
    except Interrupted:
        print("\nvramswap: stopped; everything that was started has ended.")
    except DemoError as error:
        print(f"vramswap: {error}", file=sys.stderr)
        return 1
    else:
        print("\nDone; everything that was started has ended.")
    return 0


def show_tray(stack: Stack) -> None:
    """Start the tray and wait until it is quit. Raises DemoError when it fails."""
    print("The tray is starting, with its window open. Quit in its menu, or Ctrl-C here, ends everything.", flush=True)
    command = [str(BIN / "vramswap"), "--show"]
    if stack.plan.kernel:
        command += ["--proc", str(stack.kernel)]
    status = stack.spawn("tray", command).wait()
    if status != 0:
        raise DemoError(
            f"the tray failed: {stack.last_words('tray')}. Its log is {stack.folder}/logs/tray; "
            f"`env -u {stack.plan.display} make run` shows the same on the command line."
        )


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    # Once is enough: a second Ctrl-C must not interrupt the way home of somebody's pages.
    _no_more_interrupts()
    raise Interrupted


def _no_more_interrupts() -> None:
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
