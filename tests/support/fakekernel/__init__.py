# SPDX-License-Identifier: MIT
"""The kernel's part without a kernel: ``mkswap``, ``swapon`` and ``swapoff`` for segments served on Unix sockets.

The programs in ``bin`` write and check the swap header over NBD, as the real ones do on a device, and keep a ``swaps``
file in the folder that VRAMSWAP_FAKEPROC names. No page is ever swapped.
"""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path
from typing import Final

from vramswap_gui.system import smallfile, swaps

_BIN: Final = Path(__file__).parent / "bin"
_HEADER: Final = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


class FakeKernel:
    """A folder that is ``--attach`` and ``--proc`` of a helper at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.swaps = folder / "swaps"
        self.swaps.write_text(_HEADER)
        self.meminfo = folder / "meminfo"
        self.meminfo.symlink_to("/proc/meminfo")

    def env(self, path: str) -> dict[str, str]:
        """What a helper must be started with to use this kernel; ``path`` is the PATH otherwise."""
        # Whatever is called python3 there may take longer to find out which one is meant than they take.
        return {
            "PATH": f"{_BIN}:{path}", "VRAMSWAP_FAKEPROC": str(self.folder), "VRAMSWAP_FAKEPYTHON": sys.executable,
        }  # fmt: skip

    def refuse(self, program: str, complaint: str = "") -> None:
        """Have a program fail with a complaint from now on; an empty one lets it work again."""
        smallfile.write(self.folder / f"refuse-{program}", complaint)

    def hold(self, program: str, held: bool = True) -> None:
        """Have a program take until it is let go."""
        path = self.folder / f"hold-{program}"
        if held:
            path.touch()
        else:
            path.unlink()

    def let_go(self) -> None:
        """Have every program work again."""
        for kind in ("hold", "refuse"):
            for path in self.folder.glob(f"{kind}-*"):
                path.unlink()

    def devices(self) -> list[str]:
        """The devices in use as swap."""
        return [area.device for area in swaps.read(self.folder)]

    def use(self, device: str, kib: int) -> None:
        """Let a device hold ``kib`` KiB of pages."""
        # The programs take it too, so that what one of them changes meanwhile stays.
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rows = [line.split() for line in self.swaps.read_text().splitlines()[1:]]
            assert any(row[0] == device for row in rows), device
            used = ("\t".join((*row[:3], str(kib) if row[0] == device else row[3], row[4])) for row in rows)
            smallfile.write(self.swaps, _HEADER + "".join(f"{row}\n" for row in used))

    def mount(self, folder: Path, kind: str, number: str = "7:0") -> None:
        """Let a folder be the root of a file system, on a device that nobody knows more of."""
        (self.folder / "self").mkdir(exist_ok=True)
        smallfile.write(self.folder / "self/mountinfo", f"1 0 {number} / {folder} rw - {kind} /dev/none rw\n")

    def set_available(self, kib: int) -> None:
        """Let MemAvailable be ``kib`` KiB, and no swap be free elsewhere."""
        smallfile.write(
            self.meminfo, f"MemTotal: 16000000 kB\nMemAvailable: {kib} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
        )
