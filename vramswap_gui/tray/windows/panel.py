# SPDX-License-Identifier: MIT
"""The window: one switch, one sentence, the size, and below them what is going on."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QCloseEvent, QCursor, QGuiApplication, QHideEvent, QIcon, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLayout, QMenu, QProgressBar, QVBoxLayout, QWidget

from vramswap_gui.settings import SETTINGS
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.view_model import PAUSE_SECONDS, Look, Offer, Problem, View
from vramswap_gui.tray.widgets.button import Button
from vramswap_gui.tray.widgets.fold import Fold
from vramswap_gui.tray.widgets.graph import Graph
from vramswap_gui.tray.widgets.infobar import Banner, Hint, ProblemBox, Question
from vramswap_gui.tray.widgets.labels import Label, leading, scaled, wrapped
from vramswap_gui.tray.widgets.lists import Events, Programs
from vramswap_gui.tray.widgets.size_slider import Sizer
from vramswap_gui.tray.widgets.switch import Switch
from vramswap_gui.tray.widgets.usage_bar import Legend, StackedBar, Tiers
from vramswap_gui.tray.windows.frame import Foot, ScrolledColumn, fit, rule
from vramswap_gui.tray.windows.settings_rows import Choice

#: In lines of text. One height for every state: a window that grows under the pointer gets clicks that are not meant.
_WIDTH: Final = 30
_HEIGHT: Final = 54
#: No icon in a panel is larger, in pixels.
_ICON: Final = 64
#: Lines that are kept for the sentence; most have one.
_SAID: Final = 3


class Panel(QWidget):
    """Shows a :class:`View` and says what a person asks for; knows nothing else.

    What a person can change is on top, where nothing of what is shown can move it; problems come in below, above the
    buttons that stay.
    """

    toggled = Signal(bool)
    size_chosen = Signal(object)
    mode_chosen = Signal(str)
    settings_asked = Signal()
    check_asked = Signal()
    dismissed = Signal()
    hint_dismissed = Signal()
    cancelled = Signal()
    #: Seconds; 0 ends a pause.
    pause_asked = Signal(int)
    battery_asked = Signal(bool)
    #: Whether pages may land on the disk.
    landing_decided = Signal(bool)
    measure_asked = Signal()
    report_asked = Signal()
    about_asked = Signal()
    #: Whether somebody wants to know whose memory is in swap.
    swapped_watched = Signal(bool)
    #: True when it comes into sight, False when it goes.
    seen = Signal(bool)
    closed = Signal()

    def __init__(self, icon: QIcon) -> None:
        super().__init__()
        self.setWindowTitle(tr("VRAM swap"))
        self.setWindowIcon(icon)
        self._make_widgets()
        self._lay_out()
        self.switch.clicked.connect(self.toggled)
        self.sizer.chosen.connect(self.size_chosen)
        self.mode.activated.connect(lambda index: self.mode_chosen.emit(self.mode.itemData(index)))
        self.settings.clicked.connect(self.settings_asked)
        self.check.clicked.connect(self.check_asked)
        self.problem.dismissed.connect(self.dismissed)
        self.hint.dismissed.connect(self.hint_dismissed)
        self.offer.clicked.connect(self._take_offer)
        self.landing.answered.connect(self.landing_decided)
        self.swapped.heading.toggled.connect(self.swapped_watched)
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)
        fit(self, _WIDTH, _HEIGHT)

    def _make_widgets(self) -> None:
        self.banner, self.hint, self.problem, self.landing = Banner(), Hint(), ProblemBox(), Question()
        self.title = wrapped(tr("Use VRAM as swap"))
        self.title.setFont(scaled(self.title, 1.35, bold=True))
        self.switch = Switch()
        self.switch.setAccessibleName(self.title.text())
        self.headline, self.sentence = wrapped(), wrapped()
        self.headline.setFont(scaled(self.headline, 1.0, bold=True))
        # What is below stays where it is, whatever is said.
        self.sentence.setMinimumHeight(self.sentence.fontMetrics().height() * _SAID)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop | leading(self.sentence))
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName(tr("Working"))
        self.offer = Button()
        policy = self.offer.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.offer.setSizePolicy(policy)
        self._offers = {
            Offer.CANCEL: (tr("&Cancel"), tr("Leave the pages in VRAM and the swap on")),
            Offer.RESUME: (tr("&Resume"), tr("End the pause now")),
            Offer.BATTERY: (tr("&Use on battery"), tr("This once: until mains power is back")),
            Offer.LEND: (tr("&Lend now"), tr("Do not wait until memory gets short")),
        }
        self._offered = Offer.NONE
        self.mode_title, self.mode = Label(tr(SETTINGS["mode"].title)), Choice()
        self.mode_title.setBuddy(self.mode)
        self.mode.setAccessibleName(self.mode_title.text())
        self.mode.setAccessibleDescription(tr(SETTINGS["mode"].help))
        for mode, meaning in SETTINGS["mode"].choices.items():
            self.mode.addItem(tr(meaning), mode)
        self.settings, self.check = Button(tr("&Settings…")), Button(tr("C&heck this computer…"))
        self.vram_title, self.vram_detail = wrapped(tr("Video memory")), Label(muted=True)
        self.gpu_name, self.vram_note = wrapped(muted=True), wrapped(muted=True)
        self.vram_bar, self.legend = StackedBar(), Legend()
        self.sizer = Sizer()
        self.traffic_title, self.graph = wrapped(tr("Last 5 minutes")), Graph()
        self.tiers_title, self.tiers = wrapped(tr("Memory and swap")), Tiers()
        self.swapped, self.programs = Fold(tr("Programs in swap"), bold=True), Programs()
        self.swapped_note = wrapped(muted=True)
        self.swapped.column.addWidget(self.programs)
        self.swapped.column.addWidget(self.swapped_note)
        self.activity, self.events = Fold(tr("What happened"), bold=True), Events()
        self.activity.column.addWidget(self.events)
        self.more = Button(tr("&More"))
        self._make_more()
        for title in (self.vram_title, self.sizer.title, self.traffic_title, self.tiers_title):
            title.setFont(scaled(title, 1.0, bold=True))

    def _lay_out(self) -> None:
        self._scroll = ScrolledColumn(top=18)
        column = self._scroll.column
        column.setSpacing(16)
        column.addWidget(self.banner)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self.title, 1)
        head.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignVCenter)
        state = QHBoxLayout()
        state.setSpacing(12)
        state.addWidget(self.headline, 1)
        state.addWidget(self.offer)
        # What is said while something is under way leaves the last line to the progress.
        said = QGridLayout()
        said.addWidget(self.sentence, 0, 0)
        said.addWidget(self.progress, 0, 0, Qt.AlignmentFlag.AlignBottom)
        column.addLayout(_stack(6, head, _stack(2, state, said)))
        when = QHBoxLayout()
        when.setSpacing(12)
        when.addWidget(self.mode_title)
        when.addWidget(self.mode, 1)
        column.addLayout(when)
        column.addWidget(self.sizer)
        self._vram_line = rule()
        column.addWidget(self._vram_line)
        line = QHBoxLayout()
        line.addWidget(self.vram_title, 1)
        line.addWidget(self.vram_detail)
        column.addLayout(_stack(8, line, self.gpu_name, self.vram_bar, self.legend, self.vram_note))
        column.addLayout(_stack(8, self.traffic_title, self.graph))
        self._tiers_line = rule()
        column.addWidget(self._tiers_line)
        column.addLayout(_stack(10, self.tiers_title, self.tiers))
        column.addLayout(_stack(10, self.swapped, self.activity))
        column.addStretch(1)
        foot = Foot()
        buttons = QHBoxLayout()
        buttons.addWidget(self.check)
        buttons.addWidget(self.more)
        buttons.addStretch(1)
        buttons.addWidget(self.settings)
        for box in (self.problem, self.landing, self.hint):
            foot.column.addWidget(box)
        foot.column.addLayout(buttons)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._scroll, 1)
        outer.addWidget(rule())
        outer.addWidget(foot)

    def show_view(self, view: View, *, hint: Problem | None) -> None:
        """Show what there is to show; ``hint`` is about the desktop."""
        focused = self.focusWidget()
        self.banner.show_text(view.banner)
        self.hint.show_hint(None if view.problem or view.landing else hint)
        self.landing.show_question(view.landing)
        self.switch.setChecked(view.checked)
        self.switch.hold(bool(view.blocked), passing=view.look is Look.BUSY)
        # A screen reader says it whenever it is another; figures would be another every second.
        figures = view.look in (Look.ON, Look.BUSY)
        self.switch.setAccessibleDescription(view.headline if figures else f"{view.headline}. {view.sentence}")
        self.headline.setText(view.headline)
        self.sentence.setText("\n".join(filter(None, (view.sentence, view.benefit))))
        self.progress.setVisible(view.look is Look.BUSY)
        self._show_offer(view.offer)
        self.pause.setVisible(view.pausable)
        _visible(bool(view.mode), self.mode_title, self.mode)
        self.mode.setCurrentIndex(self.mode.findData(view.mode))
        self.problem.show_problem(view.problem)
        self._show_vram(view)
        _visible(view.history is not None, self.traffic_title, self.graph)
        if view.history is not None:
            self.graph.show_history(view.history)
        self.sizer.setVisible(bool(view.size.text))
        self.sizer.show_choice(view.size)
        _visible(bool(view.tiers), self._tiers_line, self.tiers_title, self.tiers)
        self.tiers.show_bars(view.tiers)
        self._show_lists(view)
        if focused is not None and not focused.isVisibleTo(self):
            # Qt would give the focus to whatever comes next, and the next key to that.
            self.switch.setFocus()

    def _make_more(self) -> None:
        menu = QMenu(self.more)
        self.pause = menu.addAction(tr("&Pause for an hour"))
        self.pause.triggered.connect(lambda: self.pause_asked.emit(PAUSE_SECONDS))
        menu.addSeparator()
        asked = (
            (tr("&VRAM or disk?"), self.measure_asked),
            (tr("&Report a problem…"), self.report_asked),
            (tr("&About"), self.about_asked),
        )
        for text, signal in asked:
            menu.addAction(text).triggered.connect(signal)
        self.more.setMenu(menu)

    def _show_offer(self, offer: Offer) -> None:
        self._offered = offer
        self.offer.setVisible(offer is not Offer.NONE)
        if offer is not Offer.NONE:
            text, meaning = self._offers[offer]
            self.offer.setText(text)
            self.offer.setToolTip(meaning)
            self.offer.setAccessibleDescription(meaning)

    def _take_offer(self) -> None:
        match self._offered:
            case Offer.CANCEL:
                self.cancelled.emit()
            case Offer.RESUME:
                self.pause_asked.emit(0)
            case Offer.BATTERY:
                self.battery_asked.emit(True)
            case Offer.LEND:
                self.toggled.emit(True)

    def _show_lists(self, view: View) -> None:
        self.swapped.setVisible(bool(view.tiers))
        if view.swapped is not None:
            self.programs.show_programs(view.swapped)
            self.programs.setVisible(bool(view.swapped))
            self.swapped_note.setText(
                tr("Of all swap, be it VRAM or not; the kernel does not tell more.")
                if view.swapped
                else tr("None of your programs has memory in swap.")
            )
        self.activity.setVisible(bool(view.happened))
        self.events.show_events(view.happened)

    def _show_vram(self, view: View) -> None:
        self.gpu_name.setText(view.gpu_name)
        self.gpu_name.setVisible(bool(view.gpu_name))
        # Asleep is said by the note, and lent by all the rest.
        note = view.vram_note or ("" if view.history is not None else view.power)
        self.vram_note.setText(note)
        self.vram_note.setVisible(bool(note))
        _visible(view.vram is not None, self.vram_bar, self.legend, self.vram_detail)
        _visible(bool(view.vram or view.vram_note or view.gpu_name), self._vram_line, self.vram_title)
        if view.vram is not None:
            self.vram_detail.setText(view.vram.detail)
            self.vram_bar.show_bar(view.vram)
            self.legend.show_bar(view.vram)

    @property
    def in_front(self) -> bool:
        """Whether a click on the icon has nothing to show that is not in sight."""
        return self.isVisible() and self.isActiveWindow() and not self.isMinimized()

    def appear_near(self, place: QPoint) -> None:
        """Have the window beside the icon at ``place`` when it is shown; Wayland's desktops choose by themselves.

        Some hosts say where in the icon it was (MATE's), or nothing: then the pointer, which clicked there, tells.
        """
        if self.isVisible() or QGuiApplication.platformName() != "xcb":
            return
        place = QCursor.pos() if max(place.x(), place.y()) < _ICON else place
        screen = QGuiApplication.screenAt(place) or self.screen()
        room = screen.availableGeometry().adjusted(8, 8, -8, -8)
        left = min(max(room.left(), place.x() - self.width() // 2), room.right() - self.width())
        below = place.y() < room.center().y()
        self.move(max(room.left(), left), room.top() if below else max(room.top(), room.bottom() - self.height()))

    def bring_up(self) -> None:
        """Show the window, in front."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.seen.emit(False)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:
            self.seen.emit(self.isVisible() and not self.isMinimized())

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()


def _visible(visible: bool, *parts: QWidget) -> None:
    for part in parts:
        part.setVisible(visible)


def _stack(spacing: int, *parts: QWidget | QLayout) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    return column
