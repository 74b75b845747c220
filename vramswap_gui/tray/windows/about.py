# SPDX-License-Identifier: MIT
"""What this is."""

from __future__ import annotations

from PySide6.QtCore import qVersion
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMessageBox

from vramswap_gui import __version__
from vramswap_gui.tray.i18n import tr


def about(icon: QIcon) -> QMessageBox:
    """The box, not yet shown."""
    box = QMessageBox()
    box.setWindowTitle(tr("About vramswap"))
    box.setWindowIcon(icon)
    side = box.fontMetrics().height() * 4
    box.setIconPixmap(icon.pixmap(side, side))
    box.setText(f"vramswap {__version__}")
    purpose = tr("Lends the memory of an idle NVIDIA GPU to Linux as swap, and gives it back when it is wanted.")
    licence = tr("Free software under the MIT licence, by the vramswap authors. Made with Qt {version}.")
    box.setInformativeText(f"{purpose}\n\n{licence.format(version=qVersion())}")
    box.setStandardButtons(QMessageBox.StandardButton.Close)
    return box
