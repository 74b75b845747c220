# SPDX-License-Identifier: MIT
"""The whole program: clicks on the real tray turn real swap on and off, through D-Bus, polkit, helper and server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.demo.stack import Stack
from tests.support.tray_driver import Tray, in_host, start_host, start_manager
from tests.support.waiting import wait_for
from vramswap_gui.units import MIB, format_size


@pytest.fixture
def tray(display: str, stack: Stack, tmp_path: Path) -> Iterator[Tray]:
    """The tray in a host, as the user of the stack's bus."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    environment = stack.environment | {
        "DISPLAY": display, "XDG_RUNTIME_DIR": str(runtime), "HOME": str(tmp_path), "QT_QPA_PLATFORM": "xcb",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/no-session-bus",
    }  # fmt: skip
    manager, host = start_manager(environment), start_host(environment)
    started = Tray(environment, "--real", "--proc", str(stack.kernel))
    yield started
    if started.process.poll() is None:
        assert started.end() == (0, "")
    for process in (host, manager):
        process.terminate()
        process.wait()


def in_use(tray: Tray, size: str | Callable[[], str]) -> None:
    """Wait until the window says that the swap is on, and of which size."""

    def told() -> bool:
        state = tray.state()
        wanted = size if isinstance(size, str) else size()
        return state["headline"] == "On" and state["checked"] and f"of {wanted} in use" in state["sentence"]

    wait_for(told, "the new size in words")


def test_clicks_turn_it_on_resize_it_and_turn_it_off(tray: Tray, stack: Stack) -> None:
    in_host(tray)
    tray.click("icon")
    tray.wait(visible=True, headline="Off", checked=False)
    assert "simulated" in tray.state()["banner"].lower()

    tray.click("switch")
    in_use(tray, "256 MiB")
    assert len(stack.fake.devices()) == 1

    tray.drag(0.8)
    wait_for(lambda: sum(size_of(stack)) > 512 * MIB, "a larger swap")
    in_use(tray, lambda: format_size(sum(size_of(stack))))
    used = stack.fake.devices()[0]
    stack.fake.use(used, 100 * 1024)

    # What takes too long can be called off, and asked for again.
    before = stack.fake.devices()
    stack.fake.use(before[-1], 100 * 1024)
    stack.fake.hold("swapoff")
    tray.click("switch")
    wait_for(lambda: "100 MiB" in tray.state()["sentence"], "the progress")
    tray.click("cancel")
    wait_for(lambda: "cancelled" in tray.state()["problem"], "the reason")
    assert (stack.fake.devices(), tray.state()["checked"]) == (before, True)
    stack.fake.hold("swapoff", False)

    tray.click("switch")
    tray.wait(headline="Off", checked=False)
    assert stack.fake.devices() == []
    assert tray.state()["problem"] == ""


def test_a_refusal_is_told_in_the_window(tray: Tray, stack: Stack) -> None:
    in_host(tray)
    tray.click("icon")
    tray.wait(visible=True, headline="Off")
    stack.fake.refuse("swapon", "Operation not permitted")
    tray.click("switch")
    wait_for(lambda: "Operation not permitted" in tray.state()["problem"], "the reason")
    tray.wait(checked=False)
    assert stack.fake.devices() == []


def test_a_helper_that_comes_back_is_found(tray: Tray, stack: Stack) -> None:
    in_host(tray)
    tray.click("icon")
    tray.wait(visible=True, headline="Off")
    assert stack.ctl("on").returncode == 0
    in_use(tray, "256 MiB")
    stack.kill("helper")
    wait_for(lambda: tray.state()["headline"] != "On", "the loss to be seen")
    stack.start_helper()
    in_use(tray, "256 MiB")


def size_of(stack: Stack) -> list[int]:
    """The sizes of the segments in use."""
    rows = [line.split() for line in stack.fake.swaps.read_text().splitlines()[1:]]
    # The kernel does not count the page with the header.
    return [(int(row[2]) + 4) << 10 for row in rows]


def test_settings_reach_the_helper(tray: Tray, stack: Stack) -> None:
    in_host(tray)
    tray.wait(headline="Off")
    tray.do("menu", "settings")
    tray.wait(editable=True)
    tray.do("enter", {"headroom": 640 * MIB, "mode": "always"})
    tray.do("apply")
    wait_for(lambda: "640 MiB" in stack.ctl("config", "headroom").stdout, "the new headroom")
    wait_for(lambda: "always" in stack.ctl("config", "mode").stdout, "the new mode")
    wait_for(lambda: tray.state()["settings"] == {}, "the settings to be in force")


def test_the_keyboard_alone_does_it_all(tray: Tray, stack: Stack) -> None:
    in_host(tray)
    tray.click("icon")
    tray.wait(visible=True, headline="Off")
    wait_for(lambda: tray.state()["focus"], "the focus in the window")

    tray.go_to("Use VRAM as swap")
    tray.keys("space")
    in_use(tray, "256 MiB")
    tray.go_to("Amount of VRAM to lend")
    tray.keys("Right", "Right")
    wait_for(lambda: sum(size_of(stack)) > 256 * MIB, "a larger swap")
    in_use(tray, lambda: format_size(sum(size_of(stack))))

    tray.keys("alt+s")
    tray.wait(windows=["settings"], editable=True)
    tray.go_to("VRAM kept free")
    tray.keys("ctrl+a", "1", "Tab")
    tray.keys("alt+a")
    wait_for(lambda: "1 GiB" in stack.ctl("config", "headroom").stdout, "the new headroom")
    tray.wait(windows=["settings"], editable=True)
    # The window is told a little later, and closes then.
    tray.keys("Escape")
    tray.wait(windows=[], visible=True)

    tray.go_to("Use VRAM as swap")
    tray.keys("space")
    tray.wait(headline="Off", checked=False)
    tray.keys("Escape")
    tray.wait(visible=False)


def test_a_bus_that_goes_and_comes(tray: Tray, stack: Stack) -> None:
    in_host(tray)
    tray.click("icon")
    tray.wait(visible=True, headline="Off")
    assert stack.ctl("on").returncode == 0
    in_use(tray, "256 MiB")
    for name in ("dbus-daemon", "helper", "polkit"):
        stack.kill(name)
    tray.wait(headline="Helper unavailable")
    stack.bring_up()
    in_use(tray, "256 MiB")
    assert stack.ctl("off").returncode == 0
    tray.wait(headline="Off", checked=False)
