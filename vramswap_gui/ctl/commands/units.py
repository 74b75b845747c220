# SPDX-License-Identifier: MIT
"""The commands of the system's sleep unit."""

from __future__ import annotations

import argparse
from typing import Final

from vramswap_gui.ctl.helper import helper
from vramswap_gui.errors import ErrorCode, VramswapError
from vramswap_gui.system import ours

#: With no swap of ours anywhere nobody waits longer for a helper that does not answer.
_SECONDS: Final = 5.0
#: What the helper says of pages that cannot come home.
_PAGES: Final = {ErrorCode.WONT_FIT, ErrorCode.SWAP_REFUSED, ErrorCode.CANCELLED}


async def sleep(options: argparse.Namespace) -> None:
    """``sleep``: a refusal keeps the machine awake, so nothing but pages on the GPU may be a reason for one."""
    lent = False
    try:
        async with helper() if ours.areas() else helper(_SECONDS) as client:
            lent = bool(client.status.segments)
            await client.sleep()
    except VramswapError as error:
        if lent or error.code in _PAGES or ours.areas():
            raise
