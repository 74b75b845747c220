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
    """Between the controller and the session's bus. ``open_window`` takes the token that lets it come to the front."""

    def __init__(self, controller: Controller, open_window: Callable[[str], None]) -> None:
        super().__init__()
        self._controller = controller
        self._open = open_window
        self._config = Config()
        self._preferences = Preferences()
        self._desktop = Desktop()
        self._notifications = Notifications(self._desktop)
        self._games = GameWatch(self._desktop, controller.make_way)
        controller.heard.connect(self._hear)
        controller.configured.connect(self._configure)

    async def begin(self) -> None:
        """Begin; without a session bus there is nothing to do."""
        await self._desktop.connect()

    async def close(self) -> None:
        """Let go of the bus."""
        await self._desktop.close()

    def _configure(self, config: Config) -> None:
        self._config = config

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
