# SPDX-License-Identifier: MIT
"""The kernel's driver as an engine knows it that lost its keeper: which device nobody serves, and how to serve it.

Whatever is needed for that is had from the beginning: when it is needed, no page can be swapped out to make room.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import Final, Protocol

from vramswap_gui.errors import VramswapError
from vramswap_gui.server.messages import CONNECTIONS, Transport
from vramswap_gui.system import nbd, ublk
from vramswap_gui.system.devices import Device

#: Seconds within which the kernel is to take connections, and between two looks.
_TAKE_SECONDS: Final = 2.0
_TAKE_POLL: Final = 0.01


class Serving(Protocol):
    """An engine, as far as it matters here (engine.pyx)."""

    def connections(self, index: int) -> int:
        """How many it has for a segment."""

    def fence(self, index: int) -> None:
        """End them, and what is under way over them."""

    def add_connection(self, index: int, fd: int) -> None:
        """Serve a segment over a socket, which is the engine's from then on."""

    def add_queue(self, index: int, device: str) -> None:
        """Serve it as a ublk device. Raises OSError."""


class NbdDriver:
    """NBD's devices. Raises VramswapError NO_NBD."""

    def __init__(self) -> None:
        self._control = nbd.NbdControl()

    def is_unserved(self, engine: Serving, index: int, device: Device) -> bool:
        """Whether it is ours to serve a device, and we do not. The kernel does not say whether anybody does."""
        return not device.by_ublk and device.ident is not None and not engine.connections(index)

    def serve(self, engine: Serving, index: int, device: Device) -> None:
        """Give the kernel connections in the place of dead ones. It takes none as long as those before live. Raises
        VramswapError, OSError."""
        # What was under way over those before is asked again.
        engine.fence(index)
        with contextlib.ExitStack() as opened:
            ends = []
            for _ in range(CONNECTIONS):
                kernels, ours = socket.socketpair()
                ends.append(opened.enter_context(kernels))
                engine.add_connection(index, ours.detach())
            until = time.monotonic() + _TAKE_SECONDS
            while (missing := [end for end in ends if not nbd.is_taken(end)]) and time.monotonic() < until:
                self._control.reconfigure(device.number, [end.fileno() for end in missing], device.ident or "")
                time.sleep(_TAKE_POLL)


class UblkDriver:
    """ublk's devices. Raises VramswapError NO_UBLK."""

    def __init__(self) -> None:
        self._control = ublk.UblkControl()

    def is_unserved(self, engine: Serving, index: int, device: Device) -> bool:
        """Whether requests wait for somebody who serves a device."""
        return device.by_ublk and device.waits

    def serve(self, engine: Serving, index: int, device: Device) -> None:
        """Do what a keeper has done or not: it may have died in the middle of it. Raises VramswapError, OSError."""
        if not engine.connections(index):
            if not self._control.begin_recovery(device.number):
                # The kernel is not done with whoever served it.
                return
            engine.add_queue(index, ublk.char_device(device.number))
        self._control.end_recovery(device.number, os.getpid())


Driver = NbdDriver | UblkDriver


def driver(transport: Transport) -> Driver | None:
    """The one by which an engine's devices are made; None where it is not there, and so has no devices."""
    with contextlib.suppress(VramswapError):
        return UblkDriver() if transport is Transport.UBLK else NbdDriver()
    return None
