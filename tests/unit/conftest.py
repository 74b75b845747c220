# SPDX-License-Identifier: MIT
"""Fixtures of the unit tests."""

from tests.support.widgets import application

__all__ = ["application"]
