# SPDX-License-Identifier: MIT
"""D-Bus: the one room that knows dbus-next. The others speak to :class:`vramswap_gui.bus.connection.Bus`."""

import sys
from types import ModuleType

# The half of it that is for GLib's main loop would load GLib: on most desktops 10 ms and 3 MB, for nothing.
sys.modules.setdefault("dbus_next.glib", ModuleType("dbus_next.glib"))
