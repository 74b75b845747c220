# SPDX-License-Identifier: MIT
"""Buttons as every style should have them: with room beside long texts, and alike in a row."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QIcon, QShowEvent
from PySide6.QtWidgets import QDialogButtonBox, QPushButton


class Button(QPushButton):
    """The style's, wider by a sign: some have long texts end at the frame."""

    def sizeHint(self) -> QSize:
        return super().sizeHint() + QSize(self.fontMetrics().averageCharWidth(), 0)


def copy_command(command: str) -> None:
    """Have a command to paste; where a person is to end it, what stands for that is left out."""
    QGuiApplication.clipboard().setText(command.removesuffix("…"))


class Buttons(QDialogButtonBox):
    """In the desktop's order. Either all of them have a picture or none: styles know one for some of them only."""

    def showEvent(self, event: QShowEvent) -> None:
        if any(button.icon().isNull() for button in self.buttons()):
            for button in self.buttons():
                button.setIcon(QIcon())
        super().showEvent(event)
