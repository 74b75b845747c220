"""The simulated GPU: builds the stand-ins for NVIDIA's libraries, and switches their faults on from outside."""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
from pathlib import Path
from typing import Final

from vramswap_gui.units import GIB

HERE: Final = Path(__file__).parent
NO_LIMIT: Final = (1 << 64) - 1

#: The words of ``struct control`` in state.h, in order.
_FIELDS: Final = (
    "cuda_calls", "nvml_calls", "vram", "driver_version", "allocations_left", "failing_copies", "slow_copy_us",
    "sticky_epoch", "lost", "no_device", "import_refused", "others_bytes", "others_pid", "utilisation", "milliwatts",
    "display", "others_draw", "tells_little",
)  # fmt: skip
_NAME_SIZE: Final = 64
_SIZE: Final = 8 * len(_FIELDS) + _NAME_SIZE


def build(out: Path) -> Path:
    """Compile the libraries into ``out`` unless they are newer than their sources, and return ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "--silent", "-C", str(HERE), f"OUT={out.resolve()}"], check=True)
    return out


class FakeGpu:
    """One simulated GPU: its folder is shared by all processes that use it. A field of the control block is an item."""

    def __init__(self, folder: Path, libraries: Path, vram: int = 8 * GIB) -> None:
        self.folder = folder
        self._libraries = libraries
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "control"
        path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)
        self["driver_version"] = 13000
        self["allocations_left"] = NO_LIMIT
        self["milliwatts"] = 6500
        self["vram"] = vram

    def env(self) -> dict[str, str]:
        """The environment in which programs see this GPU and no other."""
        path = os.environ.get("LD_LIBRARY_PATH", "")
        return {
            "LD_LIBRARY_PATH": f"{self._libraries.resolve()}{':' if path else ''}{path}",
            "FAKEGPU_DIR": str(self.folder.resolve()),
        }

    def __getitem__(self, field: str) -> int:
        value: int = struct.unpack_from("=Q", self._map, 8 * _FIELDS.index(field))[0]
        return value

    def __setitem__(self, field: str, value: int) -> None:
        struct.pack_into("=Q", self._map, 8 * _FIELDS.index(field), value)

    def others(self, size: int, pid: int = 4242, name: str = "game") -> None:
        """Let another program use ``size`` bytes of VRAM."""
        self["others_pid"] = pid
        struct.pack_into(f"={_NAME_SIZE}s", self._map, 8 * len(_FIELDS), name.encode()[: _NAME_SIZE - 1])
        self["others_bytes"] = size

    def break_contexts(self) -> None:
        """Give every context that exists now a sticky error; new processes are fine."""
        self["sticky_epoch"] += 1
