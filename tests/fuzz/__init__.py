# SPDX-License-Identifier: MIT
"""The data path under a fuzzer: what the engine makes of any bytes, in any order of events (parser.cpp)."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]


def build(out: Path, compiler: str, *options: str) -> Path:
    """Compile the harness with the data path in it; returns the program."""
    out.mkdir(parents=True, exist_ok=True)
    frontend = out.resolve() / "nbd.cpp"
    subprocess.run(
        [sys.executable, "-m", "cython", "-3", "--cplus", "-o", frontend,
         "vramswap_gui/server/engine/frontends/nbd.pyx"],
        cwd=ROOT, check=True,
    )  # fmt: skip
    paths = sysconfig.get_paths()
    (cuda,) = list(Path(paths["purelib"]).glob("nvidia/*/include/cuda.h"))[:1]
    program = out / "parser"
    subprocess.run(
        [compiler, "-g", "-O1", "-Wno-everything" if "clang" in compiler else "-w", *options,
         f'-DFRONTEND="{frontend}"', f"-I{paths['include']}", f"-I{cuda.parent}",
         str(HERE / "parser.cpp"), "-o", str(program), *_python()],
        check=True,
    )  # fmt: skip
    return program


def _python() -> list[str]:
    """How to link with the interpreter, of which nothing runs."""
    folder = sysconfig.get_config_var("LIBDIR")
    version = sysconfig.get_config_var("LDVERSION")
    shared = sysconfig.get_config_var("Py_ENABLE_SHARED")
    if shared:
        return [f"-L{folder}", f"-Wl,-rpath,{folder}", f"-lpython{version}"]
    # Never called, so they may be missing.
    return ["-Wl,--unresolved-symbols=ignore-all"]
