# SPDX-License-Identifier: MIT
"""Runs in the guest: a keeper dies at a moment when nobody serves, and no other one comes.

Whoever is to start one may wait for a page; so the engine that is there has to serve by itself. Every page is verified.
With ublk: ublk_scenario.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Final

from tests.support.children import children
from tests.system.serving import Server, keeper_dies_between_two_engines
from tests.system.swapped import say, verify, write
from vramswap_gui.server.engine.life import LOOK_SECONDS, LOOKS
from vramswap_gui.units import MIB

SIZE: Final = 8 * MIB
#: A keeper may be quicker than who is to kill it.
TRIES: Final = 8
#: An engine that has no keeper looks so long at a device that nobody serves before it does so itself.
ALONE: Final = (LOOKS - 1) * LOOK_SECONDS


def read(device: str) -> float:
    """All of it; seconds that it took."""
    began = time.monotonic()
    verify(device, SIZE)
    return time.monotonic() - began


def it_dies_between_two_engines(server: Server, device: str) -> None:
    """It has ended the engine that it took over, and nobody is connected to the next one yet."""
    engine = server.engine()
    kill(server.process)
    for _ in range(TRIES):
        engine = keeper_dies_between_two_engines(engine, "nbd")
        took = read(device)
        say(f"a keeper died between two engines; all was read by the next one alone, after {took:.1f} s")
        if took > ALONE:
            return
    raise AssertionError(f"{TRIES} keepers gave their engine the device before they were killed")


def it_dies_while_an_engine_starts(device: str) -> None:
    """The one before is dead, and this one has not been asked to take anything yet."""
    for _ in range(TRIES):
        server = Server("--transport", "nbd")
        engine = server.engine()
        before = set(children(server.process.pid))
        os.kill(engine, signal.SIGKILL)
        while not set(children(server.process.pid)) - before:
            time.sleep(0.001)
        kill(server.process)
        took = read(device)
        say(f"keeper and engine died while the next one started; all was read by that alone, after {took:.1f} s")
        if took > ALONE:
            return
    raise AssertionError(f"{TRIES} keepers gave the next engine the device before they were killed")


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def main() -> None:
    # Before keepers, which go before ordinary work; but not those that are started here.
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(2))
    server = Server("--transport", "nbd")
    device = server.ask("add", size=SIZE)["device"]
    write(device, SIZE)
    it_dies_between_two_engines(server, device)
    it_dies_while_an_engine_starts(device)
    server = Server("--transport", "nbd")
    server.engine()
    assert [segment["device"] for segment in server.ask("status")["segments"]] == [device]
    assert read(device) < ALONE
    server.ask("remove", index=0)
    server.ask("quit")
    assert server.process.wait() == 0
    say("all done")


if __name__ == "__main__":
    main()
