# SPDX-License-Identifier: MIT
"""What the tray needs of the helper's client, which tests replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from vramswap_gui.api.activity import Activity
from vramswap_gui.api.status import Mode, Status
from vramswap_gui.errors import VramswapError
from vramswap_gui.settings import Config


class Client(Protocol):
    """What the tray needs of ``vramswap_gui.client.Client``. Errors are VramswapError."""

    @property
    def status(self) -> Status:
        """The latest status."""

    async def connect(self) -> object:
        """Reach the helper. Raises VramswapError HELPER_UNAVAILABLE."""

    async def refresh(self) -> object:
        """Ask for the status anew: how full the swap is changes without a signal."""

    def subscribe(self, callback: Callable[[Status], None]) -> None:
        """Hear of every new status."""

    def on_lost(self, callback: Callable[[VramswapError], None]) -> None:
        """Hear when the helper is gone."""

    async def start(self) -> None:
        """Turn the swap on."""

    async def stop(self) -> None:
        """Turn the swap off."""

    async def cancel(self) -> None:
        """Have the pages that are on their way home stay."""

    async def resize(self, size: int) -> None:
        """Change the wanted size; 0 is automatic."""

    async def set_mode(self, mode: Mode) -> None:
        """Change when VRAM is lent by itself."""

    async def pause(self, seconds: int) -> None:
        """Lend nothing for so long; 0 ends the pause."""

    async def use_battery(self, wanted: bool) -> None:
        """Lend on battery too, until mains power is back."""

    async def make_way(self, wanted: bool) -> None:
        """Want all VRAM back while a game runs."""

    async def get_activity(self) -> Activity:
        """What happened lately, and what VRAM was good for today."""

    async def get_config(self) -> Config:
        """The settings."""

    async def set_config(self, values: Mapping[str, object]) -> None:
        """Change settings."""

    async def close(self) -> None:
        """Leave the bus."""
