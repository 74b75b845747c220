# SPDX-License-Identifier: MIT
"""A desktop that runs, in the tree, on a screen that nobody sees; and hands and eyes for it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from typing import Final

from PySide6.QtGui import QColor, QImage

from tests.demo.stack import Stack
from tests.desktops.sessions import Desktop, Headless
from tests.desktops.tree import USER
from tests.support.waiting import wait_for

#: What programs have of the screen, whatever its scale.
_SCREEN: Final = (1366, 768)
_WATCHER: Final = "org.kde.StatusNotifierWatcher"
#: Shades of a colour that nobody sees.
_FEW: Final = 24
#: A figure that changes covers fewer pixels, a window more.
_FIGURES: Final = 1500
#: Every so many-th row tells enough.
_SAMPLED: Final = 8
#: An icon is so many pixels wide and high, at scale 1.
_ICON: Final = (10, 40)
#: What is further apart, in pixels, is not one icon.
_GAP: Final = 8
#: Panels are no higher.
_PANEL: Final = 64


@dataclass(frozen=True, slots=True)
class Look:
    """How a person has set up the screen and the language."""

    scale: float = 1.0
    #: As in LANG, without its encoding.
    language: str = ""

    @property
    def screen(self) -> tuple[int, int]:
        """Dots."""
        width, height = _SCREEN
        return round(width * self.scale), round(height * self.scale)

    @property
    def mark(self) -> str:
        """What its pictures' folder ends with."""
        return "".join(f"-{part}" for part in (f"{self.scale:g}x" * (self.scale != 1), self.language) if part)


class Session:
    """One desktop with its screen and buses. Everything is ended by :meth:`close`."""

    def __init__(self, desktop: Desktop, tree: Path, stack: Stack, folder: Path, display: int, look: Look) -> None:
        self.look = look
        self.headless: Headless | None = desktop.headless if look.scale != 1 else None
        #: Nobody has hands where it is headless.
        self.desktop = replace(desktop, programs=(self.headless.program,), key="") if self.headless else desktop
        self._tree = tree
        #: Where pictures and logs are kept.
        self.folder = folder
        self._display = f":{display}"
        self._processes: list[subprocess.Popen[bytes]] = []
        #: What the session and this side both can reach.
        self.runtime = Path(f"/tmp/vramswap-desktop-{display}")
        width, height = look.screen
        screen = {"WIDTH": str(width), "HEIGHT": str(height), "SCALE": f"{look.scale:g}"}
        variables = {name: Template(value).substitute(screen) for name, value in desktop.variables.items()}
        self._pointer = (width // 2, height // 2)
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/user", "USER": "user",
            "LANG": f"{look.language or 'C'}.UTF-8",
            "DISPLAY": self._display, "XDG_RUNTIME_DIR": str(self.runtime), "XDG_SESSION_TYPE": "x11",
            "DBUS_SYSTEM_BUS_ADDRESS": stack.environment["DBUS_SYSTEM_BUS_ADDRESS"],
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.runtime}/bus", "LIBGL_ALWAYS_SOFTWARE": "1",
            "XDG_CURRENT_DESKTOP": desktop.name, "XDG_DATA_DIRS": "/usr/local/share:/usr/share",
        } | screen | variables  # fmt: skip

    def open(self) -> None:
        """Start it, and wait for its panel."""
        shutil.rmtree(self._tree / "home/user", ignore_errors=True)
        shutil.rmtree(self.runtime, ignore_errors=True)
        for folder in (self._tree / "home/user", self.runtime):
            folder.mkdir(mode=0o700)
            os.chown(folder, USER, USER)
        screen = "x".join(map(str, (*self.look.screen, 24)))
        self._spawn(["Xvfb", self._display, "-screen", "0", screen, "-nolisten", "tcp"], "xvfb")
        wait_for(Path(f"/tmp/.X11-unix/X{self._display[1:]}").exists, "the screen")
        self.start("dbus-daemon --session --nofork --nopidfile --address=$DBUS_SESSION_BUS_ADDRESS", "bus")
        wait_for((self.runtime / "bus").exists, "the session's bus")
        self.do("gsettings set org.gnome.desktop.interface toolkit-accessibility true")
        self.do(self.desktop.prepare)
        for program in self.desktop.programs:
            self.start(program, Path(program.split(" ")[0]).name)
            time.sleep(2)
            self.environment |= self.desktop.guests
        wait_for(lambda: _is_something(self.picture()), "the desktop")
        if self.headless:
            self.do(self.headless.scale)
        self.settle(4)
        if self.desktop.key:
            # The first press wakes it, and notices of the desktop's own go meanwhile.
            self.away()
            self.key(self.desktop.key)
            time.sleep(5)
            self.settle(4)

    def close(self) -> None:
        """End everything."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in reversed(self._processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.runtime, ignore_errors=True)

    # Programs

    def start(self, command: str, log: str) -> subprocess.Popen[bytes]:
        """Have a command run in the session; what it says goes to its log."""
        return self._spawn(self._inside(f"exec {command}"), log)

    def do(self, command: str) -> str:
        """Run a command of the session to its end; what it printed."""
        done = subprocess.run(
            self._inside(command), capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )
        return done.stdout

    def restart_panel(self) -> None:
        """The program that shows the icons ends, and comes back."""
        program = self.desktop.programs[-1]
        # Newest first, so that it is not the process that was started again.
        self.do(f"kill $(pgrep -n -x {shlex.quote(program.split(' ')[0])})")
        time.sleep(1)
        self.start(program, f"{program.split(' ')[0]}-again")
        self.settle()

    def _inside(self, command: str) -> list[str]:
        values = [f"{name}={value}" for name, value in self.environment.items()]
        user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        return ["chroot", str(self._tree), *user, "env", "-i", "-C", "/home/user", *values, "sh", "-c", command]

    def _spawn(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{log}.log").open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._processes.append(process)
        return process

    # Eyes

    @property
    def items(self) -> str:
        """The icons that the desktop knows; empty without a tray."""
        get = f"busctl --user get-property {_WATCHER} /StatusNotifierWatcher {_WATCHER}"
        return self.do(f"{get} RegisteredStatusNotifierItems 2>/dev/null").partition('"')[2]

    @property
    def has_tray(self) -> bool:
        """Whether anybody shows icons."""
        owned = self.do(
            "dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus /org/freedesktop/DBus"
            f" org.freedesktop.DBus.NameHasOwner string:{_WATCHER}"
        )
        return "true" in owned

    def picture(self, name: str = "") -> QImage:
        """The screen as it is, kept under a name."""
        path = self.folder / f"{name or 'now'}.png"
        if self.headless:
            self._own_picture(self.headless, path)
        else:
            subprocess.run(
                ["import", "-window", "root", "-display", self._display, str(path)], check=True, capture_output=True
            )
        return QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)

    def settle(self, seconds: float = 1.5, longest: float = 20.0) -> QImage:
        """Wait until the screen has been the same for so long, but for figures and a cursor; the picture then."""
        last, since, end = self.picture(), time.monotonic(), time.monotonic() + longest
        while time.monotonic() < end and time.monotonic() - since < seconds:
            time.sleep(0.4)
            now = self.picture()
            if self.covered(last, now) > _FIGURES:
                since = time.monotonic()
            last = now
        return last

    def _own_picture(self, headless: Headless, path: Path) -> None:
        """What the desktop says its screen shows; all black as long as it does not say anything."""
        taken = self.runtime / "picture.png"
        self.do(headless.picture.replace("$PICTURE", str(taken)))
        if taken.exists():
            taken.replace(path)
        else:
            black = QImage(*self.look.screen, QImage.Format.Format_RGB32)
            black.fill(0)
            black.save(str(path))

    def covered(self, before: QImage, after: QImage) -> int:
        """About how many pixels differ; as many at every scale."""
        rows = range(0, after.height(), _SAMPLED)
        return round(_SAMPLED * sum(1 for _ in differences(before, after, rows)) / self.look.scale**2)

    def find_icon(self, before: QImage, after: QImage) -> Area | None:
        """Where something of an icon's size has come: left, top, width, height. Above all in a corner of the screen."""
        least, most, gap, panel = (round(length * self.look.scale) for length in (*_ICON, _GAP, _PANEL))
        edges = [*range(panel), *range(after.height() - panel, after.height())]
        pixels = list(differences(before, after, edges))
        clusters: list[list[tuple[int, int]]] = []
        for x, y in sorted(pixels):
            if not clusters or x - clusters[-1][-1][0] > gap:
                clusters.append([])
            clusters[-1].append((x, y))
        areas = [_around(cluster) for cluster in clusters]
        fitting = [area for area in areas if all(least <= length <= most for length in area[2:])]
        # What the icon has moved aside has few colours; the edges of an icon are soft.
        return max(fitting, key=lambda area: len(set(_colours(after, area))), default=None)

    # Hands

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Press a button of the mouse there."""
        self._xdotool("mousemove", str(x), str(y))
        time.sleep(0.3)
        self._xdotool("click", str(button))

    def away(self, *, click: bool = False) -> None:
        """Have the pointer where it is in nobody's way; a click there closes menus that no key closes (waybar's)."""
        self._xdotool("mousemove", *map(str, self._pointer))
        if click:
            self._xdotool("click", "1")

    def key(self, name: str) -> None:
        """Press a key."""
        self._xdotool("key", name)

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env={"DISPLAY": self._display, "PATH": os.environ["PATH"]}, check=True)


def _is_something(picture: QImage) -> bool:
    """Whether there is more than one colour, near the edges where panels are."""
    rows = [y for y in range(picture.height()) if y < 40 or y > picture.height() - 40]
    return len({picture.pixel(x, y) for y in rows for x in range(0, picture.width(), 3)}) > 8


Area = tuple[int, int, int, int]


def differences(before: QImage, after: QImage, rows: Iterable[int] | None = None) -> Iterator[tuple[int, int]]:
    """The pixels that differ by more than a few shades, in some ``rows`` or in all."""
    old, new = bytes(before.constBits()), bytes(after.constBits())
    width = after.bytesPerLine()
    for y in range(after.height()) if rows is None else rows:
        ours, theirs = old[y * width : (y + 1) * width], new[y * width : (y + 1) * width]
        if ours == theirs:
            continue
        for x in range(0, width, 4):
            if ours[x : x + 3] != theirs[x : x + 3]:
                shades = (abs(ours[x + part] - theirs[x + part]) for part in range(3))
                if max(shades) > _FEW:
                    yield x // 4, y


def _colours(picture: QImage, area: Area) -> list[int]:
    left, top, width, height = area
    return [picture.pixel(x, y) for x in range(left, left + width) for y in range(top, top + height)]


def _around(pixels: list[tuple[int, int]]) -> Area:
    left, top = min(x for x, _ in pixels), min(y for _, y in pixels)
    return left, top, max(x for x, _ in pixels) - left + 1, max(y for _, y in pixels) - top + 1


def contrast(picture: QImage, area: Area) -> float:
    """Between what most of an area is and what differs most from that, as WCAG 2.1 reckons."""
    colours = _colours(picture, area)
    ground = max(set(colours), key=colours.count)
    light = _luminance(ground)
    return max((max(light, other) + 0.05) / (min(light, other) + 0.05) for other in map(_luminance, set(colours)))


def _luminance(pixel: int) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

    colour = QColor(pixel)
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF())


def until(found: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it comes to be so in time."""
    end = time.monotonic() + seconds
    while not found():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True
