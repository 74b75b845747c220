"""The settings: a row for each declaration, applied together."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialogButtonBox, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from vramswap_gui.settings import PERSONAL, SETTINGS, Config, Group, Value
from vramswap_gui.tray.model import Problem
from vramswap_gui.tray.notice import Hint, ProblemBox
from vramswap_gui.tray.settings_rows import Row

_SIZE: Final = (520, 640)


class SettingsWindow(QWidget):
    """Shows a :class:`Config` and says what is to be changed in it; knows nothing else."""

    #: The changed settings, key → value.
    applied = Signal(dict)
    closed = Signal()

    def __init__(self, icon: QIcon) -> None:
        super().__init__()
        self.setWindowTitle(self.tr("VRAM swap settings"))
        self.setWindowIcon(icon)
        self.rows = {key: Row(setting) for key, setting in SETTINGS.items()}
        self.problem = ProblemBox()
        self.problem.hide()
        self.problem.dismissed.connect(lambda: self.problem.show_problem(None, True))
        self.hint = Hint()
        buttons = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(buttons.Apply | buttons.Reset | buttons.Close)
        self.apply = self.buttons.button(buttons.Apply)
        self.revert = self.buttons.button(buttons.Reset)
        self.buttons.button(buttons.Close).clicked.connect(self.close)
        self.apply.clicked.connect(lambda: self.applied.emit(self.changes()))
        self.revert.clicked.connect(self._revert)
        # Each style has its own word for it, and not every one says that only what was entered is meant.
        self.apply.setText(self.tr("&Apply"))
        self.revert.setText(self.tr("&Revert"))
        self._config = Config()
        self._lay_out()
        for row in self.rows.values():
            row.edited.connect(self._edited)
        self.show_config(self._config)
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)

    def _lay_out(self) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(22, 20, 22, 20)
        column.setSpacing(16)
        headings = {
            Group.SWAP: self.tr("Swap"), Group.POWER: self.tr("Power and games"), Group.ADVANCED: self.tr("Advanced"),
        }  # fmt: skip
        for group, heading in headings.items():
            title = QLabel(heading)
            font = title.font()
            font.setBold(True)
            font.setPointSizeF(font.pointSizeF() * 1.15)
            title.setFont(font)
            if group is not Group.SWAP:
                column.addSpacing(10)
            column.addWidget(title)
            for row in self.rows.values():
                if row.setting.group is group:
                    column.addWidget(row)
        column.addStretch(1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(content)
        foot = QVBoxLayout()
        foot.setContentsMargins(22, 12, 22, 18)
        foot.setSpacing(12)
        for part in (self.problem, self.hint, self.buttons):
            foot.addWidget(part)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addLayout(foot)
        # Switches and numbers do not wrap.
        self.setMinimumWidth(content.minimumSizeHint().width() + scroll.verticalScrollBar().sizeHint().width())
        self.resize(*_SIZE)

    def changes(self) -> dict[str, Value]:
        """What is entered and not in force."""
        return {key: row.value for key, row in self.rows.items() if row.changed}

    def show_config(self, config: Config) -> None:
        """Show what is in force. What somebody is entering at the moment stays."""
        entered = self.changes() if self.isVisible() else {}
        self._config = config
        for key, row in self.rows.items():
            row.show_value(getattr(config, key))
            if key in entered:
                row.editor.show_value(entered[key])
        self._edited()

    def show_problem(self, problem: Problem | None) -> None:
        """Say why something was not applied."""
        self.problem.show_problem(problem, True)

    def _revert(self) -> None:
        self.show_problem(None)
        for key, row in self.rows.items():
            row.show_value(getattr(self._config, key))

    def _edited(self) -> None:
        changes = self.changes()
        self.apply.setEnabled(bool(changes))
        self.revert.setEnabled(bool(changes))
        others = changes.keys() - PERSONAL
        self.hint.show_text(
            self.tr(
                "These settings are everybody's on this computer, so you may be asked for an administrator's password."
            )
            if others
            else ""
        )

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()
