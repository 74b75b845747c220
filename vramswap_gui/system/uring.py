# SPDX-License-Identifier: MIT
"""io_uring for commands to a driver (``IORING_OP_URING_CMD``), one ring a thread.

Source: io_uring(7), io_uring_setup(2), io_uring_enter(2), and the kernel's ``include/uapi/linux/io_uring.h``. The few
bytes are made by hand: whoever recovers live swap depends on nothing that it does not need.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import struct
from typing import Final

_SETUP: Final = 425
_ENTER: Final = 426

_SETUP_SQE128: Final = 1 << 10
_FEAT_SINGLE_MMAP: Final = 1 << 0
_FEAT_EXT_ARG: Final = 1 << 8
_OFF_SQES: Final = 0x10000000
_ENTER_GETEVENTS: Final = 1 << 0
_ENTER_EXT_ARG: Final = 1 << 3
_OP_URING_CMD: Final = 46

#: struct io_uring_params: the offsets of what lies in the rings begin at these bytes of it.
_PARAMS: Final = 120
_SQ_OFFSETS: Final = 40
_CQ_OFFSETS: Final = 80
_CQE: Final = 16
#: struct io_uring_getevents_arg: no signal mask, and the address of a struct __kernel_timespec.
_EXT_ARG: Final = "=QIIQ"


class Ring:
    """A ring of ``entries`` commands that may be under way at a time."""

    def __init__(self, entries: int, wide: bool = False) -> None:
        """``wide``: each command has room for 80 bytes of the driver's, else for 16. Raises OSError."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._sqe = 128 if wide else 64
        params = ctypes.create_string_buffer(_PARAMS)
        struct.pack_into("=I", params, 8, _SETUP_SQE128 if wide else 0)
        self._fd = self._libc.syscall(_SETUP, entries, params)
        if self._fd < 0:
            raise _failure()
        os.set_inheritable(self._fd, False)
        try:
            features = struct.unpack_from("=I", params, 20)[0]
            if not features & _FEAT_SINGLE_MMAP or not features & _FEAT_EXT_ARG:
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            sq, cq = struct.unpack_from("=2I", params)
            self._sq_head, self._sq_tail, self._sq_mask, _, _, _, self._sq_array = struct.unpack_from(
                "=7I", params, _SQ_OFFSETS
            )
            self._cq_head, self._cq_tail, self._cq_mask, _, _, self._cqes = struct.unpack_from(
                "=6I", params, _CQ_OFFSETS
            )
            size = max(self._sq_array + 4 * sq, self._cqes + _CQE * cq)
            self._rings = mmap.mmap(self._fd, size)
            self._sqes = mmap.mmap(self._fd, self._sqe * sq, offset=_OFF_SQES)
        except BaseException:
            os.close(self._fd)
            raise
        for index in range(sq):
            self._set(self._sq_array + 4 * index, index)
        self._timespec = ctypes.create_string_buffer(16)
        self._ext_arg = ctypes.create_string_buffer(struct.calcsize(_EXT_ARG))
        struct.pack_into(_EXT_ARG, self._ext_arg, 0, 0, 0, 0, ctypes.addressof(self._timespec))
        self._queued = 0

    def push(self, fd: int, command: int, payload: bytes, tag: int = 0) -> None:
        """Queue a command to the driver behind ``fd``; :meth:`enter` sends it. There must be room for it."""
        tail = self._get(self._sq_tail)
        at = (tail & self._get(self._sq_mask)) * self._sqe
        sqe = struct.pack("=BBHiII16sQ8x", _OP_URING_CMD, 0, 0, fd, command, 0, b"", tag) + payload
        self._sqes[at : at + self._sqe] = sqe.ljust(self._sqe, b"\0")
        self._set(self._sq_tail, tail + 1 & 0xFFFFFFFF)
        self._queued += 1

    def send(self) -> None:
        """Send what is queued. What is done meanwhile is told by the next :meth:`enter`. Raises OSError."""
        self._enter(0, 0)

    def enter(self, wait: int, seconds: float) -> list[tuple[int, int]]:
        """Send what is queued, and wait until ``wait`` commands are done, ``seconds`` at most.

        Returns the tag and the result, 0 or more or a negative errno, of each one that is, once. Raises OSError.
        """
        self._enter(wait, seconds)
        return self._done()

    def _enter(self, wait: int, seconds: float) -> None:
        struct.pack_into("=qq", self._timespec, 0, int(seconds), int(seconds % 1 * 1e9))
        flags = _ENTER_GETEVENTS | _ENTER_EXT_ARG
        sent = self._libc.syscall(
            _ENTER, self._fd, self._queued, wait, flags, self._ext_arg, ctypes.c_size_t(len(self._ext_arg.raw))
        )
        if sent >= 0:
            self._queued -= sent
        elif (error := _failure()).errno not in (errno.ETIME, errno.EINTR):
            raise error
        else:
            # Only the waiting ended early.
            self._queued = self._get(self._sq_tail) - self._get(self._sq_head) & 0xFFFFFFFF

    def _done(self) -> list[tuple[int, int]]:
        found = []
        head, tail = self._get(self._cq_head), self._get(self._cq_tail)
        while head != tail:
            at = self._cqes + (head & self._get(self._cq_mask)) * _CQE
            found.append(struct.unpack_from("=Qi", self._rings, at))
            head = head + 1 & 0xFFFFFFFF
        self._set(self._cq_head, head)
        return found

    def close(self) -> None:
        """Give it up, with what is under way."""
        self._sqes.close()
        self._rings.close()
        os.close(self._fd)

    def _get(self, offset: int) -> int:
        return int(struct.unpack_from("=I", self._rings, offset)[0])

    def _set(self, offset: int, value: int) -> None:
        struct.pack_into("=I", self._rings, offset, value)


def _failure() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
