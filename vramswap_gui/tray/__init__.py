# SPDX-License-Identifier: MIT
"""The tray application."""

import sys

# asyncio imports it where it can. Nothing here speaks TLS, and OpenSSL would take 4 MB of a tray that does nothing.
sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]
