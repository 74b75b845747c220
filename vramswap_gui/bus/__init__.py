# SPDX-License-Identifier: MIT
"""D-Bus: the one room that knows dbus-next. The others speak to :class:`vramswap_gui.bus.connection.Bus`."""
