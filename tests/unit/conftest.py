# SPDX-License-Identifier: MIT
"""Fixtures of the unit tests."""

from tests.support.widgets import application, qt

__all__ = ["application", "qt"]
