# SPDX-License-Identifier: MIT
"""Every command under locales of every kind: what it says can be written, and means the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.demo.stack import BIN, Stack
from tests.support.waiting import PATIENCE

#: Locale → what it is made of: Turkish and Azerbaijani letters, encodings that lack most signs, right to left.
LOCALES: Final = {
    "tr_TR.UTF-8": ("tr_TR", "UTF-8"),
    "az_AZ.UTF-8": ("az_AZ", "UTF-8"),
    "tr_TR.ISO-8859-9": ("tr_TR", "ISO-8859-9"),
    "de_DE.ISO-8859-1": ("de_DE", "ISO-8859-1"),
    "ru_RU.KOI8-R": ("ru_RU", "KOI8-R"),
    "ja_JP.EUC-JP": ("ja_JP", "EUC-JP"),
    "ar_EG.UTF-8": ("ar_EG", "UTF-8"),
}
NAMES: Final = (*LOCALES, "C", "POSIX", "xx_NONE.UTF-8")
#: One that is there, and one that is not; the others are for releases.
ALWAYS: Final = ("tr_TR.ISO-8859-9", "xx_NONE.UTF-8")
COMMANDS: Final = (
    (), ("--help",), ("--version",), ("status",), ("status", "-v"), ("status", "--json"), ("on",), ("status", "-v"),
    ("size",), ("size", "128M"), ("mode",), ("mode", "always"), ("config",), ("config", "--json"), ("config", "gpu"),
    ("config", "headroom", "1.25G"), ("doctor",), ("doctor", "--json"), ("report",), ("toggle",), ("toggle",),
    ("sleep",), ("wake",), ("cancel",), ("upgrade",), ("off",), ("mode", "off"), ("bench", "--help"),
    ("config", "gpu", "“Grafik→karte” \U0001f600"), ("size", "ⅷG"), ("mode", "I\u0307"), ("ı",), ("install",),
    ("uninstall", "--root", "/nonexistent/ş"),
)  # fmt: skip


@pytest.fixture
def locales(name: str, tmp_path: Path) -> Path:
    """A folder for LOCPATH, with the locale of that name if it is one."""
    if name in LOCALES:
        source, charmap = LOCALES[name]
        # It warns of what an encoding lacks by its exit status.
        made = subprocess.run(
            ["localedef", "--no-archive", "-i", source, "-f", charmap, str(tmp_path / name)],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert (tmp_path / name / "LC_CTYPE").exists(), made
    return tmp_path


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.release) for name in NAMES]
)
def test_every_command(make_stack: Callable[..., Stack], locales: Path, name: str) -> None:
    stack = make_stack(start=False)
    # Helper and server are started in it too.
    stack.environment |= {"LC_ALL": name, "LOCPATH": str(locales), "LANGUAGE": ""}
    stack.environment.pop("PYTHONIOENCODING", None)
    stack.start()
    for arguments in COMMANDS:
        done = subprocess.run(
            [str(BIN / "vramswapctl"), *arguments],
            env=stack.environment, capture_output=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        said = done.stderr.decode("latin-1")
        assert "Traceback" not in said, (arguments, said)
        assert done.returncode in (0, 1, 2), (arguments, said)
        if "--json" in arguments:
            json.loads(done.stdout)
        if done.returncode == 1 and arguments[:1] != ("doctor",):
            assert len(done.stderr.splitlines()) == 1 and said.startswith("vramswapctl: "), (arguments, said)
