"""A skip that tests/conftest.py does not expect fails the run; an expected one does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


def run(folder: Path, test: str) -> subprocess.CompletedProcess[str]:
    """Run ``test`` (a module's text) under a conftest that is ours, plus one reason that is always expected."""
    (folder / "conftest.py").write_text(
        CONFTEST.read_text(encoding="utf-8").replace(
            "EXPECTED_SKIPS: Final[Mapping[str, Callable[[], bool]]] = {",
            "EXPECTED_SKIPS: Final[Mapping[str, Callable[[], bool]]] = {\n"
            '    "expected": lambda: True,\n    "impossible": lambda: False,',
        ),
        encoding="utf-8",
    )
    (folder / "test_it.py").write_text(f"import pytest\n{test}\ndef test_ok(): pass\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("test", "status"),
    [
        ("def test_a(): pytest.skip('expected, as declared')", 0),
        ("@pytest.mark.xfail\ndef test_a(): assert False", 0),
        ("def test_a(): pytest.skip('nobody knows')", 1),
        ("def test_a(): pytest.skip('impossible here')", 1),
        ("@pytest.mark.skip\ndef test_a(): pass", 1),
        ("@pytest.mark.skipif(True, reason='tool missing')\ndef test_a(): pass", 1),
        ("pytest.importorskip('no_such_module')", 1),
        ("pytest.skip('whole module', allow_module_level=True)", 1),
    ],
)
def test_skips(test: str, status: int, tmp_path: Path) -> None:
    done = run(tmp_path, test)
    assert done.returncode == status, done.stdout + done.stderr
    assert ("UNEXPECTED SKIPS" in done.stdout) == bool(status)
