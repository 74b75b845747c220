# SPDX-License-Identifier: MIT
"""``make desktops``: the package on real desktops, driven as a person would. Pictures are in build/desktops/pictures.

Prints a table; the exit status is 0 if all was as it should be. The pictures are to be looked at all the same.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from PySide6.QtGui import QImage

from tests.demo.plan import Plan
from tests.demo.stack import Stack
from tests.desktops import tree
from tests.desktops.keyboard import Keyboard
from tests.desktops.session import Area, Look, Session, contrast, differences, until
from tests.desktops.sessions import DESKTOPS
from tests.support import fakegpu

#: The session of the desktop is nobody's to polkit, for there is no logind; in a real one it is the user's.
_RULES: Final = 'polkit.addRule(function(a) { if (a.id.startsWith("org.vramswap.")) return polkit.Result.YES; });'
#: WCAG 2.1, 1.4.11: what has to be seen to be used.
_CONTRAST: Final = 3.0
#: A window covers more pixels.
_WINDOW: Final = 20_000
#: Seconds in which a tray that sees no host has given up waiting for one.
_AT_LOGIN: Final = 12
_FIRST_DISPLAY: Final = 90
_INSIDE: Final = "VRAMSWAP_DESKTOPS_MOUNTS"


class Trial:
    """One desktop, step by step."""

    def __init__(self, name: str, session: Session, stack: Stack) -> None:
        self._name = name
        self._session = session
        self._stack = stack
        self.failed = 0
        self._icon: Area | None = None

    def run(self) -> None:
        """All steps, those that need an icon only where there is one."""
        session = self._session
        empty = session.settle()
        session.picture("0-empty")
        session.start("vramswap --background", "tray")
        if not session.has_tray:
            time.sleep(_AT_LOGIN)
            self._say("nothing opens at login", self._covered(empty) < _WINDOW)
            session.start("vramswap", "again")
            self._say("a window where no tray shows icons", until(lambda: self._covered(empty) > _WINDOW, 30))
            session.settle()
            session.picture("1-window")
            self._dark("2-window-dark")
            self._keyboard()
            return
        self._say("the icon is known", until(lambda: bool(session.items)))
        shown = session.settle()
        session.picture("1-icon")
        self._icon = session.find_icon(empty, shown)
        self._say("the icon is seen", self._icon is not None)
        if self._icon is None:
            return
        self._legible("on the panel as it comes")
        if session.headless:
            self._look()
            return
        self._click()
        self._menu()
        self._lend()
        self._dark("6-dark")
        self._keyboard()
        if not session.desktop.apart:
            return
        session.restart_panel()
        self._say(
            "the icon is back after a restart of the panel",
            until(lambda: bool(session.items)),
        )
        session.picture("8-restarted")

    def _look(self) -> None:
        """All that can be seen where there are no hands."""
        session = self._session
        session.start("vramswap", "again")
        session.settle(4)
        self._stack.ctl("on")
        for command, name in ((session.desktop.light, "4-on"), (session.desktop.dark, "6-dark")):
            session.do(command)
            session.settle(3)
            session.picture(name)
            self._legible(name)
        session.start("vramswap --settings", "settings")
        session.settle(4)
        session.picture("7-settings")

    def _click(self) -> None:
        session = self._session
        assert self._icon is not None
        x, y = self._middle(self._icon)
        before = session.settle()
        session.click(x, y)
        self._say("a click opens window or menu", until(lambda: self._covered(before) > _WINDOW))
        session.settle()
        session.picture("2-click")
        session.click(x, y)
        session.away()
        self._say("a second one hides it", until(lambda: self._covered(before) < _WINDOW))

    def _menu(self) -> None:
        session = self._session
        assert self._icon is not None
        before = session.settle()
        session.click(*self._middle(self._icon), button=3)
        self._say("the other button opens the menu", until(lambda: self._covered(before) > _WINDOW // 4))
        session.settle()
        session.picture("3-menu")
        session.key("Escape")
        session.away(click=True)

    def _lend(self) -> None:
        session = self._session
        assert self._icon is not None
        before = session.settle()
        self._stack.ctl("on")
        x, y, width, height = self._icon
        rows = range(y, y + height)
        changed = until(
            lambda: any(left in range(x, x + width) for left, _ in differences(before, session.picture(), rows))
        )
        self._say("the icon changes when VRAM is lent", changed)
        self._window("4-on")
        self._legible("while VRAM is lent")
        if session.desktop.tiles:
            self._tiled()

    def _tiled(self) -> None:
        """Alone it has the whole screen, and with another one half of it."""
        session = self._session
        before = session.settle()
        session.do("timeout 20 vramswap; timeout 20 vramswap --settings")
        until(lambda: self._covered(before) > 2 * _WINDOW)
        session.settle()
        session.picture("5-tiled")
        for _ in range(2):
            session.key("Escape")
            session.settle()

    def _keyboard(self) -> None:
        if self._session.look != Look():
            # It goes by English names, and is the same on every screen.
            return
        self._stack.ctl("off")
        Keyboard(self._session, self._stack, self._say).run()

    def _dark(self, name: str) -> None:
        session = self._session
        for command, mark in ((session.desktop.dark, name), (session.desktop.light, name.replace("dark", "light"))):
            if command == "true":
                return
            session.do(command)
            session.settle(3)
            session.picture(mark)
            if self._icon is not None:
                self._legible(mark)
            self._window(f"{mark}-window")

    def _window(self, name: str) -> None:
        """Another start brings the window; where closing it ends the program, this one stays."""
        session = self._session
        before = session.settle()
        session.start("vramswap", "again")
        until(lambda: self._covered(before) > _WINDOW)
        session.settle()
        session.picture(name)
        session.key("Escape")
        session.settle()

    def _legible(self, where: str) -> None:
        assert self._icon is not None
        found = contrast(self._session.picture(), self._icon)
        self._say(f"contrast of the icon, {where}: {found:.1f}", found >= _CONTRAST)

    def _covered(self, before: QImage) -> int:
        return self._session.covered(before, self._session.picture())

    @staticmethod
    def _middle(icon: Area) -> tuple[int, int]:
        left, top, width, height = icon
        return left + width // 2, top + height // 2

    def _say(self, what: str, so: bool) -> None:
        self.failed += int(not so)
        print(f"{'ok' if so else 'FAILED':<8}{self._name:<20}{what}", flush=True)


def _try(name: str, root: Path, number: int, libraries: Path, look: Look) -> int:
    folder = tree.WORK / "pictures" / f"{name}{look.mark}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stack = Stack(Plan("simulated", "simulated", "", ""), _RULES, libraries)
    try:
        # Nothing set, as on the first day.
        stack.config.write_text("")
        stack.start()
        # A disk of which nobody knows whether it is encrypted: that is asked.
        stack.fake.mount(stack.folder, "ext4")
        session = Session(DESKTOPS[name], root, stack, folder, _FIRST_DISPLAY + number, look)
        try:
            session.open()
            trial = Trial(name, session, stack)
            trial.run()
        except (AssertionError, subprocess.SubprocessError) as error:
            print(f"FAILED  {name:<20}{error}", flush=True)
            return 1
        finally:
            session.close()
    finally:
        stack.stop()
        stack.remove()
    return trial.failed


def main() -> int:
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(description="Try the package on real desktops.")
    parser.add_argument("desktops", nargs="*", choices=[*DESKTOPS, []], help="some of them")
    parser.add_argument("--scale", type=float, default=1.0, help="of the screen, which has as many dots more")
    parser.add_argument("--language", default="", metavar="de_DE", help="of the session")
    options = parser.parse_args()
    wanted, look = options.desktops or list(DESKTOPS), Look(options.scale, options.language)
    root = tree.WORK / "tree"
    if _INSIDE not in os.environ:
        tree.make()
        # Mounts are gone with the process, however it ends.
        os.environ[_INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-m", "tests.desktops", *sys.argv[1:]])
    for how, source, target in (("--rbind", "/dev", "dev"), ("--bind", "/tmp", "tmp"), ("--rbind", "/sys", "sys")):
        subprocess.run(["mount", how, source, root / target], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", root / "proc"], check=True)
    libraries = fakegpu.build(tree.WORK / "libraries")
    failed = sum(_try(name, root, number, libraries, look) for number, name in enumerate(wanted))
    print(f"Pictures: {tree.WORK / 'pictures'}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
