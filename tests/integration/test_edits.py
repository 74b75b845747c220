# SPDX-License-Identifier: MIT
"""The settings, edited by hand while the helper runs, and by commands."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

from tests.demo.stack import Stack
from tests.support.ctl import done, refused, status
from tests.support.policy import PLENTY, SHORT, becomes, begin, looked, started
from tests.support.waiting import wait_for
from vramswap_gui.units import GIB, MIB, SIZE_STEP


def test_a_mistake_changes_nothing_and_is_told_with_its_line(stack: Stack) -> None:
    done(stack, "mode", "always")
    becomes(stack, "on", 256 * MIB)
    stack.config.write_text('# mine\nmode = "always"\nsize = 1GiB\n')
    wait_for(lambda: status(stack)["error"] is not None, "the mistake is told")
    now = status(stack)
    assert (now["state"], now["size"], now["error"]["code"]) == ("on", 256 * MIB, "ConfigInvalid")
    assert f"{stack.config}, line 3" in now["error"]["message"]
    shown = done(stack, "status")
    assert "line 3" in shown and "Mend the file" in shown and shown.startswith("on")
    checks = {check["name"]: check for check in json.loads(stack.ctl("doctor", "--json").stdout)}
    assert checks["Settings"]["verdict"] == "warning" and "line 3" in checks["Settings"]["found"]
    # The policy goes on with the last good settings: somebody takes the VRAM, and gets it.
    stack.gpu.others(1800 * MIB)
    wait_for(lambda: status(stack)["size"] < 256 * MIB, "it makes way")
    assert status(stack)["error"] is not None
    assert "line 3" in refused(stack, "config", "headroom", "1G")
    assert stack.config.read_text().startswith("# mine")
    stack.gpu.others(0)
    stack.config.write_text('# mine\nmode = "off"\nsize = 1073741824\n')
    wait_for(lambda: status(stack)["error"] is None, "all is well")
    now = becomes(stack, "off")
    assert (now["mode"], now["wanted"]) == ("off", GIB)


def test_an_edit_is_in_force_within_seconds(stack: Stack) -> None:
    assert status(stack)["mode"] == "off"
    stack.config.write_text('mode = "always"\nsize = 134217728\n')
    becomes(stack, "on", 128 * MIB)
    replaced = stack.config.with_suffix(".new")
    replaced.write_text('\ufeffmode = "always"\nsize = 67108864\n', encoding="utf-8")
    replaced.replace(stack.config)
    becomes(stack, "on", 64 * MIB)
    stack.config.write_text("")
    wait_for(lambda: status(stack)["mode"] == "on-demand", "a file without settings means the defaults")


def test_a_helper_that_takes_over_keeps_the_last_good_settings(stack: Stack) -> None:
    done(stack, "mode", "always")
    becomes(stack, "on", 256 * MIB)
    stack.config.write_text("size = 1GiB\n")
    wait_for(lambda: status(stack)["error"] is not None, "the mistake is told")
    stack.kill("helper")
    stack.start_helper()
    now = becomes(stack, "on", 256 * MIB)
    assert (now["mode"], now["error"]["code"]) == ("always", "ConfigInvalid")
    stack.config.write_text('mode = "always"\nsize = 268435456\n')


def test_comments_stay_when_a_command_changes_a_setting(stack: Stack) -> None:
    stack.config.write_text('# Ask Ada.\nmode = "off" # by hand\nsize = 268435456\n')
    assert done(stack, "config", "headroom", "1.25G") == "headroom is 1.25 GiB now.\n"
    done(stack, "size", "128M")
    assert stack.config.read_text() == ('# Ask Ada.\nmode = "off" # by hand\nsize = 134217728\nheadroom = 1342177280\n')


def test_a_mode_is_there_when_the_command_returns(make_stack: Callable[..., Stack]) -> None:
    stack = started(make_stack, "off")
    begin(stack)
    assert done(stack, "mode") == "off\n"
    assert done(stack, "mode", "always").startswith("on: ")
    assert status(stack)["state"] == "on"
    done(stack, "mode", "off")
    assert status(stack)["state"] == "off"
    assert done(stack, "mode", "on-demand") == "waiting: Memory is plentiful.\n"
    stack.fake.set_available(SHORT)
    becomes(stack, "on")


def test_what_the_command_line_shows_it_takes(stack: Stack) -> None:
    values = json.loads(done(stack, "config", "--json"))
    assert values["battery_floor"] == 20
    for key in values:
        shown = done(stack, "config", key).strip()
        assert done(stack, "config", key, shown) == f"{key} is {shown} now.\n"
    assert json.loads(done(stack, "config", "--json")) == values
    assert json.loads(done(stack, "config", "headroom", "--json")) == 512 * MIB
    assert done(stack, "size").strip() == "256 MiB"


def test_toggle_and_no_command_at_all(stack: Stack) -> None:
    assert done(stack).startswith("off\n") and "Mode       off" in done(stack)
    assert done(stack, "toggle").startswith("on: 256 MiB")
    assert "Used       0 B of 256 MiB" in done(stack)
    assert "priority 1000" in done(stack, "status", "-v") and "priority" not in done(stack)
    assert done(stack, "toggle").strip() == "off"


def test_debug_says_what_is_done(stack: Stack) -> None:
    for arguments in (("--debug", "status"), ("status", "--debug")):
        result = stack.ctl(*arguments)
        assert result.returncode == 0 and "client: GetAll" in result.stderr


def test_somebody_elses_swapoff_is_named(make_stack: Callable[..., Stack]) -> None:
    stack = started(make_stack, "on-demand", size=256 * MIB)
    begin(stack, SHORT)
    becomes(stack, "on")
    stack.fake.set_available(PLENTY)
    for device in stack.fake.devices():
        subprocess.run(["swapoff", device], env=stack.environment, check=True)
    wait_for(lambda: "swapoff" in status(stack)["reason"]["text"], "who turned it off")
    assert status(stack)["state"] == "waiting"
    # It comes back when memory is short, …
    stack.fake.set_available(SHORT)
    becomes(stack, "on")
    # … and not when a person's own command had turned it on, until there is another.
    done(stack, "on")
    for device in stack.fake.devices():
        subprocess.run(["swapoff", device], env=stack.environment, check=True)
    assert "swapoff" in becomes(stack, "off")["reason"]["text"]
    assert done(stack, "status").startswith("off: Somebody turned it off with swapoff.")
    done(stack, "on")
    assert "swapoff" not in status(stack)["reason"]["text"]


def test_one_swapoff_after_the_other_is_not_undone(make_stack: Callable[..., Stack]) -> None:
    """As `swapoff -a` does it, which takes long where there are pages."""
    stack = started(make_stack, "always", size=1536 * MIB - SIZE_STEP)
    begin(stack)
    becomes(stack, "on", 1536 * MIB - SIZE_STEP)
    devices = stack.fake.devices()
    assert len(devices) == 3
    for number, device in enumerate(devices, 1):
        subprocess.run(["swapoff", device], env=stack.environment, check=True)
        if number < len(devices):
            wait_for(lambda: len(status(stack)["segments"]) == len(stack.fake.devices()), "a look")
            looked(stack)
            assert stack.fake.devices() == devices[number:]
    assert "swapoff" in becomes(stack, "off")["reason"]["text"]
    done(stack, "on")
    assert len(stack.fake.devices()) == 3


def test_all_swap_areas_taken_is_named(stack: Stack) -> None:
    with stack.fake.swaps.open("a") as file:
        file.writelines(f"/dev/loop{number}\tpartition\t4\t0\t-{number + 2}\n" for number in range(23))
    stack.fake.refuse("swapon", "swapon failed: Operation not permitted")
    line = refused(stack, "on")
    assert "takes no more swap: 23 areas are in use" in line and "swapon --show" in line
    stack.fake.refuse("swapon")
    # One segment, be it ever so large, is all that is tried.
    done(stack, "size", "1.5G")
    done(stack, "on")
    assert len(status(stack)["segments"]) == 1
