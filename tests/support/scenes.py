# SPDX-License-Identifier: MIT
"""What the tray can have to show, as data for tests; run as a program it draws each into build/screenshots.

``python -m tests.support.scenes [--screen 1366x768] [--font 15] [--only landing,opened] [FOLDER]``; needs no display.
``QT_SCALE_FACTOR=2`` draws as on a screen of many dots.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import tempfile
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QWidget

from vramswap_gui.api.activity import Activity, Entry, Today
from vramswap_gui.api.reasons import Reason, ReasonCode
from vramswap_gui.api.status import Cause, Landing, Mode, Segment, State, Status
from vramswap_gui.doctor.checks import Check, Verdict
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.forms import say
from vramswap_gui.settings import Config
from vramswap_gui.system.gpu import Card
from vramswap_gui.system.run import Finished
from vramswap_gui.tray import i18n
from vramswap_gui.tray.history import History, Sample
from vramswap_gui.tray.readings import (
    GpuView,
    Machine,
    MemoryView,
    PowerView,
    ProgramView,
    SwappedView,
    SwapView,
)
from vramswap_gui.tray.view_model import Problem as Hint
from vramswap_gui.units import GIB, MIB

ROOT: Final = Path(__file__).parents[2]

GPU: Final = GpuView("NVIDIA GeForce RTX 4070 Laptop GPU", 8188 * MIB, 1250 * MIB, 6938 * MIB)
ASLEEP: Final = GpuView(asleep=True)
MEMORY: Final = MemoryView(
    16 * GIB, 3 * GIB,
    (SwapView("/dev/zram0", "partition", 4 * GIB, GIB, 100), SwapView("/swapfile", "file", 8 * GIB, 300 * MIB, -2)),
)  # fmt: skip
SEGMENTS: Final = tuple(Segment(f"/dev/nbd{n}", 512 * MIB, (8 - n) * 50 * MIB, 1000 - n) for n in range(8))
FRESH: Final = tuple(replace(segment, used=0) for segment in SEGMENTS)
LENT: Final = replace(
    GPU, used=GPU.used + 4 * GIB, free=GPU.free - 4 * GIB, watts=14.6,
    programs=(ProgramView("blender", 700 * MIB), ProgramView("gnome-shell", 180 * MIB)),
)  # fmt: skip
OURS: Final = replace(
    MEMORY, swaps=tuple(SwapView(s.device, "partition", s.size, s.used, s.priority) for s in SEGMENTS) + MEMORY.swaps
)
LANDED: Final = replace(
    OURS, swaps=(*OURS.swaps, SwapView("/var/lib/vramswap/vramswap-landing-0/swap", "file", 2 * GIB, 512 * MIB, -3))
)
OFF: Final = Status(State.OFF, mode=Mode.ON_DEMAND, wanted=4 * GIB, maximum=7676 * MIB, gpu_name=GPU.name)
ON: Final = replace(OFF, state=State.ON, segments=SEGMENTS, reason=Reason.of(ReasonCode.LENT, size=4 * GIB))
REST: Final = Reason.of(ReasonCode.LENT_LESS, size=4 * GIB, goal=7680 * MIB, why=Reason.of(ReasonCode.REST_USED))
NO_HELPER: Final = VramswapError(Problem.HELPER_MISSING)
WONT_FIT: Final = VramswapError(Problem.PAGES_DO_NOT_FIT, used=1843 * MIB, room=1126 * MIB, missing=717 * MIB)
NOT_ALLOWED: Final = VramswapError(Problem.NOT_ALLOWED)
NO_NBD: Final = VramswapError(Problem.NBD_NOT_LOADED)
NO_GPU: Final = VramswapError(Problem.GPU_NOT_FOUND)
NO_DEVICE: Final = GpuView(absent=True)


def _measured(*figures: float) -> Finished:
    names = ("page_vram", "page_disk", "leave_vram", "leave_disk", "spread")
    return Finished(0, json.dumps({"verdict": dict(zip(names, figures, strict=True))}), "")


MEASURED: Final[Mapping[str, Finished]] = {
    "measured": _measured(19_200, 84_000, 5.1e9, 2.2e9, 4.0),
    "measured-slow": _measured(140_000, 71_000, 1.1e9, 2.2e9, 38.0),
    "measured-failed": Finished(1, "", "vramswapctl: The NVIDIA driver finds no GPU."),
}

CHECKS: Final = (
    Check(say("NVIDIA GPU"), Verdict.OK, say("GeForce RTX 4070 Laptop GPU at 0000:01:00.0, asleep")),
    Check(say("NVIDIA driver"), Verdict.OK, say("580.95.05")),
    Check(say("Kernel module nbd"), Verdict.FAILED,
          say("not there for kernel {release:text}", release="6.1.0-28-amd64"),
          say("Install the package with your kernel's extra modules, or a kernel that has CONFIG_BLK_DEV_NBD.")),
    Check(say("Before sleep"), Verdict.WARNING,
          say("{unit:text} is {state:text}, so nobody brings the pages home", unit="vramswap-sleep.service",
              state="disabled"),
          say("Enable it: `{command:text}`", command="sudo systemctl enable vramswap-sleep.service")),
    Check(say("zswap"), Verdict.WARNING, say("on: pages are compressed in memory first, and reach VRAM late"),
          say("For VRAM first: `echo N | sudo tee /sys/module/zswap/parameters/enabled`")),
    Check(say("Memory pressure"), Verdict.OK, say("measured by the kernel")),
    Check(say("Helper"), Verdict.FAILED, NO_HELPER, NO_HELPER.advice),
)  # fmt: skip

NO_GPU_CHECK: Final = Check(
    say("NVIDIA GPU"), Verdict.FAILED, say("none on the PCI bus"), say("vramswap is of use with an NVIDIA GPU only.")
)


#: Letters of a script that is written from right to left, and a word of them.
_LETTERS: Final = {ord(latin): chr(0x5D0 + number) for number, latin in enumerate("abcdefghijklmnopqrstuvwxyz")}
_MORE: Final = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}\N{HEBREW LETTER GIMEL} "


def traffic() -> History:
    """Three minutes: quiet, a burst of paging out, paging in bit by bit, until there is what ``SEGMENTS`` hold."""
    samples = []
    held = 24 * MIB
    for second in range(180):
        out = 400.0 * MIB * (1 - abs(second - 60) / 12) if 48 < second < 72 else 0.0
        came = 60.0 * MIB * (1 + (second * 7 % 5)) / 5 if 90 < second < 150 and second % 9 < 5 else 0.0
        held = max(0, held + int(out - came) // 2)
        samples.append(Sample(float(second), held, 1.0, came, out))
    return History(tuple(samples), 4 * GIB)


TRAFFIC: Final = traffic()
CONFIG: Final = Config(size=4 * GIB)


#: 26 November 2026, a quarter past ten in the evening, wherever it is.
NOW: Final = int(datetime.datetime(2026, 11, 26, 22, 15).timestamp())
WONT_FIT_FIELDS: Final = {
    "problem": WONT_FIT.key, "arguments": json.dumps(WONT_FIT.as_dict()["arguments"]), "error": str(WONT_FIT.code),
}  # fmt: skip
GIVEN: Final[dict[str, str | int]] = {"state": "off", "size": 0, "from": 4 * GIB}
ACTIVITY: Final = Activity(
    (
        Entry(NOW - 90_000, "on", "", {"state": "on", "size": 2 * GIB, "cause": "memory"}),
        Entry(NOW - 80_000, "off", "", GIVEN | {"cause": "battery"}),
        Entry(NOW - 9_000, "started", "The helper is there.", {}),
        Entry(NOW - 8_000, "mode", "", {"setting": "mode", "from": "off", "to": "on-demand", "asked": 1}),
        Entry(NOW - 7_000, "on", "", {"state": "on", "size": 2 * GIB, "cause": "memory"}),
        Entry(NOW - 6_000, "resized", "", {"state": "on", "size": 4 * GIB, "from": 2 * GIB, "cause": "memory"}),
        Entry(NOW - 5_000, "refused", "", {"asked": 1, **WONT_FIT_FIELDS}),
        Entry(NOW - 3_000, "off", "", GIVEN | {"cause": "game", "state": "waiting"}),
        Entry(NOW - 600, "on", "", {"state": "on", "size": 4 * GIB, "asked": 1}),
    ),
    Today(3328 * MIB, 2100 * MIB, 7900),
)  # fmt: skip
SWAPPED: Final = (
    SwappedView("Firefox", "firefox", 1280 * MIB), SwappedView("Files", "system-file-manager", 310 * MIB),
    SwappedView("An application with a name that is longer than most", "", 120 * MIB), SwappedView("make", "", 9 * MIB),
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """What is known at one moment."""

    status: Status | None
    error: VramswapError | None = None
    gpu: GpuView | None = GPU
    memory: MemoryView | None = MEMORY
    hint: Hint | None = None
    config: Config | None = CONFIG
    #: The GPU's memory as it is remembered.
    seen: int = GPU.total
    power: PowerView | None = None
    #: Whether what can be opened is open, and has something in it.
    opened: bool = False

    @property
    def machine(self) -> Machine:
        """What was read of the machine, with some minutes of traffic."""
        machine = Machine(self.gpu, self.memory, TRAFFIC, self.seen, self.power, now=float(NOW))
        return replace(machine, swapped=SWAPPED, activity=ACTIVITY) if self.opened else machine


NO_TRAY: Final = Hint("This desktop shows no tray icons.", "An extension brings them.", "sudo apt install it")

SCENES: Final[Mapping[str, Scene]] = {
    "connecting": Scene(None, gpu=None),
    "no-helper": Scene(None, NO_HELPER),
    "off": Scene(OFF),
    "off-asleep": Scene(Status(State.OFF), gpu=ASLEEP),
    "on": Scene(ON, gpu=LENT, memory=OURS),
    "on-automatic": Scene(
        replace(ON, wanted=0, reason=REST),
        gpu=LENT,
        memory=OURS,
    ),
    "busy-starting": Scene(replace(OFF, state=State.STARTING, reason=Reason.of(ReasonCode.STARTING))),
    "busy-stopping": Scene(
        replace(ON, state=State.STOPPING, bytes_left=1700 * MIB, reason=Reason.of(ReasonCode.STOPPING)),
        gpu=LENT,
        memory=OURS,
    ),
    "waiting": Scene(
        replace(
            OFF, state=State.WAITING, reason=Reason.of(ReasonCode.NOTHING_LENT, why=Reason.of(ReasonCode.REST_USED))
        )
    ),
    "waiting-plenty": Scene(
        replace(OFF, state=State.WAITING, reason=Reason.of(ReasonCode.MEMORY_PLENTIFUL)), gpu=ASLEEP
    ),
    "failed": Scene(replace(OFF, state=State.FAILED, reason=Reason.of(ReasonCode.FAILED), error=NO_NBD)),
    "no-gpu": Scene(Status(State.FAILED, Reason.of(ReasonCode.FAILED), error=NO_GPU), gpu=NO_DEVICE, seen=0),
    "no-gpu-no-helper": Scene(None, NO_HELPER, gpu=NO_DEVICE, seen=0),
    "wont-fit": Scene(ON, WONT_FIT, gpu=LENT, memory=OURS),
    "simulated": Scene(replace(ON, simulated=("gpu", "kernel"), gpu_name="Simulated GPU"), gpu=LENT, memory=OURS),
    "opened": Scene(ON, gpu=LENT, memory=OURS, opened=True),
    "paused": Scene(
        replace(OFF, reason=Reason.of(ReasonCode.PAUSED), cause=Cause.PAUSE, paused_until=NOW + 3600),
        opened=True,
        power=PowerView(False, ("firefox", "steam")),
    ),
    "battery": Scene(replace(OFF, reason=Reason.of(ReasonCode.ON_BATTERY), cause=Cause.BATTERY), gpu=ASLEEP),
    "no-tray": Scene(OFF, hint=NO_TRAY),
    "landing": Scene(replace(ON, landing=Landing.ASK), gpu=LENT, memory=OURS),
    "packed": Scene(
        replace(ON, wanted=3 * GIB, compression="lz4", packed=(3 * GIB, 643 * MIB, 1800 * MIB)),
        gpu=replace(LENT, used=GPU.used + 3 * GIB, free=GPU.free - 3 * GIB),
        memory=OURS,
    ),
    "packed-nothing": Scene(
        replace(ON, wanted=3 * GIB, compression="lz4", packed=(3 * GIB, 48, 4096), segments=FRESH),
        gpu=replace(LENT, used=GPU.used + 3 * GIB, free=GPU.free - 3 * GIB),
        memory=MEMORY,
    ),
    "damaged": Scene(replace(ON, damaged=(3, 2)), gpu=LENT, memory=LANDED),
}


def mirrored(text: str) -> str:
    """``text`` in a language that is written from right to left and needs more room; places and keys stay."""
    parts = re.split(r"(\{[\w:]*\}|%n|`[^`]*`|&)", text)
    written = "".join(part if number % 2 else part.lower().translate(_LETTERS) for number, part in enumerate(parts))
    longer = " " + _MORE * (len(text) // 12 + 1) if len(text) > 3 else ""
    return f"{written}{longer}"


def contrast() -> QPalette:
    """As desktops have it for who sees little: white on black, and one strong colour."""
    from PySide6.QtGui import QColor

    roles, palette = QPalette.ColorRole, QPalette(QColor("#303030"), QColor("black"))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.PlaceholderText, roles.Light, roles.Mid):
        palette.setColor(role, QColor("white"))
    palette.setColor(roles.Highlight, QColor("yellow"))
    palette.setColor(roles.HighlightedText, QColor("black"))
    return palette


def draw(folder: Path, mark: str, *, palette: QPalette, wide: float = 1.0, only: Container[str] = ()) -> None:
    """Grab the panel in each scene and the icon in each state; ``wide`` scales the window's width.

    ``only`` these scenes of the panel, or everything.
    """
    from PySide6.QtGui import QPainter, QPixmap
    from PySide6.QtWidgets import QApplication

    from vramswap_gui.tray import icons
    from vramswap_gui.tray.tray_menu import TrayMenu
    from vramswap_gui.tray.view_model import Look, view
    from vramswap_gui.tray.widgets.colours import is_dark
    from vramswap_gui.tray.windows.panel import Panel

    QApplication.setPalette(palette)
    dark = is_dark(palette)
    for name, scene in SCENES.items():
        if only and name not in only:
            continue
        shown = view(scene.status, scene.error, scene.machine, scene.config)
        panel = Panel(icons.application_icon())
        panel.resize(round(panel.width() * wide), panel.height())
        panel.show()
        panel.show_view(shown, hint=scene.hint)
        if scene.opened:
            panel.resize(panel.width(), 1150)
            panel.swapped.open(True)
            panel.activity.open(True)
        for _ in range(10):
            QApplication.processEvents()
        panel.grab().save(str(folder / f"{name}-{mark}.png"))
        panel.deleteLater()
        if name == "on":
            menu = TrayMenu(own_drawing=True)
            menu.show_view(shown)
            for part, what in ((menu.menu, "menu"), (menu.modes, "modes"), (menu.sizes, "sizes")):
                part.ensurePolished()
                part.resize(part.sizeHint())
                part.grab().save(str(folder / f"{what}-{mark}.png"))
    if only:
        return
    draw_windows(folder, mark)
    draw_tools(folder, mark)
    sheet = QPixmap(90 * len(Look), 440)
    sheet.fill("#2b2b2b" if dark else "#f0f0f0")
    painter = QPainter(sheet)
    for column, look in enumerate(Look):
        top = 8
        for ink in (icons.Ink.AUTOMATIC, icons.Ink.LIGHT if dark else icons.Ink.DARK):
            for size in (16, 22, 32, 64):
                painter.drawImage(90 * column + 10, top, icons.image(size, look, ink, 0.3))
                top += size + 12
    painter.end()
    sheet.save(str(folder / f"icons-{mark}.png"))


def draw_windows(folder: Path, mark: str) -> None:
    """Grab the windows besides the panel, each in all its states."""
    from PySide6.QtCore import QSettings

    from vramswap_gui.tray import icons
    from vramswap_gui.tray.autostart import Folders
    from vramswap_gui.tray.preferences import Preferences
    from vramswap_gui.tray.view_model import problem
    from vramswap_gui.tray.windows.doctor import DoctorPage
    from vramswap_gui.tray.windows.settings import SettingsWindow

    def save(window: QWidget, name: str) -> None:
        _save(window, folder / f"{name}-{mark}.png")

    # What the one who draws has chosen is no part of the picture.
    nobody = Preferences(QSettings("/nonexistent", QSettings.Format.IniFormat), Folders(Path("/nonexistent")))

    def settings(*, tall: bool = False) -> SettingsWindow:
        window = SettingsWindow(icons.application_icon(), nobody, (Card("0000:01:00.0", name=GPU.name),))
        if tall:
            window.resize(window.width(), 1260)
        window.show()
        return window

    opened = settings()
    opened.show_problem(problem(NO_HELPER))
    save(opened, "settings-no-helper")
    opened = settings(tall=True)
    opened.show_config(Config())
    opened.advanced.open(True)
    save(opened, "settings-all")
    for name in ("settings-changed", "settings-applying", "settings-refused"):
        opened = settings()
        opened.show_config(Config(size=4 * GIB, only_on_ac=False))
        opened.rows["headroom"].editor.show_value(GIB)
        opened.rows["headroom"].editor.edited.emit()
        if name != "settings-changed":
            opened.apply.click()
        if name == "settings-refused":
            opened.show_problem(problem(NOT_ALLOWED))
        save(opened, name)
    save(DoctorPage(icons.application_icon()), "doctor-checking")
    for name, checks in (
        ("doctor", CHECKS),
        ("doctor-fine", CHECKS[:2]),
        ("doctor-no-gpu", (NO_GPU_CHECK, *CHECKS[1:])),
    ):
        page = DoctorPage(icons.application_icon())
        page.show()
        page.show_checks(checks)
        save(page, name)


def draw_tools(folder: Path, mark: str) -> None:
    """Grab the windows of the menu “More”."""
    from vramswap_gui.tray import icons
    from vramswap_gui.tray.windows.about import about
    from vramswap_gui.tray.windows.measure import MeasurePage
    from vramswap_gui.tray.windows.report import ReportPage

    icon = icons.application_icon()
    _save(MeasurePage(icon, folder), folder / f"measure-{mark}.png")
    for name, finished in MEASURED.items():
        measure = MeasurePage(icon, folder)
        measure.show_result(finished)
        _save(measure, folder / f"{name}-{mark}.png")
    report = ReportPage(icon)
    report.show_report(Finished(0, "== versions\nvramswap      1.0\n\n== doctor\n" + "ok  a check\n" * 40, ""))
    _save(report, folder / f"report-{mark}.png")
    _save(about(icon), folder / f"about-{mark}.png")


def _save(window: QWidget, path: Path) -> None:
    from PySide6.QtWidgets import QApplication

    window.show()
    for _ in range(10):
        QApplication.processEvents()
    window.grab().save(str(path))
    window.deleteLater()


def _screen(size: str) -> str:
    """The platform that draws without a display, with a screen of ``size``."""
    width, height = map(int, size.split("x"))
    screen = {"name": "drawn", "x": 0, "y": 0, "width": width, "height": height, "dpr": 1}
    screen |= {"logicalDpi": 96, "logicalBaseDpi": 96}
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump({"screens": [screen]}, file)
    return f"offscreen:configfile={file.name}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw what the tray can have to show.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build/screenshots")
    parser.add_argument("--screen", default="3840x2160", help="dots of the screen")
    parser.add_argument("--font", type=float, default=0.0, help="points")
    parser.add_argument("--only", type=lambda names: names.split(","), default=(), help="scenes")
    wanted = parser.parse_args()
    os.environ["QT_QPA_PLATFORM"] = _screen(wanted.screen)
    from PySide6.QtCore import QLocale, Qt, QTranslator
    from PySide6.QtGui import QColor, QPalette
    from PySide6.QtWidgets import QApplication

    folder = wanted.folder
    folder.mkdir(parents=True, exist_ok=True)
    application = QApplication([])
    if wanted.font:
        font = application.font()
        font.setPointSizeF(wanted.font)
        application.setFont(font)
    times = f"{application.devicePixelRatio():g}x" + (f"-{wanted.font:g}pt" if wanted.font else "")

    def all_of(mark: str, palette: QPalette, wide: float = 1.0) -> None:
        draw(folder, f"{mark}-{times}", palette=palette, wide=wide, only=wanted.only)

    i18n.install(application, QLocale("en_US"))
    light, dark = QPalette(QColor("#efefef")), QPalette(QColor("#3a3a3a"), QColor("#2d2d2d"))
    all_of("light", light)
    all_of("dark", dark)
    all_of("contrast", contrast())
    all_of("narrow", light, wide=0.75)
    for language, name in (("German", "de_DE"), ("French", "fr_FR")):
        installed = i18n.install(application, QLocale(name))
        all_of(language.lower(), light)
        for translator in installed:
            application.removeTranslator(translator)

    class Mirror(QTranslator):
        """A language that nobody has translated anything into."""

        def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str:
            return mirrored(source)

    i18n.install(application, QLocale("he_IL"))
    mirror = Mirror()
    application.installTranslator(mirror)
    application.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    all_of("mirrored", light)
    application.removeTranslator(mirror)


if __name__ == "__main__":
    main()
