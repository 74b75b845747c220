# SPDX-License-Identifier: MIT
"""The server with workers that do not spin: for machines in which each instruction counts."""

from __future__ import annotations

import functools
import sys

from vramswap_gui.server.engine.engine import Engine

from vramswap_gui.server import main as server
from vramswap_gui.server.engine import main as engine

vars(engine).update(Engine=functools.partial(Engine, spin=0))

if __name__ == "__main__":
    sys.exit(server.main())
