# SPDX-License-Identifier: MIT
"""The real helper on a private bus with the real polkitd, on the simulated GPU and kernel, through the real CLI."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.demo.stack import FIRST_SIZE, Stack
from tests.support.children import children
from tests.support.ctl import done, is_left_as_before, refused, server_pid, status
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.units import GIB, MIB, SIZE_STEP


def test_on_and_off(stack: Stack) -> None:
    assert status(stack)["state"] == "off"
    done(stack, "on")
    now = status(stack)
    assert (now["state"], now["size"], now["simulated"]) == ("on", FIRST_SIZE, ["gpu", "kernel"])
    assert stack.fake.devices() == [segment["device"] for segment in now["segments"]]
    # Whoever can speak to the server needs no password for anything.
    assert stack.control.stat().st_mode & 0o777 == 0o600
    assert now["maximum"] == 2 * GIB - 512 * MIB
    assert json.loads(done(stack, "status", "--json")) == now
    done(stack, "on")
    assert status(stack)["segments"] == now["segments"]
    done(stack, "off")
    assert status(stack)["state"] == "off"
    is_left_as_before(stack)
    done(stack, "off")


def test_the_size_changes_while_it_is_on(stack: Stack) -> None:
    done(stack, "on")
    first = stack.fake.devices()
    assert "1 GiB of VRAM" in done(stack, "size", "1G")
    assert stack.fake.devices()[: len(first)] == first
    priorities = [segment["priority"] for segment in status(stack)["segments"]]
    assert priorities == sorted(priorities, reverse=True)
    assert len(set(priorities)) == len(priorities)
    done(stack, "size", "256M")
    assert (status(stack)["size"], stack.fake.devices()) == (256 * MIB, first)
    # The size is kept for the next time.
    done(stack, "off")
    done(stack, "on")
    assert status(stack)["size"] == 256 * MIB


def test_auto_takes_what_is_free(stack: Stack) -> None:
    assert "auto from the next start on" in done(stack, "size", "auto")
    stack.gpu.others(GIB)
    done(stack, "on")
    assert status(stack)["size"] == 512 * MIB - SIZE_STEP


def test_less_is_lent_while_others_use_the_vram(stack: Stack) -> None:
    done(stack, "size", "1G")
    stack.gpu.others(GIB)
    assert "510 MiB of 1 GiB: " in done(stack, "on")
    wait_for(lambda: "another program uses 1 GiB of VRAM" in status(stack)["reason"]["text"], "why it is less")


def test_pages_that_do_not_fit_stay_in_vram(stack: Stack) -> None:
    done(stack, "on")
    (device,) = stack.fake.devices()
    stack.fake.use(device, 200 * 1024)
    stack.fake.set_available(100 * 1024)
    line = refused(stack, "off")
    assert "200 MiB of pages are in VRAM" in line
    assert "lose programs that use" in line
    now = status(stack)
    assert (now["state"], now["used"], stack.fake.devices()) == ("on", 200 * MIB, [device])
    stack.fake.set_available(8 << 20)
    done(stack, "off")


#: What is no size, or none that can be lent, and what is said of it.
BAD_SIZES = {
    "0": "0 B is outside 16 MiB",
    "-1": "is not a size",
    "-512M": "is not a size",
    "lots": "is not a size",
    "1e9": "is not a size",
    "12": "is outside 16 MiB to",
    "999999T": "is outside",
    "9" * 60: "is not a size",
    "100000001": "must be a multiple of 2 MiB",
    "64G": "64 GiB cannot be lent: the GPU has 2 GiB of VRAM",
}


def test_a_bad_size_changes_nothing(stack: Stack) -> None:
    done(stack, "on")
    before = status(stack)
    for size, words in BAD_SIZES.items():
        assert words in refused(stack, "size", "--", size), size
        assert status(stack) == before, size


def test_an_unknown_gpu(stack: Stack) -> None:
    done(stack, "config", "gpu", "7")
    assert "7" in refused(stack, "on")
    assert status(stack)["error"]["code"] == "NoGpu"
    is_left_as_before(stack)
    done(stack, "config", "gpu", "0000:01:00.0")
    done(stack, "on")


@pytest.mark.parametrize(
    ("fault", "value", "code"), [("no_device", 1, "NoGpu"), ("driver_version", 11040, "DriverTooOld")]
)
def test_a_gpu_that_cannot_be_used(stack: Stack, fault: str, value: int, code: str) -> None:
    good = stack.gpu[fault]
    stack.gpu[fault] = value
    line = refused(stack, "on")
    now = status(stack)
    assert (now["state"], now["error"]["code"]) == ("failed", code)
    assert line.endswith(now["error"]["remedy"])
    assert now["error"]["remedy"]
    is_left_as_before(stack)
    stack.gpu[fault] = good
    done(stack, "on")


def test_no_nvidia_driver(make_stack: Callable[..., Stack]) -> None:
    if Path("/proc/driver/nvidia").exists():
        pytest.skip("needs a machine without the NVIDIA driver")
    stack = make_stack(start=False)
    stack.start(without=("LD_LIBRARY_PATH",))
    assert "driver" in refused(stack, "on")
    assert status(stack)["error"]["code"] == "NoDriver"
    is_left_as_before(stack)


@pytest.mark.parametrize("program", ["mkswap", "swapon"])
def test_swap_that_is_refused_leaves_nothing(stack: Stack, program: str) -> None:
    stack.fake.refuse(program, "it does not like this device")
    line = refused(stack, "on")
    assert f"{program} failed" in line
    assert "it does not like this device" in line
    is_left_as_before(stack)
    stack.fake.refuse(program)
    done(stack, "on")


def test_a_growth_that_fails_keeps_what_there_was(stack: Stack) -> None:
    done(stack, "on")
    before = stack.fake.devices()
    stack.fake.refuse("swapon", "no more of it")
    wanted = status(stack)["wanted"]
    assert "no more of it" in refused(stack, "size", "1G")
    assert (status(stack)["state"], status(stack)["wanted"]) == ("on", wanted)
    assert stack.fake.devices() == before
    assert [segment["device"] for segment in status(stack)["segments"]] == before


def test_swapoff_that_fails_leaves_the_device_serving(stack: Stack) -> None:
    done(stack, "on")
    before = stack.fake.devices()
    stack.fake.refuse("swapoff", "Cannot allocate memory")
    assert "Cannot allocate memory" in refused(stack, "off")
    assert (status(stack)["state"], stack.fake.devices()) == ("on", before)
    assert server_pid(stack)
    stack.fake.refuse("swapoff")
    done(stack, "off")


def test_the_server_becomes_a_newer_one_with_the_swap_on(stack: Stack) -> None:
    done(stack, "on")
    before, pid = status(stack), server_pid(stack)
    engine = children(pid)
    address = f"nbd+unix:///?socket={stack.fake.devices()[0]}"
    data = os.urandom(FIRST_SIZE)
    subprocess.run(["nbdcopy", "-", address], input=data, check=True)
    for _ in range(2):
        done(stack, "upgrade")
        assert status(stack) == before
        assert server_pid(stack) == pid
        assert children(pid) != engine
        assert subprocess.run(["nbdcopy", address, "-"], capture_output=True, check=True).stdout == data
    done(stack, "off")
    is_left_as_before(stack)
    done(stack, "upgrade")


def test_sleep_takes_everything_down_and_wake_brings_it_back(stack: Stack) -> None:
    done(stack, "on")
    done(stack, "sleep")
    is_left_as_before(stack)
    assert status(stack)["reason"]["text"] == "Off while the machine sleeps."
    assert "going to sleep" in refused(stack, "on")
    # Neither a second request nor a new helper forgets that it was on.
    done(stack, "sleep")
    stack.kill("helper")
    stack.start_helper()
    done(stack, "wake")
    assert status(stack)["state"] == "on"
    done(stack, "wake")
    done(stack, "off")
    done(stack, "sleep")
    done(stack, "wake")
    assert status(stack)["state"] == "off"


def test_sleep_is_refused_when_pages_do_not_fit(stack: Stack) -> None:
    done(stack, "on")
    (device,) = stack.fake.devices()
    stack.fake.use(device, 200 * 1024)
    stack.fake.set_available(100 * 1024)
    assert "200 MiB of pages are in VRAM" in refused(stack, "sleep")
    assert (status(stack)["state"], stack.fake.devices()) == ("on", [device])


def test_sleep_without_a_helper_is_no_trouble(stack: Stack) -> None:
    stack.kill("helper")
    done(stack, "sleep")


def test_an_evacuation_shows_its_progress_and_can_be_cancelled(stack: Stack) -> None:
    done(stack, "on")
    (device,) = stack.fake.devices()
    stack.fake.use(device, 200 * 1024)
    stack.fake.hold("swapoff")
    with subprocess.Popen(
        ["vramswapctl", "off"], env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as off:
        wait_for(lambda: status(stack)["bytes_left"] == 200 * MIB, "the progress")
        assert status(stack)["state"] == "stopping"
        done(stack, "cancel")
        _, errors = off.communicate()
    assert off.returncode == 1
    assert "It was cancelled" in errors
    now = status(stack)
    assert (now["state"], now["bytes_left"], stack.fake.devices()) == ("on", 0, [device])
    stack.fake.hold("swapoff", False)
    done(stack, "cancel")
    done(stack, "off")
    is_left_as_before(stack)


def test_settings(stack: Stack) -> None:
    assert done(stack, "config", "headroom") == "512 MiB\n"
    done(stack, "config", "headroom", "1G")
    assert done(stack, "config", "headroom") == "1 GiB\n"
    assert f"headroom = {GIB}" in stack.config.read_text()
    listing = done(stack, "config")
    assert all(key in listing for key in ("size", "maximum", "headroom", "priority", "gpu"))
    assert "Known settings: mode, size" in refused(stack, "config", "colour", "red")
    assert "whole number" in refused(stack, "config", "priority", "high")
    done(stack, "config", "mode", "on-demand")
    assert status(stack)["mode"] == "on-demand"
    done(stack, "mode", "off")
    done(stack, "config", "maximum", "512M")
    assert "more than the largest size allowed here, 512 MiB" in refused(stack, "size", "1G")


def test_the_unit_is_enabled_and_disabled_with_the_setting(stack: Stack) -> None:
    stack.fake.refuse("systemctl", "Failed to connect to bus.")
    assert "vramswap-helper.service was not enabled: Failed to connect" in refused(stack, "config", "at_boot", "on")
    assert done(stack, "config", "at_boot") == "off\n"
    stack.fake.refuse("systemctl")
    for value in ("on", "on", "off"):
        done(stack, "config", "at_boot", value)
    asked = (stack.kernel / "systemctl").read_text().splitlines()
    assert asked == [f"{verb} vramswap-helper.service" for verb in ("enable", "enable", "disable")]


def test_what_an_administrator_says_of_a_start_with_the_computer_holds(stack: Stack) -> None:
    """With an editor or with systemctl, while the helper runs or while it does not: the other one follows."""
    enabled = stack.kernel / "enabled"

    record = stack.folder / "state/at_boot"

    def says(word: str) -> bool:
        agreed = record.exists() and record.read_text() == f"{word}\n" and enabled.exists() == (word == "on")
        return agreed and done(stack, "config", "at_boot") == f"{word}\n"

    wait_for(lambda: says("off"), "a helper that has looked")
    stack.config.write_text("at_boot = true\n")
    wait_for(lambda: says("on"), "an edit that is heeded")
    stack.kill("helper")
    enabled.unlink()
    stack.start_helper()
    wait_for(lambda: says("off"), "settings that follow a unit that was disabled")
    stack.kill("helper")
    enabled.touch()
    stack.start_helper()
    wait_for(lambda: says("on"), "settings that follow a unit that was enabled")
    stack.kill("helper")
    stack.config.write_text("at_boot = false\n")
    stack.start_helper()
    wait_for(lambda: says("off"), "a unit that follows the settings")


def test_a_settings_file_that_is_broken_is_named(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(start=False)
    stack.config.write_text("size = 'large'\ncolour = 1\n")
    stack.start()
    line = refused(stack, "on")
    assert str(stack.config) in line
    is_left_as_before(stack)
    stack.config.unlink()
    done(stack, "on")


def test_watch_ends_when_nobody_reads_any_more(stack: Stack) -> None:
    with subprocess.Popen(
        ["vramswapctl", "watch"], env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        try:
            assert watching.stdout is not None and watching.stdout.readline()
            watching.stdout.close()
            done(stack, "mode", "always")
            assert watching.wait(PATIENCE) == 0
        finally:
            watching.kill()
        assert watching.stderr is not None and watching.stderr.read() == ""


def test_a_pause_that_is_too_long_is_refused(stack: Stack) -> None:
    for given in ("8d", "169h", "1200000h", "999999999h"):
        assert "\n" not in refused(stack, "pause", given).strip()


def test_watch_shows_every_change(stack: Stack) -> None:
    with subprocess.Popen(
        ["vramswapctl", "watch"], env=stack.environment, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None

        def shown() -> str:
            assert watching.stdout is not None
            clock, _, line = watching.stdout.readline().partition("  ")
            time.strptime(clock, "%H:%M:%S")
            return line

        assert shown().startswith("off")
        done(stack, "on")
        assert shown().startswith("starting:")
        while not (line := shown()).startswith("on:"):
            assert line.startswith("starting:")
        (device,) = stack.fake.devices()
        stack.fake.use(device, 64 << 10)
        while "64 MiB of 256 MiB used" not in shown():
            pass
        watching.send_signal(signal.SIGINT)
        assert watching.wait() == 130


def test_the_doctor_looks_at_everything(stack: Stack) -> None:
    result = stack.ctl("doctor", "--json")
    found = {check["name"]: check for check in json.loads(result.stdout)}
    assert found["CUDA driver library"]["verdict"] == "ok"
    assert found["Helper"]["verdict"] == "ok"
    assert result.returncode == any(check["verdict"] == "failed" for check in found.values())
    assert all(check["remedy"] for check in found.values() if check["verdict"] != "ok")


def test_a_second_helper_does_not_touch_what_the_first_has(stack: Stack) -> None:
    done(stack, "on")
    helper = shutil.which("vramswap-helper", path=stack.environment["PATH"])
    assert helper is not None
    second = subprocess.run(
        [helper, "--runtime-dir", stack.control.parent, "--attach", stack.kernel, "--proc", stack.kernel],
        env=stack.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert second.stderr == "vramswap-helper: Another vramswap-helper runs already. Nothing needs to be done.\n"
    assert status(stack)["state"] == "on"
