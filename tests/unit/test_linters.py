# SPDX-License-Identifier: MIT
"""The tree is clean under the linters that people and CI use."""

from __future__ import annotations

import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

pytestmark = pytest.mark.lint

ROOT = Path(__file__).parents[2]


def written(*patterns: str) -> list[str]:
    """The files of the checkout that match one of ``patterns``, relative to it.

    Git tells which those are: what is made beside them can be whole systems (build/desktops) and takes minutes to walk.
    """
    kept = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(kept, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return sorted(
        name
        for name in filter(None, names)
        if (ROOT / name).is_file() and any(fnmatch(Path(name).name, pattern) for pattern in patterns)
    )


def shell_scripts() -> list[str]:
    """Every file that ends in ``.sh`` or whose first line names a shell."""
    scripts = []
    for name in written("*"):
        with (ROOT / name).open("rb") as file:
            first = file.readline(64)
        if name.endswith(".sh") or (first.startswith(b"#!") and first.rstrip().endswith(b"sh")):
            scripts.append(name)
    return scripts


def passes(program: str, *arguments: str) -> None:
    """Run a linter in the checkout; its output is the failure's text."""
    beside = Path(sys.executable).parent / program
    path = str(beside) if beside.exists() else shutil.which(program)
    assert path, f"{program} is not installed; `make test` installs it (packaging/debian-packages.txt)"
    done = subprocess.run([path, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{program} {' '.join(arguments)}\n{done.stdout}{done.stderr}"


def test_ruff() -> None:
    passes("ruff", "check", ".")


def test_format() -> None:
    passes("ruff", "format", "--check", ".")


def test_spelling() -> None:
    passes("codespell")


@pytest.mark.timeout(1800)
def test_mypy() -> None:
    """Without what it remembers of the last time it takes minutes where others want the processor too."""
    passes("mypy")


def test_every_source_names_its_licence() -> None:
    done = subprocess.run([sys.executable, "packaging/spdx.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_shellcheck() -> None:
    scripts = shell_scripts()
    assert "packaging/setup.sh" in scripts and ".ci/run" in scripts
    passes("shellcheck", *scripts)


def test_desktop_file() -> None:
    files = written("*.desktop")
    assert files
    passes("desktop-file-validate", *files)


def test_xml() -> None:
    """polkit policy, D-Bus policy, metainfo and icons are well-formed."""
    files = written("*.policy", "org.*.conf", "*.xml", "*.svg")
    assert files
    passes("xmllint", "--nonet", "--noout", *files)
