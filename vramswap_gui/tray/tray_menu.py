# SPDX-License-Identifier: MIT
"""The menu of the tray icon. Most hosts draw it themselves, so everything in it works as plain entries too."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidgetAction

from vramswap_gui.settings import SETTINGS
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.view_model import PAUSE_SECONDS, Offer, Preset, View
from vramswap_gui.tray.widgets.size_slider import Sizer


class TrayMenu(QObject):
    """Shows a :class:`View` as a menu and says what a person asks for."""

    toggled = Signal(bool)
    size_chosen = Signal(object)
    mode_chosen = Signal(str)
    settings_asked = Signal()
    check_asked = Signal()
    open_asked = Signal()
    quit_asked = Signal()
    pause_asked = Signal(int)
    battery_asked = Signal(bool)

    def __init__(self, *, own_drawing: bool) -> None:
        """``own_drawing``: Qt draws the menu itself, so that it can hold a slider."""
        super().__init__()
        self.menu = QMenu()
        self.menu.setToolTipsVisible(True)
        self.toggle = QAction(self.menu)
        self.toggle.setCheckable(True)
        self.status, self.news = QAction(self.menu), QAction(self.menu)
        self.power, self.banner = QAction(self.menu), QAction(self.menu)
        for told in (self.status, self.news, self.power, self.banner):
            told.setEnabled(False)
        self.pause = QAction(tr("&Pause for an hour"), self.menu)
        self.lend = QAction(tr("&Lend now"), self.menu)
        self.resume = QAction(tr("End the &pause"), self.menu)
        self.battery = QAction(tr("Use on &battery this once"), self.menu)
        self.battery.setCheckable(True)
        self.sizes, self.modes = QMenu(), QMenu()
        self.settings = QAction(tr("S&ettings…"), self.menu)
        self.check = QAction(tr("&Check this computer…"), self.menu)
        self.open = QAction(tr("&Open"), self.menu)
        self.quit = QAction(tr("&Quit"), self.menu)
        self._presets: tuple[Preset, ...] = ()
        self._group: QActionGroup | None = None
        self.menu.addAction(self.toggle)
        self.menu.addActions([self.status, self.news, self.power, self.banner])
        self.menu.addSeparator()
        self.menu.addActions([self.lend, self.pause, self.resume, self.battery])
        self._add_modes()
        self.menu.addMenu(self.modes)
        self.menu.addMenu(self.sizes)
        self.slider: Sizer | None = None
        self._slider_action: QAction | None = None
        if own_drawing:
            self._add_slider()
        self.menu.addSeparator()
        self.menu.addAction(self.open)
        self.menu.addAction(self.settings)
        self.menu.addAction(self.check)
        self.menu.addSeparator()
        self.menu.addAction(self.quit)
        self.menu.setDefaultAction(self.open)
        # The host may have checked the entry by itself; what is so is shown by the next view.
        self.toggle.triggered.connect(self.toggled)
        self.settings.triggered.connect(self.settings_asked)
        self.check.triggered.connect(self.check_asked)
        self.open.triggered.connect(self.open_asked)
        self.quit.triggered.connect(self.quit_asked)
        self.pause.triggered.connect(lambda: self.pause_asked.emit(PAUSE_SECONDS))
        self.lend.triggered.connect(lambda: self.toggled.emit(True))
        self.resume.triggered.connect(lambda: self.pause_asked.emit(0))
        self.battery.triggered.connect(self.battery_asked)

    def _add_modes(self) -> None:
        group = QActionGroup(self.modes)
        self._modes: dict[str, QAction] = {}
        for mode, meaning in SETTINGS["mode"].choices.items():
            action = self._modes[mode] = QAction(tr(meaning), group)
            action.setCheckable(True)
            action.triggered.connect(lambda on=False, mode=mode: self.mode_chosen.emit(mode))
            self.modes.addAction(action)

    def _add_slider(self) -> None:
        self.slider = Sizer()
        self.slider.setContentsMargins(12, 6, 12, 6)
        self.slider.setMinimumWidth(260)
        self.slider.chosen.connect(self.size_chosen)
        action = self._slider_action = QWidgetAction(self.sizes)
        action.setDefaultWidget(self.slider)
        self.sizes.addSeparator()
        self.sizes.addAction(action)

    def show_view(self, view: View) -> None:
        """Show what there is to show."""
        self.toggle.setChecked(view.checked)
        _allow(self.toggle, tr("&Use VRAM as swap"), view.blocked)
        self.pause.setVisible(view.pausable)
        self.lend.setVisible(view.offer is Offer.LEND)
        self.resume.setVisible(view.offer is Offer.RESUME)
        self.battery.setVisible(view.battery_once or view.offer is Offer.BATTERY)
        self.battery.setChecked(view.battery_once)
        self.status.setText(_plain(view.headline))
        for told, text in ((self.news, view.sentence), (self.power, view.power), (self.banner, view.banner)):
            told.setText(_plain(text.replace("\n", " · ")))
            told.setVisible(bool(text))
        self.quit.setText(view.quit_text)
        _allow(self.modes.menuAction(), tr(SETTINGS["mode"].title), "" if view.mode else view.blocked)
        if view.mode:
            self._modes[view.mode].setChecked(True)
        _allow(self.sizes.menuAction(), tr("&Size"), view.size.blocked)
        self._show_presets(view.presets)
        if self.slider is not None and self._slider_action is not None:
            self._slider_action.setVisible(view.size.known)
            self.slider.show_choice(view.size)

    def _show_presets(self, presets: tuple[Preset, ...]) -> None:
        # Hosts fetch the whole menu again when an entry changes, so it stays as it is when it can.
        if presets == self._presets:
            return
        self._presets = presets
        if self._group is not None:
            for old in self._group.actions():
                self.sizes.removeAction(old)
            self._group.deleteLater()
        self._group = QActionGroup(self.sizes)
        others = [action for action in self.sizes.actions() if action.actionGroup() is None]
        for preset in presets:
            action = QAction(_plain(preset.text), self._group)
            action.setCheckable(True)
            action.setChecked(preset.checked)
            # Older versions of PySide give no argument to a function with defaults, newer ones do.
            action.triggered.connect(lambda on=False, size=preset.size: self._choose(size))
            if others:
                self.sizes.insertAction(others[0], action)
            else:
                self.sizes.addAction(action)

    def _choose(self, size: int) -> None:
        self._presets = ()
        self.size_chosen.emit(size)


def _allow(entry: QAction, text: str, blocked: str) -> None:
    """Grey an entry while there is a reason for that, and have it say so: in a menu nothing else could."""
    entry.setText(tr("{entry} – {reason}").format(entry=text, reason=_plain(blocked)) if blocked else text)
    entry.setEnabled(not blocked)


def _plain(text: str) -> str:
    """In a menu an ampersand would mark a key."""
    return text.replace("&", "&&")
