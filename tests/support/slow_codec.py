# SPDX-License-Identifier: MIT
"""A codec in which threads can be made to wait: a library in the place of the system's lz4, around that."""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
from ctypes import CDLL
from pathlib import Path
from typing import Final

#: The words of the file, in order (slow_codec.c).
_WORDS: Final = ("hold", "owner", "waiting")


def build(out: Path) -> Path:
    """Compile the library into the folder ``out``."""
    library = out / "liblz4.so.1"
    source = Path(__file__).with_name("slow_codec.c")
    subprocess.run(["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def _real() -> str:
    """Where the system's library is."""
    CDLL("liblz4.so.1")
    for line in Path("/proc/self/maps").read_text(encoding="ascii").splitlines():
        if "/liblz4.so" in line:
            return line.split()[-1]
    raise AssertionError("the system's lz4 is nowhere")


class SlowCodec:
    """Switches it: ``codec["hold"] = 1`` has all threads wait that compress, but the last one that did so before."""

    def __init__(self, library: Path, file: Path) -> None:
        """``file`` is made, or is another process's."""
        with file.open("a+b") as opened:
            opened.truncate(8 * len(_WORDS))
            self._map = mmap.mmap(opened.fileno(), 8 * len(_WORDS))
        path = os.environ.get("LD_LIBRARY_PATH", "")
        #: The environment of whoever is to use it.
        self.env = {
            "LD_LIBRARY_PATH": f"{library.parent}{':' if path else ''}{path}",
            "SLOW_CODEC_FILE": str(file), "SLOW_CODEC_REAL": _real(),
        }  # fmt: skip

    def __getitem__(self, word: str) -> int:
        value: int = struct.unpack_from("=Q", self._map, 8 * _WORDS.index(word))[0]
        return value

    def __setitem__(self, word: str, value: int) -> None:
        struct.pack_into("=Q", self._map, 8 * _WORDS.index(word), value)
