# SPDX-License-Identifier: MIT
"""Keeps the kernel from raising its watermarks while programs swap on what is served here.

Where free memory lies in pieces the kernel raises a zone's ``min`` by up to one and a half times its ``high``, until
kswapd has made room (``vm.watermark_boost_factor`` in Documentation/admin-guide/sysctl/vm.rst; ``boost_watermark`` in
mm/page_alloc.c). kswapd makes room by swapping. While nobody serves it waits for us, so the marks stay raised, and they
keep whoever brings up the next engine from more memory than is held ready for that: the machine would hang with some
of it free. The setting is the machine's, so it is put back at the end.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from vramswap_gui.system import smallfile

_SETTING: Final = "sys/vm/watermark_boost_factor"
#: In the runtime folder: what the setting was. A server that took over, or comes after one that died, knows it too.
_NOTE: Final = "watermark_boost_factor"


class WatermarkBoost:
    """The setting, and what it is to be again. Where it cannot be written all goes on without."""

    def __init__(self, folder: Path, proc: Path = Path("/proc")) -> None:
        self._note = folder / _NOTE
        self._setting = proc / _SETTING

    def forgo(self) -> None:
        """Have no mark raised from now on."""
        before = smallfile.number(self._setting)
        if not before:
            return
        with contextlib.suppress(OSError):
            smallfile.write(self._note, f"{before}\n")
            self._setting.write_text("0\n")

    def restore(self) -> None:
        """Have it as it was, unless somebody has set it meanwhile."""
        before = smallfile.number(self._note)
        if before is None:
            return
        with contextlib.suppress(OSError):
            if smallfile.number(self._setting) == 0:
                self._setting.write_text(f"{before}\n")
            self._note.unlink()
