# SPDX-License-Identifier: MIT
"""Devices of ours that no server knows, and when one of them is given up."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final

#: Seconds for which a device may be unknown to the server that is just making it.
GRACE: Final = 10.0


class Strays:
    """Whose server died while it made them. Knows the time only from who asks."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def judge(self, found: Mapping[str, str], served: Set[str], now: float) -> list[str]:
        """Those that nobody serves, and nobody will any more, of the devices ``found`` by their identity.

        Their names come and go with the devices, and say little about which one it is.
        """
        unknown = {ident for ident, device in found.items() if device not in served}
        self._since = {ident: self._since.get(ident, now) for ident in unknown}
        return sorted(found[ident] for ident, since in self._since.items() if now - since >= GRACE)
