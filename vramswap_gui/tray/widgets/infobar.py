# SPDX-License-Identifier: MIT
"""Boxes that say something: a problem with its remedy, a hint, or that parts are simulated."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout

from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.view_model import Ask, Problem
from vramswap_gui.tray.widgets.button import Button, copy_command
from vramswap_gui.tray.widgets.colours import blend
from vramswap_gui.tray.widgets.labels import scaled, wrapped

_RED: Final = QColor("#e01b24")
_AMBER: Final = QColor("#e5a50a")
_BLUE: Final = QColor("#3584e4")


class Box(QFrame):
    """A tinted box with text."""

    def __init__(self, colour: QColor) -> None:
        super().__init__()
        self._colour = colour
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(14, 10, 12, 10)
        self.column.setSpacing(6)
        self.text = wrapped()
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.column.addWidget(self.text)

    def show_text(self, text: str) -> None:
        """Show ``text``, or nothing at all when it is empty."""
        self.text.setText(text)
        self.setVisible(bool(text))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        window = self.palette().window().color()
        painter.setBrush(blend(window, self._colour, 0.13))
        painter.setPen(QPen(blend(window, self._colour, 0.55), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 7, 7)


class Banner(Box):
    """What is simulated."""

    def __init__(self) -> None:
        super().__init__(_AMBER)
        self.column.setContentsMargins(14, 7, 12, 7)


class Hint(Box):
    """Something worth knowing that is no failure."""

    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__(_BLUE)
        self._command = ""
        self.copy, self.dismiss = Button(tr("&Copy command")), _dismiss()
        self.copy.clicked.connect(lambda: copy_command(self._command))
        self.dismiss.clicked.connect(self.dismissed)
        line = QHBoxLayout()
        line.addStretch(1)
        for button in (self.copy, self.dismiss):
            button.hide()
            line.addWidget(button)
        self.column.addLayout(line)

    def show_hint(self, hint: Problem | None) -> None:
        """Show a hint, with its command to copy if it has one."""
        self.show_text(f"{hint.message} {hint.remedy}" if hint else "")
        self._command = hint.command if hint else ""
        self.copy.setVisible(bool(self._command))
        self.copy.setToolTip(self._command)
        self.copy.setAccessibleName(tr("Copy the command {command}").format(command=self._command))
        self.dismiss.setVisible(hint is not None)


class Question(Box):
    """What only a person can decide."""

    answered = Signal(bool)

    def __init__(self) -> None:
        super().__init__(_AMBER)
        self.text.setFont(scaled(self.text, 1.0, bold=True))
        self.stakes = wrapped()
        self.column.addWidget(self.stakes)
        self.yes, self.no = Button(), Button()
        self.yes.clicked.connect(lambda: self.answered.emit(True))
        self.no.clicked.connect(lambda: self.answered.emit(False))
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(self.no)
        line.addWidget(self.yes)
        self.column.addLayout(line)

    def show_question(self, ask: Ask | None) -> None:
        """Show a question, or hide."""
        self.show_text(ask.question if ask else "")
        if ask is not None:
            self.stakes.setText(ask.text)
            for button, text in ((self.yes, ask.yes), (self.no, ask.no)):
                button.setText(text)
                button.setAccessibleDescription(f"{ask.question} {ask.text}")


class ProblemBox(Box):
    """What failed, and what to do."""

    dismissed = Signal()

    def __init__(self) -> None:
        super().__init__(_RED)
        self.text.setFont(scaled(self.text, 1.0, bold=True))
        self.remedy = wrapped()
        self.remedy.setTextInteractionFlags(self.text.textInteractionFlags())
        self.command = QLabel()
        self.command.setTextFormat(Qt.TextFormat.PlainText)
        self.command.hide()
        self.copy = Button(tr("&Copy command"))
        self.copy.clicked.connect(lambda: copy_command(self.command.text()))
        self.dismiss = _dismiss()
        self.dismiss.clicked.connect(self.dismissed)
        self.column.addWidget(self.remedy)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(self.copy)
        line.addWidget(self.dismiss)
        self.column.addLayout(line)

    def show_problem(self, problem: Problem | None) -> None:
        """Show a problem, or hide. One that lasts cannot be dismissed."""
        self.setVisible(problem is not None)
        if problem is None:
            return
        self.text.setText(problem.message)
        self.remedy.setText(problem.remedy)
        self.remedy.setVisible(bool(problem.remedy))
        self.command.setText(problem.command)
        self.copy.setVisible(bool(problem.command))
        self.copy.setToolTip(problem.command)
        self.copy.setAccessibleName(tr("Copy the command {command}").format(command=problem.command))
        self.dismiss.setVisible(not problem.lasts)


def _dismiss() -> Button:
    button = Button(tr("&Dismiss"))
    button.setAccessibleName(tr("Dismiss this message"))
    return button
