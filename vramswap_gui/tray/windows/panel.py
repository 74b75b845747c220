"""The window: one switch, one sentence, the bars and the size."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QFont,
    QGuiApplication,
    QHideEvent,
    QIcon,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from vramswap_gui.settings import SETTINGS
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.view_model import Look, View
from vramswap_gui.tray.widgets.graph import Graph
from vramswap_gui.tray.widgets.infobar import Banner, Hint, ProblemBox
from vramswap_gui.tray.widgets.size_slider import Sizer
from vramswap_gui.tray.widgets.switch import Switch
from vramswap_gui.tray.widgets.usage_bar import Legend, StackedBar, Tiers, muted, wrapped
from vramswap_gui.tray.windows.settings_rows import Choice

_WIDTH: Final = 440
_NARROWEST: Final = 320


class _Content(QWidget):
    """Says when it has been laid out anew: texts have changed, parts have come or gone."""

    laid_out = Signal()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest:
            self.laid_out.emit()
        return done

    def minimumSizeHint(self) -> QSize:
        # Labels that wrap ask for the height of their narrowest form; what is needed follows from the real width.
        return QSize(super().minimumSizeHint().width(), 1)


class Panel(QWidget):
    """Shows a :class:`View` and says what a person asks for; knows nothing else."""

    toggled = Signal(bool)
    size_chosen = Signal(object)
    mode_chosen = Signal(str)
    settings_asked = Signal()
    check_asked = Signal()
    dismissed = Signal()
    cancelled = Signal()
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
        self.cancel.clicked.connect(self.cancelled)
        for keys in (QKeySequence.StandardKey.Close, QKeySequence.StandardKey.Cancel):
            QShortcut(keys, self, self.close)

    def _make_widgets(self) -> None:
        self.banner, self.hint, self.problem = Banner(), Hint(), ProblemBox()
        self.title = wrapped(tr("Use VRAM as swap"))
        self.title.setFont(_scaled(self.title, 1.35, bold=True))
        self.switch = Switch()
        self.switch.setAccessibleName(self.title.text())
        self.headline, self.sentence = wrapped(), wrapped()
        self.headline.setFont(_scaled(self.headline, 1.0, bold=True))
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName(tr("Working"))
        self.cancel = QPushButton(tr("&Cancel"))
        self.cancel.setAccessibleDescription(tr("Leave the pages in VRAM and the swap on"))
        self.mode_title, self.mode = QLabel(tr(SETTINGS["mode"].title)), Choice()
        self.mode_title.setBuddy(self.mode)
        self.mode.setAccessibleName(self.mode_title.text())
        self.mode.setAccessibleDescription(tr(SETTINGS["mode"].help))
        for mode, meaning in SETTINGS["mode"].choices.items():
            self.mode.addItem(tr(meaning), mode)
        self.settings, self.check = QPushButton(tr("&Settings…")), QPushButton(tr("C&heck this computer…"))
        self.vram_title, self.vram_detail = wrapped(tr("Video memory")), muted(QLabel())
        self.gpu_name, self.vram_note = muted(wrapped()), muted(wrapped())
        self.vram_bar, self.legend = StackedBar(), Legend()
        self.cost = muted(wrapped())
        self.sizer = Sizer()
        self.traffic_title, self.graph = wrapped(tr("The last minutes")), Graph()
        self.tiers_title, self.tiers = wrapped(tr("Memory and swap")), Tiers()
        for title in (self.vram_title, self.sizer.title, self.traffic_title, self.tiers_title):
            title.setFont(_scaled(title, 1.0, bold=True))

    def _lay_out(self) -> None:
        content = _Content()
        content.laid_out.connect(self._fit)
        column = QVBoxLayout(content)
        column.setContentsMargins(22, 20, 22, 22)
        column.setSpacing(18)
        column.addWidget(self.banner)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(self.title, 1)
        head.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignVCenter)
        work = QHBoxLayout()
        work.setSpacing(12)
        work.addWidget(self.progress, 1, Qt.AlignmentFlag.AlignVCenter)
        work.addWidget(self.cancel)
        column.addLayout(_stack(8, head, self.headline, self.sentence, work))
        when = QHBoxLayout()
        when.setSpacing(12)
        when.addWidget(self.mode_title)
        when.addWidget(self.mode, 1)
        column.addLayout(when)
        column.addWidget(self.problem)
        column.addWidget(self.hint)
        column.addWidget(_line())
        line = QHBoxLayout()
        line.addWidget(self.vram_title, 1)
        line.addWidget(self.vram_detail)
        column.addLayout(_stack(8, line, self.gpu_name, self.vram_bar, self.legend, self.vram_note, self.cost))
        column.addWidget(self.sizer)
        column.addLayout(_stack(8, self.traffic_title, self.graph))
        self._tiers_line = _line()
        column.addWidget(self._tiers_line)
        column.addLayout(_stack(10, self.tiers_title, self.tiers))
        more = QHBoxLayout()
        more.addWidget(self.check)
        more.addStretch(1)
        more.addWidget(self.settings)
        column.addStretch(1)
        column.addLayout(more)
        self._content = content
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._scroll)
        self.setMinimumSize(_NARROWEST, 240)
        self._fitted = 480
        self.resize(_WIDTH, self._fitted)

    def show_view(self, view: View, *, dismissible: bool, hint: str) -> None:
        """Show what there is to show; ``hint`` is about the desktop."""
        self.banner.show_text(view.banner)
        self.hint.show_text(hint)
        self.switch.setChecked(view.checked)
        self.switch.setEnabled(view.toggle_enabled)
        self.switch.setAccessibleDescription(f"{view.headline}. {view.sentence}")
        self.headline.setText(view.headline)
        self.sentence.setText(view.sentence)
        self.sentence.setVisible(bool(view.sentence))
        self.progress.setVisible(view.look is Look.BUSY)
        self.cancel.setVisible(view.cancellable)
        for part in (self.mode_title, self.mode):
            part.setVisible(bool(view.mode))
        self.mode.setCurrentIndex(self.mode.findData(view.mode))
        self.settings.setEnabled(bool(view.mode))
        self.problem.show_problem(view.problem, dismissible)
        self.gpu_name.setText(view.gpu_name)
        self.gpu_name.setVisible(bool(view.gpu_name))
        self.vram_note.setText(view.vram_note)
        self.vram_note.setVisible(bool(view.vram_note))
        for widget in (self.vram_bar, self.legend, self.vram_detail):
            widget.setVisible(view.vram is not None)
        if view.vram is not None:
            self.vram_detail.setText(view.vram.detail)
            self.vram_bar.show_bar(view.vram)
            self.legend.show_bar(view.vram)
        self.cost.setText(view.cost)
        self.cost.setVisible(bool(view.cost))
        self.traffic_title.setVisible(view.history is not None)
        self.graph.setVisible(view.history is not None)
        if view.history is not None:
            self.graph.show_history(view.history)
        self.sizer.setVisible(bool(view.size.text))
        self.sizer.show_choice(view.size)
        for section in (self._tiers_line, self.tiers_title, self.tiers):
            section.setVisible(bool(view.tiers))
        self.tiers.show_bars(view.tiers)

    @property
    def in_front(self) -> bool:
        """Whether a click on the icon has nothing to show that is not in sight."""
        return self.isVisible() and self.isActiveWindow() and not self.isMinimized()

    def appear_near(self, place: QPoint) -> None:
        """Have the window beside the icon at ``place`` when it is shown; Wayland's desktops choose by themselves."""
        if self.isVisible() or place.isNull() or QGuiApplication.platformName() != "xcb":
            return
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

    def _fit(self) -> None:
        """Be as tall as the content, as far as the screen goes; beyond that it scrolls.

        A height that a person chose stays, unless it has become too small.
        """
        layout = self._content.layout()
        if layout is None or self.isMaximized() or self.isFullScreen():
            return
        # Check boxes and numbers do not wrap.
        self.setMinimumWidth(max(_NARROWEST, self._content.minimumSizeHint().width()))
        needed = layout.totalHeightForWidth(self.width())
        room = self.screen().availableSize().height() - 60
        if needed > self.height() or self.height() == self._fitted:
            self._fitted = min(needed, room)
            self.resize(self.width(), self._fitted)
        self._scroll_if_needed()

    def _scroll_if_needed(self) -> None:
        """Left to itself a bar stays where it has come, because beside it the texts are narrower and so higher."""
        needed = self._content.heightForWidth(self.width())
        policies = Qt.ScrollBarPolicy
        policy = policies.ScrollBarAsNeeded if needed > self.height() else policies.ScrollBarAlwaysOff
        self._scroll.setVerticalScrollBarPolicy(policy)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._scroll_if_needed()

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


def _scaled(widget: QWidget, factor: float, *, bold: bool) -> QFont:
    font = widget.font()
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setBold(bold)
    return font


def _stack(spacing: int, *parts: QWidget | QHBoxLayout) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(spacing)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    return column


def _line() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setFrameShadow(QFrame.Shadow.Sunken)
    return line
