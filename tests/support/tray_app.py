# SPDX-License-Identifier: MIT
"""The tray with a client that only notes what it is asked for: a program for tests/integration/test_tray.py.

With ``--real`` it has the real client instead; with ``--absent`` the helper is not there, with ``--simulated`` it
says that GPU and kernel are simulated; with ``--patient`` it waits for a tray host as long as it takes.

It takes JSON lines on stdin and answers each with one on stdout: ``{"where": NAME}``, ``{"status": {...}}``,
``{"fail": {...}}``, ``{"lose": {...}}``, ``{"grab": PATH}``, ``{"state": null}``.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject, QPoint, QRect, QSocketNotifier, QTimer
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QWidget

from tests.support.errors import failure
from vramswap_gui import __version__
from vramswap_gui.api.activity import Activity
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Mode, Segment, State, Status, status_from_wire
from vramswap_gui.client import Client
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.settings import Config, config_from
from vramswap_gui.system import gpu
from vramswap_gui.tray import application, main
from vramswap_gui.tray.system_tray_icon import SystemTrayIcon
from vramswap_gui.tray.widgets.size_slider import handle_rect
from vramswap_gui.units import GIB, MIB

OFF = Status(
    State.OFF, wanted=GIB, maximum=4 * GIB, gpu_name="Noted GPU", gpu_pci="0000:ff:00.0", version=__version__
)  # fmt: skip


class Noted:
    """What the fake helper is and was asked for."""

    def __init__(self) -> None:
        self.status = OFF
        self.calls: list[list[Any]] = []
        self.failure: VramswapError | None = None
        self.absent = False
        self.config = Config()
        self.activity = Activity()
        self.connects = 0
        self.client: NotingClient | None = None
        self.tray: application.Tray


NOTED = Noted()


class NotingClient:
    """Does at once what the helper does, and notes it."""

    def __init__(self) -> None:
        self.status = Status()
        self._listeners: list[Callable[[Status], None]] = []
        self._mourners: list[Callable[[VramswapError], None]] = []

    async def connect(self) -> Status:
        NOTED.connects += 1
        if NOTED.absent:
            raise failure(ErrorCode.HELPER_UNAVAILABLE, "The helper is not there.", "Run `start-it`.")
        NOTED.client = self
        self.status = NOTED.status
        return self.status

    async def refresh(self) -> Status:
        return self.status

    def subscribe(self, callback: Callable[[Status], None]) -> None:
        self._listeners.append(callback)

    def on_lost(self, callback: Callable[[VramswapError], None]) -> None:
        self._mourners.append(callback)

    def become(self, **changes: Any) -> None:
        """Have and tell another status."""
        self.status = NOTED.status = dataclasses.replace(self.status, **changes)
        for listener in self._listeners:
            listener(self.status)

    def lose(self) -> None:
        """The helper ends."""
        NOTED.absent = True
        for mourner in self._mourners:
            mourner(failure(ErrorCode.HELPER_UNAVAILABLE, "The helper ended.", "Run `start-it`."))

    def _note(self, *call: Any) -> None:
        NOTED.calls.append(list(call))
        if NOTED.failure is not None:
            raise NOTED.failure

    async def start(self) -> None:
        self._note("start")
        segment = Segment("/dev/nbd0", self.status.wanted or self.status.maximum, 64 * MIB, 1000)
        self.become(state=State.ON, reason=Reason.of(ReasonCode.GAME), segments=(segment,))

    async def stop(self) -> None:
        self._note("stop")
        self.become(state=State.OFF, reason=Reason(), segments=())

    async def cancel(self) -> None:
        self._note("cancel")

    async def resize(self, size: int) -> None:
        self._note("resize", size)
        self.become(wanted=size)

    async def set_mode(self, mode: Mode) -> None:
        self._note("set_mode", mode.value)
        NOTED.config = dataclasses.replace(NOTED.config, mode=mode.value)
        self.become(mode=mode)

    async def pause(self, seconds: int) -> None:
        self._note("pause", seconds)

    async def use_battery(self, wanted: bool) -> None:
        self._note("use_battery", wanted)
        self.become(battery_once=wanted)

    async def make_way(self, wanted: bool) -> None:
        self._note("make_way", wanted)

    async def get_activity(self) -> Activity:
        return NOTED.activity

    async def get_config(self) -> Config:
        return NOTED.config

    async def set_config(self, values: Mapping[str, object]) -> None:
        self._note("set_config", dict(values))
        NOTED.config = config_from(values, NOTED.config)

    async def close(self) -> None:
        pass


def where(name: str) -> list[int]:
    """The middle of something on the screen, and its size."""
    if name == "icon":
        icon = NOTED.tray._icon
        area = icon.geometry() if isinstance(icon, SystemTrayIcon) else QRect()
        return [area.center().x(), area.center().y(), area.width(), area.height()]
    panel = NOTED.tray.panel
    if name == "handle":
        area = handle_rect(panel.sizer.slider)
        middle = panel.sizer.slider.mapToGlobal(area.center())
        return [middle.x(), middle.y(), area.width(), area.height()]
    widget: QWidget = {
        "switch": panel.switch,
        "slider": panel.sizer.slider,
        "automatic": panel.sizer.automatic,
        "dismiss": panel.problem.dismiss,
        "copy": panel.problem.copy,
        "dismiss hint": panel.hint.dismiss,
        "cancel": panel.offer,
    }[name]
    middle = widget.mapToGlobal(QPoint(widget.width() // 2, widget.height() // 2))
    return [middle.x(), middle.y(), widget.width(), widget.height()]


def name_of(widget: QWidget | None) -> str:
    """What a screen reader calls it."""
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name) if widget else ""


def state() -> dict[str, Any]:
    """What can be seen, and what was asked for."""
    tray = NOTED.tray
    panel, menu, icon = tray.panel, tray._menu, tray._icon
    timers = panel.findChildren(QTimer) + tray._controller.findChildren(QTimer)
    return {
        "visible": panel.isVisible(),
        "active": panel.isActiveWindow(),
        "headline": panel.headline.text(),
        "sentence": panel.sentence.text(),
        "problem": panel.problem.text.text() if panel.problem.isVisible() else "",
        "hint": panel.hint.text.text() if panel.hint.isVisible() else "",
        "banner": panel.banner.text.text() if panel.banner.isVisible() else "",
        "checked": panel.switch.isChecked(),
        "focus": name_of(QApplication.focusWidget()),
        "dragging": panel.sizer.slider.isSliderDown(),
        "size": panel.sizer.slider.value(),
        "menu": [action.text() for action in menu.menu.actions() if action.isVisible()] if menu else [],
        "timers": sum(timer.isActive() for timer in timers),
        "calls": NOTED.calls,
        "connects": NOTED.connects,
        "clipboard": QApplication.clipboard().text(),
        "icon": icon is not None and tray._hosts.available,
        "mode": tray._controller.view.mode,
        "windows": [
            name for name in ("doctor", "settings") if (window := getattr(tray.windows, name)) and window.isVisible()
        ],
        "summary": tray.windows.doctor.summary.text() if tray.windows.doctor else "",
        "editable": tray.windows.settings is not None and tray.windows.settings.rows["mode"].isEnabled(),
        "settings": tray.windows.settings.changes() if tray.windows.settings else {},
    }


def obey(line: str) -> Any:  # noqa: C901, PLR0912 – a case for each command
    """Do one command."""
    ((verb, argument),) = json.loads(line).items()
    match verb:
        case "where":
            return where(argument)
        case "status":
            assert NOTED.client is not None
            NOTED.client.become(**{
                field.name: getattr(status_from_wire(argument, NOTED.status), field.name)
                for field in dataclasses.fields(Status)
            })  # fmt: skip
        case "fail":
            NOTED.failure = VramswapError.from_dict(argument) if argument else None
        case "lose":
            assert NOTED.client is not None
            NOTED.client.lose()
        case "return":
            NOTED.absent = False
        case "grab":
            NOTED.tray.panel.grab().save(argument)
        case "menu":
            getattr(NOTED.tray._menu, argument).trigger()
        case "choose":
            assert NOTED.tray._menu is not None
            NOTED.tray._menu._modes[argument].trigger()
        case "enter":
            assert NOTED.tray.windows.settings is not None
            for key, value in argument.items():
                NOTED.tray.windows.settings.rows[key].editor.show_value(value)
        case "apply":
            assert NOTED.tray.windows.settings is not None
            NOTED.tray.windows.settings.apply.click()
        case "close":
            NOTED.tray.windows.close()
        case "prefer":
            NOTED.tray._preferences.write(argument)
            NOTED.tray.windows.preferred.emit()
        case "frame":
            return NOTED.tray.panel.frameGeometry().getRect()
        case "hide":
            NOTED.tray.panel.close()
        case "state":
            return state()
    return None


class Commands(QObject):
    """Reads the commands; starts when Qt does."""

    def __init__(self) -> None:
        super().__init__()
        self._notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)

    def _read(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self._notifier.setEnabled(False)
            return
        try:
            answer = obey(line)
        except Exception as error:
            answer = {"broken": f"{line.strip()}: {error!r}"}
        print(json.dumps(answer), flush=True)


class CommandedClient(NotingClient):
    """Opens the command line when the first one is made, which is when the event loop runs."""

    commands: Commands | None = None

    def __init__(self) -> None:
        super().__init__()
        if CommandedClient.commands is None:
            CommandedClient.commands = Commands()


class CommandedRealClient(Client):
    """The same for the real client, which reaches the real helper."""

    def __init__(self) -> None:
        super().__init__()
        if CommandedClient.commands is None:
            CommandedClient.commands = Commands()


class KnownTray(application.Tray):
    """A tray that can be looked into."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        NOTED.tray = self


if __name__ == "__main__":
    if "--patient" in sys.argv:
        sys.argv.remove("--patient")
        application._HOST_GRACE_MS = 3_600_000  # type: ignore[misc]
    # Whether the machine of the tests has a GPU is to make no difference.
    gpu.list_pci = lambda sys=None: (OFF.gpu_pci,)
    NOTED.absent = "--absent" in sys.argv
    if "--simulated" in sys.argv:
        NOTED.status = dataclasses.replace(NOTED.status, simulated=("gpu", "kernel"))
    client = CommandedRealClient if "--real" in sys.argv else CommandedClient
    application.Tray = KnownTray  # type: ignore[misc]
    ours = ("--absent", "--simulated", "--real")
    options = main.parse([argument for argument in sys.argv[1:] if argument not in ours])
    application.leave(application.run(options, client))
