# SPDX-License-Identifier: MIT
"""Runs in the guest: by which of the kernel's drivers VRAM becomes swap where nobody says which, and what is said.

The argument is ``old`` for a kernel whose ublk driver is there, and is not to be touched, or ``new``.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_for
from tests.system.serving import Server
from tests.system.swapped import command, say
from vramswap_gui.server.exports import ublk
from vramswap_gui.system.ublk import UblkControl
from vramswap_gui.units import MIB

CONTROL: Final = Path("/dev/ublk-control")


def made() -> Sequence[Path]:
    return list(Path("/sys/class/ublk-char").glob("*"))


def chosen(device: str, reason: str) -> None:
    """A server that is free to choose has ``device``, for that reason, and nothing is left of it."""
    server = Server()
    status = server.ask("status")
    say(f"{status['transport']}: {status['transport_reason']}")
    assert status["transport"] in device
    assert status["transport_reason"]["code"] == reason
    assert server.ask("add", size=8 * MIB)["device"] == device
    assert len(made()) == ("ublk" in device)
    server.ask("remove", index=0)
    server.ask("quit")
    assert server.process.wait() == 0
    assert not made()


def left_over() -> None:
    """What servers made that died before it was started is forgotten by the next one, or at the unit's end."""
    with contextlib.closing(UblkControl()) as control:
        for ident in ("vramswap-00000000-0", "vramswap-00000000-0", "vramswap-0badcafe-1"):
            control.add(ident, 8 * MIB)
        assert len(made()) == 3
        assert ublk.unusable() is None
        wait_for(lambda: not made(), "their end")
        control.add("vramswap-0badcafe-2", 8 * MIB)
        assert ublk.end_strays() == []
        wait_for(lambda: not made(), "its end")


def main() -> None:
    assert CONTROL.exists(), "there is nothing to be tempted by"
    if sys.argv[1] == "old":
        chosen("/dev/nbd0", "ublk-too-old")
    else:
        left_over()
        chosen("/dev/ublkb0", "driver-best")
        disabled = Path("/proc/sys/kernel/io_uring_disabled")
        disabled.write_text("2")
        chosen("/dev/nbd0", "ublk-without-ring")
        disabled.write_text("0")
        command("rmmod", "ublk_drv")
        chosen("/dev/nbd0", "ublk-not-loaded")
    say("all done")


if __name__ == "__main__":
    main()
