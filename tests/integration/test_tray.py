# SPDX-License-Identifier: MIT
"""The real tray in a process of its own under Xvfb, with a real tray host and real clicks; only the client is fake."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from tests.support.tray_driver import ROOT, Tray, in_host, start_host
from tests.support.tray_watcher import ITEM, Watcher
from tests.support.waiting import PATIENCE, until, wait_for
from vramswap_gui.tray import qt_messages
from vramswap_gui.units import GIB

_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.fixture
def environment(display: str, tmp_path: Path) -> dict[str, str]:
    """That of a session with this display and no buses, on which nothing could be found but this machine's."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    # The first start, which says what this computer lacks, is a test of its own.
    chosen = tmp_path / ".config/vramswap/vramswap.conf"
    chosen.parent.mkdir(parents=True)
    chosen.write_text("[General]\nwelcomed=true\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QT_", "XDG_", "WAYLAND_"))}
    return kept | {
        "DISPLAY": display,
        "XDG_RUNTIME_DIR": str(runtime),
        "HOME": str(tmp_path),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/no-session-bus",
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/no-system-bus",
    }


@pytest.fixture
def host(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A real XEmbed tray host."""
    process = start_host(environment)
    yield process
    process.terminate()
    process.wait()


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., Tray]]:
    """Starts trays; each must end silently on SIGTERM, if the test has not ended it."""
    trays: list[Tray] = []

    def make(*arguments: str) -> Tray:
        trays.append(Tray(environment, *arguments))
        return trays[-1]

    yield make
    for tray in trays:
        if tray.process.poll() is None:
            assert tray.end() == (0, "")


def test_icon_window_switch_and_slider(host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    tray = start()
    in_host(tray)
    assert not tray.state()["visible"]
    assert tray.state()["timers"] == 0

    tray.click("icon")
    tray.wait(visible=True, headline="Off", checked=False)

    tray.click("switch")
    tray.wait(calls=[["start"]], headline="On", checked=True)

    tray.hold(0.5)
    assert tray.state()["calls"] == [["start"]], "a size counts only when the slider is let go"
    tray.xdotool("mouseup", "1")
    wait_for(lambda: len(tray.state()["calls"]) == 2, "the new size")
    verb, size = tray.state()["calls"][1]
    assert verb == "resize"
    assert GIB < size < 3 * GIB

    tray.click("automatic", at=0.03)
    tray.wait(calls=[["start"], ["resize", size], ["resize", 0]])
    tray.click("switch")
    tray.wait(checked=False, headline="Off")
    tray.do("hide")
    tray.wait(visible=False, timers=0)


def test_menu(host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    tray = start()
    in_host(tray)
    tray.do("menu", "toggle")
    tray.wait(calls=[["start"]])
    assert {"On", "0.06 of 1 GiB in use · A game is running and has all of the VRAM."} <= set(tray.state()["menu"])
    tray.do("menu", "open")
    tray.wait(visible=True)
    tray.do("menu", "quit")
    assert tray.process.wait(timeout=PATIENCE) == 0


def test_menu_has_mode_settings_and_check(host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    tray = start()
    in_host(tray)
    tray.do("choose", "always")
    tray.wait(calls=[["set_mode", "always"]], mode="always")
    tray.do("menu", "settings")
    tray.wait(windows=["settings"], editable=True)
    tray.do("enter", {"headroom": GIB})
    tray.do("apply")
    tray.wait(calls=[["set_mode", "always"], ["set_config", {"headroom": GIB}]], settings={}, editable=True)
    tray.do("menu", "check")
    tray.wait(windows=["doctor", "settings"])
    tray.do("close")
    tray.wait(windows=[], timers=0)


def test_menu_has_pause_and_battery(host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    tray = start()
    in_host(tray)
    assert "&Pause for an hour" not in tray.state()["menu"], "off and for ever"
    tray.do("choose", "always")
    wait_for(lambda: "&Pause for an hour" in tray.state()["menu"], "something to pause")
    tray.do("menu", "pause")
    wait_for(lambda: tray.state()["calls"][-1] == ["pause", 3600], "the pause")
    tray.do("status", {"Reason": ["paused", {}], "Cause": "pause", "PausedUntil": 1_700_000_000})
    wait_for(lambda: "End the &pause" in tray.state()["menu"], "the way back")
    assert "&Pause for an hour" not in tray.state()["menu"]
    tray.do("menu", "resume")
    wait_for(lambda: tray.state()["calls"][-1] == ["pause", 0], "the end of the pause")
    tray.do("status", {"Reason": ["on-battery", {}], "Cause": "battery", "PausedUntil": 0})
    wait_for(lambda: "Use on &battery this once" in tray.state()["menu"], "the way to use the battery")
    tray.do("menu", "battery")
    wait_for(lambda: tray.state()["calls"][-1] == ["use_battery", True], "the battery")
    # It can be taken back.
    wait_for(lambda: "Use on &battery this once" in tray.state()["menu"], "the way back")
    tray.do("menu", "battery")
    wait_for(lambda: tray.state()["calls"][-1] == ["use_battery", False], "the end of it")


def test_first_start_says_what_is_missing(
    host: subprocess.Popen[bytes], environment: dict[str, str], start: Callable[..., Tray]
) -> None:
    chosen = Path(environment["HOME"]) / ".config/vramswap/vramswap.conf"
    chosen.unlink()
    # Without a helper something is missing on any machine.
    first = start("--absent")
    first.wait(windows=["doctor"])
    assert first.end() == (0, "")
    assert "welcomed=true" in chosen.read_text()
    second = start("--absent")
    second.wait(headline="Helper unavailable")
    assert second.state()["windows"] == []


def test_first_start_of_a_simulation_lacks_nothing(
    host: subprocess.Popen[bytes], environment: dict[str, str], start: Callable[..., Tray]
) -> None:
    chosen = Path(environment["HOME"]) / ".config/vramswap/vramswap.conf"
    chosen.unlink()
    tray = start("--simulated")
    in_host(tray)
    tray.do("menu", "check")
    wait_for(lambda: tray.state()["summary"] not in ("", "Checking…"), "a check that was asked for")
    assert tray.end() == (0, "")
    assert not chosen.exists()


def test_failure_is_shown_and_dismissed(host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    tray = start("--show")
    tray.wait(visible=True, headline="Off")
    tray.do("fail", {"code": "NoNbd", "message": "The driver is not loaded.", "remedy": "Run `modprobe nbd` as root."})
    tray.click("switch")
    tray.wait(problem="The driver is not loaded.", checked=False)
    tray.click("copy")
    tray.wait(clipboard="modprobe nbd")
    tray.click("dismiss")
    tray.wait(problem="")


def test_damage_that_was_read_is_news_again_when_there_is_more(
    host: subprocess.Popen[bytes], start: Callable[..., Tray]
) -> None:
    tray = start("--show")
    tray.wait(visible=True, headline="Off")
    tray.do("status", {"Damaged": [3, 2]})
    tray.wait(problem="2 pages came back damaged from VRAM.")
    # What became of a request stands before it, and is read by itself.
    tray.do("fail", {"code": "NoNbd", "message": "The driver is not loaded.", "remedy": ""})
    tray.click("switch")
    tray.wait(problem="The driver is not loaded.")
    tray.click("dismiss")
    tray.wait(problem="2 pages came back damaged from VRAM.")
    tray.click("dismiss")
    tray.wait(problem="")
    tray.do("status", {"Damaged": [4, 2]})
    tray.wait(problem="")
    tray.do("status", {"Damaged": [4, 3]})
    tray.wait(problem="3 pages came back damaged from VRAM.")
    tray.click("dismiss")
    # Of a server that was started anew.
    tray.do("status", {"Damaged": [0, 0]})
    tray.wait(problem="")
    tray.do("status", {"Damaged": [0, 1]})
    tray.wait(problem="One page came back damaged from VRAM.")


def test_simulated_parts_are_named(host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    tray = start("--show")
    tray.wait(visible=True, headline="Off")
    tray.do("status", {"Simulated": ["gpu", "kernel"]})
    tray.wait(banner="Simulated: GPU, kernel")


def test_helper_goes_and_comes(host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    tray = start()
    in_host(tray)
    tray.do("lose")
    # No timer: a hidden tray does not look for the helper.
    tray.wait(headline="Helper unavailable", timers=0)
    tray.click("icon")
    tray.wait(visible=True, problem="The helper is not there.")
    tray.do("return")
    tray.wait(headline="Off", problem="")


def test_second_start_raises_the_first(
    host: subprocess.Popen[bytes], environment: dict[str, str], start: Callable[..., Tray]
) -> None:
    tray = start()
    tray.wait(headline="Off", visible=False)
    second = subprocess.run(
        [sys.executable, "-m", "tests.support.tray_app"], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    tray.wait(visible=True)


def test_settings_are_asked_for_from_outside(
    host: subprocess.Popen[bytes], environment: dict[str, str], start: Callable[..., Tray]
) -> None:
    tray = start()
    tray.wait(headline="Off", visible=False)
    second = subprocess.run(
        [sys.executable, "-m", "tests.support.tray_app", "--settings"],
        cwd=ROOT, env=environment | {"XDG_ACTIVATION_TOKEN": "a-token"}, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert second.returncode == 0
    tray.wait(windows=["settings"], visible=False)
    tray.do("close")
    tray.wait(windows=[])


def test_a_killed_one_leaves_no_obstacle(host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    first = start()
    first.process.kill()
    first.process.communicate()
    assert start("--show").state()["visible"]


def test_in_the_background_nothing_opens_by_itself(
    environment: dict[str, str], start: Callable[..., Tray], tmp_path: Path
) -> None:
    (tmp_path / ".config/vramswap/vramswap.conf").unlink()
    tray = start("--background", "--absent")
    # The icon is given up for the moment, and with it came the window.
    wait_for(lambda: tray.state()["menu"], "the icon, for whoever may show it")
    state = tray.state()
    assert (state["visible"], state["windows"]) == (False, [])
    second = subprocess.run(
        [sys.executable, "-m", "tests.support.tray_app"], cwd=ROOT, env=environment, timeout=PATIENCE, check=False
    )
    assert second.returncode == 0
    tray.wait(visible=True)


def test_no_host_then_one(environment: dict[str, str], start: Callable[..., Tray]) -> None:
    tray = start()
    tray.wait(visible=True)
    assert "no tray icons" in tray.state()["hint"]
    host = start_host(environment)
    try:
        in_host(tray)
        tray.wait(hint="")
        tray.do("hide")
        tray.wait(visible=False)
        tray.click("icon")
        tray.wait(visible=True)
        tray.end()
    finally:
        host.terminate()
        host.wait()


def test_a_desktop_without_a_tray_is_told_of_once(start: Callable[..., Tray]) -> None:
    tray = start()
    tray.wait(visible=True)
    assert "no tray icons" in tray.state()["hint"]
    tray.click("dismiss hint")
    tray.wait(hint="", visible=True)
    tray.end()
    again = start()
    again.wait(visible=True)
    assert again.state()["hint"] == ""


def test_without_any_host_closing_the_window_ends_it(start: Callable[..., Tray]) -> None:
    tray = start()
    tray.wait(visible=True)
    tray.do("hide")
    assert tray.process.wait(timeout=PATIENCE) == 0


@pytest.fixture
async def watcher(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Watcher]:
    """A session bus on which a StatusNotifierItem host can appear."""
    watcher = Watcher(tmp_path)
    await watcher.connect()
    environment["DBUS_SESSION_BUS_ADDRESS"] = watcher.address
    yield watcher
    watcher.close()


@pytest.mark.parametrize("comes", ["first", "at login", "late"])
async def test_status_notifier(comes: str, watcher: Watcher, start: Callable[..., Tray]) -> None:
    """The kind of tray that KDE has, and GNOME with its extension: the desktop draws icon and menu.

    At login it may come while the tray still waits for it, and where a person installs it, after the window had to do.
    """
    if comes == "first":
        await watcher.appear()
    tray = await asyncio.to_thread(start, *(["--patient"] if comes == "at login" else []))
    if comes == "late":
        await asyncio.to_thread(tray.wait, visible=True)
    if comes != "first":
        await watcher.appear()
    await watcher.item()
    if comes == "late":
        await asyncio.to_thread(tray.wait, visible=True, hint="")
        tray.do("hide")
    assert await watcher.property("IconPixmap")
    assert len(await watcher.entries()) >= 8
    await watcher.choose("Use VRAM as swap")
    await asyncio.to_thread(tray.wait, calls=[["start"]], visible=False, headline="On")
    await watcher.choose("2 GiB")
    await asyncio.to_thread(tray.wait, calls=[["start"], ["resize", 2 * GIB]])
    title, text = (await watcher.property("ToolTip"))[2:]
    assert title == "VRAM swap: On"
    assert "0.06 of 1 GiB in use" in text
    await watcher.call("/StatusNotifierItem", ITEM, "Activate", "ii", 0, 0)
    await asyncio.to_thread(tray.wait, visible=True, hint="")


async def test_a_panel_that_goes_and_comes_and_then_the_bus_goes(watcher: Watcher, start: Callable[..., Tray]) -> None:
    await watcher.appear()
    tray = await asyncio.to_thread(start)
    own = await watcher.item()
    for count in (2, 3, 4):
        await watcher.disappear()
        await watcher.appear()
        await watcher.item()
        # One icon, and always the same.
        assert watcher.items == [own] * count
    await watcher.choose("Use VRAM as swap")
    await asyncio.to_thread(tray.wait, calls=[["start"]], headline="On")
    watcher.close()
    # Nobody shows it any more, and it goes on, with nothing to do.
    await asyncio.to_thread(tray.wait, headline="On", timers=0)


async def test_the_icon_is_a_name_that_the_panel_recolours(
    watcher: Watcher, environment: dict[str, str], start: Callable[..., Tray]
) -> None:
    """By name where the theme has it, else as pictures, and never both: some hosts would take the pictures."""
    theme = Path(environment["HOME"]) / ".local/share/icons/hicolor/symbolic/apps"
    shutil.copytree(ROOT / "resources/icons", theme)
    await watcher.appear()
    tray = await asyncio.to_thread(start)
    await watcher.item()
    await asyncio.to_thread(tray.wait, headline="Off")

    async def icon() -> tuple[str, int]:
        return await watcher.property("IconName"), len(await watcher.property("IconPixmap"))

    assert await icon() == ("vramswap-off-symbolic", 0)
    signals = watcher.signals.copy()
    await watcher.choose("Use VRAM as swap")
    await asyncio.to_thread(tray.wait, checked=True)
    # 64 MiB of 1 GiB are no eighth yet.
    await until(lambda: "NewIcon" in watcher.signals[len(signals) :])
    assert await icon() == ("vramswap-on-0-symbolic", 0)
    told = len(watcher.signals)
    tray.do("prefer", {"icon": "light"})
    await until(lambda: "NewIcon" in watcher.signals[told:])
    name, pictures = await icon()
    assert (name, pictures > 0) == ("", True)
    width, height, pixels = (await watcher.property("IconPixmap"))[0]
    assert len(pixels) == 4 * width * height
    # Alpha, red, green, blue: what is opaque is light.
    opaque = [pixels[at + 1 : at + 4] for at in range(0, len(pixels), 4) if pixels[at] == 255]
    assert opaque and min(map(min, opaque)) > 200


async def test_what_the_desktop_learns_of_the_icon(watcher: Watcher, start: Callable[..., Tray]) -> None:
    await watcher.appear()
    tray = await asyncio.to_thread(start)
    await watcher.item()
    await asyncio.to_thread(tray.wait, headline="Off")
    assert [await watcher.property(name) for name in ("Category", "Id", "Title", "Status", "ItemIsMenu")] == [
        "Hardware", "vramswap", "VRAM swap", "Active", False,
    ]  # fmt: skip
    tray.do("status", {"State": "failed", "Reason": ["failed", {}]})
    await until(lambda: "NewStatus" in watcher.signals)
    assert await watcher.property("Status") == "NeedsAttention"
    assert await watcher.property("AttentionIconPixmap")
    introspected = await watcher.call("/StatusNotifierItem", "org.freedesktop.DBus.Introspectable", "Introspect")
    assert ElementTree.fromstring(introspected[0]).find("interface/property[@name='ToolTip']") is not None


async def test_the_menu_keeps_its_entries_while_they_change(watcher: Watcher, start: Callable[..., Tray]) -> None:
    """A host that shows the menu at the moment does not have to build it anew."""
    await watcher.appear()
    tray = await asyncio.to_thread(start)
    await watcher.item()
    await asyncio.to_thread(tray.wait, headline="Off")
    before = await watcher.entries()
    told = len(watcher.signals)
    tray.do("status", {"Reason": ["game", {}]})
    await until(lambda: "ItemsPropertiesUpdated" in watcher.signals[told:])
    assert "LayoutUpdated" not in watcher.signals[told:]
    after = await watcher.entries()
    assert {number for _, number in before.items()} == {number for _, number in after.items()}


async def test_a_second_click_takes_the_window_away(watcher: Watcher, start: Callable[..., Tray]) -> None:
    await watcher.appear()
    tray = await asyncio.to_thread(start)
    await watcher.item()
    for visible in (True, False, True):
        await watcher.call("/StatusNotifierItem", ITEM, "Activate", "ii", 1200, 1000)
        await asyncio.to_thread(tray.wait, visible=visible, active=visible)
    # Where the icon is, as far as the screen goes.
    left, top, width, height = tray.do("frame")
    assert left > 600 and top + height > 900 and left + width <= 1280 and top + height <= 1024


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it(number: int, host: subprocess.Popen[bytes], start: Callable[..., Tray]) -> None:
    tray = start()
    tray.wait(headline="Off")
    assert tray.end(number) == (0, "")


def test_it_ends_with_its_display(start: Callable[..., Tray], display_server: subprocess.Popen[bytes]) -> None:
    tray = start()
    tray.wait(headline="Off")
    display_server.terminate()
    _, errors = tray.process.communicate(timeout=PATIENCE)
    assert tray.process.returncode == 1
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "displays", "status", "said"),
    [
        (["--version"], {}, 0, "vramswap "),
        ([], {}, 1, "there is no display"),
        (["--what"], {}, 2, "unrecognized arguments"),
        ([], {"DISPLAY": ":77"}, 1, "the display (DISPLAY=:77) cannot be reached"),
        ([], {"WAYLAND_DISPLAY": "wayland-77", "XDG_SESSION_TYPE": "wayland"}, 1, "WAYLAND_DISPLAY=wayland-77"),
        ([], {"QT_QPA_PLATFORM": "no-such-thing"}, 1, "QT_QPA_PLATFORM=no-such-thing"),
    ],
)
def test_command_line(arguments: list[str], displays: dict[str, str], status: int, said: str) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in _DISPLAYS} | displays
    bare["XDG_RUNTIME_DIR"] = "/nonexistent"
    done = subprocess.run(
        [sys.executable, "-m", "vramswap_gui.tray.main", *arguments],
        cwd=ROOT, env=bare, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert status == 2 or len(done.stderr.splitlines()) == status, done.stderr


def test_what_qt_lacks_is_named(tmp_path: Path) -> None:
    """As pip installs it on a machine that has never shown a window. Whoever asks for the version needs no Qt."""
    (tmp_path / "PySide6").mkdir()
    (tmp_path / "PySide6/__init__.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vramswap_gui.tray.main", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert run("--version").stdout.startswith("vramswap ")
    done = run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("vramswap: Qt cannot be loaded: libGL.so.1") and done.stderr.count("\n") == 1


def test_a_plugin_that_lacks_a_library(tmp_path: Path) -> None:
    """What keeps Qt from the display may be that, and no fault of the display's."""
    library, plugin = tmp_path / "libcursor.so", tmp_path / "plugin.so"
    for made, *options in ((library,), (plugin, "-Wl,--no-as-needed", f"-L{tmp_path}", "-lcursor")):
        subprocess.run(["gcc", "-shared", "-nostdlib", "-x", "c", os.devnull, "-o", made, *options], check=True)
    library.unlink()
    assert qt_messages.lacking(plugin).startswith("libcursor.so: cannot open")
    assert qt_messages.lacking(Path("libc.so.6")) == ""
