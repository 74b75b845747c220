# SPDX-License-Identifier: MIT
"""Tells the desktop what is new, and the helper when somebody plays."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from vramswap_gui.api.status import Status
from vramswap_gui.settings import Config
from vramswap_gui.tray.controller import Controller
from vramswap_gui.tray.desktop import Button, Desktop, GameWatch, Notifications
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.notification_rules import Action, news
from vramswap_gui.tray.preferences import Preferences


class Herald(QObject):
    """Between the controller and the session's bus.

    ``open_window`` takes the token that lets it come to the front; ``seen``: whether a window shows what is wrong.
    """

    def __init__(
        self,
        controller: Controller,
        desktop: Desktop,
        preferences: Preferences,
        open_window: Callable[[str], None],
        seen: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._controller = controller
        self._open = open_window
        self._seen = seen
        self._config = Config()
        self._preferences = preferences
        self._notifications = Notifications(desktop)
        self._games = GameWatch(desktop, controller.make_way)
        controller.heard.connect(self._hear)
        controller.failed.connect(self._fail)
        controller.configured.connect(self._configure)

    def _configure(self, config: Config) -> None:
        self._config = config

    def _fail(self, message: str) -> None:
        """Something that was asked for failed."""
        if not self._seen() and self._preferences.notifications:
            opened = Button(tr("Open"), self._open)
            self._notifications.show("refused", tr("VRAM swap"), message, clicked=opened)

    def _hear(self, before: Status | None, now: Status, asked: bool) -> None:
        told = news(before, now, self._config, asked=asked)
        if told is None or not self._preferences.notifications:
            return
        on = told.action is Action.TURN_ON
        button = Button(told.label, lambda token: self._controller.toggle(on)) if told.action else None
        self._notifications.show(
            told.kind, told.title, told.text,
            urgency=told.urgency, clicked=Button(tr("Open"), self._open), button=button,
        )  # fmt: skip
