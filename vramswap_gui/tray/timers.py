# SPDX-License-Identifier: MIT
"""Timers. Qt's properties are set by their functions: as keyword arguments PySide looks for them by C's toupper.

That goes by the locale, and in Turkish there is no ``setInterval`` for an ``interval``.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


def repeating(parent: QObject, milliseconds: int, work: Callable[[], object]) -> QTimer:
    """A timer that does ``work`` again and again once it is started."""
    timer = QTimer(parent)
    timer.setInterval(milliseconds)
    timer.timeout.connect(work)
    return timer


def single(parent: QObject, milliseconds: int, work: Callable[[], object]) -> QTimer:
    """A timer that does ``work`` once, so long after it was started last."""
    timer = repeating(parent, milliseconds, work)
    timer.setSingleShot(True)
    return timer
