# SPDX-License-Identifier: MIT
"""Has the windows be dark where the desktop is.

On GNOME, Qt knows that the desktop wants dark programs and yet takes the colours of the GTK theme, which are light.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

from vramswap_gui.tray.widgets.colours import is_dark


def follow(application: QApplication) -> None:
    """Agree with the desktop, now and whenever it changes."""
    hints = application.styleHints()
    hints.colorSchemeChanged.connect(lambda scheme: agree(application, scheme))
    agree(application, hints.colorScheme())


def agree(application: QApplication, scheme: Qt.ColorScheme) -> None:
    """Use the style's own dark colours where dark is wanted and the desktop's are light; else the desktop's."""
    # An empty palette is the desktop's.
    application.setPalette(QPalette())
    dark = application.style().standardPalette()
    if scheme is Qt.ColorScheme.Dark and not is_dark(application.palette()) and is_dark(dark):
        application.setPalette(dark)
