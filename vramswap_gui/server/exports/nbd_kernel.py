"""Segments as the kernel's NBD devices, over socketpairs that the engine serves."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.server.exports.base import Connect
from vramswap_gui.system.nbd import NbdControl, is_taken, without_scheduler

#: Connections of one kernel device. More queues help only when more cores page at once.
CONNECTIONS: Final = 4
#: Seconds after which the kernel sends a request again; what is in flight when an engine dies waits this long.
REQUEST_TIMEOUT: Final = 3
#: Seconds that the kernel waits for a new engine before it fails requests: long enough for any restart.
DEAD_CONNECTION_TIMEOUT: Final = 3600

#: Seconds within which the kernel must have noticed that its connections are dead, and between two looks.
_NOTICE: Final = 10
_NOTICE_POLL: Final = 0.01
#: Seconds that a look at a device may take.
_PROBE_SECONDS: Final = 2


class NbdKernelExports:
    """Segments become ``/dev/nbdN``."""

    name = "kernel"

    def __init__(self, swaps: Path = Path("/proc/swaps")) -> None:
        self._nbd = NbdControl()
        self._swaps = swaps
        self._devices: dict[int, int] = {}
        self._given_up: set[int] = set()
        # The kernel's ends are kept to learn of its shutting them down, which a request that timed out makes it do for
        # good. Polled for no event at all, as data on them is the kernel's; a hang-up is reported all the same.
        self._ends: dict[int, list[socket.socket]] = {}
        self._hangups = select.epoll()
        self._watching = False
        self.lost: Callable[[int], None] = lambda index: None

    async def attach(self, index: int, size: int, connect: Connect) -> str:
        kernel = await self._sockets(index, connect)
        try:
            device = self._nbd.connect(
                [end.fileno() for end in kernel],
                size,
                request_timeout=REQUEST_TIMEOUT,
                dead_connection_timeout=DEAD_CONNECTION_TIMEOUT,
            )
        except BaseException:
            _close(kernel)
            raise
        without_scheduler(device)
        self._devices[index] = device
        self._watch(index, kernel)
        return f"/dev/nbd{device}"

    async def resume(self, index: int, device: str, size: int, connect: Connect) -> None:
        self._devices[index] = int(device.removeprefix("/dev/nbd"))

    async def reattach(self, index: int, connect: Connect) -> None:
        self._unwatch(index)
        kernel = await self._sockets(index, connect)
        try:
            await self._hand_in(self._devices[index], kernel)
        except BaseException:
            _close(kernel)
            raise
        self._watch(index, kernel)

    async def _hand_in(self, device: int, ends: list[socket.socket]) -> None:
        """Replace a device's dead connections, all of them. Raises VramswapError.

        The kernel learns of their death when its own workers come to run, so it may not know yet.
        """
        deadline = time.monotonic() + _NOTICE
        while missing := [end for end in ends if not is_taken(end)]:
            if time.monotonic() > deadline:
                raise VramswapError(ErrorCode.NO_NBD, f"The kernel does not let go of connections of /dev/nbd{device}.")
            self._nbd.reconfigure(device, [end.fileno() for end in missing])
            await asyncio.sleep(_NOTICE_POLL)

    def give_up(self, index: int) -> None:
        self._unwatch(index)
        # Nothing more can be done about a driver that does not listen; in the end its own time runs out.
        with contextlib.suppress(VramswapError):
            self._nbd.disconnect(self._devices[index])
        self._given_up.add(index)

    async def detach(self, index: int) -> None:
        if index in self._given_up:
            self._given_up.discard(index)
            del self._devices[index]
            return
        device = self._devices[index]
        with await _claimed(f"/dev/nbd{device}"):
            self._unwatch(index)
            del self._devices[index]
            self._nbd.disconnect(device)

    def _watch(self, index: int, ends: list[socket.socket]) -> None:
        self._ends[index] = ends
        for end in ends:
            self._hangups.register(end, 0)
        if not self._watching:
            asyncio.get_running_loop().add_reader(self._hangups, self._hung_up)
            self._watching = True

    def _unwatch(self, index: int) -> None:
        for end in self._ends.pop(index, []):
            # Closing one does not take it off while the kernel has it too.
            with contextlib.suppress(OSError):
                self._hangups.unregister(end)
            end.close()

    def _hung_up(self) -> None:
        number_of = {end.fileno(): index for index, ends in self._ends.items() for end in ends}
        for fd, _ in self._hangups.poll(0):
            # Once is enough, and a hang-up stays.
            self._hangups.unregister(fd)
            self.lost(number_of[fd])

    def hung_up(self, index: int) -> bool:
        poll = select.poll()
        for end in self._ends[index]:
            poll.register(end, 0)
        return bool(poll.poll(0))

    def in_use(self, index: int) -> bool:
        device = f"/dev/nbd{self._devices[index]}"
        return any(line.split()[0] == device for line in self._swaps.read_text().splitlines()[1:])

    def connections(self, index: int) -> int:
        return CONNECTIONS

    @staticmethod
    async def _sockets(index: int, connect: Connect) -> list[socket.socket]:
        """The kernel's ends of fresh connections whose other ends the engine has."""
        pairs = [socket.socketpair() for _ in range(CONNECTIONS)]
        try:
            await connect(index, [theirs.fileno() for _, theirs in pairs])
        except BaseException:
            for ours, _ in pairs:
                ours.close()
            raise
        finally:
            for _, theirs in pairs:
                theirs.close()
        return [ours for ours, _ in pairs]


async def _claimed(device: str) -> contextlib.ExitStack:
    """While it is open, a device is no swap and cannot become swap, and udev does not look at it.

    A look would find the device gone, and fill the kernel's log with errors. udev takes one each time that a writer
    closes the device, as swapoff does, and holds a lock meanwhile (https://systemd.io/BLOCK_DEVICE_LOCKING). Raises
    VramswapError BUSY.
    """
    claim = contextlib.ExitStack()
    try:
        fd = os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        raise VramswapError(
            ErrorCode.BUSY, f"{device} is in use ({error.strerror}).", f"Run `swapoff {device}` first."
        ) from None
    claim.callback(os.close, fd)
    deadline = time.monotonic() + _PROBE_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            await asyncio.sleep(_NOTICE_POLL)
    return claim


def _close(ends: list[socket.socket]) -> None:
    for end in ends:
        end.close()
