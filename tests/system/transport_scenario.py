# SPDX-License-Identifier: MIT
"""Runs in the guest, under a kernel whose ublk driver is too old: it is not touched, and why is said."""

from __future__ import annotations

from pathlib import Path

from tests.system.serving import Server
from tests.system.swapped import say
from vramswap_gui.units import MIB


def main() -> None:
    assert Path("/dev/ublk-control").exists(), "there is nothing to be tempted by"
    server = Server()
    status = server.ask("status")
    say(f"{status['transport']}: {status['transport_reason']}")
    assert status["transport"] == "nbd"
    assert "older" in status["transport_reason"], status
    assert server.ask("add", size=8 * MIB)["device"] == "/dev/nbd0"
    assert not list(Path("/sys/class/ublk-char").glob("*"))
    server.ask("remove", index=0)
    server.ask("quit")
    assert server.process.wait() == 0
    say("all done")


if __name__ == "__main__":
    main()
