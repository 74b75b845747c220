# SPDX-License-Identifier: MIT
"""What somebody needs who is to help: the text of ``vramswapctl report``, to be read before it is given away."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent, QFontDatabase, QGuiApplication, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QPlainTextEdit, QVBoxLayout, QWidget

from vramswap_gui.system.run import Finished
from vramswap_gui.tray.command_line import CommandLine
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.view_model import Problem
from vramswap_gui.tray.widgets.button import Buttons
from vramswap_gui.tray.widgets.infobar import ProblemBox
from vramswap_gui.tray.widgets.labels import wrapped
from vramswap_gui.tray.windows.frame import Column, Foot, fit, rule

#: In lines of text.
_SIZE: Final = (40, 40)


class ReportPage(QWidget):
    """Asks for the report when it is made."""

    closed = Signal()

    def __init__(self, icon: QIcon) -> None:
        super().__init__()
        self.setWindowTitle(tr("Report a problem"))
        self.setWindowIcon(icon)
        self._command_line = CommandLine()
        self.explanation = wrapped(
            tr(
                "This is what somebody needs who is to help you. Names of people and of this computer are left out,"
                " and nothing is sent: read it, then give it to whom you like."
            )
        )
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName(self.windowTitle())
        self.text.setTabChangesFocus(True)
        self.text.setPlaceholderText(tr("Being put together…"))
        self.problem = ProblemBox()
        self.problem.hide()
        self.problem.dismissed.connect(lambda: self.problem.show_problem(None))
        buttons = Buttons(QDialogButtonBox.StandardButton.Close)
        roles = QDialogButtonBox.ButtonRole
        self.copy = buttons.addButton(tr("&Copy"), roles.ActionRole)
        self.keep = buttons.addButton(tr("&Save…"), roles.ActionRole)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        self.keep.clicked.connect(self._choose)
        buttons.rejected.connect(self.close)
        foot = Foot()
        foot.column.addWidget(self.problem)
        foot.column.addWidget(buttons)
        body = Column()
        body.column.addWidget(self.explanation)
        body.column.addWidget(self.text, 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(body, 1)
        outer.addWidget(rule())
        outer.addWidget(foot)
        fit(self, *_SIZE)
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)
        self._enable(False)

    def begin(self) -> None:
        """Have the report put together."""
        self._command_line.start("report", done=self.show_report)

    def show_report(self, finished: Finished) -> None:
        """Show it, or why there is none."""
        self.text.setPlainText(finished.output)
        self._enable(bool(finished.output))
        if finished.status:
            self.text.setPlaceholderText("")
            self._complain(finished.complaint)

    def save(self, path: str) -> None:
        """Write it into a file."""
        try:
            Path(path).write_text(self.text.toPlainText(), encoding="utf-8")
        except OSError as error:
            self._complain(f"{path}: {error.strerror}")

    def _choose(self) -> None:
        dialog = QFileDialog(self, tr("Save the report"), "vramswap-report.txt")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile("vramswap-report.txt")
        dialog.fileSelected.connect(self.save)
        dialog.open()

    def _complain(self, text: str) -> None:
        self.problem.show_problem(Problem(text.removeprefix("vramswapctl: ")))

    def _enable(self, some: bool) -> None:
        for button in (self.copy, self.keep):
            button.setEnabled(some)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._command_line.cancel()
        super().closeEvent(event)
        self.closed.emit()
