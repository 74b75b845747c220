# SPDX-License-Identifier: MIT
"""The server with the kernel's ublk driver, on one of Debian's kernels."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.once import once
from tests.system import qemu, uml

pytestmark = [pytest.mark.system, pytest.mark.timeout(8 * uml.LIMIT)]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "guest", uml.build)


def test_swap_survives_dying_engines(built: Path) -> None:
    result = qemu.run(qemu.kernel("sid"), "tests.system.swap_scenario", "ublk", "4", "small", built=built, memory=384)
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_whoever_dies_and_when_no_page_is_lost(built: Path) -> None:
    result = qemu.run(qemu.kernel("sid"), "tests.system.ublk_scenario", "4", "1", built=built)
    assert result.status == 0, result.output
    assert "all done" in result.output


def test_vram_forgets_what_the_kernel_forgets(built: Path) -> None:
    result = qemu.run(qemu.kernel("sid"), "tests.system.discard_scenario", "ublk", built=built)
    assert result.status == 0, result.output
    assert "all done" in result.output


@pytest.mark.parametrize(
    ("suite", "kind"),
    [("trixie", "old"), pytest.param("trixie-backports", "new", marks=pytest.mark.release), ("sid", "new")],
)
def test_the_driver_is_chosen_by_what_the_kernel_has(suite: str, kind: str, built: Path) -> None:
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
