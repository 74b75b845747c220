# SPDX-License-Identifier: MIT
"""The whole tray in other locales: capital letters, digits and encodings that code likes to forget."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.tray_driver import Tray
from tests.support.waiting import wait_for
from vramswap_gui.units import GIB


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("tr_TR", "UTF-8"), ("az_AZ", "UTF-8"), ("ar_EG", "UTF-8"), ("de_DE", "ISO-8859-1"), ("ja_JP", "EUC-JP")],
)
def test_it_does_all_it_does_elsewhere(language: str, encoding: str, tmp_path: Path) -> None:
    name = f"{language}.{encoding}"
    made = subprocess.run(
        ["localedef", "--inputfile", language, "--charmap", encoding, tmp_path / name], capture_output=True, check=False
    )
    # It ends with 1 for mere warnings.
    assert (tmp_path / name / "LC_CTYPE").exists(), made.stderr.decode()
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "XDG_", "LC_", "LANG"))}
    tray = Tray(
        kept | {
            "LOCPATH": str(tmp_path), "LC_ALL": name, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime),
            "QT_QPA_PLATFORM": "offscreen",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/no-session-bus",
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-system-bus",
        },
        "--show",
    )  # fmt: skip
    tray.wait(visible=True, mode="off")
    wait_for(lambda: tray.state()["menu"], "the menu")
    tray.do("menu", "toggle")
    tray.wait(calls=[["start"]], checked=True)
    tray.do("menu", "settings")
    tray.wait(editable=True)
    tray.do("enter", {"headroom": GIB, "release_after": 700})
    tray.do("apply")
    wait_for(lambda: ["set_config", {"headroom": GIB, "release_after": 700}] in tray.state()["calls"], "the settings")
    tray.do("menu", "check")
    wait_for(lambda: "doctor" in tray.state()["windows"], "the check")
    tray.do("close")
    assert tray.end() == (0, "")
