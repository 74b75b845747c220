# SPDX-License-Identifier: MIT
"""Builds the compiled part, the data path, and takes the system files along; everything else is in pyproject.toml."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_py import build_py

#: The data path and the load that measures it.
COMPILED = (
    "server/engine/codecs",
    "server/engine/copy_batch",
    "server/engine/crew",
    "server/engine/engine",
    "server/engine/frontends/nbd",
    "server/engine/frontends/ublk",
    "server/engine/records",
    "server/engine/stores/cleaner",
    "server/engine/stores/linear",
    "server/engine/stores/log",
    "server/engine/stores/pool",
    "server/engine/worker",
    "bench/load",
)
#: The stable ABI of the oldest Python: what is built by one of them serves them all (C API, "Limited API").
ABI = ("cp311", "0x030b0000")
#: For tests: instruments what is compiled with a sanitizer of the compiler's (gcc(1), -fsanitize), such as "thread".
SANITIZE = os.environ.get("VRAMSWAP_SANITIZE", "")
#: Whoever builds with flags of their own, as distributions do, gets those.
OWN_FLAGS = [] if os.environ.get("CFLAGS") else ["-O2", "-g0"]
#: Whatever their flags: where functions of other libraries are is written down before any code runs, and cannot be
#: written over afterwards. The server is root's.
FIXED = ["-Wl,-z,relro,-z,now"]

STAGE = Path(__file__).parent.resolve() / "packaging/stage.py"


def cuda_include() -> str:
    """The folder of cuda.h, from the build requirement nvidia-cuda-runtime rather than from a CUDA toolkit."""
    spec = importlib.util.find_spec("nvidia")
    for root in spec.submodule_search_locations if spec else ():
        for header in sorted(Path(root).glob("*/include/cuda.h")):
            return str(header.parent)
    raise SystemExit("cuda.h is missing: install the build requirement nvidia-cuda-runtime (pip does it by itself).")


def extension(name: str) -> Extension:
    """``server/engine/engine`` → the module vramswap_gui.server.engine.engine."""
    return Extension(
        f"vramswap_gui.{name.replace('/', '.')}",
        [f"vramswap_gui/{name}.pyx"],
        include_dirs=[cuda_include()],
        define_macros=[("Py_LIMITED_API", ABI[1])],
        py_limited_api=True,
        # cydriver's declarations are C++; nothing of libstdc++ is used.
        language="c++",
        extra_compile_args=["-O1", "-g", f"-fsanitize={SANITIZE}"] if SANITIZE else [*OWN_FLAGS, "-Wall"],
        extra_link_args=[f"-fsanitize={SANITIZE}"] if SANITIZE else FIXED,
    )


class BuildWithFiles(build_py):
    """Puts what ``vramswapctl install`` places into the package. A checkout has none, nor has a distribution's package,
    which is built without the folder packaging and brings the files itself."""

    def run(self) -> None:
        super().run()
        if STAGE.exists() and not self.editable_mode:
            date = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))
            folder = Path(self.build_lib) / "vramswap_gui/ctl/files"
            subprocess.run([sys.executable, "-B", STAGE, folder.resolve(), date], check=True)


setup(
    cmdclass={"build_py": BuildWithFiles},
    options={"bdist_wheel": {"py_limited_api": ABI[0]}},
    ext_modules=cythonize(
        [extension(name) for name in COMPILED],
        language_level=3,
    ),
)
