# SPDX-License-Identifier: MIT
"""Segments as the kernel's NBD devices, over socketpairs that the engine serves."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.exports.base import TUNE_SECONDS, Job, Jobs, Way
from vramswap_gui.server.memlock import go_with_the_others
from vramswap_gui.server.messages import (
    CONNECTIONS,
    DetachFailed,
    DeviceDetached,
    DeviceLinked,
    DevicePrepared,
    DeviceUnlinked,
    Event,
    HungUp,
)
from vramswap_gui.system import nbd, swaps
from vramswap_gui.system.kworkers import Worker
from vramswap_gui.system.nbd import NbdControl, is_taken, tune_queue

#: Seconds after which the kernel sends a request again; what is in flight when an engine dies waits this long.
REQUEST_TIMEOUT: Final = 3
#: Seconds that the kernel waits for a new engine before it fails requests. While the VRAM is whole it must not fail
#: any, however long others keep a new engine from coming up; when it is lost, the devices are disconnected (sentry.py).
DEAD_CONNECTION_TIMEOUT: Final = 24 * 3600

#: Seconds within which the kernel must have noticed that its connections are dead, and between two looks.
_NOTICE: Final = 10.0
_NOTICE_POLL: Final = 0.01
#: Seconds for which the kernel's workers are waited for, from when a device is to have new connections: as long as one
#: is seen to listen on those before, and where not all of them are known.
_HEAR: Final = 2.0
_PAUSE: Final = 0.1
#: Seconds in which each new connection has its worker, and between two looks.
_LISTEN: Final = 1.0
_LISTEN_POLL: Final = 0.1
#: Seconds that somebody else's look at a device may take.
_PROBE_SECONDS: Final = 2.0


@dataclass(slots=True)
class _Device:
    number: int
    ident: str
    #: How often it was to have other connections.
    turn: int = 0
    #: The kernel's workers that were seen to listen on them, and whether those are all. When the connections end, these
    #: are to be seen to stop.
    listeners: list[Worker] = field(default_factory=list)
    all_known: bool = False
    #: The kernel's ends of connections that were given up, until it listens on them no more.
    given_up: list[socket.socket] = field(default_factory=list)
    #: Whether it is connected no more.
    ended: bool = False


@dataclass(slots=True)
class _Ends:
    """The kernel's ends of connections, kept to learn of its shutting them down, which a request that timed out makes
    it do for good. Polled for no event at all, as data on them is the kernel's; a hang-up is reported all the same."""

    sockets: list[socket.socket]
    gen: int
    #: The engine's, until it has them.
    theirs: list[socket.socket] = field(default_factory=list)
    watched: bool = False
    #: How many of the kernel's workers are known to listen on those before all the same, and whether nobody does.
    stale: int = 0
    last: bool = False


class NbdKernelExports:
    """Segments become ``/dev/nbdN``; ``report`` hears what becomes of orders, on the event loop."""

    name = "kernel"

    def __init__(self, report: Callable[[Event], None], proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> None:
        """Raises VramswapError NO_NBD."""
        self._report = report
        self._proc, self._sys = proc, sys
        self._loop = asyncio.get_running_loop()
        self._devices: dict[int, _Device] = {}
        self._ends: dict[int, _Ends] = {}
        self._links: dict[int, Job] = {}
        self._detaching: dict[int, Job] = {}
        # One thread each: giving devices their connections must not wait for somebody who looks at another one.
        self._linking_control, self._detaching_control = NbdControl(), NbdControl()
        self._linker, self._detacher, self._looker = Jobs("links"), Jobs("detaches"), Jobs("looks")
        self._tuner = Jobs("tunes")
        self._looker.do(go_with_the_others)
        self._hangups = select.epoll()
        self._loop.add_reader(self._hangups, self._hung_up)

    def prepare(self, index: int, gen: int, size: int, ident: str) -> None:
        # Those of a program before are let go of by nobody else, and their end would be reported for ever.
        self.drop_ends(index)
        ends = _Ends([], gen)
        event: Event = DevicePrepared(index)
        try:
            for _ in range(CONNECTIONS):
                ours, theirs = socket.socketpair()
                ends.sockets.append(ours)
                ends.theirs.append(theirs)
        except OSError as error:
            _close([*ends.sockets, *ends.theirs])
            why = VramswapError(Problem.SYSTEM_REFUSED, why=os.strerror(error.errno or 0))
            event = DeviceUnlinked(index, why)
        else:
            self._ends[index] = ends
        self._loop.call_soon(self._report, event)

    def hand_over(self, index: int) -> Way:
        ends = self._ends[index]
        theirs, ends.theirs = ends.theirs, []
        return Way(tuple(end.detach() for end in theirs))

    def attach(self, index: int, size: int, ident: str, pid: int) -> None:
        ends = self._ends[index]
        self._links[index] = Job()

        def make() -> Event:
            try:
                number = self._linking_control.connect(
                    [end.fileno() for end in ends.sockets],
                    size,
                    request_timeout=REQUEST_TIMEOUT,
                    dead_connection_timeout=DEAD_CONNECTION_TIMEOUT,
                    ident=ident,
                )
            except VramswapError as error:
                return DeviceUnlinked(index, error)
            self._devices[index] = _Device(number, ident)
            self._tuner.do_within(lambda: tune_queue(number, self._sys), TUNE_SECONDS)
            return DeviceLinked(index, nbd.path(number))

        self._linker.do(lambda: self._linked(ends, make))

    def reconnect(self, index: int, pid: int) -> None:
        ends, device, job = self._ends[index], self._devices[index], Job()
        self._links[index] = job
        device.turn += 1
        asked = time.monotonic()

        def hand_in() -> Event:
            _hear_out(device, job, asked)
            ends.stale = sum(worker.is_at_it() for worker in device.listeners)
            ends.last = device.all_known and not ends.stale
            # The kernel learns of the death of connections when its own workers come to run: it may not know yet.
            until = time.monotonic() + _NOTICE
            while missing := [end for end in ends.sockets if not is_taken(end)]:
                if job.abandoned.is_set() or time.monotonic() > until:
                    why = VramswapError(Problem.NBD_HOLDS_ON, device=nbd.path(device.number))
                    return DeviceUnlinked(index, why)
                # Of those that come nobody is known yet.
                device.all_known = False
                try:
                    self._linking_control.reconfigure(device.number, [end.fileno() for end in missing], device.ident)
                except VramswapError as error:
                    return DeviceUnlinked(index, error, gone=not self._is_ours(device))
                if any(not is_taken(end) for end in missing):
                    time.sleep(_NOTICE_POLL)
            return DeviceLinked(index, nbd.path(device.number))

        self._linker.do(lambda: self._linked(ends, hand_in))

    def _linked(self, ends: _Ends, work: Callable[[], Event]) -> None:
        """On a thread: do the work, then go on where everything else happens."""
        event = work()

        def tell() -> None:
            if isinstance(event, DeviceLinked):
                self._links.pop(event.index, None)
                if self._ends.get(event.index) is ends:
                    self._watch(ends)
                    if ends.last:
                        _close(self._devices[event.index].given_up)
                    self._look(self._devices[event.index], ends.stale)
            elif isinstance(event, DeviceUnlinked) and event.gone:
                _end(self._devices[event.index])
            self._report(event)

        self._loop.call_soon_threadsafe(tell)

    def _look(self, device: _Device, stale: int = 0) -> None:
        """Learn who of the kernel's listens on new connections, beside so many that listen on those before."""
        wanted, turn, until = CONNECTIONS + stale, device.turn, time.monotonic() + _LISTEN

        def is_current() -> bool:
            return device.turn == turn and not device.ended

        def look() -> None:
            # A look may wait for a program that waits for a page, so nothing waits for it.
            found = list[Worker]()
            while is_current() and len(found) < wanted and time.monotonic() < until:
                _close(found)
                found = nbd.listeners(device.number, self._proc)
                if len(found) < wanted:
                    time.sleep(_LISTEN_POLL)

            def keep() -> None:
                before = found
                if is_current():
                    before, device.listeners = device.listeners, found
                    device.all_known = len(found) >= wanted
                _close(before)

            try:
                self._loop.call_soon_threadsafe(keep)
            except RuntimeError:
                # Nothing is exported any more, and nobody hears of it.
                _close(found)

        self._looker.do(look)

    def inherit(self, index: int, size: int, ident: str, device: str, ends: Sequence[int]) -> None:
        sockets = [socket.socket(fileno=fd) for fd in ends]
        self._devices[index] = _Device(nbd.number(device), ident, given_up=sockets[CONNECTIONS:])
        if sockets:
            self._ends[index] = _Ends(sockets[:CONNECTIONS], 0)
            self._watch(self._ends[index])
        self._look(self._devices[index])

    def detach(self, index: int, lost: bool) -> None:
        device, job = self._devices[index], Job()
        self._detaching[index] = job

        def let_go() -> Event:
            try:
                if lost:
                    self._linking_control.disconnect(device.number)
                elif self._is_ours(device):
                    with _claimed(nbd.path(device.number), self._proc):
                        if job.abandoned.is_set():
                            raise VramswapError(Problem.DEVICE_NOT_FREE, device=nbd.path(device.number))
                        self._detaching_control.disconnect(device.number)
            except VramswapError as error:
                if self._is_ours(device):
                    return DetachFailed(index, error)
            return DeviceDetached(index)

        def tell(event: Event) -> None:
            if isinstance(event, DeviceDetached):
                _end(device)
            self._report(event)

        def run() -> None:
            self._loop.call_soon_threadsafe(tell, let_go())

        # Where pages are lost nobody gets connections any more; and who looks at a device may wait for such a page.
        (self._linker if lost else self._detacher).do(run)

    def _is_ours(self, device: _Device) -> bool:
        """Whether the device is connected, and is the one that was made, for all that is known. Looks at sysfs, so only
        for threads."""
        try:
            found = {other.number: other.ident for other in nbd.connected(self._sys)}
        except OSError:
            return True
        return device.number in found and found[device.number] in (device.ident, None, "")

    def abandon(self, index: int) -> None:
        for job in (self._links.get(index), self._detaching.get(index)):
            if job is not None:
                job.abandoned.set()

    def drop_ends(self, index: int) -> None:
        ends = self._ends.pop(index, None)
        if ends is None:
            return
        for end in ends.sockets:
            # Closing one does not take it off while the kernel has it too.
            with contextlib.suppress(OSError, ValueError):
                self._hangups.unregister(end)
        device = self._devices.get(index)
        if device is not None and not device.ended:
            # Two generations at most, however often one is tried.
            before, taken = device.given_up, [end for end in ends.sockets if is_taken(end)]
            device.given_up = [*before[-CONNECTIONS:], *taken]
            _close(before[:-CONNECTIONS])
            ends.sockets = [end for end in ends.sockets if end not in taken]
        _close([*ends.sockets, *ends.theirs])

    def kept_ends(self) -> Mapping[int, Sequence[int]]:
        """Those of now, then those that were given up: the kernel may listen on them whoever the keeper is."""
        given_up = {index: device.given_up for index, device in self._devices.items()}
        return {
            index: [end.fileno() for end in (*ends.sockets, *given_up.get(index, ()))]
            for index, ends in self._ends.items()
        }

    def connections(self, index: int) -> int:
        return CONNECTIONS

    def client(self, client: int) -> int:
        raise OSError("a kernel device has no clients")

    def close_client(self, client: int) -> None:
        """There are none."""

    def close(self) -> None:
        self._loop.remove_reader(self._hangups)
        for index in list(self._ends):
            self.drop_ends(index)
        for device in self._devices.values():
            _end(device)
        self._hangups.close()

    def _watch(self, ends: _Ends) -> None:
        if not ends.watched:
            ends.watched = True
            for end in ends.sockets:
                self._hangups.register(end, 0)

    def _hung_up(self) -> None:
        owner = {end.fileno(): (index, ends) for index, ends in self._ends.items() for end in ends.sockets}
        for fd, _ in self._hangups.poll(0):
            index, ends = owner.get(fd, (-1, None))
            if self._ends.get(index) is not ends:
                # What followed from another one's was that all of them are dropped.
                continue
            # Once is enough, and a hang-up stays.
            self._hangups.unregister(fd)
            if ends is not None:
                self._report(HungUp(index, ends.gen))


def _hear_out(device: _Device, job: Job, asked: float) -> None:
    """On a thread: wait until the kernel listens no more on the connections before, or for long enough since ``asked``.

    It takes new ones as soon as a request finds that those before are dead, also while workers of its own have not come
    to run since. Such a worker goes on with the connection that is there now, beside the one that was made for it, and
    either may read what is meant for the other. Where nobody else has the connection before any more, it is freed while
    that worker waits on it, and the kernel stops (recv_work and nbd_reconnect_socket in drivers/block/nbd.c). There is
    an end to waiting, because a worker may itself wait for the new connections.
    """
    while any(worker.is_at_it() for worker in device.listeners):
        if job.abandoned.is_set() or time.monotonic() > asked + _HEAR:
            return
        time.sleep(_NOTICE_POLL)
    if not device.all_known:
        job.abandoned.wait(max(0.0, asked + _PAUSE - time.monotonic()))


def _end(device: _Device) -> None:
    """It is connected no more, or nobody's here: nothing of it is kept."""
    device.ended = True
    _close(device.listeners)
    _close(device.given_up)


def _close(some: list[socket.socket] | list[Worker]) -> None:
    """Close all of them, which nobody else does meanwhile, and have none any more."""
    while some:
        some.pop().close()


@contextlib.contextmanager
def _claimed(device: str, proc: Path) -> Iterator[None]:
    """Inside, a device is no swap and cannot become swap, and udev does not look at it.

    A look would find the device gone, and fill the kernel's log with errors. udev takes one each time that a writer
    closes the device, as swapoff does, and holds a lock meanwhile (https://systemd.io/BLOCK_DEVICE_LOCKING). Opening it
    may wait for pages of it, and so for an engine. Raises VramswapError BUSY.
    """
    try:
        if any(area.device == device for area in swaps.read(proc)):
            raise VramswapError(Problem.DEVICE_IS_SWAP, device=device)
        fd = os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        raise VramswapError(Problem.DEVICE_IN_USE, device=device, why=str(error.strerror)) from None
    try:
        until = time.monotonic() + _PROBE_SECONDS
        while time.monotonic() < until:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(_NOTICE_POLL)
        yield
    finally:
        os.close(fd)


def end_strays(sys: Path = Path("/sys")) -> list[str]:
    """Disconnect every device of ours, so that whoever waits for its pages gets an error. For when nobody serves them
    and nobody will. Returns the devices. Raises VramswapError NO_NBD, OSError."""
    if not nbd.ours(sys):
        return []
    with contextlib.closing(NbdControl()) as control:
        return control.disconnect_ours(sys)
