"""What this process is called in ps(1), in top(1) and in the journal."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from vramswap_gui.paths import THIS_PROCESS

#: The kernel keeps so many bytes (PR_SET_NAME(2const)).
LONGEST: Final = 15


def call_it(name: str, proc: Path = THIS_PROCESS) -> None:
    """Name this process; threads that it starts from now on have the name too. A failure is of no consequence."""
    with contextlib.suppress(OSError):
        (proc / "comm").write_text(name[:LONGEST])
