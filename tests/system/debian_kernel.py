# SPDX-License-Identifier: MIT
"""Kernels of Debian's, from its archive: what is needed to boot one in an emulated machine."""

from __future__ import annotations

import lzma
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.system.debian_archive import Archive, kept

_PACKAGE: Final = "linux-image-amd64"
#: In the order in which they can be loaded; they are not compressed any more.
MODULES: Final = ("netfs", "9pnet", "9pnet_virtio", "9p", "nbd", "ublk_drv")


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


def get(suite: str) -> DebianKernel | None:
    """The current kernel of a release such as ``sid``; None when it cannot be had."""
    folder = kept(suite, suite, _take)
    return DebianKernel(folder) if folder else None


def _take(archive: Archive, folder: Path) -> None:
    [image] = [name for name in archive.depends(_PACKAGE) if name.startswith("linux-image-")]
    # Newer ones are cut in pieces.
    parts = [name for name in archive.depends(image) if re.match(r"linux-(binary|modules)-\d", name)]
    kernel = DebianKernel(folder)
    wanted = {path.name: path for path in kernel.modules}
    for path in archive.files(*(parts or [image])):
        if path.name.startswith("vmlinuz"):
            shutil.copyfile(path, kernel.image)
        elif target := wanted.get(path.name.removesuffix(".xz")):
            data = path.read_bytes()
            target.write_bytes(lzma.decompress(data) if path.suffix == ".xz" else data)
    for path in (kernel.image, *kernel.modules):
        if not path.is_file():
            raise LookupError(path.name)
