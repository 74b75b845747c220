# SPDX-License-Identifier: MIT
"""The real helper follows its policy: memory, batteries, games and other programs' VRAM are simulated."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time

import pytest

from tests.demo.stack import Stack
from tests.support.ctl import done, is_left_as_before, refused, status
from tests.support.policy import PLENTY, SHORT, Make, becomes, begin, looked, started
from tests.support.waiting import PATIENCE, wait_for
from vramswap_gui.ctl.helper import helper
from vramswap_gui.ctl.pause import paused
from vramswap_gui.units import GIB, MIB, SIZE_STEP

_PLAYER = """
import asyncio
from vramswap_gui.client import Client

async def play():
    client = Client()
    await client.connect()
    await client.make_way(True)
    await asyncio.sleep(3600)

asyncio.run(play())
"""


def supply(stack: Stack, *, online: bool, capacity: int) -> None:
    """A laptop's plug and battery."""
    folder = stack.sys / "class/power_supply"
    values = {
        "AC": {"type": "Mains", "online": int(online)},
        "BAT0": {
            "type": "Battery", "present": 1, "capacity": capacity, "status": "Charging" if online else "Discharging",
        },
    }  # fmt: skip
    for name, files in values.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, value in files.items():
            (folder / name / file).write_text(f"{value}\n")


def test_on_demand_it_comes_and_goes_with_the_need(make_stack: Make) -> None:
    stack = started(make_stack, "on-demand")
    begin(stack)
    waiting = becomes(stack, "waiting")
    assert (waiting["reason"]["text"], waiting["cause"]) == ("Memory is plentiful.", "memory")
    is_left_as_before(stack)
    calls = (stack.gpu["nvml_calls"], stack.gpu["cuda_calls"])
    stack.fake.set_available(SHORT)
    on = becomes(stack, "on")
    assert 0 < on["size"] <= 512 * MIB
    stack.fake.use(on["segments"][0]["device"], on["size"] * 9 // 10 // 1024)
    # What is lent fills, so there is more ahead of the need.
    wait_for(lambda: status(stack)["size"] == GIB, "a second segment")
    for segment in status(stack)["segments"]:
        stack.fake.use(segment["device"], 0)
    stack.fake.set_available(PLENTY)
    becomes(stack, "waiting")
    is_left_as_before(stack)
    # The card was asked while it was ours, and not a single time while it was not.
    after = (stack.gpu["nvml_calls"], stack.gpu["cuda_calls"])
    assert after[1] > calls[1]
    assert calls == (0, 0)
    becomes(stack, "waiting")
    assert (stack.gpu["nvml_calls"], stack.gpu["cuda_calls"]) == after


def test_another_program_gets_the_vram(make_stack: Make) -> None:
    stack = started(make_stack, "always", size=0)
    begin(stack)
    # All of the card's 2 GiB but for the headroom.
    becomes(stack, "on", 1536 * MIB - SIZE_STEP)
    stack.gpu.others(GIB)

    def has_less() -> bool:
        """One of three segments stays, of which one is a little smaller than the others."""
        now = status(stack)
        return (now["state"], now["cause"]) == ("on", "vram") and 0 <= 512 * MIB - now["size"] <= SIZE_STEP

    wait_for(has_less, "what is left")
    # Whether it is new there, or has been there, when the helper looks; and what it has is seen once it has it all.
    wait_for(
        lambda: re.search("another program (uses 1 GiB of VRAM|is using the GPU)", status(stack)["reason"]["text"]),
        "who has the VRAM",
    )
    done(stack, "off")


def test_pages_that_fit_nowhere_stay_and_the_status_says_so(make_stack: Make) -> None:
    stack = started(make_stack, "always")
    begin(stack)
    on = becomes(stack, "on", size=GIB)
    for segment in on["segments"]:
        stack.fake.use(segment["device"], segment["size"] // 1024 - 4)
    stack.fake.set_available(100_000)
    stack.gpu.others(7 * GIB)
    wait_for(lambda: status(stack)["error"] is not None, "the refusal")
    stuck = status(stack)
    assert (stuck["state"], stuck["size"], stuck["error"]["code"]) == ("on", GIB, "WontFit")
    stack.fake.set_available(PLENTY)
    for segment in on["segments"]:
        stack.fake.use(segment["device"], 0)
    wait_for(lambda: status(stack)["size"] < GIB, "the shrink")
    wait_for(lambda: status(stack)["error"] is None, "its end")


def test_what_fits_goes_when_not_all_does(make_stack: Make) -> None:
    stack = started(make_stack, "always", size=0)
    begin(stack)
    on = becomes(stack, "on", 1536 * MIB - SIZE_STEP)
    first, *others = (segment["device"] for segment in on["segments"])
    stack.fake.use(first, 500 * MIB // 1024)
    stack.fake.set_available(100_000)
    # A game gets what nobody needs, and all of it as soon as that has room.
    with subprocess.Popen([sys.executable, "-c", _PLAYER], env=stack.environment) as player:
        try:
            wait_for(lambda: stack.fake.devices() == [first], "the empty ones to go")
            wait_for(lambda: status(stack)["error"] is not None, "the refusal")
            stuck = status(stack)
            assert (stuck["state"], stuck["error"]["code"], stuck["cause"]) == ("on", "WontFit", "game")
            stack.fake.set_available(PLENTY)
            becomes(stack, "waiting")
        finally:
            player.kill()
    assert len(others) == 2


def test_a_size_that_is_too_large_now_is_as_large_as_can_be(make_stack: Make) -> None:
    stack = started(make_stack, "always", size=1536 * MIB - SIZE_STEP)
    begin(stack)
    becomes(stack, "on", 1536 * MIB - SIZE_STEP)
    done(stack, "off")
    done(stack, "config", "headroom", "1G")
    done(stack, "on")
    on = becomes(stack, "on", GIB - SIZE_STEP)
    assert (on["wanted"], on["error"]) == (1536 * MIB - SIZE_STEP, None)
    assert "Choose at most" in refused(stack, "size", "1536M")


def test_a_size_that_differs_by_less_than_a_segment_is_had(make_stack: Make) -> None:
    stack = started(make_stack, "always", size=512 * MIB)
    begin(stack)
    becomes(stack, "on", 512 * MIB)
    stack.config.write_text(f'mode = "always"\nsize = {520 * MIB}\n')
    with subprocess.Popen(
        ["vramswapctl", "watch", "--json"], env=stack.environment, stdout=subprocess.PIPE, text=True
    ) as watching:
        try:
            wait_for(lambda: status(stack)["wanted"] == 520 * MIB, "the setting")
            looked(stack)
        finally:
            watching.terminate()
        assert watching.stdout is not None
        assert {json.loads(line)["state"] for line in watching.stdout} == {"on"}
    assert status(stack)["size"] == 512 * MIB


def test_after_a_sleep_as_much_is_lent_as_the_policy_wants(make_stack: Make) -> None:
    stack = started(make_stack, "on-demand")
    begin(stack, SHORT)
    becomes(stack, "on")
    done(stack, "sleep")
    stack.fake.set_available(PLENTY)
    done(stack, "wake")
    assert status(stack)["state"] == "waiting"
    is_left_as_before(stack)
    done(stack, "mode", "always")
    becomes(stack, "on", GIB)
    done(stack, "sleep")
    done(stack, "wake")
    assert (status(stack)["state"], status(stack)["size"]) == ("on", GIB)


def test_a_driver_that_hangs_holds_nobody_up(make_stack: Make) -> None:
    """Nobody can tell then whose VRAM it is, but how much is free the server says, and that is enough to give way."""
    stack = started(make_stack, "always")
    begin(stack)
    becomes(stack, "on", GIB)
    stack.gpu["nvml_hangs"] = 1
    wait_for(lambda: stack.gpu["nvml_waits"] == 1, "a question that is not answered")
    stack.gpu["others_bytes"] = stack.gpu["vram"] - GIB
    wait_for(lambda: status(stack)["size"] < GIB, "the VRAM to be given back")
    stack.gpu["others_bytes"] = 0
    done(stack, "off")
    done(stack, "on")
    # One question that hangs is enough.
    assert stack.gpu["nvml_waits"] == 1
    stack.gpu["nvml_hangs"] = 0
    wait_for(lambda: stack.gpu["nvml_waits"] == 0, "the answer")
    asked = stack.gpu["nvml_calls"]
    wait_for(lambda: stack.gpu["nvml_calls"] > asked, "the next question")


def test_on_battery_it_goes_home_and_by_hand_it_stays(make_stack: Make) -> None:
    stack = started(make_stack, "always")
    supply(stack, online=True, capacity=80)
    begin(stack)
    becomes(stack, "on")
    supply(stack, online=False, capacity=79)
    off = becomes(stack, "off")
    assert (off["reason"]["text"], off["cause"]) == ("Off on battery.", "battery")
    is_left_as_before(stack)
    done(stack, "on")
    assert becomes(stack, "on")["size"] == GIB
    stack.kill("helper")
    stack.start_helper()
    # What a person said last holds for the next helper too.
    assert becomes(stack, "on")["size"] == GIB
    done(stack, "off")
    assert becomes(stack, "off")["cause"] == "hand"
    done(stack, "mode", "always")
    assert becomes(stack, "off")["cause"] == "battery"


def test_a_game_gets_everything_until_its_player_is_gone(make_stack: Make) -> None:
    stack = started(make_stack, "always")
    begin(stack)
    becomes(stack, "on")

    player = subprocess.Popen([sys.executable, "-c", _PLAYER], env=stack.environment)
    try:
        away = becomes(stack, "waiting")
        assert (away["cause"], away["size"]) == ("game", 0)
    finally:
        # Without a word: a crash of the tray must not leave it off for ever.
        player.kill()
        player.wait()
    wait_for(lambda: "a game was running" in status(stack)["reason"]["text"], "the end of the game")
    is_left_as_before(stack)


def test_programs_that_somebody_names_get_everything(make_stack: Make) -> None:
    stack = started(make_stack, "always", make_way_for='"blender, sleeps-a-while-with-a-long-name"')
    begin(stack)
    becomes(stack, "on")
    process = stack.fake.folder / "4242"
    process.mkdir()
    (process / "comm").write_text("Sleeps-a-while-\n")
    away = becomes(stack, "waiting")
    assert (away["cause"], away["size"]) == ("program", 0)
    assert away["reason"]["text"] == "All VRAM is left to sleeps-a-while-with-a-long-name while it runs."
    (process / "comm").unlink()
    process.rmdir()
    wait_for(lambda: "was running a moment ago" in status(stack)["reason"]["text"], "the end of the program")


def test_what_happened_is_told_to_whoever_asks(make_stack: Make) -> None:
    began = time.time()
    stack = started(make_stack, "always")
    begin(stack)
    becomes(stack, "on")
    done(stack, "off")
    stack.kill("helper")
    stack.start_helper()
    becomes(stack, "off")
    told = json.loads(done(stack, "activity", "--json"))
    events = [(entry["event"], entry["fields"].get("asked", 0)) for entry in told["entries"]]
    assert events == [("started", 0), ("on", 0), ("off", 1), ("started", 0)]
    on = told["entries"][1]
    assert on["fields"]["size"] == GIB
    # Whole seconds are told.
    assert began - 1 <= on["at"] <= time.time() + 1
    assert told["today"].keys() == {"paged_out", "paged_in", "seconds"}
    assert "1 GiB of VRAM were given back." in done(stack, "activity")


def test_a_pause_ends_by_itself_also_with_another_helper(make_stack: Make) -> None:
    stack = started(make_stack, "always")
    begin(stack)
    becomes(stack, "on")
    before = time.time()
    assert done(stack, "pause", "3600").startswith("off: Paused.")
    paused = status(stack)
    assert (paused["cause"], paused["size"]) == ("pause", 0)
    assert before - 1 <= paused["paused_until"] - 3600 <= time.time() + 1
    is_left_as_before(stack)
    stack.kill("helper")
    stack.start_helper()
    assert abs(becomes(stack, "off")["paused_until"] - paused["paused_until"]) <= 2
    assert status(stack)["cause"] == "pause"
    done(stack, "pause", "1")
    assert becomes(stack, "on", GIB)["paused_until"] == 0
    done(stack, "pause")
    assert done(stack, "pause", "off").startswith("on:")
    # What a person says otherwise ends it too.
    for command, state in ((("on",), "on"), (("off",), "off"), (("mode", "always"), "on")):
        done(stack, "pause")
        done(stack, *command)
        assert becomes(stack, state)["paused_until"] == 0, command
    refused = stack.ctl("pause", "8000000")
    assert (refused.returncode, "604800 seconds at most" in refused.stderr) == (1, True)


def test_a_measurement_leaves_a_pause_as_it_was(make_stack: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = started(make_stack, "always")
    begin(stack)
    becomes(stack, "on")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", stack.environment["DBUS_SYSTEM_BUS_ADDRESS"])

    async def measure(meanwhile: str = "") -> None:
        async with helper() as client, paused(client):
            assert not client.status.segments
            if meanwhile:
                await asyncio.to_thread(done, stack, "pause", meanwhile)

    asyncio.run(measure())
    assert becomes(stack, "on")["paused_until"] == 0
    asyncio.run(measure("30min"))
    until = status(stack)["paused_until"]
    assert abs(until - 1800 - time.time()) < 60
    asyncio.run(measure())
    # It is set by how long it is to last, and on the way there time passes.
    assert until - 1 <= status(stack)["paused_until"] <= until + PATIENCE
    # Shorter than ours, and not over at its end.
    done(stack, "pause", "90")
    until = status(stack)["paused_until"]
    asyncio.run(measure())
    assert until - 1 <= status(stack)["paused_until"] <= until + PATIENCE
    done(stack, "pause", "off")


def test_the_battery_is_used_once(make_stack: Make) -> None:
    stack = started(make_stack, "always")
    begin(stack)
    supply(stack, online=False, capacity=80)
    # Without UPower somebody has to ask for the next look.
    done(stack, "config", "battery_floor", "30")
    assert becomes(stack, "off")["cause"] == "battery"
    done(stack, "battery")
    assert becomes(stack, "on", GIB)["battery_once"]
    stack.kill("helper")
    stack.start_helper()
    assert becomes(stack, "on", GIB)["battery_once"]
    supply(stack, online=True, capacity=80)
    wait_for(lambda: not status(stack)["battery_once"], "the end of it")
    supply(stack, online=False, capacity=80)
    assert becomes(stack, "off")["cause"] == "battery"
    done(stack, "battery")
    becomes(stack, "on")
    done(stack, "battery", "off")
    assert becomes(stack, "off")["cause"] == "battery"


def test_off_stays_off_whatever_the_mode(make_stack: Make) -> None:
    stack = started(make_stack, "always")
    begin(stack)
    becomes(stack, "on")
    done(stack, "off")
    stack.kill("helper")
    stack.start_helper()
    assert becomes(stack, "off")["cause"] == "hand"
    assert done(stack, "config", "mode") == "always\n"
    done(stack, "mode", "on-demand")
    assert becomes(stack, "waiting")["mode"] == "on-demand"
