# SPDX-License-Identifier: MIT
"""Who else than root can have a path mean something else: by what is on the way to it, folders and links."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: As many as the kernel follows (path_resolution(7)).
_MOST_LINKS: Final = 40


def way(path: Path) -> Iterator[Path]:
    """Everything on the way to an absolute path: each folder, each link, and what the links lead through.

    Raises OSError ELOOP where links lead in a circle. What is not there is on the way too.
    """
    here, rest, links = Path("/"), list(path.parts[1:]), 0
    yield here
    while rest:
        part = rest.pop(0)
        here = here.parent if part == ".." else here / part
        yield here
        if here.is_symlink():
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            target = here.readlink()
            rest = [*target.parts[target.is_absolute() :], *rest]
            here = Path("/") if target.is_absolute() else here.parent


def is_foreign(part: Path) -> bool:
    """Whether others than root may change a file, put something else in a folder's places, or turn a link elsewhere.

    In a folder such as /tmp (sticky) others may add something, and leave root's alone. Raises OSError.
    """
    found = part.lstat()
    sticky = found.st_mode & stat.S_ISVTX
    writable = found.st_mode & 0o022 and not sticky and not stat.S_ISLNK(found.st_mode)
    return bool(found.st_uid or writable)


def is_guarded(folder: Path) -> bool:
    """Whether nobody but root can put anything in a folder, or another one in its place. Raises OSError.

    What is not there yet is made by root, in the last folder that is.
    """
    last = Path("/")
    for part in way(folder):
        if not os.path.lexists(part):
            break
        if is_foreign(part):
            return False
        last = part
    return not last.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
