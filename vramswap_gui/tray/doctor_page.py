"""What the program needs of this computer, checked: the same as ``vramswapctl doctor``, with remedies to copy."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from vramswap_gui.system.checks import Check, Verdict
from vramswap_gui.tray.bars import muted, wrapped

_SIZE: Final = (520, 560)
_SIGNS: Final = {Verdict.OK: "✓", Verdict.WARNING: "!", Verdict.FAILED: "✗"}


class DoctorPage(QWidget):
    """Shows checks and asks for them again; knows nothing else."""

    again = Signal()
    closed = Signal()

    def __init__(self, icon: QIcon) -> None:
        super().__init__()
        self.setWindowTitle(self.tr("Check of this computer"))
        self.setWindowIcon(icon)
        self._words = {
            Verdict.OK: self.tr("fine"), Verdict.WARNING: self.tr("worth knowing"), Verdict.FAILED: self.tr("missing"),
        }  # fmt: skip
        self.summary = wrapped(self.tr("Checking…"))
        font = self.summary.font()
        font.setBold(True)
        self.summary.setFont(font)
        self._content = QWidget()
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(22, 4, 22, 12)
        self._column.setSpacing(14)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._content)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.repeat = buttons.addButton(self.tr("Check &again"), QDialogButtonBox.ButtonRole.ActionRole)
        self.repeat.clicked.connect(self.again)
        buttons.rejected.connect(self.close)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 18, 0, 18)
        outer.setSpacing(12)
        for part, margin in ((self.summary, 22), (scroll, 0), (buttons, 22)):
            line = QHBoxLayout()
            line.setContentsMargins(margin, 0, margin, 0)
            line.addWidget(part)
            outer.addLayout(line, 1 if part is scroll else 0)
        self.resize(*_SIZE)
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)

    def show_checks(self, checks: tuple[Check, ...]) -> None:
        """Show what was found, what needs doing first."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        missing = sum(check.verdict is Verdict.FAILED for check in checks)
        self.summary.setText(
            self.tr("Everything that is needed is there.")
            if not missing
            else self.tr("One thing is missing before VRAM can be lent.")
            if missing == 1
            else self.tr("{count} things are missing before VRAM can be lent.").format(count=missing)
        )
        order = [Verdict.FAILED, Verdict.WARNING, Verdict.OK]
        for check in sorted(checks, key=lambda check: order.index(check.verdict)):
            self._column.addWidget(self._entry(check))
        self._column.addStretch(1)

    def _entry(self, check: Check) -> QWidget:
        entry = QWidget()
        line = QHBoxLayout(entry)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(12)
        sign = QLabel(_SIGNS[check.verdict])
        sign.setFixedWidth(18)
        sign.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        sign.setAccessibleName(self._words[check.verdict])
        sign.setToolTip(self._words[check.verdict])
        texts = QVBoxLayout()
        texts.setSpacing(2)
        name = wrapped(check.name)
        font = name.font()
        font.setBold(check.verdict is not Verdict.OK)
        name.setFont(font)
        sign.setFont(font)
        texts.addWidget(name)
        texts.addWidget(muted(_selectable(check.found)))
        if check.remedy:
            texts.addWidget(_selectable(check.remedy))
            copy = QPushButton(self.tr("&Copy"))
            copy.setAccessibleName(self.tr("Copy what to do about {name}").format(name=check.name))
            copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(check.remedy))
            below = QHBoxLayout()
            below.addWidget(copy)
            below.addStretch(1)
            texts.addLayout(below)
        line.addWidget(sign)
        line.addLayout(texts, 1)
        return entry

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()


def _selectable(text: str) -> QLabel:
    label = wrapped(text)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label
