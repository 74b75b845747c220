"""When a GPU is given up, and with it the pages that are in it: a pure decision.

As long as it is not, whoever wants a page waits for it. So only engines that say themselves that the GPU fails count,
one after the other and for long; a program that merely crashes is not the GPU's fault, however often it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vramswap_gui.errors import ErrorCode, VramswapError

#: Seconds for which engine after engine must have failed by the GPU. A driver that wakes or resets one takes a few.
PATIENCE: Final = 30.0
#: An engine that served so many seconds had a GPU. The kernel asks again what one died of three seconds later.
YOUNG: Final = 10.0

#: What a GPU that is gone makes of CUDA's calls. No driver, or one that is too old, is one that is being installed; too
#: little VRAM is what others have.
_SIGNS: Final = (ErrorCode.NO_GPU, ErrorCode.SERVER_FAILED)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no engine: what the last one said, and since when all of them have said that the GPU fails."""

    error: VramswapError
    since: float | None


def heard(trouble: Trouble | None, error: VramswapError | None, now: float) -> Trouble | None:
    """The trouble after one more engine ended, with ``error`` or (None) without a word; ``now`` in seconds."""
    if error is None:
        return None
    if error.code not in _SIGNS:
        return Trouble(error, None)
    since = trouble.since if trouble is not None and trouble.since is not None else now
    return Trouble(error, since)


def is_gone(trouble: Trouble | None, now: float) -> bool:
    """Whether waiting any longer is in vain."""
    return trouble is not None and trouble.since is not None and now >= trouble.since + PATIENCE


def gpu_is_gone(trouble: Trouble) -> VramswapError:
    """The error once the GPU is given up."""
    return VramswapError(
        ErrorCode.NO_GPU,
        f"The GPU is gone, and what was in its memory is lost. {trouble.error.message}",
        "Turn the swap off; programs that miss pages end. Then look for NVRM or Xid lines in `dmesg`.",
    )
