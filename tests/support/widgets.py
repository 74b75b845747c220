# SPDX-License-Identifier: MIT
"""Qt in the process of the tests, without a display."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QTranslator
from PySide6.QtWidgets import QApplication


class Wordy(QTranslator):
    """A language in which everything takes twice the room."""

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return f"{text} {text.replace('&', '')}"

    def isEmpty(self) -> bool:
        return False


@pytest.fixture(scope="session")
def qt() -> QApplication:
    """There is one in a process, which ends with it."""
    return QApplication.instance() or QApplication(["tests", "-platform", "offscreen"])  # type: ignore[return-value]


@pytest.fixture
def application(qt: QApplication) -> Iterator[QApplication]:
    """Qt, with the colours and the font of the beginning. The windows that a test makes end with it.

    What is only forgotten lives on, and every change of colours, font or language reaches it too.
    """
    palette, font = qt.palette(), qt.font()
    yield qt
    for window in qt.topLevelWidgets():
        window.deleteLater()
    settle()
    assert qt.topLevelWidgets() == []
    if qt.palette() != palette:
        qt.setPalette(palette)
    if qt.font() != font:
        qt.setFont(font)


def settle() -> None:
    """Have all happen that Qt has to do; it deletes what goes later only where a loop of its own runs."""
    for _ in range(10):
        QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
