# SPDX-License-Identifier: MIT
"""The tray: starts it, ends it, and keeps icon, menu and window at one."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NoReturn

from PySide6.QtCore import QLocale, QObject, QPoint, QSocketNotifier
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from vramswap_gui import __version__
from vramswap_gui.api.status import Status
from vramswap_gui.tray import hints, i18n, icons, qt_messages, scheme
from vramswap_gui.tray.autostart import Folders
from vramswap_gui.tray.controller import Controller
from vramswap_gui.tray.desktop import Desktop
from vramswap_gui.tray.helper_client import Client
from vramswap_gui.tray.i18n import tr
from vramswap_gui.tray.notifier import Herald
from vramswap_gui.tray.preferences import Preferences
from vramswap_gui.tray.readings import Reader
from vramswap_gui.tray.single_instance import Instance
from vramswap_gui.tray.status_notifier_host import Hosts, watch_helper
from vramswap_gui.tray.status_notifier_item import StatusNotifierItem
from vramswap_gui.tray.system_tray_icon import SystemTrayIcon
from vramswap_gui.tray.timers import single
from vramswap_gui.tray.tray_menu import TrayMenu
from vramswap_gui.tray.view_model import Problem, View
from vramswap_gui.tray.windows.opener import Windows

if TYPE_CHECKING:
    from vramswap_gui.doctor.checks import Check
    from vramswap_gui.tray.windows.panel import Panel

#: At login the desktop's tray may come later than we do.
_HOST_GRACE_MS: Final = 3000
#: So long a panel may take to start anew.
_PANEL_MS: Final = 5_000
#: How long the window is kept after it was closed, for whoever opens it again.
_KEPT_MS: Final = 60_000
#: What another start asks for.
_SETTINGS: Final = "settings"


class Tray(QObject):
    """Icon, menu and window, all showing the controller's view."""

    def __init__(
        self,
        controller: Controller,
        desktop: Desktop,
        preferences: Preferences,
        quit_all: Callable[[], None],
        *,
        background: bool = False,
    ) -> None:
        """``background``: nobody has asked for a window, so none opens by itself."""
        super().__init__()
        self._controller = controller
        self._desktop = desktop
        self._preferences = preferences
        self._quit = quit_all
        self._background = background
        self._hosts = Hosts(desktop)
        self._icon: StatusNotifierItem | SystemTrayIcon | None = None
        self._menu: TrayMenu | None = None
        self._panel: Panel | None = None
        self._forgetting = single(self, _KEPT_MS, self._forget)
        self._waiting = single(self, _HOST_GRACE_MS, self._give_up_waiting)
        self._missing = single(self, _PANEL_MS, self._make_icon)
        self.windows = Windows(controller, preferences)
        self.windows.preferred.connect(lambda: self.show_view(controller.view))
        controller.changed.connect(self.show_view)
        controller.heard.connect(self._reload)
        if not preferences.welcomed and not background:
            controller.changed.connect(self._welcome)

    def begin(self) -> None:
        """Show the icon, or wait for somebody who shows it: a desktop's tray may come later than we do."""
        self._hosts.changed.connect(self._host_changed)
        if self._hosts.notifier:
            self._make_icon()
        else:
            self._waiting.start()
        self.show_view(self._controller.view)

    @property
    def panel(self) -> Panel:
        """The window, built when it is first asked for: a tray that nobody opens has none."""
        if self._panel is None:
            from vramswap_gui.tray.windows.panel import Panel

            panel = self._panel = Panel(icons.application_icon())
            panel.toggled.connect(self._controller.toggle)
            panel.mode_chosen.connect(self._controller.set_mode)
            panel.settings_asked.connect(self.windows.open_settings)
            panel.check_asked.connect(self.windows.open_doctor)
            panel.size_chosen.connect(self._controller.resize)
            panel.dismissed.connect(self._controller.dismiss)
            panel.hint_dismissed.connect(self._dismiss_hint)
            panel.cancelled.connect(self._controller.cancel)
            panel.pause_asked.connect(self._controller.pause)
            panel.battery_asked.connect(self._controller.use_battery)
            panel.landing_decided.connect(self._controller.decide_landing)
            panel.measure_asked.connect(self.windows.open_measure)
            panel.report_asked.connect(self.windows.open_report)
            panel.about_asked.connect(self.windows.open_about)
            panel.swapped_watched.connect(self._controller.watch_swapped)
            panel.seen.connect(self._controller.watch)
            panel.closed.connect(self._closed)
            self.show_view(self._controller.view)
        return self._panel

    @property
    def seen(self) -> bool:
        """Whether the window is open."""
        return self._panel is not None and self._panel.isVisible()

    def close(self) -> None:
        """Take icon and windows away."""
        self._waiting.stop()
        self._missing.stop()
        self._hosts.changed.disconnect(self._host_changed)
        if self._panel is not None:
            self._panel.hide()
        self.windows.close()
        if self._icon is not None:
            self._icon.close()

    def _forget(self) -> None:
        if self._panel is not None and not self._panel.isVisible():
            self._panel.deleteLater()
            self._panel = None
            self._controller.watch_swapped(False)

    def open(self, token: str = "") -> None:
        """Show the window, in front."""
        if token:
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        self.panel.bring_up()

    def open_settings(self, token: str = "") -> None:
        """Show the settings, in front."""
        if token:
            os.environ["XDG_ACTIVATION_TOKEN"] = token
        self.windows.open_settings()

    def show_view(self, view: View) -> None:
        """Show ``view`` everywhere."""
        if self._panel is not None:
            self._panel.show_view(view, hint=self._hint())
        if self._icon is not None and self._menu is not None:
            self._menu.show_view(view)
            self._icon.show_view(view)

    def _hint(self) -> Problem | None:
        if self._awaited or self._hosts.available or self._preferences.without_tray:
            return None
        data = Folders.of(os.environ, Path.home()).data_dirs
        return hints.no_tray(_desktop(), hints.extension(data), hints.installer())

    @property
    def _awaited(self) -> bool:
        """Whether somebody who shows the icon may come yet."""
        return self._waiting.isActive() or self._missing.isActive()

    def _dismiss_hint(self) -> None:
        self._preferences.without_tray = True
        self.show_view(self._controller.view)

    def _host_changed(self) -> None:
        # A panel that starts anew is back in a moment, of the same kind. Qt sees it first, and would draw beside us.
        if self._hosts.notifier or not isinstance(self._icon, StatusNotifierItem):
            self._make_icon()
        else:
            self._missing.start()

    def _make_icon(self) -> None:
        """Put an icon of the right kind into the tray."""
        self._waiting.stop()
        self._missing.stop()
        kind = SystemTrayIcon if self._hosts.embeds else StatusNotifierItem
        if self._icon is not None and not isinstance(self._icon, kind) and self._hosts.available:
            self._icon.close()
            self._icon.deleteLater()
            self._icon = None
        if self._icon is None:
            self._menu = self._make_menu(own_drawing=kind is SystemTrayIcon)
            if kind is SystemTrayIcon:
                self._icon = SystemTrayIcon(self._menu.menu, self._ink)
            else:
                named = icons.installed(Folders.of(os.environ, Path.home())) and hints.recolours(_desktop())
                self._icon = StatusNotifierItem(self._desktop, tr("VRAM swap"), self._menu.menu, self._ink, named)
            self._icon.activated.connect(self._activated)
        self.show_view(self._controller.view)
        if self._hosts.notifier or self._hosts.embeds:
            self._icon.register()

    def _make_menu(self, *, own_drawing: bool) -> TrayMenu:
        menu = TrayMenu(own_drawing=own_drawing)
        menu.toggled.connect(self._controller.toggle)
        menu.size_chosen.connect(self._controller.resize)
        menu.menu.aboutToShow.connect(self._controller.glance)
        menu.mode_chosen.connect(self._controller.set_mode)
        menu.pause_asked.connect(self._controller.pause)
        menu.battery_asked.connect(self._controller.use_battery)
        menu.settings_asked.connect(self.windows.open_settings)
        menu.check_asked.connect(self.windows.open_doctor)
        menu.open_asked.connect(self.open)
        menu.quit_asked.connect(self._quit)
        return menu

    def _ink(self) -> icons.Ink:
        return hints.ink(self._preferences.ink, _desktop())

    def _give_up_waiting(self) -> None:
        self._make_icon()
        if not self._hosts.available and not self._background:
            self.open()

    def _activated(self, x: int, y: int) -> None:
        """A click on the icon: a second one takes away what the first one brought."""
        if self.panel.in_front:
            self.panel.close()
        else:
            self.panel.appear_near(QPoint(x, y))
            self.open()

    def _closed(self) -> None:
        self._forgetting.start()
        # With neither icon nor window nobody could reach the program any more.
        if not self._awaited and not self._hosts.available:
            self._quit()

    def _welcome(self, view: View) -> None:
        """At the very first start, show what is missing. What a simulation needs is there."""
        known = view.mode or view.problem is not None
        if known:
            self._controller.changed.disconnect(self._welcome)
        if known and not view.banner:
            self._controller.checked.connect(self._judge)
            self._controller.check()

    def _judge(self, checks: tuple[Check, ...]) -> None:
        from vramswap_gui.doctor.checks import Verdict

        self._controller.checked.disconnect(self._judge)
        self._preferences.welcomed = True
        if any(check.verdict is Verdict.FAILED for check in checks):
            self.windows.open_doctor()

    def _reload(self, before: Status | None, now: Status, asked: bool) -> None:
        """What the settings show can be changed elsewhere; with a new helper all of it may be other."""
        if self.windows.settings is not None and (
            before is None or (before.mode, before.wanted) != (now.mode, now.wanted)
        ):
            self._controller.load_settings()


def _desktop() -> str:
    return os.environ.get("XDG_CURRENT_DESKTOP", "")


def _default_client() -> Client:
    from vramswap_gui.client import Client as HelperClient

    return HelperClient()


def run(options: argparse.Namespace, make_client: Callable[[], Client] = _default_client) -> int:
    """Run the tray to its end, as ``options`` (main.py) want it. Returns the exit status."""
    qt_messages.install(debug=options.debug)
    app = QApplication([sys.argv[0]])
    app.setApplicationName("vramswap")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("vramswap")
    app.setQuitOnLastWindowClosed(False)
    i18n.install(app, QLocale())
    scheme.follow(app)

    instance = Instance()
    if not instance.take():
        if instance.ask(_SETTINGS if options.settings else ""):
            return 0
        print("vramswap: it runs already, but does not answer. End it, then try again.", file=sys.stderr)
        return 1
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    sys.excepthook = _say
    loop.set_exception_handler(lambda _, context: _say_what(context.get("exception") or context["message"]))
    with loop:
        life = loop.create_task(_life(instance, Reader(options.proc), make_client, options))
        try:
            loop.run_until_complete(life)
        except RuntimeError:
            if life.done():
                raise
            # Qt ends the loop when the X server goes, and then nothing more can be shown or awaited.
            loop.set_exception_handler(lambda *_: None)
            print("vramswap: the display is gone.", file=sys.stderr)
            return 1
    instance.close()
    return 0


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """An error that nobody expected: one line, for the journal."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
    _say_what(f"{kind.__name__}: {error}{where}")


def _say_what(what: object) -> None:
    print(f"vramswap: an error in the program, please report it: {what!s}", file=sys.stderr)


async def _life(
    instance: Instance, reader: Reader, make_client: Callable[[], Client], options: argparse.Namespace
) -> None:
    ended = asyncio.Event()
    signals = _EndingSignals(ended.set)
    preferences = Preferences()
    controller = Controller(make_client, reader, preferences)
    desktop = Desktop()
    tray = Tray(controller, desktop, preferences, ended.set, background=options.background)
    herald = Herald(controller, desktop, preferences, tray.open, lambda: tray.seen)
    # Without a session bus there is neither icon by name nor notification, and all the rest.
    await desktop.connect()
    tray.begin()
    watching = asyncio.ensure_future(watch_helper(controller.connect_soon))
    instance.asked.connect(lambda window, token: tray.open_settings(token) if window == _SETTINGS else tray.open(token))
    controller.connect_soon()
    if options.show:
        tray.open()
    if options.settings:
        tray.open_settings()
    await ended.wait()
    tray.close()
    watching.cancel()
    await asyncio.wait([watching])
    herald.deleteLater()
    await desktop.close()
    await controller.close()
    signals.close()


class _EndingSignals:
    """Calls back in the event loop on SIGINT, SIGTERM and SIGHUP, without a timer that looks for them."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: end())
        # Reading is all it does: once Python code runs, so do the handlers.
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(lambda *_: self._reader.recv(64))

    def close(self) -> None:
        """Stop listening."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(-1)
        self._reader.close()
        self._writer.close()


def leave(status: int) -> NoReturn:
    """End the process at once.

    All that had to be told or removed has been. Taking Qt and Python apart has no order that both keep: threads may
    still wait for a driver, and windows be destroyed after the application that they need.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
