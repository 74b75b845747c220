# SPDX-License-Identifier: MIT
"""What each command loads before it does anything: that is how long it takes to start, and in part what it holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from vramswap_gui.ctl import parser

#: Command → what it runs, how many modules of ours that may load, and whose others. Each of ours takes a millisecond.
STARTS: Final = {
    "vramswapctl --help": ("import vramswap_gui.ctl.main", 19, set()),
    "vramswapctl status": ("from vramswap_gui.ctl.main import main; main(['status'])", 30, {"dbus_next"}),
    "vramswap --version": ("import vramswap_gui.tray.main", 4, set()),
    "vramswap": (
        "import vramswap_gui.tray.application", 66,
        {"PySide6", "shiboken6", "shibokensupport", "signature_bootstrap", "qasync", "dbus_next"},
    ),
    "vramswap-helper": ("import vramswap_gui.helper.main", 73, {"dbus_next"}),
    "vramswap-server": ("import vramswap_gui.server.main", 73, {"cuda", "cython_runtime"}),
}  # fmt: skip
#: The standard library's and others' that bring dozens more along, which nothing here has a use for.
BURDENS: Final = {"email", "http", "urllib.request", "xml.sax", "unittest", "multiprocessing", "pydoc", "tomlkit", "gi"}


#: How many modules of whomever a command of vramswapctl may load, and those that look at the machine or measure it.
USUAL: Final = 175
#: The standard library has been in more parts since.
PARTS: Final = 46 if sys.version_info >= (3, 14) else 0
MORE: Final = {"doctor": 200, "report": 205, "bench": 200, "install": 190, "uninstall": 190}
#: Arguments with which a command comes no further than its code.
ARGUMENTS: Final = {
    "bench": ["--size", "0"], "size": ["1G"], "install": ["--root", "/nowhere"], "uninstall": ["--root", "/nowhere"],
}  # fmt: skip


def loaded_by(code: str, tmp_path: Path) -> set[str]:
    """What is loaded besides what Python itself needs.

    There is no bus for it. GLib, which D-Bus's library would load where it is, would be found.
    """
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi/__init__.py").touch()
    environment = os.environ | {
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/none", "PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; before = set(sys.modules); {code}; print(*set(sys.modules) - before)"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", STARTS)
def test_a_command_loads_what_it_needs(command: str, tmp_path: Path) -> None:
    code, most, others = STARTS[command]
    loaded = loaded_by(code, tmp_path)
    ours = {name for name in loaded if name.startswith("vramswap_gui")}
    assert len(ours) <= most, sorted(ours)
    top = {name.split(".")[0] for name in loaded - ours} - sys.stdlib_module_names
    assert {name for name in top if not name.startswith("_")} - others == set()
    assert loaded & BURDENS == set()
    if command.endswith(("--help", "--version")):
        assert loaded & {"asyncio", "logging", "socket", "subprocess"} == set(), "for what is only said"


@pytest.mark.parametrize("command", parser.COMMANDS)
def test_each_command_of_the_command_line_has_its_bound(command: str, tmp_path: Path) -> None:
    """Each is run as far as it comes without a helper, so that what it loads late counts too."""
    arguments = [command, *ARGUMENTS.get(command, [])]
    loaded = loaded_by(f"from vramswap_gui.ctl.main import main; main({arguments})", tmp_path)
    print(f"\n{command}: {len(loaded)} modules")
    assert f"vramswap_gui.ctl.commands.{parser.COMMANDS[command].run.partition('.')[0]}" in loaded
    assert len(loaded) <= MORE.get(command, USUAL) + PARTS, sorted(loaded)
    assert loaded & BURDENS == set()
