# SPDX-License-Identifier: MIT
"""Kernels of Debian's, by the name of their package, from its archive: what is needed to boot one.

They are kept in ``build/kernels``, and fetched anew when that is gone.
"""

from __future__ import annotations

import fcntl
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
KERNELS: Final = ROOT / "build/kernels"
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_SOURCE: Final = "deb [signed-by={keyring}] http://deb.debian.org/debian {suite} main\n"
_PACKAGE: Final = "linux-image-amd64"
#: In the order in which they can be loaded; they are not compressed any more.
MODULES: Final = ("netfs", "9pnet", "9pnet_virtio", "9p", "nbd", "ublk_drv")
_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class DebianKernel:
    """Where a kernel and its modules lie."""

    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def modules(self) -> list[Path]:
        return [self.folder / f"{name}.ko" for name in MODULES]


def cached(suite: str) -> DebianKernel | None:
    """The kernel of a release, if it is here already."""
    kernel = DebianKernel(KERNELS / suite)
    return kernel if kernel.image.is_file() else None


def get(suite: str) -> DebianKernel | None:
    """The current kernel of a release such as ``sid``; None when it cannot be had."""
    KERNELS.mkdir(parents=True, exist_ok=True)
    with (KERNELS / f"{suite}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kernel = cached(suite)
        if kernel is not None or shutil.which("apt-get") is None or not _KEYRING.is_file():
            return kernel
        with tempfile.TemporaryDirectory(dir=KERNELS) as name:
            try:
                _fetch(suite, Path(name))
            except (OSError, subprocess.SubprocessError, LookupError, ValueError):
                return None
            (Path(name) / "kernel").rename(KERNELS / suite)
        return cached(suite)


def _fetch(suite: str, work: Path) -> None:
    """Download and unpack. apt works in a folder of its own, with no list of the machine's."""
    (work / "sources.list").write_text(_SOURCE.format(keyring=_KEYRING, suite=suite), encoding="ascii")
    for folder in ("lists/partial", "cache/archives/partial", "kernel"):
        (work / folder).mkdir(parents=True)
    _apt(work, "apt-get", "update", "--quiet")
    [image] = [name for name in _depends(work, _PACKAGE) if name.startswith("linux-image-")]
    # Newer ones are cut in pieces.
    parts = [name for name in _depends(work, image) if re.match(r"linux-(binary|modules)-\d", name)]
    _apt(work, "apt-get", "download", "--quiet", *(parts or [image]))
    wanted = {f"{name}.ko": f"{name}.ko" for name in MODULES} | {f"{name}.ko.xz": f"{name}.ko" for name in MODULES}
    for package in work.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", package, work / "tree"], check=True, timeout=_SECONDS)
    for path in _files(work / "tree"):
        if path.name.startswith("vmlinuz"):
            shutil.copyfile(path, work / "kernel/vmlinuz")
        elif path.name in wanted:
            data = path.read_bytes()
            target = work / "kernel" / wanted[path.name]
            target.write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
    for name in ("vmlinuz", *(f"{name}.ko" for name in MODULES)):
        if not (work / "kernel" / name).is_file():
            raise LookupError(name)


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _depends(work: Path, package: str) -> list[str]:
    found = _apt(work, "apt-cache", "depends", package)
    return re.findall(r"^  Depends: (\S+)$", found, re.MULTILINE)


def _apt(work: Path, program: str, *arguments: str) -> str:
    options = {
        "Dir::Etc::SourceList": work / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists", "Dir::Cache": work / "cache", "Dir::State::Status": "/dev/null",
        "APT::Sandbox::User": "", "Acquire::Languages": "none", "Acquire::Retries": "0", "Acquire::http::Timeout": "30",
    }  # fmt: skip
    command = [program, *(f"--option={key}={value}" for key, value in options.items()), *arguments]
    environment = os.environ | {"LC_ALL": "C"}
    done = subprocess.run(
        command, cwd=work, env=environment, check=True, timeout=_SECONDS, capture_output=True, text=True
    )
    return done.stdout
