# SPDX-License-Identifier: MIT
"""The server with the kernel's ublk driver, on one of Debian's kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.system import qemu, uml

# An emulated machine takes longest of all, so it is the first to begin.
pytestmark = [pytest.mark.system, pytest.mark.timeout(12 * uml.LIMIT)]


#: Those that one machine runs in turn, in an order in which most is found early.
SCENARIOS: Final = (
    "tests.system.discard_scenario ublk",
    "tests.system.swap_scenario ublk 4 small",
    "tests.system.ublk_scenario 4 1",
)


def test_pages_survive_whoever_dies_and_are_forgotten_when_they_may_be(built: Path) -> None:
    result = qemu.run(qemu.kernel("sid"), "tests.system.in_turn", *SCENARIOS, built=built, memory=384)
    assert result.status == 0, result.output
    assert result.output.count("all done") == len(SCENARIOS), result.output


@pytest.mark.release
@pytest.mark.parametrize(("suite", "kind"), [("trixie", "old"), ("trixie-backports", "new"), ("sid", "new")])
def test_the_driver_is_chosen_by_what_the_kernel_has(suite: str, kind: str, built: Path) -> None:
    """By the kernel's version, which tests/unit/test_ublk.py knows all cases of."""
    result = qemu.run(qemu.kernel(suite), "tests.system.transport_scenario", kind, built=built)
    assert result.status == 0, result.output
    assert "all done" in result.output


@pytest.mark.release
def test_who_waits_for_swap_that_nobody_serves_is_not_ended_for_memory(built: Path) -> None:
    result = qemu.run(qemu.kernel("sid"), "tests.system.unserved_scenario", "ublk", built=built, vram=160)
    assert result.status == 0, result.output
    assert "all done" in result.output


@pytest.mark.release
def test_many_engines_die_under_load(built: Path) -> None:
    for arguments in (("ublk", "40"), ("ublk", "20", "twice")):
        result = qemu.run(
            qemu.kernel("sid"), "tests.system.swap_scenario", *arguments, built=built, memory=480, vram=96
        )
        assert result.status == 0, result.output
        assert "all done" in result.output
    result = qemu.run(qemu.kernel("sid"), "tests.system.ublk_scenario", "40", "2", built=built)
    assert result.status == 0, result.output
    assert "all done" in result.output
