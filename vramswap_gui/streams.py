# SPDX-License-Identifier: MIT
"""The standard streams of every program, which may be closed, full, or read by nobody any more."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import ClassVar, Final

from vramswap_gui.errors import Problem, VramswapError

#: How each standard descriptor is opened when there is none: so that what uses it fails as before, but for complaints.
_INSTEAD: Final = (os.O_WRONLY, os.O_RDONLY, os.O_RDWR)


class _Complaints(io.FileIO):
    """Standard error. Nothing that a program does depends on whether its complaints can be written."""

    def write(self, data: object) -> int:
        whole = memoryview(data).nbytes  # type: ignore[arg-type]
        try:
            written: int | None = super().write(data)  # type: ignore[arg-type]
        except OSError:
            return whole
        # None: a terminal or pipe that would block.
        return whole if written is None else written


class _Answers(io.FileIO):
    """Standard output. A program fails with it also where who wrote passes over that, as argparse does."""

    #: Why the first answer that could not be written could not.
    error: ClassVar[OSError | None] = None

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            _Answers.error = _Answers.error or error
            raise


def prepare() -> None:
    """Have three of them, complaints that cannot fail, and answers that do not fail unnoticed.

    Before anything is opened or said: the next file or socket that is opened would have the number of one that is
    closed (as with ``>&-``), and whatever a library writes to standard error would go there.
    """
    for number, mode in enumerate(_INSTEAD):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, mode), True)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - for as long as the program runs
    encoding = sys.stdout.encoding if sys.stderr is None else sys.stderr.encoding
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _like(sys.stdout, _Answers(1, "w", closefd=False))
    raw = io.BufferedWriter(_Complaints(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=True)


def _like(before: io.TextIOWrapper, raw: io.FileIO) -> io.TextIOWrapper:
    """Such a stream on ``raw``. With PYTHONUNBUFFERED there is no buffer between them."""
    return io.TextIOWrapper(
        raw if before.write_through else io.BufferedWriter(raw), before.encoding, before.errors,
        line_buffering=before.line_buffering, write_through=before.write_through,
    )  # fmt: skip


def unwritten(error: OSError) -> VramswapError:
    """That what there is to say cannot be written."""
    return VramswapError(Problem.OUTPUT_NOT_WRITTEN, why=os.strerror(error.errno or 0))


def is_of_an_answer(error: OSError) -> bool:
    """Whether it is what kept the first answer from being written, which :func:`finish` tells."""
    return error is _Answers.error


def finish(status: object) -> object:
    """Write out what is left, so that nothing is when the interpreter ends; the exit status."""
    try:
        sys.stdout.flush()
        if _Answers.error is not None:
            raise _Answers.error
    except OSError as error:
        # What is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        # Whoever read the output has enough of it. And a program that failed has said why.
        if not isinstance(error, BrokenPipeError) and not status:
            print(f"{Path(sys.argv[0]).name}: {unwritten(error)}", file=sys.stderr)
            return 1
    return status
