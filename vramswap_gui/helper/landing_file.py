# SPDX-License-Identifier: MIT
"""Makes a swap file, and removes it: ``python -m vramswap_gui.helper.landing_file make|remove PATH [SIZE]``.

A program of its own, because it works where the helper may not: in the first mount namespace. The kernel wants a
swap file's blocks to be there and to stay where they are (mm/swapfile.c, ``iomap_swapfile_activate`` of fs/iomap).
btrfs therefore wants it without copy on write, checksums and compression, and makes no snapshot of a subvolume with
an active swap file, so the file has a subvolume to itself (https://btrfs.readthedocs.io/en/latest/Swapfile.html).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

# include/uapi/linux/btrfs.h: BTRFS_IOC_SUBVOL_CREATE, struct btrfs_ioctl_vol_args.
_SUBVOLUME_CREATE: Final = 0x5000940E
_SUBVOLUME_ARGUMENTS: Final = "q4088s"
# include/uapi/linux/fs.h: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_NOCOW_FL.
_GET_FLAGS: Final = 0x80086601
_SET_FLAGS: Final = 0x40086602
_NO_COW: Final = 0x00800000


def make(path: Path, size: int) -> None:
    """A file of ``size`` bytes that only root may read. Raises OSError; then nothing is left.

    The folder that it is in is its own: made by this, and gone with it.
    """
    _own_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            _no_copy_on_write(descriptor)
            # Where the file system cannot, each block is written.
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)
    except BaseException:
        remove(path)
        raise


def remove(path: Path) -> None:
    """Remove the file and its folder. Raises OSError."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        # A subvolume too, since kernel 4.18.
        path.parent.rmdir()


def _own_folder(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    parent = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        arguments = bytearray(struct.pack(_SUBVOLUME_ARGUMENTS, 0, os.fsencode(folder.name)))
        fcntl.ioctl(parent, _SUBVOLUME_CREATE, arguments)
    except OSError:
        # All but btrfs.
        os.mkdir(folder.name, 0o700, dir_fd=parent)
    finally:
        os.close(parent)
    folder.chmod(0o700)


def _no_copy_on_write(descriptor: int) -> None:
    """On an empty file; no file system but btrfs takes it, and none other needs it."""
    with contextlib.suppress(OSError):
        (flags,) = struct.unpack("l", fcntl.ioctl(descriptor, _GET_FLAGS, struct.pack("l", 0)))
        fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("l", flags | _NO_COW))


def main(arguments: Sequence[str]) -> int:
    """Exit status 0, or 1 with a line that says why."""
    try:
        match arguments:
            case ["make", path, size]:
                make(Path(path), int(size))
            case ["remove", path]:
                remove(Path(path))
            case _:
                raise ValueError(__doc__)
    except (OSError, ValueError) as error:
        print(getattr(error, "strerror", None) or error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
