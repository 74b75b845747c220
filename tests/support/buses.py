# SPDX-License-Identifier: MIT
"""The two buses that people have, each empty, for everybody, and with no service to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.session_bus import CONFIG
from tests.support.sockets import accepts
from tests.support.waiting import wait_for

KINDS: Final = ("dbus-daemon", "dbus-broker")


class PlainBus:
    """One of them, running."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.path = folder / "bus"
        self.address = f"unix:path={self.path}"
        (folder / "services").mkdir()
        (folder / "bus.conf").write_text(CONFIG.format(folder=folder))
        daemon = ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile"]
        broker = [sys.executable, "-m", "tests.support.broker", str(self.path)]
        self.process = subprocess.Popen(daemon if kind == "dbus-daemon" else broker)
        wait_for(lambda: accepts(self.path), "the bus")

    def end(self) -> None:
        """The end of the bus."""
        self.process.terminate()
        self.process.wait()
