# SPDX-License-Identifier: MIT
"""The kernel's ublk driver over io_uring: the one place that knows its commands, beside the engine's frontend.

A device is made (``/dev/ublkcN``), then served by the one process that opens that, then started (``/dev/ublkbN``). When
that process ends, requests wait until a recovery is begun, another process serves, and the recovery is ended. Source:
the kernel's ``include/uapi/linux/ublk_cmd.h``, ``drivers/block/ublk_drv.c`` and ``Documentation/block/ublk.rst``.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import re
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.paths import KERNEL_RELEASE, UBLK
from vramswap_gui.system import smallfile
from vramswap_gui.system.uring import Ring

#: Older kernels crash or lose the device for good when a process dies while another one's device is being recovered.
OLDEST_KERNEL: Final = (7, 2)
CONTROL: Final = Path("/dev/ublk-control")
#: Requests of a device that are under way at a time, and bytes of one. The engine's frontend has them too.
DEPTH: Final = 32
MAX_IO: Final = 256 << 10
#: The most that is discarded by one request: a cluster of the kernel's swap (SWAPFILE_CLUSTER of mm/swapfile.c).
_MOST_DISCARDED: Final = 2 << 20

_IN: Final = 2 << 30
_IN_OUT: Final = 3 << 30


def _control(direction: int, number: int) -> int:
    """The number of a command that carries a struct ublksrv_ctrl_cmd (ioctl(2))."""
    return direction | _CTRL_CMD.size << 16 | ord("u") << 8 | number


def _queue(number: int) -> int:
    """The same with a struct ublksrv_io_cmd."""
    return _IN_OUT | _IO_CMD.size << 16 | ord("u") << 8 | number


#: struct ublksrv_ctrl_cmd: device, queue, length and address of what goes along, a number, and padding.
_CTRL_CMD: Final = struct.Struct("=IHHQQ8x")
#: struct ublksrv_io_cmd: queue, tag, result.
_IO_CMD: Final = struct.Struct("=HHi8x")
#: struct ublksrv_ctrl_dev_info: queues, depth, state, bytes of a request, number, pid, flags, the server's own flags.
_INFO: Final = struct.Struct("=HHH2xIIi4xQQ24x")
#: The beginning of struct ublk_params: length and types, struct ublk_param_basic, and struct ublk_param_discard.
_PARAMS: Final = struct.Struct("=II IBBBBIIQQ IIIIHH")
_PARAM_BASIC: Final = 1 << 0
_PARAM_DISCARD: Final = 1 << 1

_GET_DEV_INFO: Final = _control(_IN, 0x02)
_ADD_DEV: Final = _control(_IN_OUT, 0x04)
_START_DEV: Final = _control(_IN_OUT, 0x06)
_SET_PARAMS: Final = _control(_IN_OUT, 0x08)
_START_RECOVERY: Final = _control(_IN_OUT, 0x10)
_END_RECOVERY: Final = _control(_IN_OUT, 0x11)
_GET_FEATURES: Final = _control(_IN, 0x13)
_DEL_DEV_ASYNC: Final = _control(_IN, 0x14)
_TRY_STOP_DEV: Final = _control(_IN_OUT, 0x17)
_FETCH: Final = _queue(0x20)
_COMMIT_AND_FETCH: Final = _queue(0x21)

#: What a device is made with, and what else the driver has to have.
_FLAGS: Final = {
    "USER_RECOVERY": 1 << 3, "USER_RECOVERY_REISSUE": 1 << 4, "CMD_IOCTL_ENCODE": 1 << 6, "USER_COPY": 1 << 7,
    "NO_AUTO_PART_SCAN": 1 << 18,
}  # fmt: skip
_FEATURES: Final = {**_FLAGS, "SAFE_STOP_DEV": 1 << 17}

#: States of a device: UBLK_S_DEV_DEAD and UBLK_S_DEV_QUIESCED.
_DEAD: Final = 0
_QUIESCED: Final = 2
#: For no device, or any.
_NONE: Final = 0xFFFFFFFF

#: Seconds for a command. Those that may have to wait for the kernel's own workers get them all.
_SECONDS: Final = 10.0

#: What begins the 64 bits by which a device is known: ``ublksrv_flags``, which the driver keeps and does not look at.
_OURS: Final = 0x7673
_IDENT: Final = re.compile(r"vramswap-([0-9a-f]{1,8})-([0-9]+)")


def identity(ident: str) -> int:
    """The 64 bits of ``vramswap-TOKEN-SERIAL``, a token of eight hexadecimal digits."""
    match = _IDENT.fullmatch(ident)
    assert match is not None, ident
    return _OURS << 48 | int(match[1], 16) << 16 | int(match[2]) & 0xFFFF


def block_device(number: int) -> str:
    """The path of what programs use."""
    return f"{UBLK}{number}"


def char_device(number: int) -> str:
    """The path of what a server opens."""
    return f"/dev/ublkc{number}"


def number_of(device: str) -> int | None:
    """The number of a block device of the driver's; None for any other."""
    number = device.removeprefix(UBLK)
    return int(number) if number != device and number.isdecimal() else None


def kernel_version(proc: Path = Path("/proc")) -> tuple[int, int]:
    """As in ``uname -r``; (0, 0) for one that says something else."""
    match = re.match(r"(\d+)\.(\d+)", smallfile.text(proc / KERNEL_RELEASE))
    return (int(match[1]), int(match[2])) if match else (0, 0)


@dataclass(frozen=True, slots=True)
class Info:
    """A device as the driver has it. ``started``: programs can use it, be it served or not; ``waits``: whoever served
    it is gone, and its requests wait for another one."""

    number: int
    identity: int
    started: bool
    waits: bool = False

    @property
    def ours(self) -> bool:
        """Whether a server of ours made it."""
        return self.identity >> 48 == _OURS

    @property
    def ident(self) -> str:
        """What it is known by."""
        return f"vramswap-{self.identity >> 16 & 0xFFFFFFFF:08x}-{self.identity & 0xFFFF}"

    @property
    def device(self) -> str:
        """The path of what programs use."""
        return block_device(self.number)


class UblkControl:
    """``/dev/ublk-control``, for one thread. Methods raise VramswapError NO_UBLK with what the kernel says."""

    def __init__(self) -> None:
        """Raises VramswapError NO_UBLK when the driver is not there, or io_uring is switched off."""
        try:
            self._fd = os.open(CONTROL, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise VramswapError(Problem.UBLK_NOT_LOADED) from error
        try:
            self._ring = Ring(1, wide=True)
        except OSError as error:
            os.close(self._fd)
            raise VramswapError(Problem.UBLK_WITHOUT_RING, why=os.strerror(error.errno or 0)) from error
        self._buffer = ctypes.create_string_buffer(128)

    def close(self) -> None:
        """Devices stay as they are."""
        self._ring.close()
        os.close(self._fd)

    def missing(self) -> list[str]:
        """What the driver lacks."""
        self._do("ask", _GET_FEATURES, length=8)
        has = struct.unpack_from("=Q", self._buffer)[0]
        return [name for name, bit in _FEATURES.items() if not has & bit]

    def add(self, ident: str, size: int) -> int:
        """Make a device of ``size`` bytes, which is not started; returns its number.

        A driver that clears a flag without a word, as old ones do, is an error.
        """
        flags = sum(_FLAGS.values())
        _INFO.pack_into(self._buffer, 0, 1, DEPTH, 0, MAX_IO, _NONE, 0, flags, identity(ident))
        self._do("make", _ADD_DEV, length=_INFO.size)
        _, _, _, _, number, _, got, _ = _INFO.unpack_from(self._buffer)
        try:
            if got & flags != flags:
                lacking = ", ".join(name for name, bit in _FLAGS.items() if not got & bit)
                raise VramswapError(Problem.UBLK_LACKS, what=lacking)
            shift = 12
            basic = (0, shift, shift, shift, shift, MAX_IO >> 9, 0, size >> 9, 0)
            discard = (0, 1 << shift, _MOST_DISCARDED >> 9, _MOST_DISCARDED >> 9, 1, 0)
            types = _PARAM_BASIC | _PARAM_DISCARD
            _PARAMS.pack_into(self._buffer, 0, _PARAMS.size, types, *basic, *discard)
            self._do("size", _SET_PARAMS, number, length=_PARAMS.size)
        except VramswapError:
            self.delete(number)
            raise
        return int(number)

    def start(self, number: int, pid: int) -> None:
        """Let programs use a device, which the process ``pid`` serves."""
        self._do("start", _START_DEV, number, value=pid)

    def begin_recovery(self, number: int) -> bool:
        """Let another process serve a device. False while the one before is not wholly gone."""
        return self._do("recover", _START_RECOVERY, number, refusal=errno.EBUSY) == 0

    def end_recovery(self, number: int, pid: int) -> None:
        """Send all requests, those that waited first, to the process ``pid``, which serves the device."""
        self._do("recover", _END_RECOVERY, number, value=pid)

    def stop(self, number: int) -> bool:
        """Take a device that nobody has open from the programs. False when somebody has."""
        done = self._do("stop", _TRY_STOP_DEV, number, refusal=errno.EBUSY, gone=errno.ENODEV)
        return done == 0

    def delete(self, number: int) -> None:
        """Forget a device that was stopped, or was never started, as soon as its server lets go of it."""
        with contextlib.suppress(VramswapError):
            self._do("delete", _DEL_DEV_ASYNC, number)

    def info(self, number: int) -> Info | None:
        """None when there is no such device, which is another thing than one that could not be asked for."""
        if self._do("show", _GET_DEV_INFO, number, length=_INFO.size, refusal=errno.ENODEV):
            return None
        _, _, state, _, _, _, _, known = _INFO.unpack_from(self._buffer)
        return Info(number, known, state != _DEAD, state == _QUIESCED)

    def ours(self, sys: Path = Path("/sys")) -> dict[str, Info]:
        """The devices of ours by their identity, those too that were never started."""
        found = (self.info(number) for number in _numbers(sys))
        return {info.ident: info for info in found if info is not None and info.ours}

    def sweep(self, sys: Path = Path("/sys")) -> None:
        """Forget devices that a server of ours made and did not come to start: it is gone, and nobody else has them."""
        for number in _numbers(sys):
            with contextlib.suppress(VramswapError):
                info = self.info(number)
                if info is not None and info.ours and not info.started:
                    self.delete(number)

    def _do(
        self, doing: str, command: int, number: int = _NONE, length: int = 0, value: int = 0, refusal: int = 0,
        gone: int = 0,
    ) -> int:  # fmt: skip
        """Carry out a command; 0, or ``refusal`` when the kernel says that. ``gone``: what it says when it is done."""
        address = ctypes.addressof(self._buffer) if length else 0
        payload = _CTRL_CMD.pack(number, 0xFFFF, length, address, value)
        try:
            self._ring.push(self._fd, command, payload)
            done = self._ring.enter(1, _SECONDS)
            if not done:
                # What is under way is given up with its ring, and interrupted.
                self._ring.close()
                self._ring = Ring(1, wide=True)
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            code = -done[0][1]
            if code > 0 and code not in (refusal, gone):
                raise OSError(code, os.strerror(code))
        except OSError as error:
            device = block_device(number) if number != _NONE else str(CONTROL)
            why = os.strerror(error.errno or 0)
            raise VramswapError(Problem.UBLK_REFUSED, command=doing, device=device, why=why) from error
        return refusal if code == refusal else 0


def _numbers(sys: Path) -> list[int]:
    """Raises OSError."""
    return smallfile.numbers(sys / "class/ublk-char", "ublkc")


def ours(sys: Path = Path("/sys")) -> dict[str, Info]:
    """The devices of ours that programs can use, by their identity. Raises VramswapError NO_UBLK, OSError."""
    found: dict[str, Info] = {}
    # Without any there need be no driver.
    if _numbers(sys):
        with contextlib.closing(UblkControl()) as control:
            found = control.ours(sys)
    return {ident: info for ident, info in found.items() if info.started}


def sweep(sys: Path = Path("/sys")) -> None:
    """As :meth:`UblkControl.sweep`, where the driver can be asked."""
    if _numbers(sys):
        with contextlib.suppress(VramswapError), contextlib.closing(UblkControl()) as control:
            control.sweep(sys)


#: Seconds after which all devices that are refused had a turn.
_TURN: Final = 0.2


class Refusal:
    """Serves a device whose pages are lost: whoever asks for one gets an error, now and from then on.

    A device that were merely stopped would leave a swap area that can never be turned off. Everything needed is had
    before the device is opened, so that no page is missed in between.
    """

    def __init__(self, control: UblkControl, number: int) -> None:
        """Raises VramswapError NO_UBLK, OSError."""
        self._control = control
        self.number = number
        self._ring = Ring(DEPTH)
        self._fd = -1

    def begin(self, patience: float) -> None:
        """Take over from the server that died, which may take some time to be wholly gone. Raises as above."""
        until = time.monotonic() + patience
        while not self._control.begin_recovery(self.number):
            if time.monotonic() > until:
                raise VramswapError(Problem.UBLK_HOLDS_ON, device=block_device(self.number))
            time.sleep(0.01)
        self._fd = os.open(char_device(self.number), os.O_RDWR | os.O_CLOEXEC)
        # The driver wants its descriptors mapped, though nobody here reads what is asked for.
        self._descriptors = mmap.mmap(self._fd, mmap.PAGESIZE, prot=mmap.PROT_READ)
        for tag in range(DEPTH):
            self._ring.push(self._fd, _FETCH, _IO_CMD.pack(0, tag, 0), tag)
        self._ring.send()
        self._control.end_recovery(self.number, os.getpid())

    def serve(self, seconds: float) -> bool:
        """Refuse what is asked for in so many seconds. False once the device is gone."""
        for tag, result in self._ring.enter(1, seconds):
            if result < 0:
                return False
            self._ring.push(self._fd, _COMMIT_AND_FETCH, _IO_CMD.pack(0, tag, -errno.EIO), tag)
        # Who asks meanwhile is answered in the next turn.
        self._ring.send()
        return True

    def close(self) -> None:
        """Let go of it."""
        self._ring.close()
        if self._fd >= 0:
            self._descriptors.close()
            os.close(self._fd)


def _is_let_go(control: UblkControl, number: int) -> bool:
    """Whether nobody has a device open any more. Should the driver not say, it is asked again: whoever waits for a page
    has nobody else."""
    try:
        return control.stop(number)
    except VramswapError:
        return False


def refuse(devices: Sequence[int], began: Callable[[], None], patience: float = 10.0) -> None:
    """Refuse all requests of some devices, each until nobody has it open any more; then delete it.

    ``began`` is called once requests are refused. Raises VramswapError NO_UBLK, OSError.
    """
    with contextlib.ExitStack() as opened:
        control = opened.enter_context(contextlib.closing(UblkControl()))
        refusals = [opened.enter_context(contextlib.closing(Refusal(control, number))) for number in devices]
        for refusal in refusals:
            refusal.begin(patience)
        began()
        while refusals:
            for refusal in list(refusals):
                if not refusal.serve(_TURN / len(refusals)) or _is_let_go(control, refusal.number):
                    control.delete(refusal.number)
                    refusals.remove(refusal)
