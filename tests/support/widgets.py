# SPDX-License-Identifier: MIT
"""Qt in the process of the tests, without a display."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication


class Wordy(QTranslator):
    """A language in which everything takes twice the room."""

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return f"{text} {text.replace('&', '')}"

    def isEmpty(self) -> bool:
        return False


@pytest.fixture(scope="session")
def application() -> Iterator[QApplication]:
    yield QApplication.instance() or QApplication(["tests", "-platform", "offscreen"])  # type: ignore[misc]


def settle() -> None:
    for _ in range(10):
        QApplication.processEvents()
