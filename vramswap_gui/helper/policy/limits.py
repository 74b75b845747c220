# SPDX-License-Identifier: MIT
"""The limits of the card under the settings in force."""

from __future__ import annotations

from vramswap_gui.api.limits import Limits, Vram, limits
from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.settings import Config
from vramswap_gui.units import MIN_PACKED


def of(config: Config, vram: Vram) -> Limits:
    """The limits of a card with the settings in force."""
    return limits(vram, config.headroom, config.maximum)


def require_consistent(config: Config) -> None:
    """Raises VramswapError when the size that is set can be lent from no card, under the settings."""
    if config.maximum and config.size > config.maximum:
        raise VramswapError(Problem.SIZE_ABOVE_MAXIMUM, size=config.size, maximum=config.maximum)
    if config.compression != "off" and 0 < config.size < MIN_PACKED:
        raise VramswapError(Problem.TOO_LITTLE_TO_PACK, size=config.size, least=MIN_PACKED)


def require_possible(config: Config, vram: Vram) -> None:
    """Raises VramswapError when a size that somebody asks for can never be lent: from this card, or at all."""
    require_consistent(config)
    found = of(config, vram)
    if config.size > found.largest:
        raise VramswapError(
            Problem.SIZE_ABOVE_VRAM, size=config.size, total=vram.total, kept=found.headroom, most=found.largest
        )
