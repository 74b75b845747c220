# SPDX-License-Identifier: MIT
"""What is left when keeper and engine are gone knows each of the kernel's drivers that is there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vramswap_gui.errors import Problem, VramswapError
from vramswap_gui.server.supervisor import sentry


def test_a_driver_that_is_not_there_keeps_nobody_from_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def absent() -> Callable[[], object]:
        raise VramswapError(Problem.NBD_NOT_LOADED)

    def present() -> Callable[[], object]:
        return lambda: told.append("it is lost")

    monkeypatch.setattr(sentry, "_DISCONNECT", (absent, present, absent))
    for disconnect in sentry._prepared():
        disconnect()
    assert told == ["it is lost"]
