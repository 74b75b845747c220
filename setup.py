"""Builds the data path, the compiled part; everything else is in pyproject.toml."""

import importlib.util
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup


def cuda_include() -> str:
    """The folder of cuda.h, from the build requirement nvidia-cuda-runtime rather than from a CUDA toolkit."""
    spec = importlib.util.find_spec("nvidia")
    for root in spec.submodule_search_locations if spec else ():
        for header in sorted(Path(root).glob("*/include/cuda.h")):
            return str(header.parent)
    raise SystemExit("cuda.h is missing: install the build requirement nvidia-cuda-runtime (pip does it by itself).")


def extension(name: str) -> Extension:
    """``server/engine`` → the module vramswap_gui.server.engine."""
    return Extension(
        f"vramswap_gui.{name.replace('/', '.')}",
        [f"vramswap_gui/{name}.pyx"],
        include_dirs=[cuda_include()],
        # cydriver's declarations are C++; nothing of libstdc++ is used.
        language="c++",
        extra_compile_args=["-O2", "-g0", "-Wall"],
    )


setup(
    ext_modules=cythonize(
        [extension(name) for name in ("server/engine", "server/transport", "bench/load")], language_level=3
    )
)
