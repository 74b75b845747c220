# SPDX-License-Identifier: MIT
"""Lists of a few lines, each made anew only when there are more or fewer: programs, and what happened."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from vramswap_gui.tray.happened import Happened
from vramswap_gui.tray.i18n import size_text
from vramswap_gui.tray.readings import SwappedView
from vramswap_gui.tray.widgets.labels import Label, leading, wrapped


class _Lines(QWidget):
    """A grid; a subclass says what is in a line."""

    def __init__(self, stretched: int) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(stretched, 1)
        self._lines: list[tuple[QLabel, ...]] = []

    def have(self, count: int) -> Sequence[tuple[QLabel, ...]]:
        """So many lines."""
        while len(self._lines) > count:
            for label in self._lines.pop():
                self._grid.removeWidget(label)
                label.deleteLater()
        while len(self._lines) < count:
            line = self.line()
            for column, label in enumerate(line):
                self._grid.addWidget(label, len(self._lines), column)
            self._lines.append(line)
        return self._lines

    def line(self) -> tuple[QLabel, ...]:
        """One more, with nothing in it."""
        raise NotImplementedError


class Programs(_Lines):
    """Programs with their icons, and what they have in swap."""

    def __init__(self) -> None:
        super().__init__(1)
        self._shown: tuple[SwappedView, ...] = ()

    def line(self) -> tuple[QLabel, ...]:
        icon, size = QLabel(), Label(muted=True)
        side = self._side()
        icon.setFixedSize(side, side)
        size.setAlignment(Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
        return icon, wrapped(), size

    def show_programs(self, programs: tuple[SwappedView, ...]) -> None:
        """Show these."""
        if programs == self._shown:
            return
        before = dict(enumerate(self._shown))
        self._shown = programs
        for number, ((icon, name, size), program) in enumerate(zip(self.have(len(programs)), programs, strict=True)):
            old = before.get(number)
            if old is None or old.icon != program.icon:
                icon.setPixmap(_icon(program.icon).pixmap(self._side(), self._side()))
            name.setText(program.name)
            size.setText(size_text(program.used))

    def _side(self) -> int:
        return max(16, round(self.fontMetrics().height() * 1.2))


class Events(_Lines):
    """What happened: when, what and why."""

    def __init__(self) -> None:
        super().__init__(1)
        self._shown: tuple[Happened, ...] = ()

    def line(self) -> tuple[QLabel, ...]:
        when, what = Label(muted=True), wrapped()
        when.setAlignment(Qt.AlignmentFlag.AlignTop | leading(when))
        return when, what

    def show_events(self, events: tuple[Happened, ...]) -> None:
        """Show these."""
        if events == self._shown:
            return
        self._shown = events
        for (when, what), event in zip(self.have(len(events)), events, strict=True):
            when.setText(event.when)
            what.setText(f"{event.what} – {event.why}" if event.why else event.what)


def _icon(name: str) -> QIcon:
    """By its name in the theme, or its path; of a program, where there is none."""
    found = QIcon(name) if name.startswith("/") else QIcon.fromTheme(name)
    return QIcon.fromTheme("application-x-executable") if found.isNull() else found
