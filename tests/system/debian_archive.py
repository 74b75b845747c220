# SPDX-License-Identifier: MIT
"""Files of Debian's packages, of whatever release, from its archive.

They are kept in ``build/kernels``, and fetched anew when that is gone.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
KERNELS: Final = ROOT / "build/kernels"
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCE: Final = "deb [signed-by={keyring}] http://deb.debian.org/debian {suite} main\n"
_SECONDS: Final = 600.0


class Archive:
    """A release's packages. apt works in a folder of its own, with no list of the machine's."""

    def __init__(self, suite: str, work: Path) -> None:
        self._work = work
        self._tree = work / "tree"
        (work / "sources.list").write_text(_SOURCE.format(keyring=_KEYRING, suite=suite), encoding="ascii")
        for folder in ("lists/partial", "cache/archives/partial"):
            (work / folder).mkdir(parents=True)
        self._apt("apt-get", "update", "--quiet")

    def depends(self, package: str) -> list[str]:
        return re.findall(r"^  Depends: (\S+)$", self._apt("apt-cache", "depends", package), re.MULTILINE)

    def files(self, *packages: str) -> Iterator[Path]:
        """All of the packages' files, below some folder."""
        self._apt("apt-get", "download", "--quiet", *packages)
        for package in self._work.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, self._tree], check=True, timeout=_SECONDS)
        yield from (path for path in self._tree.rglob("*") if path.is_file() and not path.is_symlink())

    def _apt(self, program: str, *arguments: str) -> str:
        work = self._work
        options = {
            "Dir::Etc::SourceList": work / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": work / "lists", "Dir::Cache": work / "cache", "Dir::State::Status": "/dev/null",
            "APT::Sandbox::User": "", "Acquire::Languages": "none", "Acquire::Retries": "0",
            "Acquire::http::Timeout": "30",
        }  # fmt: skip
        command = [program, *(f"--option={key}={value}" for key, value in options.items()), *arguments]
        done = subprocess.run(
            command, cwd=work, env=os.environ | {"LC_ALL": "C"}, check=True, timeout=_SECONDS, capture_output=True,
            text=True,
        )  # fmt: skip
        return done.stdout


def kept(name: str, suite: str, take: Callable[[Archive, Path], None]) -> Path | None:
    """The folder of that name, which ``take`` fills with what it wants of a release; None when that cannot be had.

    ``take`` may raise LookupError where something is not there.
    """
    KERNELS.mkdir(parents=True, exist_ok=True)
    folder = KERNELS / name
    with (KERNELS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        if shutil.which("apt-get") is None or not _KEYRING.is_file():
            return None
        with tempfile.TemporaryDirectory(dir=KERNELS) as work:
            made = Path(work) / "made"
            made.mkdir()
            try:
                take(Archive(suite, Path(work)), made)
            except (OSError, subprocess.SubprocessError, LookupError, ValueError):
                return None
            made.rename(folder)
    return folder
