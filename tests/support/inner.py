# SPDX-License-Identifier: MIT
"""A small pytest run in a process of its own, for tests of what the tests themselves rely on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
#: As in tests/conftest.py.
PLUGINS: Final = ("tests.support.session", "tests.support.hung", "tests.support.skips")
#: Of what is installed, what these need; to import the rest takes ten times as long as such a run.
_NEEDED: Final = ("-p", "xdist", "-p", "pytest_timeout", "-p", "no:cacheprovider")


def run(
    folder: Path, test: str, *options: str, before: Sequence[str] = (), unset: Sequence[str] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``test``, the text of a module, in ``folder`` with the plugins that are ours.

    ``before`` is put before the command; the environment is ours without ``unset`` and with ``environment``.
    """
    (folder / "conftest.py").write_text(f"pytest_plugins = {PLUGINS}\n", encoding="utf-8")
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", *unset))}
    return subprocess.run(
        [*before, sys.executable, "-m", "pytest", *_NEEDED, f"--rootdir={folder}", *options, folder],
        cwd=folder, env=inherited | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
