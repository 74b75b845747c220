# SPDX-License-Identifier: MIT
"""How often a program asks for memory: a library that is loaded into it, and the file in which it counts."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

_SIZE = 16


def build(out: Path) -> Path:
    """Compile the library into the folder ``out``."""
    library = out / "counting.so"
    source = Path(__file__).with_name("counting.c")
    subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


class Counter:
    """What one program asks for, from its start on."""

    def __init__(self, library: Path, file: Path) -> None:
        """``file`` is made."""
        self._file = file
        file.write_bytes(bytes(_SIZE))
        #: The environment in which the program is counted.
        self.env = {"LD_PRELOAD": str(library), "COUNTING_FILE": str(file)}

    def read(self) -> tuple[int, int]:
        """All allocations so far, and those of other threads than the first, which are those that serve."""
        everywhere, serving = struct.unpack("=QQ", self._file.read_bytes())
        return everywhere, serving
