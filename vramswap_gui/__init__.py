# SPDX-License-Identifier: MIT
"""vramswap: an idle NVIDIA GPU's VRAM as fast swap."""

import sys

__version__ = "0.1.0"

# asyncio and hashlib load OpenSSL where they can. Nothing here speaks TLS, and it would take 4 MB of a tray that does
# nothing, and 7 MB of a server's locked memory.
for unwanted in ("ssl", "_hashlib"):
    sys.modules.setdefault(unwanted, None)  # type: ignore[arg-type]
del unwanted
