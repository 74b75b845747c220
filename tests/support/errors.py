# SPDX-License-Identifier: MIT
"""Errors that say what a test wants."""

from __future__ import annotations

from vramswap_gui.errors import ErrorCode, VramswapError


def failure(code: ErrorCode, message: str = "It failed.", remedy: str = "") -> VramswapError:
    """An error in its own words, as of a version that has a problem which this one does not know."""
    return VramswapError.from_dict({"code": code.value, "message": message, "remedy": remedy})
