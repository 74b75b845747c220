"""The helper's names on the system bus, and polkit's for what may be asked of it."""

from __future__ import annotations

from typing import Final

BUS_NAME: Final = "org.vramswap.Helper"
OBJECT_PATH: Final = "/org/vramswap/Helper"
INTERFACE: Final = "org.vramswap.Helper1"
ERROR_PREFIX: Final = "org.vramswap.Error."

#: polkit: start, stop, and size within the configured maximum.
ACTION_CONTROL: Final = "org.vramswap.control"
#: polkit: persistent settings that concern everyone on the machine.
ACTION_CONFIGURE: Final = "org.vramswap.configure"
