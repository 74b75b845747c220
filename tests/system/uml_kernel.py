# SPDX-License-Identifier: MIT
"""Kernels for guests in User-Mode Linux: the one that is installed, and Debian's newest.

From 6.16 on such a kernel can have its programs' system calls and page faults by seccomp(2) instead of ptrace(2), and
starts a program in a fifth of the time (the kernel's arch/um/Kconfig, and ``seccomp=`` in arch/um/os-Linux/start_up.c).
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.system.debian_archive import Archive, kept

_SUITE: Final = "sid"
_PROGRAM: Final = "linux.uml"
_PACKAGES: Final = ("user-mode-linux", "libc6")
#: Of the modules, those that scenarios load.
_MODULES: Final = ("nbd.ko", "zram.ko")
_INSTALLED: Final = Path("/usr/lib/uml/modules")
_MISSING: Final = "{} is not there; `make test` installs user-mode-linux and kmod (packaging/debian-packages.txt)"
#: What loads the program, and the library that it needs, of its own release: Debian 12's are too old for it. What the
#: program names as the former becomes the one in the working folder.
_LOADER: Final = "ld-linux-x86-64.so.2"
_LIBRARY: Final = "libc.so.6"
_LOADED_BY: Final = f"/lib64/{_LOADER}\0".encode()
_LOADED_HERE: Final = f"./{_LOADER}\0".encode()


@dataclass(frozen=True, slots=True)
class UmlKernel:
    """How it is started, and the folder with its modules."""

    program: Path
    modules: Path
    parameters: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def module(self, name: str) -> Path:
        return next(self.modules.rglob(f"{name}.ko"))


def installed() -> UmlKernel:
    """The one of this machine's release."""
    program = shutil.which(_PROGRAM)
    assert program, _MISSING.format(_PROGRAM)
    releases = sorted(_INSTALLED.glob("*/kernel"))
    assert releases, _MISSING.format(_INSTALLED)
    return UmlKernel(Path(program), releases[-1])


def newest() -> UmlKernel:
    """Debian's newest; the one that is installed where that cannot be had."""
    folder = kept("uml", _SUITE, _take)
    if folder is None:
        warnings.warn(f"no kernel for guests from Debian's archive ({_SUITE}): an older one takes longer", stacklevel=2)
        return installed()
    return UmlKernel(
        folder / _PROGRAM, folder, parameters=("seccomp=auto",), environment={"LD_LIBRARY_PATH": str(folder)},
        folder=folder,
    )  # fmt: skip


def _take(archive: Archive, folder: Path) -> None:
    wanted = {_PROGRAM, _LOADER, _LIBRARY, *_MODULES}
    for path in archive.files(*_PACKAGES):
        if path.name in wanted:
            shutil.copy(path, folder)
            wanted.remove(path.name)
    if wanted:
        raise LookupError(*wanted)
    program = folder / _PROGRAM
    before = program.read_bytes()
    if before.count(_LOADED_BY) != 1:
        raise LookupError(_LOADER)
    program.write_bytes(before.replace(_LOADED_BY, _LOADED_HERE.ljust(len(_LOADED_BY), b"\0")))
