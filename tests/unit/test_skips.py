# SPDX-License-Identifier: MIT
"""A skip that tests/support/skips.py does not expect fails the run; an expected one does not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import inner

#: Two more reasons than ours, of which one is always expected and the other never.
CONFTEST = """
from tests.support import skips
skips.EXPECTED_SKIPS |= {"expected": lambda: True, "impossible": lambda: False}
"""


CASES = [
    ("def test_a(): pytest.skip('expected, as declared')", 0),
    ("@pytest.mark.xfail\ndef test_a(): assert False", 0),
    ("def test_a(): pytest.skip('nobody knows')", 1),
    ("def test_a(): pytest.skip('impossible here')", 1),
    ("@pytest.mark.skip\ndef test_a(): pass", 1),
    ("@pytest.mark.skipif(True, reason='tool missing')\ndef test_a(): pass", 1),
    ("pytest.importorskip('no_such_module')", 1),
    ("pytest.skip('whole module', allow_module_level=True)", 1),
]


@pytest.mark.parametrize(
    ("test", "status", "how"), [(*case, ()) for case in CASES] + [(*CASES[n], ("-n", "1")) for n in (0, 2, 7)]
)
def test_skips(test: str, status: int, how: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(CONFTEST)
    text = f"import pytest\n{test}\ndef test_ok(): pass\n"
    done = inner.run(tmp_path, text, "-p", "plugin", *how, PYTHONPATH=f"{inner.ROOT}{os.pathsep}{tmp_path}")
    assert done.returncode == status, done.stdout + done.stderr
    assert ("UNEXPECTED SKIPS" in done.stdout) == bool(status)
