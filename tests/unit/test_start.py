# SPDX-License-Identifier: MIT
"""What each command loads before it does anything: that is how long it takes to start, and in part what it holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

#: Command → what it runs, how many modules of ours that may load, and whose others. Each of ours takes a millisecond.
STARTS: Final = {
    "vramswapctl status": ("from vramswap_gui.ctl.main import main; main(['status'])", 30, {"dbus_next"}),
    "vramswap --version": ("import vramswap_gui.tray.main", 4, set()),
    "vramswap": (
        "import vramswap_gui.tray.application", 66,
        {"PySide6", "shiboken6", "shibokensupport", "signature_bootstrap", "qasync", "dbus_next"},
    ),
    "vramswap-helper": ("import vramswap_gui.helper.main", 72, {"dbus_next"}),
    "vramswap-server": ("import vramswap_gui.server.main", 60, {"cuda", "cython_runtime"}),
}  # fmt: skip
#: The standard library's and others' that bring dozens more along, which nothing here has a use for.
BURDENS: Final = {"email", "http", "urllib.request", "xml.sax", "unittest", "multiprocessing", "pydoc", "tomlkit", "gi"}


@pytest.mark.parametrize("command", STARTS)
def test_a_command_loads_what_it_needs(command: str, tmp_path: Path) -> None:
    """There is no bus for it. GLib, which D-Bus's library would load where it is, would be found."""
    code, most, others = STARTS[command]
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi/__init__.py").touch()
    environment = os.environ | {
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/none", "PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; before = set(sys.modules); {code}; print(*set(sys.modules) - before)"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith("vramswap_gui")}
    assert len(ours) <= most, sorted(ours)
    top = {name.split(".")[0] for name in loaded - ours} - sys.stdlib_module_names
    assert {name for name in top if not name.startswith("_")} - others == set()
    assert loaded & BURDENS == set()
