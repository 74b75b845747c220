# SPDX-License-Identifier: MIT
"""A helper to which the kernel refuses some files, as it does in a container or under a security module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

#: Run by Python before the program, from its audit hooks (PEP 578): what a hook raises, the call raises.
_HOOK: Final = """
import errno, os, sys
refused = tuple(os.environ["REFUSED"].split(":"))
def hook(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "socket.connect"):
        path = arguments[event == "socket.connect"]
        if not isinstance(path, (int, tuple)) and path is not None and os.fsdecode(path).endswith(refused):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), os.fsdecode(path))
if any("vramswap-helper" in word for word in sys.orig_argv):
    sys.addaudithook(hook)
"""


def refusing(folder: Path, paths: Sequence[str]) -> Callable[[list[str]], list[str]]:
    """What goes around the helper's command: all whose names end with one of ``paths`` is refused to it (EPERM)."""
    (folder / "sitecustomize.py").write_text(_HOOK)
    return lambda command: ["env", f"PYTHONPATH={folder}", f"REFUSED={':'.join(paths)}", *command]
