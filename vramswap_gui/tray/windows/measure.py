# SPDX-License-Identifier: MIT
"""VRAM or disk, which is faster here: measured by ``vramswapctl bench``, and told in two pairs of bars."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from PySide6.QtCore import QLocale, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialogButtonBox, QProgressBar, QVBoxLayout, QWidget

from vramswap_gui.system.run import Finished
from vramswap_gui.tray.command_line import CommandLine
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.view_model import Bar, Fill, Part, Problem
from vramswap_gui.tray.widgets.button import Buttons
from vramswap_gui.tray.widgets.infobar import Hint, ProblemBox
from vramswap_gui.tray.widgets.labels import scaled, wrapped
from vramswap_gui.tray.widgets.usage_bar import Tiers
from vramswap_gui.tray.windows.frame import Foot, ScrolledColumn, fit, rule

#: In lines of text.
_SIZE: Final = (32, 34)
_COMMAND: Final = ("bench", "--quick", "--json", "--size", "256M", "--runs", "5", "--seconds", "0.5")
#: As fast, to a person.
_ALIKE: Final = (0.9, 1.1)
#: Runs that differ by more percent were not measured on a computer at rest.
_UNSTEADY: Final = 25


@dataclass(frozen=True, slots=True)
class Result:
    """Nanoseconds for a page to come back, bytes a second that leave, and the percent by which runs differ."""

    page_vram: float
    page_disk: float
    leave_vram: float
    leave_disk: float
    spread: float

    @classmethod
    def of(cls, output: str) -> Self:
        """What ``vramswapctl bench --json`` printed. Raises ValueError."""
        try:
            found = json.loads(output)["verdict"]
            values = [float(found[name]) for name in cls.__slots__]
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(str(error)) from None
        if min(values[:4]) <= 0:
            raise ValueError("nothing was measured")
        return cls(*values)


class MeasurePage(QWidget):
    """Measures when somebody asks for it."""

    closed = Signal()

    def __init__(self, icon: QIcon, folder: Path) -> None:
        """``folder``: on the disk to compare with."""
        super().__init__()
        self.setWindowTitle(tr("VRAM or disk?"))
        self.setWindowIcon(icon)
        self._folder = folder
        self._command_line = CommandLine()
        self.summary, self.explanation = wrapped(), wrapped(muted=True)
        self.summary.setFont(scaled(self.summary, 1.15, bold=True))
        self.explanation.setText(
            tr(
                "256 MiB of VRAM and as much of the disk are written and read, for about ten seconds. The swap stays"
                " as it is. A GPU that sleeps wakes up."
            )
        )
        self.back_title, self.leave_title = (
            wrapped(tr("A page comes back (less is better)")),
            wrapped(tr("Pages leave (more is better)")),
        )
        self.back, self.leave = Tiers(), Tiers()
        self.hint, self.problem = Hint(), ProblemBox()
        self.hint.hide()
        self.problem.hide()
        self.problem.dismissed.connect(lambda: self.problem.show_problem(None))
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName(tr("Working"))
        policy = self.progress.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.progress.setSizePolicy(policy)
        self._lay_out()
        self._rest(tr("Which is faster here?"))
        self._show_bars(None)
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)

    def _lay_out(self) -> None:
        scroll = ScrolledColumn()
        scroll.column.setSpacing(14)
        scroll.column.addWidget(self.summary)
        scroll.column.addWidget(self.explanation)
        scroll.column.addWidget(self.progress)
        for title, bars in ((self.back_title, self.back), (self.leave_title, self.leave)):
            title.setFont(scaled(title, 1.0, bold=True))
            scroll.column.addWidget(title)
            scroll.column.addWidget(bars)
        scroll.column.addStretch(1)
        buttons = Buttons(QDialogButtonBox.StandardButton.Close)
        self.begin = buttons.addButton(tr("&Measure"), QDialogButtonBox.ButtonRole.ActionRole)
        self.begin.clicked.connect(self._toggle)
        buttons.rejected.connect(self.close)
        foot = Foot()
        foot.column.addWidget(self.hint)
        foot.column.addWidget(self.problem)
        foot.column.addWidget(buttons)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addWidget(rule())
        outer.addWidget(foot)
        fit(self, *_SIZE)

    @property
    def measuring(self) -> bool:
        """Whether a measurement is under way."""
        return not self.progress.isHidden()

    def _toggle(self) -> None:
        if self.measuring:
            self._command_line.cancel()
            self._rest(tr("Which is faster here?"))
            return
        self.problem.show_problem(None)
        self.hint.show_text("")
        self.progress.show()
        self.begin.setText(tr("&Stop"))
        self.summary.setText(tr("Measuring…"))
        self._folder.mkdir(parents=True, exist_ok=True)
        self._command_line.start(*_COMMAND, "--disk", str(self._folder), done=self.show_result)

    def _rest(self, summary: str) -> None:
        self.progress.hide()
        self.begin.setText(tr("&Measure"))
        self.summary.setText(summary)

    def show_result(self, finished: Finished) -> None:
        """Show how a measurement ended."""
        try:
            result = Result.of(finished.output) if finished.status == 0 else None
        except ValueError:
            result = None
        if result is None:
            self._rest(tr("Nothing was measured."))
            self.problem.show_problem(Problem(finished.complaint.removeprefix("vramswapctl: ")))
            return
        self._rest(_verdict(result.page_disk / result.page_vram))
        self._show_bars(result)
        unsteady = tr(
            "The figures differ from run to run by up to {percent}\u00a0%: measure again when nothing else works."
        )
        self.hint.show_text(unsteady.format(percent=round(result.spread)) if result.spread > _UNSTEADY else "")

    def _show_bars(self, result: Result | None) -> None:
        for part in (self.back_title, self.back, self.leave_title, self.leave):
            part.setVisible(result is not None)
        if result is not None:
            self.back.show_bars(_pair(result.page_vram, result.page_disk, _microseconds))
            self.leave.show_bars(_pair(result.leave_vram, result.leave_disk, _gigabytes))

    def closeEvent(self, event: QCloseEvent) -> None:
        self._command_line.cancel()
        super().closeEvent(event)
        self.closed.emit()


def _verdict(times: float) -> str:
    if _ALIKE[0] <= times <= _ALIKE[1]:
        return tr("VRAM brings pages back as fast as the disk.")
    shown = QLocale().toString(times if times > 1 else 1 / times, "f", 1)
    if times > 1:
        return tr("VRAM brings pages back {times} times as fast as the disk.").format(times=shown)
    return tr("The disk brings pages back {times} times as fast as VRAM.").format(times=shown)


def _pair(vram: float, disk: float, word: object) -> tuple[Bar, ...]:
    assert callable(word)
    most = max(vram, disk)
    values = ((tr("VRAM"), Fill.USED, vram), (tr("Disk"), Fill.OTHER, disk))
    return tuple(
        Bar(title, word(value), (Part(fill, "", round(value)), Part(Fill.FREE, "", round(most - value))), bytes=False)
        for title, fill, value in values
    )


def _microseconds(nanoseconds: float) -> str:
    return tr("{time} µs").format(time=QLocale().toString(nanoseconds / 1e3, "f", 0 if nanoseconds >= 1e5 else 1))


def _gigabytes(rate: float) -> str:
    return tr("{rate} GB/s").format(rate=QLocale().toString(rate / 1e9, "f", 1))
