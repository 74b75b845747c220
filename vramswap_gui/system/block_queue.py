# SPDX-License-Identifier: MIT
"""How the kernel keeps the requests of a block device in order, below ``/sys/block``."""

from __future__ import annotations

import contextlib
from pathlib import Path

from vramswap_gui.paths import SCHEDULER


def without_scheduler(device: str, sys: Path = Path("/sys")) -> None:
    """Have the requests of the device at the path ``device`` go out as they come.

    There is no head to move, and what waits is a program's page. The kernel gives it mq-deadline, as to every device
    that had a single queue when it was made. Without the right to change that it only costs some processor time, so it
    is no error. Source: Documentation/block/switching-sched.rst.
    """
    with contextlib.suppress(OSError):
        (sys / "block" / Path(device).name / SCHEDULER).write_text("none")
