# SPDX-License-Identifier: MIT
"""The settings: a row for each declaration, applied together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialogButtonBox, QHBoxLayout, QMessageBox, QVBoxLayout, QWidget

from vramswap_gui.errors import VramswapError
from vramswap_gui.settings import PERSONAL, SETTINGS, Config, Group, Value
from vramswap_gui.system.gpu import Card
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.preferences import OWN, Preferences
from vramswap_gui.tray.view_model import Problem, problem
from vramswap_gui.tray.widgets.button import Buttons
from vramswap_gui.tray.widgets.fold import Fold
from vramswap_gui.tray.widgets.infobar import Hint, ProblemBox
from vramswap_gui.tray.widgets.labels import Label, scaled, wrapped
from vramswap_gui.tray.windows.frame import Foot, ScrolledColumn, fit, rule
from vramswap_gui.tray.windows.settings_rows import GpuEditor, Lock, Row, lock_icon

#: In lines of text.
_SIZE: Final = (33, 42)


class SettingsWindow(QWidget):
    """Shows a :class:`Config` and says what is to be changed in it.

    The user's own preferences it keeps itself. Until there is a Config, nothing of the helper's can be changed.
    """

    #: The changed settings, key → value. Answered by :meth:`show_config` or :meth:`show_problem`.
    applied = Signal(dict)
    #: The user's own preferences were changed.
    preferred = Signal()
    closed = Signal()

    def __init__(self, icon: QIcon, preferences: Preferences, gpus: Sequence[Card] = ()) -> None:
        super().__init__()
        self.setWindowTitle(tr("VRAM swap settings"))
        self.setWindowIcon(icon)
        self._preferences = preferences
        editors = {"gpu": GpuEditor(SETTINGS["gpu"], gpus)}
        self.rows = {
            key: Row(setting, locked=key not in PERSONAL, editor=editors.get(key)) for key, setting in SETTINGS.items()
        }
        self.own_rows = {key: Row(setting, locked=False) for key, setting in OWN.items()}
        self._known = False
        self._waiting = False
        self._leaving = False
        self.problem = ProblemBox()
        self.problem.hide()
        self.problem.dismissed.connect(lambda: self.show_problem(None))
        self.hint = Hint()
        buttons = QDialogButtonBox.StandardButton
        self.buttons = Buttons(buttons.Apply | buttons.Reset | buttons.Close)
        self.apply = self.buttons.button(buttons.Apply)
        self.revert = self.buttons.button(buttons.Reset)
        self.buttons.button(buttons.Close).clicked.connect(self.close)
        self.apply.clicked.connect(self._apply)
        self.revert.clicked.connect(self._revert)
        # Each style has its own word for it, and not every one says that only what was entered is meant.
        self.apply.setText(tr("&Apply"))
        self.revert.setText(tr("&Revert"))
        self._lay_out()
        for row in self.rows.values():
            row.show_value(row.setting.default)
        self._show_own()
        for row in (*self.rows.values(), *self.own_rows.values()):
            row.edited.connect(self._edited)
        self._edited()
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)

    def _lay_out(self) -> None:
        self._scroll = ScrolledColumn()
        column = self._scroll.column
        column.setSpacing(16)
        self._add_section(column, tr("Swap"), self._of(Group.SWAP))
        self._add_section(column, tr("Power and games"), self._of(Group.POWER))
        self._add_section(column, tr("Your account"), self.own_rows.values())
        self.advanced = Fold(tr("Advanced"), 1.15, bold=True)
        self.advanced.column.setSpacing(column.spacing())
        for row in self._of(Group.ADVANCED):
            self.advanced.column.addWidget(row)
        column.addSpacing(10)
        column.addWidget(self.advanced)
        column.addSpacing(6)
        column.addLayout(_legend())
        column.addStretch(1)
        foot = Foot()
        for part in (self.problem, self.hint, self.buttons):
            foot.column.addWidget(part)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._scroll, 1)
        outer.addWidget(rule())
        outer.addWidget(foot)
        fit(self, *_SIZE)

    def _of(self, group: Group) -> Iterable[Row]:
        return (row for row in self.rows.values() if row.setting.group is group)

    @staticmethod
    def _add_section(column: QVBoxLayout, heading: str, rows: Iterable[Row]) -> None:
        title = Label(heading)
        title.setFont(scaled(title, 1.15, bold=True))
        if column.count():
            column.addSpacing(10)
        column.addWidget(title)
        for row in rows:
            column.addWidget(row)

    def changes(self) -> dict[str, Value]:
        """What is entered of the helper's settings and not in force."""
        return _changed(self.rows)

    def show_config(self, config: Config) -> None:
        """Show what is in force. What somebody is entering at the moment stays."""
        if not self._known:
            # There was nobody to ask, and that was all that was wrong.
            self.problem.show_problem(None)
        for key, row in self.rows.items():
            row.show_value(getattr(config, key), keep=self._known)
        self._known, self._waiting = True, False
        self._edited()
        self._leave()

    def show_problem(self, problem: Problem | None) -> None:
        """Say why something was not applied."""
        self._waiting = False
        if problem is not None:
            self._leaving = False
        self.problem.show_problem(problem)
        self._edited()

    def _show_own(self, *, keep: bool = False) -> None:
        for key, value in self._preferences.read().items():
            self.own_rows[key].show_value(value, keep=keep)

    def _apply(self) -> None:
        self.show_problem(None)
        try:
            self._preferences.write(_changed(self.own_rows))
            self.preferred.emit()
        except VramswapError as error:
            self.show_problem(problem(error))
        self._show_own(keep=True)
        if changes := self.changes():
            self._waiting = True
            self._edited()
            self.applied.emit(changes)

    def _revert(self) -> None:
        self.show_problem(None)
        for row in (*self.rows.values(), *self.own_rows.values()):
            row.revert()

    def _edited(self) -> None:
        others = bool(self.changes().keys() - PERSONAL)
        some = self._pending() and not self._waiting
        if not some and (self.apply.hasFocus() or self.revert.hasFocus()):
            # Qt would give it to the button that closes the window, and the next key to that.
            self._scroll.setFocus()
        self.apply.setEnabled(some)
        self.apply.setIcon(lock_icon(self.apply) if others else QIcon())
        self.revert.setEnabled(some)
        for row in self.rows.values():
            row.setEnabled(self._known)
        self.hint.show_text(self._said_before(others) if self.problem.isHidden() else "")

    def _said_before(self, others: bool) -> str:
        if not others:
            return ""
        if self._waiting:
            return tr("Applying. If a password is asked for, that window may be behind others.")
        return tr(
            "These settings are everybody's on this computer, so you may be asked for an administrator's password."
        )

    def discard(self) -> None:
        """Close it, whatever has been entered."""
        self._revert()
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._pending():
            super().closeEvent(event)
            self.closed.emit()
            return
        event.ignore()
        if self._waiting:
            # What would be asked for is under way.
            self._leaving = True
            return
        choices = QMessageBox.StandardButton
        self.question = QMessageBox(
            QMessageBox.Icon.Question, self.windowTitle(), tr("Apply the settings that you have changed?"),
            choices.Apply | choices.Discard | choices.Cancel, self,
        )  # fmt: skip
        self.question.setInformativeText(tr("They are not in force yet."))
        self.question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.question.finished.connect(self._answered)
        self.question.open()

    def _answered(self, answer: int) -> None:
        if answer == QMessageBox.StandardButton.Apply:
            self._leaving = True
            self._apply()
            self._leave()
        elif answer == QMessageBox.StandardButton.Discard:
            self.discard()

    def _leave(self) -> None:
        """Close it if somebody was about to leave and no answer is waited for; it asks about what is not in force."""
        if self._leaving and not self._waiting:
            self._leaving = False
            self.close()

    def _pending(self) -> bool:
        """Whether something is entered that is not in force."""
        return bool(self.changes() or _changed(self.own_rows))


def _legend() -> QHBoxLayout:
    """What the locks mean, said once."""
    line, lock = QHBoxLayout(), Lock()
    line.setSpacing(8)
    line.addWidget(lock, 0, Qt.AlignmentFlag.AlignTop)
    line.addWidget(wrapped(tr("Everybody's on this computer: needs an administrator."), muted=True), 1)
    return line


def _changed(rows: Mapping[str, Row]) -> dict[str, Value]:
    return {key: row.value for key, row in rows.items() if row.changed}
