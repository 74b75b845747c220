# SPDX-License-Identifier: MIT
"""When the next engine is tried, and when the GPU is given up, and with it the pages that are in it: pure decisions.

As long as it is not, whoever wants a page waits for it. So only engines that say themselves that the GPU fails count,
one after the other and for long. A program that merely crashes is not the GPU's fault, however often it does; nor is a
driver that hangs: its VRAM is whole.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Final

from vramswap_gui.errors import ErrorCode, Problem, VramswapError

#: Seconds for which engine after engine must have failed by the GPU. A driver that wakes or resets one takes a few.
PATIENCE: Final = 30.0
#: The same while an engine of an earlier program still serves. It has its pages, if others merely find no way to the
#: GPU; but one that hangs, or that the kernel has given up before we came, cannot be told from it.
PATIENCE_SERVED: Final = 120.0
#: An engine that served so many seconds had a GPU. The kernel asks again what one died of three seconds later.
YOUNG: Final = 10.0
#: Seconds for which an engine must have served until the next one that is late is the first in a row.
STEADY: Final = 60.0
#: Seconds that nobody is waited for longer, unless that is usual.
LONGEST: Final = 40.0
#: Seconds before the next try, after so many engines in a row that did not last.
BACKOFF: Final = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
#: The exit status by which an engine says that its CUDA context is beyond use (copy_batch.pxd has it too).
CONTEXT_LOST: Final = 70

#: What a GPU that is gone makes of CUDA's calls. No driver, or one that is too old, is one that is being installed; too
#: little VRAM is what others have.
_SIGNS: Final = (ErrorCode.NO_GPU, ErrorCode.SERVER_FAILED)
#: What has the code of the second, and is no fault of the GPU's: a defect, or a system that is out of something.
_OTHERS: Final = (Problem.ENGINE_FAILED, Problem.CODEC_MISSING)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no engine: what the last one said, and since when all of them have said that the GPU fails."""

    error: VramswapError
    since: float | None


def heard(trouble: Trouble | None, error: VramswapError | None, now: float) -> Trouble | None:
    """The trouble after one more engine ended, with ``error`` or (None) without a word; ``now`` in seconds."""
    if error is None:
        return None
    if error.code not in _SIGNS or error.problem in _OTHERS:
        return Trouble(error, None)
    since = trouble.since if trouble is not None and trouble.since is not None else now
    return Trouble(error, since)


def is_gone(trouble: Trouble | None, now: float, served: bool = False) -> bool:
    """Whether waiting any longer is in vain; ``served``: an engine of an earlier program may still have the pages."""
    patience = PATIENCE_SERVED if served else PATIENCE
    return trouble is not None and trouble.since is not None and now >= trouble.since + patience


class Recovery:
    """What the engines before have come to."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None
        #: When the next engine may be started.
        self.retry_at = 0.0
        self._short_lived = 0
        self._death: tuple[int, float] | None = None
        #: Engines in a row that were ended because they were late.
        self._lates = 0

    def failed(self, error: VramswapError, now: float, since: float | None = None) -> None:
        """An engine said that it cannot serve, or was found to be of no use; ``since``: as with :meth:`died`."""
        self._forgive(since, now)
        self.trouble = heard(self.trouble, error, now)
        self._later(now)

    def hung(self, error: VramswapError, now: float) -> None:
        """An engine did not say anything in time. The VRAM may be whole, so that is no sign of a lost GPU."""
        self.trouble = Trouble(error, None)
        self._later(now)

    def died(self, status: int, since: float | None, now: float) -> None:
        """An engine ended with the status of wait(2); ``since``: when it began to serve, None if it did not."""
        code = os.waitstatus_to_exitcode(status)
        if since is not None:
            self._death = (status, now)
        if since is not None and now >= since + YOUNG:
            self._short_lived = 0
        elif code != -signal.SIGKILL:
            # Whom somebody killed, did not crash.
            self._short_lived += 1
        self._forgive(since, now)
        self.trouble = heard(self.trouble, VramswapError(Problem.GPU_FAILS) if code == CONTEXT_LOST else None, now)
        self.retry_at = now + BACKOFF[min(self._short_lived, len(BACKOFF) - 1)]

    def replaced(self) -> tuple[int, float] | None:
        """How and when the last engine that served ended; asked once the next one serves."""
        death, self._death = self._death, None
        return death

    def late(self) -> None:
        """An engine was ended because it was late. What makes one late, as memory that is short, may be there still."""
        self._lates += 1

    def serves(self, since: float, now: float) -> None:
        """An engine that has served ``since``, and was not late, does so still."""
        if now >= since + STEADY:
            self._lates = 0

    def patience(self, seconds: float) -> float:
        """For how long an engine is waited for that usually needs less than ``seconds``: twice as long as the last one,
        which was late."""
        return max(seconds, min(seconds * 2.0 ** min(self._lates, 8), LONGEST))

    def is_gone(self, now: float, served: bool) -> bool:
        """Whether the GPU is to be given up."""
        return is_gone(self.trouble, now, served)

    def gpu_is_gone(self) -> VramswapError:
        """The error once the GPU is given up."""
        if self.trouble is None:
            return VramswapError(Problem.GPU_GONE)
        return VramswapError(Problem.GPU_GONE_BECAUSE, why=self.trouble.error)

    def _forgive(self, since: float | None, now: float) -> None:
        """The GPU served for long: what was before is no sign any more."""
        if since is not None and now >= since + YOUNG:
            self.trouble = None

    def _later(self, now: float) -> None:
        self._short_lived += 1
        self.retry_at = now + BACKOFF[min(self._short_lived, len(BACKOFF) - 1)]
