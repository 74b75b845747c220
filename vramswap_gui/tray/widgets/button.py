# SPDX-License-Identifier: MIT
"""A button whose text has room to its sides: some styles have long ones end at the frame."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QPushButton


class Button(QPushButton):
    """The style's, wider by a sign."""

    def sizeHint(self) -> QSize:
        return super().sizeHint() + QSize(self.fontMetrics().averageCharWidth(), 0)
