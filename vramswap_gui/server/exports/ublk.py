# SPDX-License-Identifier: MIT
"""Segments as the kernel's ublk devices, whose queues the engine serves.

Of a device the keeper holds nothing: what serves it is opened by the engine, and gone with it. The kernel then keeps
requests until the next engine serves, and sends those again at once that the last one had (the driver's "user recovery
with reissue"). A hung engine it does not notice; the keeper's own look at the engine does (keeper.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.exports.base import TUNE_SECONDS, Job, Jobs, Way
from vramswap_gui.server.memlock import require_resident
from vramswap_gui.server.messages import (
    DetachFailed,
    DeviceDetached,
    DeviceLinked,
    DevicePrepared,
    DeviceUnlinked,
    Event,
)
from vramswap_gui.system import block_queue, process, swaps, ublk
from vramswap_gui.system.ublk import UblkControl
from vramswap_gui.units import SIZE_STEP

#: Seconds within which the kernel must have noticed that an engine is gone, and between two looks.
_NOTICE: Final = 10.0
_NOTICE_POLL: Final = 0.001
#: What a device is known by that is only made to see whether it is made as was asked.
_TRIED: Final = "vramswap-00000000-0"
#: Seconds that somebody else's look at a device may take, and between two tries.
_PROBE_SECONDS: Final = 2.0
_PROBE_POLL: Final = 0.01


@dataclass(slots=True)
class _Device:
    number: int
    ident: str
    #: Programs can use it, or could.
    started: bool


class UblkExports:
    """Segments become ``/dev/ublkbN``; ``report`` hears what becomes of orders, on the event loop."""

    name = "kernel"

    def __init__(
        self, report: Callable[[Event], None], marks: Path, proc: Path = Path("/proc"), sys: Path = Path("/sys")
    ) -> None:
        """``marks``: a folder with a file for each device of ours, by which udev knows them.

        Raises VramswapError NO_UBLK.
        """
        self._report = report
        self._proc, self._sys = proc, sys
        self._marks = marks
        self._loop = asyncio.get_running_loop()
        self._devices: dict[int, _Device] = {}
        self._links: dict[int, Job] = {}
        self._detaching: dict[int, Job] = {}
        # One thread each: devices must get their engine while somebody waits for another one to be free.
        self._linking_control, self._detaching_control = UblkControl(), UblkControl()
        self._linker, self._detacher, self._tuner = Jobs("links"), Jobs("detaches"), Jobs("tunes")
        self._linker.do(lambda: self._linking_control.sweep(sys))

    def prepare(self, index: int, gen: int, size: int, ident: str) -> None:
        job = self._links[index] = Job()

        def make() -> Event:
            device = self._devices.get(index)
            try:
                if device is None:
                    number = self._linking_control.add(ident, size)
                    self._devices[index] = _Device(number, ident, started=False)
                    self._mark(number)
                elif not self._is_ours(self._linking_control, device):
                    # The next segment of this number gets a device of its own.
                    del self._devices[index]
                    gone = VramswapError(Problem.UBLK_GONE, device=ublk.block_device(device.number))
                    return DeviceUnlinked(index, gone, gone=True)
                else:
                    self._recover(device, job)
            except VramswapError as error:
                return DeviceUnlinked(index, error)
            return DevicePrepared(index)

        self._linker.do(lambda: self._tell(make()))

    def _recover(self, device: _Device, job: Job) -> None:
        """Begin a recovery as soon as the kernel is done with the last engine. Raises VramswapError NO_UBLK."""
        until = time.monotonic() + _NOTICE
        while not self._linking_control.begin_recovery(device.number):
            if job.abandoned.is_set() or time.monotonic() > until:
                raise VramswapError(Problem.UBLK_HOLDS_ON, device=ublk.block_device(device.number))
            time.sleep(_NOTICE_POLL)

    def hand_over(self, index: int) -> Way:
        return Way(device=ublk.char_device(self._devices[index].number))

    def attach(self, index: int, size: int, ident: str, pid: int) -> None:
        self._commit(index, lambda device: self._linking_control.start(device.number, pid))

    def reconnect(self, index: int, pid: int) -> None:
        self._commit(index, lambda device: self._linking_control.end_recovery(device.number, pid))

    def _commit(self, index: int, order: Callable[[_Device], None]) -> None:
        device = self._devices[index]

        def commit() -> Event:
            try:
                order(device)
            except VramswapError as error:
                # Who opened it still has it open, and cannot open it again.
                return DeviceUnlinked(index, error, spent=True)
            path = ublk.block_device(device.number)
            if not device.started:
                device.started = True
                self._tuner.do_within(lambda: block_queue.without_scheduler(path, self._sys), TUNE_SECONDS)
            return DeviceLinked(index, path)

        self._linker.do(lambda: self._tell(commit()))

    def _tell(self, event: Event) -> None:
        self._loop.call_soon_threadsafe(self._report, event)

    def inherit(self, index: int, size: int, ident: str, device: str, ends: Sequence[int]) -> None:
        number = ublk.number_of(device)
        assert number is not None, device
        self._devices[index] = _Device(number, ident, started=True)

    def detach(self, index: int, lost: bool) -> None:
        device = self._devices[index]
        job = self._detaching[index] = Job()
        if lost:
            # A thread for each: it refuses what is asked for until nobody asks any more.
            Jobs("refuses").do(lambda: self._refuse(index, device))
        else:
            self._detacher.do(lambda: self._tell(self._let_go(index, device, job)))

    def _let_go(self, index: int, device: _Device, job: Job) -> Event:
        control, path = self._detaching_control, ublk.block_device(device.number)
        until = time.monotonic() + _PROBE_SECONDS
        try:
            if not self._is_ours(control, device):
                return self._gone(index, device)
            while not control.stop(device.number):
                # udev looks at a device each time that a writer closes it, as swapoff does.
                if self._is_swap(path) or job.abandoned.is_set() or time.monotonic() > until:
                    raise VramswapError(
                        Problem.DEVICE_IS_SWAP if self._is_swap(path) else Problem.DEVICE_HELD, device=path
                    )
                time.sleep(_PROBE_POLL)
            control.delete(device.number)
        except VramswapError as error:
            return DetachFailed(index, error)
        return self._gone(index, device)

    def _refuse(self, index: int, device: _Device) -> None:
        def began() -> None:
            self._tell(DeviceDetached(index))

        try:
            with contextlib.closing(UblkControl()) as control:
                there = self._is_ours(control, device)
            if there:
                ublk.refuse([device.number], began)
            else:
                began()
            self._unmark(device.number)
        except VramswapError as error:
            self._tell(DetachFailed(index, error))
        except OSError as error:
            why = VramswapError(Problem.SYSTEM_REFUSED, why=os.strerror(error.errno or 0))
            self._tell(DetachFailed(index, why))

    def _gone(self, index: int, device: _Device) -> Event:
        self._unmark(device.number)

        def forget() -> None:
            if self._devices.get(index) is device:
                del self._devices[index]

        self._loop.call_soon_threadsafe(forget)
        return DeviceDetached(index)

    def _is_swap(self, path: str) -> bool:
        try:
            return any(area.device == path for area in swaps.read(self._proc))
        except OSError:
            return True

    def _is_ours(self, control: UblkControl, device: _Device) -> bool:
        """Whether the device is there, and is the one that was made."""
        info = control.info(device.number)
        return info is not None and info.identity == ublk.identity(device.ident)

    def _mark(self, number: int) -> None:
        with contextlib.suppress(OSError):
            self._marks.mkdir(exist_ok=True)
            # For everybody to see, whatever the umask of a unit that keeps all else to itself.
            self._marks.chmod(0o755)
            (self._marks / f"ublkb{number}").touch()

    def _unmark(self, number: int) -> None:
        with contextlib.suppress(OSError):
            (self._marks / f"ublkb{number}").unlink(missing_ok=True)

    def abandon(self, index: int) -> None:
        for job in (self._links.get(index), self._detaching.get(index)):
            if job is not None:
                job.abandoned.set()

    def drop_ends(self, index: int) -> None:
        device = self._devices.get(index)
        if device is not None and not device.started:
            del self._devices[index]
            self._linker.do(lambda: self._forget(device))

    def _forget(self, device: _Device) -> None:
        self._linking_control.delete(device.number)
        self._unmark(device.number)

    def kept_ends(self) -> Mapping[int, Sequence[int]]:
        return {}

    def connections(self, index: int) -> int:
        return 1

    def client(self, client: int) -> int:
        raise OSError("a kernel device has no clients")

    def close_client(self, client: int) -> None:
        """There are none."""

    def close(self) -> None:
        """Threads that are left go with the process."""


def unusable(proc: Path = Path("/proc"), sys: Path = Path("/sys")) -> VramswapError | None:
    """Why devices of this kind had better not be made here; None when they may.

    The version comes before the driver is asked anything, and what it says that it can before it is tried. What a
    server left that died meanwhile goes, for this one may have to take another driver.
    """
    if ublk.kernel_version(proc) < ublk.OLDEST_KERNEL:
        return VramswapError(Problem.UBLK_TOO_OLD, oldest=".".join(map(str, ublk.OLDEST_KERNEL)))
    try:
        with contextlib.closing(UblkControl()) as control:
            missing = control.missing()
            if missing:
                return VramswapError(Problem.UBLK_LACKS, what=", ".join(missing))
            control.sweep(sys)
            control.delete(control.add(_TRIED, SIZE_STEP))
    except VramswapError as error:
        return error
    return None


def end_strays(sys: Path = Path("/sys"), kept: Collection[str] = ()) -> list[str]:
    """Have somebody refuse requests of every device of ours, for when nobody serves them and nobody will, but for those
    of an identity that is ``kept``.

    Whoever refuses is a process for each, that ends with the device; at once where the kernel knows somebody who serves
    it after all. Returns them. What no program could use yet is forgotten. Raises VramswapError NO_UBLK, OSError.
    """
    ublk.sweep(sys)
    found = [info for ident, info in ublk.ours(sys).items() if ident not in kept]
    for info in found:
        if os.fork() == 0:
            _refuse_alone(info.number)
    return [info.device for info in found]


def _refuse_alone(number: int) -> NoReturn:
    status = 1
    try:
        # Nobody waits for the end of what its parent has open.
        process.close_all_but()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(nowhere, fd)
        process.call_it("vramswap-sentry")
        require_resident()
        ublk.refuse([number], lambda: None)
        status = 0
    finally:
        os._exit(status)
