# SPDX-License-Identifier: MIT
"""What the program needs of this computer, checked: the same as ``vramswapctl doctor``, with commands to copy."""

from __future__ import annotations

import re
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QFontDatabase,
    QGuiApplication,
    QIcon,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QShortcut,
)
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from vramswap_gui.doctor.checks import Check, Verdict
from vramswap_gui.doctor.gpu_checks import NO_GPU
from vramswap_gui.tray.i18n import tr, worded
from vramswap_gui.tray.view_model import plain
from vramswap_gui.tray.widgets.button import Button, Buttons, copy_command
from vramswap_gui.tray.widgets.fold import Fold
from vramswap_gui.tray.widgets.labels import Label, scaled, wrapped
from vramswap_gui.tray.windows.frame import Foot, ScrolledColumn, fit, rule

#: In lines of text.
_SIZE: Final = (34, 38)
_COLOURS: Final = {
    Verdict.OK: QColor("#26a269"), Verdict.WARNING: QColor("#c88800"), Verdict.FAILED: QColor("#e01b24"),
}  # fmt: skip
#: Strokes in a square of 1 by 1, so that nobody depends on a font or on colours.
_STROKES: Final = {
    Verdict.OK: (((0.28, 0.53), (0.44, 0.68)), ((0.44, 0.68), (0.73, 0.35))),
    Verdict.WARNING: (((0.5, 0.24), (0.5, 0.56)), ((0.5, 0.75), (0.5, 0.76))),
    Verdict.FAILED: (((0.34, 0.34), (0.66, 0.66)), ((0.66, 0.34), (0.34, 0.66))),
}
_ORDER: Final = (Verdict.FAILED, Verdict.WARNING, Verdict.OK)


class _Sign(QWidget):
    """A tick, an exclamation mark or a cross, on a disc."""

    def __init__(self, verdict: Verdict, word: str) -> None:
        super().__init__()
        self._verdict = verdict
        side = round(self.fontMetrics().height() * 1.05)
        self.setFixedSize(side, side)
        self.setAccessibleName(word)
        self.setToolTip(word)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = self.width()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_COLOURS[self._verdict])
        painter.drawEllipse(QRectF(0.5, 0.5, side - 1, side - 1))
        cap = Qt.PenCapStyle.RoundCap
        painter.setPen(QPen(Qt.GlobalColor.white, side * 0.11, Qt.PenStyle.SolidLine, cap))
        for (left, top), (right, bottom) in _STROKES[self._verdict]:
            painter.drawLine(QPointF(left * side, top * side), QPointF(right * side, bottom * side))


class DoctorPage(QWidget):
    """Shows checks and asks for them again; knows nothing else."""

    again = Signal()
    closed = Signal()

    def __init__(self, icon: QIcon) -> None:
        super().__init__()
        self.setWindowTitle(tr("Check of this computer"))
        self.setWindowIcon(icon)
        self._checks: tuple[Check, ...] = ()
        self._words = {
            Verdict.OK: tr("fine"), Verdict.WARNING: tr("worth knowing"), Verdict.FAILED: tr("missing"),
        }  # fmt: skip
        self.summary = wrapped()
        self.summary.setFont(scaled(self.summary, 1.15, bold=True))
        scroll = ScrolledColumn()
        self._column = QVBoxLayout()
        self._column.setSpacing(14)
        scroll.column.setSpacing(14)
        scroll.column.addWidget(self.summary)
        scroll.column.addLayout(self._column)
        scroll.column.addStretch(1)
        buttons = Buttons(QDialogButtonBox.StandardButton.Close)
        roles = QDialogButtonBox.ButtonRole
        self.repeat = buttons.addButton(tr("Check &again"), roles.ActionRole)
        self.copy_all = buttons.addButton(tr("Copy &everything"), roles.ResetRole)
        self.copy_all.setToolTip(tr("Copy all that was found, to ask somebody for help"))
        self.copy_all.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._as_text()))
        self.repeat.clicked.connect(self._check_again)
        buttons.rejected.connect(self.close)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        foot = Foot()
        foot.column.addWidget(buttons)
        outer.addWidget(scroll, 1)
        outer.addWidget(rule())
        outer.addWidget(foot)
        fit(self, *_SIZE)
        self._show_work()
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)

    def show_checks(self, checks: tuple[Check, ...]) -> None:
        """Show what was found, what needs doing first."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._checks = tuple(sorted(checks, key=lambda check: _ORDER.index(check.verdict)))
        self.summary.setText(self._summed_up())
        for button in (self.repeat, self.copy_all):
            button.setEnabled(True)
        told, folded, heading = self._parted()
        for check in told:
            self._column.addWidget(self._entry(check))
        if folded:
            self.rest = Fold(heading)
            self.rest.column.setSpacing(self._column.spacing())
            for check in folded:
                self.rest.column.addWidget(self._entry(check))
            self._column.addWidget(self.rest)

    def _parted(self) -> tuple[list[Check], list[Check], str]:
        """What needs reading, what does not, and a heading for that. Without a GPU nothing else is of use."""
        if gpu := self._missing_gpu():
            others = [check for check in self._checks if check is not gpu]
            return [gpu], others, tr("%n more checks", len(others))
        fine = [check for check in self._checks if check.verdict is Verdict.OK]
        return [check for check in self._checks if check not in fine], fine, tr("%n checks are fine", len(fine))

    def _missing_gpu(self) -> Check | None:
        return next((c for c in self._checks if c.found == NO_GPU), None)

    def _show_work(self) -> None:
        self.summary.setText(tr("Checking…"))
        for button in (self.repeat, self.copy_all):
            button.setEnabled(False)

    def _check_again(self) -> None:
        self._show_work()
        self.again.emit()

    def _summed_up(self) -> str:
        missing, noted = (
            sum(check.verdict is verdict for check in self._checks) for verdict in (Verdict.FAILED, Verdict.WARNING)
        )
        if self._missing_gpu():
            return tr("This computer has no NVIDIA GPU.")
        if missing:
            return tr("%n things are missing before VRAM can be lent.", missing)
        if noted:
            return tr("Everything that is needed is there, and some things are worth knowing.")
        return tr("Everything that is needed is there.")

    def _as_text(self) -> str:
        # In English, so that whoever is asked for help can read it.
        lines = (
            f"{found['verdict']:<8} {found['name']}: {found['found']}"
            + (f"\n{'':<8} → {found['remedy']}" if found["remedy"] else "")
            for found in map(Check.as_dict, self._checks)
        )
        return "\n".join(lines) + "\n"

    def _entry(self, check: Check) -> QWidget:
        entry = QWidget()
        line = QHBoxLayout(entry)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        texts = QVBoxLayout()
        texts.setSpacing(3)
        name = wrapped(worded(check.name))
        font = name.font()
        font.setBold(check.verdict is not Verdict.OK)
        name.setFont(font)
        texts.addWidget(name)
        texts.addWidget(_selectable(worded(check.found), muted=True))
        text, command = _parts(worded(check.remedy))
        if text:
            texts.addWidget(_selectable(text))
        if command:
            texts.addLayout(self._command(name.text(), command))
        line.addWidget(_Sign(check.verdict, self._words[check.verdict]), 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(texts, 1)
        return entry

    def _command(self, name: str, command: str) -> QHBoxLayout:
        label = _selectable(command)
        label.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        copy = Button(tr("Copy"))
        copy.setAccessibleName(tr("Copy the command for {name}").format(name=name))
        copy.setToolTip(command)
        copy.clicked.connect(lambda: copy_command(command))
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(label, 1)
        line.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        return line

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()


def _parts(remedy: str) -> tuple[str, str]:
    """What to do in words, and the first command in it; at the end of the words the command is not said twice."""
    found = re.search(r"`([^`]+)`", remedy)
    if found is None:
        return remedy, ""
    words = remedy[: found.start()].rstrip() if found.end() == len(remedy) else plain(remedy)
    return words, found[1]


def _selectable(text: str, *, muted: bool = False) -> Label:
    label = wrapped(text, muted=muted)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label
